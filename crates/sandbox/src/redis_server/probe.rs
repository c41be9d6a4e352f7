//! Finding a port, and finding out whether the server behind it is up and ours.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

use super::{RedisServerError, io_error};

/// Ports that no system hands out by itself for outgoing connections. With one of those, a client that tries to
/// reach a server which is down could be given the very port, and keep the server from coming back.
const PORTS: std::ops::Range<u16> = 10_000..30_000;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// What came of waiting.
pub(super) enum Answer {
    Ready,
    Ended,
    Silence,
}

/// A port of 127.0.0.1 that is free now, of those that the system gives to no connection. Whether it still is when a server binds it
/// shows then.
///
/// # Errors
/// When none of a hundred is free.
pub fn free_port() -> io::Result<u16> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..100 {
        // The standard library seeds each of these by chance; it takes no further crate.
        let drawn = RandomState::new().build_hasher().finish();
        let port = PORTS.start + (drawn % PORTS.len() as u64) as u16;
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Waits until this process answers on this port.
pub(super) fn wait(child: &mut Child, port: u16, deadline: Duration) -> io::Result<Answer> {
    let started = Instant::now();
    loop {
        if child.try_wait()?.is_some() {
            return Ok(Answer::Ended);
        }
        if answers(child.id(), port) {
            return Ok(Answer::Ready);
        }
        if started.elapsed() >= deadline {
            return Ok(Answer::Silence);
        }
        pause();
    }
}

/// Waits until this is so.
pub(super) fn wait_until(
    what: &'static str,
    deadline: Duration,
    mut is_so: impl FnMut() -> Result<bool, RedisServerError>,
) -> Result<(), RedisServerError> {
    let begun = Instant::now();
    while !is_so()? {
        if begun.elapsed() > deadline {
            return Err(io_error(what, io::ErrorKind::TimedOut.into()));
        }
        pause();
    }
    Ok(())
}

fn pause() {
    #[expect(
        clippy::disallowed_methods,
        reason = "for programs without a runtime too, and for milliseconds"
    )]
    std::thread::sleep(PAUSE);
}

/// Whether there is a Redis on this port that has loaded its data and *is* this process: on a port clash it would
/// be someone else's that answers.
fn answers(pid: u32, port: u16) -> bool {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let patience = Duration::from_millis(200);
    let ask = || -> io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&addr, patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream.write_all(b"INFO server\r\nPING\r\nQUIT\r\n")?;
        let mut answer = String::new();
        let mut part = [0; 4096];
        // A Sentinel knows no QUIT: it does not end the answer.
        while !answer.contains("\r\n+PONG\r\n") {
            match stream.read(&mut part)? {
                0 => break,
                read => answer.push_str(&String::from_utf8_lossy(&part[..read])),
            }
        }
        Ok(answer)
    };
    ask().is_ok_and(|answer| {
        // PING is refused while data is being loaded, INFO is not.
        answer.contains(&format!("process_id:{pid}\r\n")) && answer.contains("\r\n+PONG\r\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RedisServer;

    #[test]
    fn another_process_on_the_port_is_not_ours() {
        let server = RedisServer::start().expect("a server");
        let pid = server.child.as_ref().expect("running").id();
        assert!(answers(pid, server.port()));
        assert!(!answers(pid + 1, server.port()));
    }

    #[test]
    fn ports_are_out_of_the_way() {
        for _ in 0..20 {
            assert!(PORTS.contains(&free_port().expect("a port")));
        }
    }
}
