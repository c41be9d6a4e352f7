//! A Postgres of one's own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use crate::redis_server::free_port;

/// How long it may take to come up; after a crash it recovers first.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Who it runs as where the tests run as root, which Postgres refuses: `nobody`.
const NOBODY: u32 = 65_534;

/// What it writes when it is there.
const READY: &str = "database system is ready to accept connections";

/// A `postgres` process that belongs to one test or one demonstration, on a free port of 127.0.0.1 and in a directory of its
/// own. It can be killed and restarted on the same port and data. Dropping it ends the process and removes the directory.
///
/// Its programs are those in the path, or in `LONGSHORE_TEST_POSTGRES` (a directory), or of the newest version that Debian
/// has installed.
///
/// All calls block, for a second or two.
#[derive(Debug)]
pub struct PostgresServer {
    port: u16,
    programs: PathBuf,
    settings: Vec<String>,
    child: Option<Child>,
    // Removed last, after the process that writes into it is gone.
    dir: TempDir,
}

/// A Postgres that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum PostgresServerError {
    /// There is no such program.
    #[error(
        "postgres was not found: `just setup` installs it, and LONGSHORE_TEST_POSTGRES can name the directory of its programs"
    )]
    NotFound,
    /// It did not come up.
    #[error("postgres did not come up on port {port}; it said:\n{log}")]
    NotReady {
        /// Where it should listen.
        port: u16,
        /// What it wrote.
        log: String,
    },
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl PostgresServer {
    /// Starts one with an empty database, and waits until it answers. It does not wait for its disk, so it survives a killed
    /// process, and no power cut.
    ///
    /// # Errors
    /// When there is no such program, or it does not come up.
    pub fn start() -> Result<Self, PostgresServerError> {
        Self::start_with(&[])
    }

    /// The same with settings, such as `ssl=on`.
    ///
    /// # Errors
    /// When there is no such program, or it does not come up.
    pub fn start_with(settings: &[&str]) -> Result<Self, PostgresServerError> {
        let programs = programs().ok_or(PostgresServerError::NotFound)?;
        let dir = tempfile::Builder::new()
            .prefix("longshore-postgres-")
            .tempdir()
            .map_err(io_error("making its directory"))?;
        own(dir.path())?;
        let port = free_port().map_err(io_error("finding a port"))?;
        let mut server = Self {
            port,
            programs,
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            child: None,
            dir,
        };
        let made = server
            .program("initdb")
            .args(["--username=app", "--auth=trust", "--encoding=UTF8"])
            .args(["--no-locale", "--no-sync", "--pgdata"])
            .arg(server.data())
            .output()
            .map_err(io_error("running initdb"))?;
        if !made.status.success() {
            let log = String::from_utf8_lossy(&made.stderr).into_owned();
            return Err(PostgresServerError::NotReady { port, log });
        }
        server.launch()?;
        Ok(server)
    }

    /// Where it listens, with its user and its database: `postgres://app@127.0.0.1:PORT/postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://app@127.0.0.1:{}/postgres", self.port)
    }

    /// Its port, the same after each restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A directory that it can read, for certificates.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Runs SQL with `psql`, and returns what it prints: a row a line, without headings.
    ///
    /// # Panics
    /// When it fails.
    pub fn sql(&self, sql: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set=ON_ERROR_STOP=1", &self.url()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql runs");
        let mut stdin = psql.stdin.take().expect("it is piped");
        stdin.write_all(sql.as_bytes()).expect("psql reads");
        drop(stdin);
        let ran = psql.wait_with_output().expect("psql ends");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{sql}: {said}");
        String::from_utf8_lossy(&ran.stdout).trim_end().to_owned()
    }

    /// Kills it with SIGKILL, as a crash would. Does nothing when it does not run.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It fails only when the process is gone already; `wait` then returns at once.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again on the same port and data, and waits until it answers; kills it first if it still runs.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn restart(&mut self) -> Result<(), PostgresServerError> {
        self.kill();
        self.launch()
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn log(&self) -> String {
        let log = fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// One of its programs, as somebody it runs for.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.stdin(Stdio::null()).current_dir(self.dir.path());
        if geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn launch(&mut self) -> Result<(), PostgresServerError> {
        let give_up = Instant::now() + READY_WITHIN;
        loop {
            let before = self.log().len();
            let log = self.open_log()?;
            let again = log.try_clone().map_err(io_error("opening its log"))?;
            let mut command = self.program("postgres");
            command.arg("-D").arg(self.data());
            command.args(["-p", &self.port.to_string(), "-k"]);
            command.arg(self.dir.path());
            let own = self.settings.iter().map(String::as_str);
            let settings = [
                "listen_addresses=127.0.0.1",
                "fsync=off",
                "shared_buffers=16MB",
            ];
            for setting in settings.into_iter().chain(own) {
                command.args(["-c", setting]);
            }
            let child = command.stdout(log).stderr(again).spawn();
            let mut child = child.map_err(io_error("starting postgres"))?;
            while Instant::now() < give_up {
                if self.log()[before..].contains(READY) {
                    self.child = Some(child);
                    return Ok(());
                }
                // What the killed one leaves behind takes a moment to be gone.
                let ended = child
                    .try_wait()
                    .map_err(io_error("asking after the process"))?;
                #[expect(
                    clippy::disallowed_methods,
                    reason = "it blocks, as its documentation says"
                )]
                sleep(Duration::from_millis(20));
                if ended.is_some() {
                    break;
                }
            }
            if Instant::now() >= give_up {
                let _ = child.kill();
                let _ = child.wait();
                let (port, log) = (self.port, self.log());
                return Err(PostgresServerError::NotReady { port, log });
            }
        }
    }

    fn open_log(&self) -> Result<File, PostgresServerError> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path());
        log.map_err(io_error("opening its log"))
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Its children go with it: SIGQUIT ends all of them at once.
            if let Some(pid) = Pid::from_raw(child.id().cast_signed()) {
                let _ = kill_process(pid, Signal::QUIT);
            }
            let _ = child.wait();
        }
    }
}

fn io_error(what: &'static str) -> impl FnOnce(io::Error) -> PostgresServerError {
    move |source| PostgresServerError::Io { what, source }
}

fn own(dir: &Path) -> Result<(), PostgresServerError> {
    if geteuid().is_root() {
        chown(dir, Some(NOBODY), Some(NOBODY)).map_err(io_error("giving it its directory"))?;
    }
    Ok(())
}

/// The directory of its programs.
fn programs() -> Option<PathBuf> {
    let has = |dir: &PathBuf| dir.join("initdb").is_file() && dir.join("postgres").exists();
    if let Some(named) = std::env::var_os("LONGSHORE_TEST_POSTGRES") {
        return Some(PathBuf::from(named)).filter(has);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    // Debian keeps them out of the path, a directory for each version.
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort();
    dirs.extend(versions.into_iter().rev());
    let homebrew = ["/opt/homebrew/opt", "/usr/local/opt"];
    dirs.extend(homebrew.map(|dir| Path::new(dir).join("postgresql@17/bin")));
    // Where the path has links to some of them, they stand together behind these.
    let dir = dirs.into_iter().find(has)?;
    let program = fs::canonicalize(dir.join("initdb")).ok()?;
    program.parent().map(Path::to_owned)
}
