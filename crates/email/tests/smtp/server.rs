//! aiosmtpd, as a process of one test.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The version that is tested against, and where it is put.
const AIOSMTPD: &str = "aiosmtpd==1.4.6";
/// What aiosmtpd needs, pinned like itself.
const NEEDS: [&str; 2] = ["atpublic==5.1", "attrs==25.3.0"];

/// A mail that the server has taken on.
#[derive(Debug, Deserialize)]
pub(crate) struct Mail {
    pub(crate) to: Vec<String>,
    /// Headers and body, as they came.
    pub(crate) content: String,
    /// It came over TLS.
    pub(crate) tls: bool,
    /// The client's port: the same for mails over one connection.
    pub(crate) peer: u16,
    /// Who was logged in.
    pub(crate) user: String,
}

/// A server of one test alone. Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) port: u16,
    said: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Server {
    /// Without TLS.
    pub(crate) async fn plain() -> Self {
        Self::start(&["plain".as_ref()]).await
    }

    /// Without TLS, and without SMTPUTF8.
    pub(crate) async fn ascii() -> Self {
        Self::start(&["ascii".as_ref()]).await
    }

    /// With STARTTLS by this certificate and key, and AUTH behind it.
    pub(crate) async fn with_tls(certificate: &Path, key: &Path) -> Self {
        Self::start(&[certificate, key]).await
    }

    async fn start(args: &[&Path]) -> Self {
        let mut process = Command::new(python().await)
            .args(["-c", include_str!("server.py")])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the server starts");
        let stdout = process.stdout.take().expect("its stdout");
        let mut said = BufReader::new(stdout).lines();
        let port = said.next_line().await.expect("a line");
        Self {
            port: port.and_then(|port| port.parse().ok()).expect("a port"),
            said,
            _process: process,
        }
    }

    /// The next mail that it takes on.
    pub(crate) async fn mail(&mut self) -> Mail {
        serde_json::from_str(&self.line().await).expect("a mail")
    }

    /// Waits until it has closed a connection.
    pub(crate) async fn has_closed(&mut self) {
        assert_eq!(self.line().await, r#"{"closed": true}"#);
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(30), self.said.next_line()).await;
        let line = line.expect("a word within 30 s").expect("a line");
        line.expect("the server runs")
    }
}

/// A Python that has aiosmtpd: a virtual environment under `target/`, made when it is not there.
async fn python() -> PathBuf {
    static MAKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _one_at_a_time = MAKING.lock().await;
    let venvs = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let venv = venvs.join(AIOSMTPD.replace("==", "-"));
    if !venv.exists() {
        // Under another name until it is whole: another process may be at it, too.
        let new = venvs.join(format!("aiosmtpd.{}", std::process::id()));
        let install = "install python3 and its venv module: `just setup`, or on Debian `apt-get install python3-venv`";
        let mut make = Command::new("python3");
        run(make.args(["-m", "venv", "--clear"]).arg(&new), install).await;
        let mut pip = Command::new(new.join("bin/python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        let reach = "see whether PyPI can be reached";
        run(pip.arg(AIOSMTPD).args(NEEDS), reach).await;
        // When the other one was first, its is as good.
        let _ = std::fs::rename(&new, &venv);
    }
    venv.join("bin/python")
}

async fn run(command: &mut Command, cure: &str) {
    let output = command.output().await;
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; {cure}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}; {cure}");
}
