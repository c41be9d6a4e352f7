//! A private Redis, started, killed, restarted and paused for real.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use longshore_sandbox::{AppendFsync, RedisServer, RedisServerError};

/// Sends inline commands and returns everything that is answered until the server closes.
fn ask(server: &RedisServer, commands: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port()))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(format!("{commands}\r\nQUIT\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn acknowledged_writes_survive_a_kill_and_a_restart_on_the_same_port() {
    let mut server = RedisServer::options()
        .append_only(AppendFsync::Always)
        .start()
        .expect("a server");
    let port = server.port();
    assert_eq!(server.url(), format!("redis://127.0.0.1:{port}"));
    assert_eq!(ask(&server, "SET k v").expect("answered"), "+OK\r\n+OK\r\n");

    server.kill();
    assert!(ask(&server, "GET k").is_err(), "a killed server answered");
    server.restart().expect("restarted");
    assert_eq!(server.port(), port);
    assert_eq!(
        ask(&server, "GET k").expect("answered"),
        "$1\r\nv\r\n+OK\r\n"
    );
}

#[test]
fn by_default_nothing_is_kept() {
    let mut server = RedisServer::start().expect("a server");
    ask(&server, "SET k v").expect("answered");
    server.restart().expect("restarted");
    assert_eq!(ask(&server, "GET k").expect("answered"), "$-1\r\n+OK\r\n");
}

#[test]
fn a_paused_server_keeps_connections_and_answers_nothing() {
    let mut server = RedisServer::start().expect("a server");
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("connected");
    server.pause().expect("paused");
    stream.write_all(b"PING\r\n").expect("written");
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .expect("set");
    let mut answer = [0; 7];
    stream.read(&mut answer).expect_err("silence while paused");
    let waited = server.wait_ready(Duration::ZERO);
    assert!(matches!(waited, Err(RedisServerError::NotReady { .. })));

    server.resume().expect("resumed");
    server.wait_ready(Duration::from_secs(5)).expect("ready");
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("set");
    stream.read_exact(&mut answer).expect("answered");
    assert_eq!(&answer, b"+PONG\r\n");
}

#[test]
fn options_reach_it() {
    let server = RedisServer::options()
        .set("maxmemory", "12mb")
        .start()
        .expect("a server");
    let answer = ask(&server, "CONFIG GET maxmemory").expect("answered");
    assert!(answer.contains("12582912"), "{answer}");
}

#[test]
fn dropping_it_ends_the_process_and_removes_its_directory() {
    let server = RedisServer::start().expect("a server");
    let (port, dir) = (server.port(), server.dir().to_owned());
    assert!(dir.is_dir());
    // A paused one as well: SIGKILL does not wait for SIGCONT.
    server.pause().expect("paused");
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!dir.exists());
}

#[test]
fn many_at_once_get_ports_of_their_own() {
    let servers: Vec<_> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..4).map(|_| scope.spawn(RedisServer::start)).collect();
        let started = starting
            .into_iter()
            .map(|one| one.join().expect("no panic"));
        started.map(|one| one.expect("a server")).collect()
    });
    for (n, server) in servers.iter().enumerate() {
        ask(server, &format!("SET who {n}")).expect("answered");
    }
    for (n, server) in servers.iter().enumerate() {
        let answer = ask(server, "GET who").expect("answered");
        assert_eq!(answer, format!("$1\r\n{n}\r\n+OK\r\n"));
    }
}

#[test]
fn what_is_wrong_is_said() {
    let start = |program: &str| {
        let options = RedisServer::options().with_program(program);
        options.start().expect_err("no server").to_string()
    };
    let missing = start("/no/such/redis-server");
    assert!(missing.contains("was not found: `just setup`"), "{missing}");
    assert!(start("true").contains("ended as soon as"));

    let options = RedisServer::options().set("no-such-setting", "1");
    let error = options.start().expect_err("no server").to_string();
    assert!(error.contains("no-such-setting"), "{error}");

    let mut server = RedisServer::start().expect("a server");
    server.kill();
    let paused = server.pause();
    assert!(matches!(paused, Err(RedisServerError::NotRunning { .. })));
}
