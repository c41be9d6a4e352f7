//! Where a process said that it listens.

use std::net::SocketAddr;

use super::Worker;

impl Worker {
    /// Where a listener for events said that it serves its health.
    ///
    /// # Panics
    /// When it has not said so.
    #[must_use]
    pub fn private_addr(&self) -> SocketAddr {
        addr_in(&self.log(), "private_addr").expect("it says where it serves its health")
    }

    /// Where the API said that it takes jobs.
    ///
    /// # Panics
    /// When it has not said so.
    #[must_use]
    pub fn api_addr(&self) -> SocketAddr {
        addr_in(&self.log(), "http_addr").expect("it says where it takes jobs")
    }

    /// Where it said that it serves its health.
    ///
    /// # Panics
    /// When it has not said so.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        let log = self.log();
        let mut lines = log.lines().filter(|line| line.contains("/livez"));
        let addr = lines.find_map(|line| addr_in(line, "addr"));
        addr.expect("it says where it serves /livez")
    }
}

/// The address in a field of a log, which may be text or JSON.
fn addr_in(log: &str, field: &str) -> Option<SocketAddr> {
    let text = log.split_once(&format!("{field}="));
    let (_, rest) = text.or_else(|| log.split_once(&format!("\"{field}\":\"")))?;
    let end = rest.find([' ', '\n', '"']).unwrap_or(rest.len());
    rest[..end].parse().ok()
}
