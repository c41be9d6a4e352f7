//! `healthcheck`: what an image asks whether its process is alive.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::{JoinHandle, spawn};

use super::{Bench, Ran};

/// Answers one request, and says which it was.
fn answering(answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("a port");
    let served = spawn(move || {
        let (mut stream, _) = listener.accept().expect("it is asked");
        let mut asked = [0; 1024];
        let read = stream.read(&mut asked).expect("a request");
        stream.write_all(answer.as_bytes()).expect("it is told");
        let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
        asked.lines().next().unwrap_or_default().to_owned()
    });
    (addr, served)
}

fn asked(bench: &Bench, role: &str, variable: &str, addr: &str) -> Ran {
    let args = ["healthcheck", role];
    let mut command = bench.command(&args);
    // A proxy is none of its concern.
    command
        .env(variable, addr)
        .env("HTTP_PROXY", "http://127.0.0.1:1");
    Ran::of(&args, &mut command)
}

#[test]
fn the_exit_code_says_whether_it_is_alive() {
    let bench = Bench::new();
    for (role, variable) in [
        ("work", "LONGSHORE_WORKER__HTTP_ADDR"),
        ("webhooks", "LONGSHORE_WEBHOOKS__PRIVATE_ADDR"),
        ("api", "LONGSHORE_API__PRIVATE_ADDR"),
    ] {
        let (addr, served) = answering("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n");
        // As in an image, where it listens on all addresses.
        let everywhere = format!("0.0.0.0:{}", addr.port());
        let ran = asked(&bench, role, variable, &everywhere);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!((&*ran.stdout, &*ran.stderr), ("", ""), "{role}");
        let line = served.join().expect("it was asked");
        assert_eq!(line, "GET /livez HTTP/1.1", "{role}");

        let why = "email: the claimer has stopped, 31 s ago\n";
        let (addr, _served) = answering(
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 41\r\n\r\nemail: the claimer has stopped, 31 s ago\n",
        );
        let ran = asked(&bench, role, variable, &addr.to_string());
        ran.fails(1, why.trim_end());
    }
}

#[test]
fn what_it_cannot_ask_is_said() {
    let bench = Bench::new();
    let variable = "LONGSHORE_WORKER__HTTP_ADDR";
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let gone = listener.local_addr().expect("a port").to_string();
    drop(listener);
    let ran = asked(&bench, "work", variable, &gone);
    ran.fails(1, &format!("nothing answers on {gone}"));
    let ran = asked(&bench, "work", variable, "127.0.0.1:0");
    ran.fails(2, "worker.http_addr is 127.0.0.1:0");
    bench.run(&["healthcheck", "cron"]).fails(2, "api");
}
