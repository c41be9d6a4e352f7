//! Whether a host is reached, as a worker tests it: by a connection, TLS included, over which nothing is sent.

use std::io;
use std::time::Duration;

use longshore_job::{Reach, Unreached};
use longshore_provider::{Handshake, is_our_own};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{LONG, SHORT, listen};

fn handshake(url: &str, connect: Duration) -> Handshake {
    Handshake::new(url.parse().expect("a URL"), connect)
}

/// All that the next client sends before it hangs up.
async fn heard(listener: &TcpListener, answer: &[u8]) -> Vec<u8> {
    let (mut stream, _) = listener.accept().await.expect("a connection");
    stream.write_all(answer).await.expect("written");
    let mut heard = Vec::new();
    // One that hangs up in the middle of TLS may reset the connection.
    let _ = stream.read_to_end(&mut heard).await;
    heard
}

#[tokio::test]
async fn a_host_that_listens_is_reached_and_sent_nothing() {
    let (listener, addr) = listen().await;
    let handshake = handshake(&format!("http://{addr}/v3/mail?key=x"), LONG);
    assert_eq!(handshake.host(), addr);
    for _ in 0..2 {
        let (reached, heard) = tokio::join!(handshake.reach(), heard(&listener, b""));
        assert_eq!((reached, heard), (Ok(()), Vec::new()));
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_not_reached_until_somebody_does() {
    let (listener, addr) = listen().await;
    drop(listener);
    let handshake = handshake(&format!("http://{addr}"), LONG);
    let Err(Unreached { host, cause, ours }) = handshake.reach().await else {
        panic!("nobody is there");
    };
    assert_eq!((host, ours), (addr.clone(), false), "{cause}");
    assert!(cause.contains("refused"), "{cause}");
    let back = TcpListener::bind(&addr).await.expect("still free");
    assert_eq!(handshake.reach().await, Ok(()));
    drop(back);
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_not_reached() {
    let unreached = handshake("https://mail.invalid", LONG).reach().await;
    let unreached = unreached.expect_err("there is no such name");
    assert_eq!(
        (unreached.host.as_str(), unreached.ours),
        ("mail.invalid:443", false)
    );
}

#[tokio::test]
async fn a_host_whose_tls_fails_or_hangs_is_not_reached() {
    let (listener, addr) = listen().await;
    let failing = handshake(&format!("https://{addr}"), LONG);
    let no_tls = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    let (reached, _) = tokio::join!(failing.reach(), heard(&listener, no_tls));
    assert!(!reached.expect_err("no TLS").ours);
    // Connected by the kernel, and then nothing.
    let hanging = handshake(&format!("https://{addr}"), SHORT);
    assert!(!hanging.reach().await.expect_err("no TLS").ours);
}

#[test]
fn what_this_machine_is_short_of_is_its_own_trouble() {
    let wrapped = |number| io::Error::other(io::Error::from_raw_os_error(number));
    // No descriptors, in the process or in all; no memory; no port; no buffers.
    for number in [24, 23, 12, 99, 105] {
        assert!(is_our_own(&wrapped(number)), "{number}");
    }
    // Refused, reset, timed out, no route.
    for number in [111, 104, 110, 113] {
        assert!(!is_our_own(&wrapped(number)), "{number}");
    }
}
