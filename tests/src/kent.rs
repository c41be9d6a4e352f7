use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use crate::{eventually, http, pypi};

/// The version that is installed.
const VERSION: &str = "2.2.0";

/// A Sentry that we did not write: PyPI's `kent`, which takes what SDKs send and shows it. Installed into
/// `target/kent` when it is not there.
#[derive(Debug)]
pub struct Kent {
    addr: SocketAddr,
    _process: Child,
}

impl Kent {
    /// Starts one, with nothing in it.
    ///
    /// # Panics
    /// When it cannot be installed or started.
    pub async fn start() -> Self {
        static INSTALLED: OnceCell<PathBuf> = OnceCell::const_new();
        let program = INSTALLED.get_or_init(install).await;
        let addr = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let addr = addr.expect("a free port");
        let process = Command::new(program)
            .args(["run", "--host", "127.0.0.1", "--port"])
            .arg(addr.port().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("kent starts");
        eventually("kent listens", || async {
            TcpStream::connect(addr).await.is_ok()
        })
        .await;
        let _process = process;
        Self { addr, _process }
    }

    /// The DSN of a project in it.
    #[must_use]
    pub fn dsn(&self) -> String {
        format!("http://flow@{}/1", self.addr)
    }

    /// The events that it has, in their order.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn events(&self) -> Vec<Value> {
        let list = self.json("/api/eventlist/").await;
        let mut events = Vec::new();
        for event in list["events"].as_array().expect("a list") {
            let id = event["event_id"].as_str().expect("an id");
            let event = self.json(&format!("/api/event/{id}")).await;
            events.push(event["payload"].clone());
        }
        events
    }

    /// Waits until it has this many events.
    ///
    /// # Panics
    /// When it does not get them.
    pub async fn has(&self, count: usize) -> Vec<Value> {
        eventually(&format!("{count} events came"), || async {
            self.events().await.len() >= count
        })
        .await;
        self.events().await
    }

    async fn json(&self, path: &str) -> Value {
        let (status, body) = http::get(self.addr, path).await;
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }
}

async fn install() -> PathBuf {
    let home = pypi::installed("kent", &[&format!("kent=={VERSION}")], VERSION).await;
    home.join("bin/kent-server")
}
