//! A Vault of one's own.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::redis_server::free_port;

/// How long it may take to come up, and to answer.
const READY_WITHIN: Duration = Duration::from_secs(30);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// An OpenBao server, which speaks Vault's API: a process that belongs to one test, unsealed, its secrets in memory and
/// gone with it. Its KV engine (version 2) is at `secret/`, and its root token is `root`.
///
/// The program is what `LONGSHORE_TEST_OPENBAO` names, or what `just openbao` has installed.
///
/// All calls block, for milliseconds as a rule: async tests may call them as they are.
#[derive(Debug)]
pub struct VaultServer {
    port: u16,
    child: Child,
    unseal_key: String,
    // Removed last, after the process that writes into it is gone.
    _dir: TempDir,
}

impl VaultServer {
    /// What may do everything.
    pub const ROOT: &'static str = "root";

    /// Whether there is such a program.
    #[must_use]
    pub fn is_installed() -> bool {
        program().is_file()
    }

    /// Starts one, and waits until it answers.
    ///
    /// # Panics
    /// When there is no such program, or it does not come up.
    #[must_use]
    pub fn start() -> Self {
        let program = program();
        assert!(
            program.is_file(),
            "{} is not there: `just openbao` installs it, and LONGSHORE_TEST_OPENBAO can name another",
            program.display()
        );
        let dir = tempfile::Builder::new()
            .prefix("longshore-vault-")
            .tempdir();
        let dir = dir.expect("a directory");
        for _ in 0..20 {
            if let Some(server) = Self::launch(&program, dir.path()) {
                let (port, child, unseal_key) = server;
                return Self {
                    port,
                    child,
                    unseal_key,
                    _dir: dir,
                };
            }
        }
        panic!("no port was free twenty times");
    }

    /// `None` when somebody else was quicker to take the port.
    fn launch(program: &Path, dir: &Path) -> Option<(u16, Child, String)> {
        let port = free_port().expect("a free port");
        let log = dir.join("server.log");
        let out = File::create(&log).expect("a log file");
        let mut child = Command::new(program)
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={}", Self::ROOT))
            .arg(format!("-dev-listen-address=127.0.0.1:{port}"))
            .env("HOME", dir)
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a log file"))
            .stderr(out)
            .spawn()
            .expect("it starts");
        let started = Instant::now();
        loop {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let key = said
                .lines()
                .find_map(|line| line.strip_prefix("Unseal Key: "));
            if let Some(key) = key.filter(|_| said.contains("Root Token:")) {
                return Some((port, child, key.trim().to_owned()));
            }
            if child.try_wait().expect("the system knows").is_some() {
                assert!(
                    said.contains("in use"),
                    "it ended as soon as it was started:\n{said}"
                );
                return None;
            }
            if started.elapsed() > READY_WITHIN {
                let _ = child.kill();
                panic!("it did not come up:\n{said}");
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "for programs without a runtime too, and for milliseconds"
            )]
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its origin: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Writes a secret with one field, `value`.
    ///
    /// # Panics
    /// When it is not written.
    pub fn put(&self, path: &str, value: &str) {
        self.put_fields(path, &json!({ "value": value }));
    }

    /// Writes a secret.
    ///
    /// # Panics
    /// When it is not written.
    pub fn put_fields(&self, path: &str, fields: &Value) {
        self.post(&format!("secret/data/{path}"), &json!({ "data": fields }));
    }

    /// Lets `policy` read what is under this path of `secret/`, `sendgrid/*` say; nothing else.
    ///
    /// # Panics
    /// When it is refused.
    pub fn grant(&self, policy: &str, path: &str) {
        let rules = format!(r#"path "secret/data/{path}" {{ capabilities = ["read"] }}"#);
        let path = format!("sys/policies/acl/{policy}");
        self.post(&path, &json!({ "policy": rules }));
    }

    /// A role that logs in by AppRole for tokens with this policy, which live so many seconds, and with renewals so many
    /// at the most. Returns its role id and a secret id.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn app_role(&self, policy: &str, ttl: u64, max_ttl: u64) -> (String, String) {
        if !self.call("GET", "sys/auth", Self::ROOT, None).1["data"]["approle/"].is_object() {
            self.post("sys/auth/approle", &json!({ "type": "approle" }));
        }
        let role =
            json!({ "token_policies": [policy], "token_ttl": ttl, "token_max_ttl": max_ttl });
        self.post("auth/approle/role/workers", &role);
        let id =
            |answer: &Value, name: &str| answer["data"][name].as_str().expect("an id").to_owned();
        let role = self.get("auth/approle/role/workers/role-id");
        let secret = self.post("auth/approle/role/workers/secret-id", &json!({}));
        (id(&role, "role_id"), id(&secret, "secret_id"))
    }

    /// Seals it: it answers 503 to everything until it is unsealed.
    ///
    /// # Panics
    /// When it does not.
    pub fn seal(&self) {
        self.post("sys/seal", &json!({}));
    }

    /// Unseals it; what was in it is there again.
    ///
    /// # Panics
    /// When it does not.
    pub fn unseal(&self) {
        self.post("sys/unseal", &json!({ "key": self.unseal_key }));
        let started = Instant::now();
        while self.call("GET", "secret/config", Self::ROOT, None).0 != 200 {
            assert!(started.elapsed() < READY_WITHIN, "it stays sealed");
        }
    }

    /// Makes every token void that AppRole has given.
    ///
    /// # Panics
    /// When it is refused.
    pub fn revoke_tokens(&self) {
        self.post("sys/leases/revoke-prefix/auth/approle", &json!({}));
    }

    /// How often somebody has logged in by AppRole and holds a token still.
    #[must_use]
    pub fn tokens(&self) -> usize {
        let listed = self
            .call("LIST", "auth/token/accessors", Self::ROOT, None)
            .1;
        // One of them is root's.
        listed["data"]["keys"]
            .as_array()
            .map_or(0, Vec::len)
            .saturating_sub(1)
    }

    /// `GET /v1/<path>` as root.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        let (status, answer) = self.call("GET", path, Self::ROOT, None);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// `POST /v1/<path>` as root.
    ///
    /// # Panics
    /// When it is refused.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call("POST", path, Self::ROOT, Some(body));
        assert!(matches!(status, 200 | 204), "{path}: {status} {answer}");
        answer
    }

    /// Any request: its status and its body, null when there is none.
    ///
    /// # Panics
    /// When there is no answer within ten seconds.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let exchange = || -> io::Result<String> {
            let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
            let mut stream = TcpStream::connect_timeout(&addr, ANSWER_WITHIN)?;
            stream.set_read_timeout(Some(ANSWER_WITHIN))?;
            let body = body.map(ToString::to_string).unwrap_or_default();
            // HTTP/1.0: the body ends with the connection, without chunks.
            write!(
                stream,
                "{method} /v1/{path} HTTP/1.0\r\nHost: vault\r\nX-Vault-Token: {token}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = exchange().expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        (
            status.expect("a status"),
            serde_json::from_str(body).unwrap_or_default(),
        )
    }
}

impl Drop for VaultServer {
    fn drop(&mut self) {
        // It fails only when the process is gone already; `wait` then returns at once.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `LONGSHORE_TEST_OPENBAO` names, or what `just openbao` has put into the workspace's `target`.
fn program() -> PathBuf {
    let named = std::env::var_os("LONGSHORE_TEST_OPENBAO").filter(|path| !path.is_empty());
    named.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/openbao/bao"),
        PathBuf::from,
    )
}
