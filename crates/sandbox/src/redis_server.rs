//! A Redis of one's own.

mod cluster;
mod options;
mod probe;
mod replica;
mod sentinel;
mod sentinels;

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub use cluster::RedisCluster;
pub use options::{AppendFsync, RedisServerOptions};
use probe::Answer;
pub use probe::free_port;
pub use sentinels::RedisSentinels;

/// How often another port is tried when someone else was quicker.
const PORT_ATTEMPTS: usize = 20;

/// A `redis-server` process that belongs to one test or one demonstration, on a free port of 127.0.0.1 and in a
/// directory of its own. It can be killed, restarted on the same port and data, and paused. Dropping it kills the
/// process and removes the directory.
///
/// The program is `redis-server`, or what `LONGSHORE_TEST_REDIS_SERVER` names: Valkey's server does as well, but a
/// script that starts one as its child does not, since signals would reach the script.
///
/// All calls block, for milliseconds as a rule: async tests may call them as they are.
///
/// When this process is killed with SIGKILL, nothing here runs any more and the server stays behind; tying its life
/// to ours in the kernel takes code that this workspace forbids (`unsafe`). Ctrl-C in a terminal reaches both.
#[derive(Debug)]
pub struct RedisServer {
    options: RedisServerOptions,
    port: u16,
    tls_port: Option<u16>,
    child: Option<Child>,
    // Removed last, after the process that writes into it is gone.
    dir: TempDir,
}

/// A Redis that could not be started, or not be reached by a signal.
#[derive(Debug, thiserror::Error)]
pub enum RedisServerError {
    /// There is no such program.
    #[error(
        "{} was not found: `just setup` installs it, and LONGSHORE_TEST_REDIS_SERVER can name another",
        program.display()
    )]
    NotFound {
        /// What was looked for.
        program: PathBuf,
    },
    /// It ended at once.
    #[error("{} ended as soon as it was started; it said:\n{log}", program.display())]
    Ended {
        /// What was started.
        program: PathBuf,
        /// What it wrote.
        log: String,
    },
    /// It runs, and does not answer.
    #[error("{} did not answer on port {port} within {} s; it said:\n{log}", program.display(), within.as_secs())]
    NotReady {
        /// What was started.
        program: PathBuf,
        /// Where it should listen.
        port: u16,
        /// How long it was given.
        within: Duration,
        /// What it wrote.
        log: String,
    },
    /// It does not run, so it cannot be paused or resumed.
    #[error("the server on port {port} does not run")]
    NotRunning {
        /// Where it would listen.
        port: u16,
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

impl RedisServer {
    /// Starts one that keeps nothing on disk, and waits until it answers.
    ///
    /// # Errors
    /// When there is no such program, or it does not come up.
    pub fn start() -> Result<Self, RedisServerError> {
        Self::options().start()
    }

    /// The same with options.
    #[must_use]
    pub fn options() -> RedisServerOptions {
        RedisServerOptions::default()
    }

    fn start_with(options: RedisServerOptions) -> Result<Self, RedisServerError> {
        let dir = tempfile::Builder::new()
            .prefix("longshore-redis-")
            .tempdir()
            .map_err(|source| io_error("making its directory", source))?;
        let mut server = Self {
            options,
            port: 0,
            tls_port: None,
            child: None,
            dir,
        };
        for _ in 1..PORT_ATTEMPTS {
            server.port = free_port().map_err(|source| io_error("finding a port", source))?;
            if server.options.tls.is_some() {
                let port = free_port().map_err(|source| io_error("finding a port", source))?;
                server.tls_port = Some(port);
            }
            match server.launch() {
                Err(RedisServerError::Ended { log, .. }) if log.contains("in use") => {}
                result => return result.map(|()| server),
            }
        }
        server.launch().map(|()| server)
    }

    /// Where it listens: `redis://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where it listens by TLS: `rediss://127.0.0.1:PORT`; as without it where it does not.
    #[must_use]
    pub fn tls_url(&self) -> String {
        match self.tls_port {
            Some(port) => format!("rediss://127.0.0.1:{port}"),
            None => self.url(),
        }
    }

    /// The port for replicas, Sentinels and other nodes.
    fn port_among_servers(&self) -> u16 {
        self.tls_port.unwrap_or(self.port)
    }

    /// Its port, the same after each restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The id of its process, if it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Its directory, where its data is if it keeps any.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What it has written since it was first started.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read(self.log_path())
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
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
    pub fn restart(&mut self) -> Result<(), RedisServerError> {
        self.kill();
        self.launch()
    }

    /// Stops it in its tracks with SIGSTOP: connections stay open and nothing answers, as in a long stall.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pause(&self) -> Result<(), RedisServerError> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on after [`pause`](Self::pause).
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&self) -> Result<(), RedisServerError> {
        self.signal(Signal::CONT)
    }

    /// Waits until it answers and has loaded its data; for after [`resume`](Self::resume).
    ///
    /// # Errors
    /// When it has ended, or does not answer within `deadline`.
    pub fn wait_ready(&mut self, deadline: Duration) -> Result<(), RedisServerError> {
        let port = self.port;
        let Some(child) = &mut self.child else {
            return Err(RedisServerError::NotRunning { port });
        };
        let answer = probe::wait(child, port, deadline)
            .map_err(|source| io_error("asking after the process", source))?;
        let program = self.options.program();
        match answer {
            Answer::Ready => Ok(()),
            Answer::Ended => {
                self.child = None;
                let log = self.log();
                Err(RedisServerError::Ended { program, log })
            }
            Answer::Silence => Err(RedisServerError::NotReady {
                program,
                port,
                within: deadline,
                log: self.log(),
            }),
        }
    }

    fn launch(&mut self) -> Result<(), RedisServerError> {
        let program = self.options.program();
        let log = self
            .open_log()
            .map_err(|source| io_error("opening its log", source))?;
        let stderr = log
            .try_clone()
            .map_err(|source| io_error("opening its log", source))?;
        let mut command = Command::new(&program);
        if let Some(settings) = &self.options.file {
            // A Sentinel writes into it what it has found out.
            let file = self.dir.path().join("server.conf");
            if !file.exists() {
                std::fs::write(&file, settings)
                    .map_err(|source| io_error("writing its settings", source))?;
            }
            command.arg(file);
        }
        if let Some(users) = &self.options.users {
            let file = self.dir.path().join("users.acl");
            std::fs::write(&file, users).map_err(|source| io_error("writing its users", source))?;
            command.arg("--aclfile").arg(file);
        }
        if let (Some(dir), Some(port)) = (&self.options.tls, self.tls_port) {
            command.args(["--tls-port", &port.to_string()]);
            command.args(["--tls-replication", "yes", "--tls-cluster", "yes"]);
            for (name, file) in [
                ("--tls-ca-cert-file", "ca.pem"),
                ("--tls-cert-file", "cert.pem"),
                ("--tls-key-file", "key.pem"),
            ] {
                command.arg(name).arg(dir.join(file));
            }
        }
        for file in &self.options.includes {
            command.arg("--include").arg(file);
        }
        let child = command
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--daemonize", "no", "--save", ""])
            .arg("--dir")
            .arg(self.dir.path())
            .args(self.options.args())
            .envs(self.options.variables())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(stderr)
            .spawn()
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => RedisServerError::NotFound { program },
                _ => io_error("starting it", source),
            })?;
        self.child = Some(child);
        let ready = self.wait_ready(self.options.ready_within);
        if ready.is_err() {
            self.kill();
        }
        ready
    }

    fn signal(&self, signal: Signal) -> Result<(), RedisServerError> {
        let port = self.port;
        let child = self.child.as_ref();
        let child = child.ok_or(RedisServerError::NotRunning { port })?;
        kill_process(Pid::from_child(child), signal)
            .map_err(|errno| io_error("sending it a signal", errno.into()))
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("server.log")
    }

    fn open_log(&self) -> io::Result<File> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn io_error(what: &'static str, source: io::Error) -> RedisServerError {
    RedisServerError::Io { what, source }
}
