//! How a private Redis is started.

use std::path::PathBuf;
use std::time::Duration;

use super::{RedisServer, RedisServerError};

/// Names another program than `redis-server`.
const PROGRAM_VARIABLE: &str = "LONGSHORE_TEST_REDIS_SERVER";

/// When an append-only file reaches the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendFsync {
    /// Before each answer: nothing that was acknowledged is lost.
    Always,
    /// Once a second: a crash of the machine loses the last one, a crash of Redis alone nothing.
    EverySecond,
}

/// How a [`RedisServer`] is started. Without further ado it keeps nothing on disk.
#[derive(Debug, Clone)]
pub struct RedisServerOptions {
    program: Option<PathBuf>,
    args: Vec<String>,
    env: Vec<(String, String)>,
    /// Files of settings, which come before all others.
    pub(super) includes: Vec<PathBuf>,
    /// What its file of settings begins with, where it needs one.
    pub(super) file: Option<String>,
    /// The directory with `ca.pem`, `cert.pem` and `key.pem`, where it listens by TLS as well.
    pub(super) tls: Option<PathBuf>,
    /// Who its users are.
    pub(super) users: Option<String>,
    pub(super) ready_within: Duration,
}

impl Default for RedisServerOptions {
    fn default() -> Self {
        Self {
            program: None,
            args: Vec::new(),
            env: Vec::new(),
            includes: Vec::new(),
            file: None,
            tls: None,
            users: None,
            ready_within: Duration::from_secs(15),
        }
    }
}

impl RedisServerOptions {
    /// This program, whatever the environment says.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// Keeps an append-only file, so that data survives [`RedisServer::kill`].
    #[must_use]
    pub fn append_only(self, fsync: AppendFsync) -> Self {
        let fsync = match fsync {
            AppendFsync::Always => "always",
            AppendFsync::EverySecond => "everysec",
        };
        self.set("appendonly", "yes").set("appendfsync", fsync)
    }

    /// Any other setting: `set("maxmemory", "64mb")`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.args.push(format!("--{name}"));
        self.args.push(value.to_owned());
        self
    }

    /// Begins with the settings of this file; all that is set here comes after them.
    #[must_use]
    pub fn include(mut self, file: impl Into<PathBuf>) -> Self {
        self.includes.push(file.into());
        self
    }

    /// Has these users, in the form of an `aclfile`.
    #[must_use]
    pub fn users(mut self, users: impl Into<String>) -> Self {
        self.users = Some(users.into());
        self
    }

    /// Listens by TLS, too, on a port of its own ([`RedisServer::tls_url`]), with the `cert.pem` and `key.pem` of this directory, and
    /// takes only clients whose certificate its `ca.pem` has signed. Replicas, Sentinels and nodes of a cluster use nothing else
    /// among themselves.
    #[must_use]
    pub fn tls(mut self, dir: impl Into<PathBuf>) -> Self {
        self.tls = Some(dir.into());
        self
    }

    pub(super) fn flag(mut self, name: &str) -> Self {
        self.args.push(format!("--{name}"));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Gives a command another name, so that nobody finds it under its own.
    #[must_use]
    pub fn rename_command(mut self, name: &str, to: &str) -> Self {
        let args = ["--rename-command", name, to];
        self.args.extend(args.map(str::to_owned));
        self
    }

    /// How long it may take to come up, data loaded: 15 s unless said otherwise.
    #[must_use]
    pub fn ready_within(mut self, deadline: Duration) -> Self {
        self.ready_within = deadline;
        self
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// When there is no such program, or it does not come up.
    pub fn start(self) -> Result<RedisServer, RedisServerError> {
        RedisServer::start_with(self)
    }

    pub(super) fn program(&self) -> PathBuf {
        let named = || std::env::var_os(PROGRAM_VARIABLE).filter(|name| !name.is_empty());
        match &self.program {
            Some(program) => program.clone(),
            None => named().map_or_else(|| "redis-server".into(), PathBuf::from),
        }
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.env
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn args(&self) -> &[String] {
        &self.args
    }
}
