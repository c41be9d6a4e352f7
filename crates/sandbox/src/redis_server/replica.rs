//! A second server that copies a first one, may fall behind, and may take its place.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::{RedisServer, RedisServerError, io_error};

/// How long a replica may take to have its first copy.
const COPIED_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

impl RedisServer {
    /// Starts another server that copies this one, and waits until it has its first copy.
    ///
    /// # Errors
    /// When it does not come up, or has no copy within ten seconds.
    pub fn replica(&self) -> Result<RedisServer, RedisServerError> {
        // By default the first copy waits for five seconds for others that want one.
        self.send_command("CONFIG SET repl-diskless-sync-delay 0")?;
        // Nor does it let others wait, once it has taken its place.
        let options = RedisServer::options().set("repl-diskless-sync-delay", "0");
        let replica = options.start()?;
        replica.send_command(&format!("REPLICAOF 127.0.0.1 {}", self.port))?;
        let begun = Instant::now();
        // The replica has it a moment before its master counts it as online.
        while !(replica.send_command("INFO replication")?).contains("master_link_status:up")
            || !(self.send_command("INFO replication")?).contains("state=online")
        {
            if begun.elapsed() > COPIED_WITHIN {
                let late = io::Error::from(io::ErrorKind::TimedOut);
                return Err(io_error("waiting for a replica's first copy", late));
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "for programs without a runtime too, and for milliseconds"
            )]
            std::thread::sleep(PAUSE);
        }
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
            stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            match answer.strip_prefix('-') {
                Some(refused) => Err(io::Error::other(refused.to_owned())),
                None => Ok(answer),
            }
        };
        ask().map_err(|source| io_error("telling it something", source))
    }
}
