//! Redis's users, as `deploy/redis/users.acl` has them: no process of a flow may do more than is said there, and a flow in
//! which one was refused something fails.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::panicking;
use std::time::Duration;

/// The file, as it is shipped.
pub const SHIPPED: &str = include_str!("../../deploy/redis/users.acl");

/// What stands in it in place of a password's hash: no password has it.
pub const NO_HASH: &str = "#0000000000000000000000000000000000000000000000000000000000000000";

/// Everybody's password in flows.
const PASSWORD: &str = "flow";

/// Whoever has a user of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum User {
    /// `longshore work`.
    Worker,
    /// `longshore webhooks`.
    Webhooks,
    /// A program that enqueues.
    Producer,
    /// All other commands of `longshore`.
    Operator,
}

impl User {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Worker, Self::Webhooks, Self::Producer, Self::Operator];

    /// What Redis calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Webhooks => "webhooks",
            Self::Producer => "producer",
            Self::Operator => "operator",
        }
    }

    /// The URLs of this user at servers whose URLs name none, with commas between them.
    #[must_use]
    pub fn at_each(self, urls: &str) -> String {
        let name = format!("://{}:{PASSWORD}@", self.name());
        urls.replace("://", &name)
    }

    /// The URL of this user at a server whose URL names none. A list of servers and a URL with a user stay as they are.
    #[must_use]
    pub fn at(self, url: &str) -> String {
        match url.strip_prefix("redis://") {
            Some(place) if !place.contains([',', '@']) => {
                format!("redis://{}:{PASSWORD}@{place}", self.name())
            }
            _ => url.to_owned(),
        }
    }
}

/// The users of the shipped file for this namespace, with passwords. The flow itself may do everything: it looks in without
/// a name.
#[must_use]
pub fn users(namespace: &str) -> String {
    SHIPPED
        .replace(NO_HASH, &format!(">{PASSWORD}"))
        .replace("{longshore:", &format!("{{{namespace}:"))
        .replace("user default off ", "user default on nopass ")
}

/// Looks at its end whether Redis has refused something to one of the users.
#[derive(Debug)]
pub(crate) struct Refusals {
    place: String,
}

impl Refusals {
    pub(crate) fn at(url: &str) -> Self {
        Self {
            place: url.trim_start_matches("redis://").to_owned(),
        }
    }

    /// What it has refused since it was started; nothing where it runs no more.
    fn read(&self) -> String {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(&self.place)?;
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            stream.write_all(b"ACL LOG\r\nQUIT\r\n")?;
            let mut log = String::new();
            stream.read_to_string(&mut log)?;
            Ok(log)
        };
        ask().unwrap_or_default()
    }
}

impl Drop for Refusals {
    fn drop(&mut self) {
        let log = self.read();
        let theirs = |user: &User| log.contains(&format!("\r\n{}\r\n", user.name()));
        if !User::ALL.iter().any(theirs) {
            return;
        }
        let words = log
            .lines()
            .filter(|line| !line.starts_with(['*', '$', ':']));
        let words = words.collect::<Vec<_>>().join(" ");
        let said = format!("Redis refused something (deploy/redis/users.acl): {words}");
        if panicking() {
            eprintln!("{said}");
        } else {
            panic!("{said}");
        }
    }
}
