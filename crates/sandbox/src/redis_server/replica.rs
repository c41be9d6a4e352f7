//! A second server that copies a first one, may fall behind, and may take its place.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::probe::wait_until;
use super::{RedisServer, RedisServerError, RedisServerOptions, io_error};

/// How long a replica may take to have its first copy.
const COPIED_WITHIN: Duration = Duration::from_secs(10);
impl RedisServer {
    /// Starts another server that copies this one, and waits until it has its first copy.
    ///
    /// # Errors
    /// When it does not come up, or has no copy within ten seconds.
    pub fn replica(&self) -> Result<RedisServer, RedisServerError> {
        self.replica_with(RedisServer::options())
    }

    /// The same with options.
    ///
    /// # Errors
    /// When it does not come up, or has no copy within ten seconds.
    pub fn replica_with(
        &self,
        options: RedisServerOptions,
    ) -> Result<RedisServer, RedisServerError> {
        // By default the first copy waits for five seconds for others that want one.
        self.send_command("CONFIG SET repl-diskless-sync-delay 0")?;
        // Nor does it let others wait, once it has taken its place.
        let replica = options.set("repl-diskless-sync-delay", "0").start()?;
        let port = self.port_among_servers();
        replica.send_command(&format!("REPLICAOF 127.0.0.1 {port}"))?;
        // The replica has it a moment before its master counts it as online.
        wait_until("waiting for a replica's first copy", COPIED_WITHIN, || {
            let there = replica.send_command("INFO replication")?;
            let here = self.send_command("INFO replication")?;
            Ok(there.contains("master_link_status:up") && here.contains("state=online"))
        })?;
        Ok(replica)
    }

    /// Copies nothing more from now on: what its master takes, it lacks.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn fall_behind(&self) -> Result<(), RedisServerError> {
        // Nobody listens there.
        self.send_command("REPLICAOF 127.0.0.1 1").map(drop)
    }

    /// Takes no more orders from a master: it is one.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn promote(&self) -> Result<(), RedisServerError> {
        self.send_command("REPLICAOF NO ONE").map(drop)
    }

    /// Sends one command, and returns what is answered, as it comes.
    pub(super) fn send_command(&self, command: &str) -> Result<String, RedisServerError> {
        let ask = || -> io::Result<String> {
            let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
            let mut stream = TcpStream::connect_timeout(&addr, COPIED_WITHIN)?;
            stream.set_read_timeout(Some(COPIED_WITHIN))?;
            stream.write_all(format!("{command}\r\nPING\r\nQUIT\r\n").as_bytes())?;
            let mut answer = String::new();
            let mut part = [0; 4096];
            // A Sentinel knows no QUIT: it does not end the answer.
            while !answer.contains("+PONG\r\n") {
                match stream.read(&mut part) {
                    Ok(0) => break,
                    Ok(read) => answer.push_str(&String::from_utf8_lossy(&part[..read])),
                    // A process that was started from here has ended.
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            match answer.strip_prefix('-') {
                Some(refused) => Err(io::Error::other(refused.to_owned())),
                None => Ok(answer
                    .split("+PONG\r\n")
                    .next()
                    .unwrap_or_default()
                    .to_owned()),
            }
        };
        ask().map_err(|source| io_error("telling it something", source))
    }
}
