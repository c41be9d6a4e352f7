//! Nothing is sent before it may, and nothing twice.

use std::sync::Arc;

use longshore_provider::ProviderError;
use longshore_testing::{Script, ScriptedGate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use crate::{
    LONG, SHORT, answered_with, http, is_no_answer, listen, mail, read_request, run, sandbox,
};

#[tokio::test]
async fn nothing_leaves_while_the_gate_is_shut() {
    let (listener, addr) = listen().await;
    let http = http(&format!("http://{addr}"), LONG);
    let script = Script::new().with_gate(ScriptedGate::shut());
    let run = script.run();
    tokio::select! {
        biased;
        result = http.send(&run, mail()) => panic!("{result:?}"),
        // Connections are made by tasks of their own: a look at the socket comes after all that was begun.
        () = async { script.gate.held_back().await; tokio::task::yield_now().await } => {}
        connection = listener.accept() => panic!("{connection:?}"),
    }
    let connection = tokio::time::timeout(SHORT, listener.accept()).await;
    assert!(connection.is_err(), "something was sent: {connection:?}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let sandbox = sandbox().await;
    for status in ["301 Moved Permanently", "307 Temporary Redirect"] {
        let target = format!("{}/v3/mail/send", sandbox.origin());
        let answer =
            format!("HTTP/1.1 {status}\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
        let result = answered_with(answer.as_bytes()).await;
        assert!(
            matches!(result, Err(ProviderError::Unexpected { .. })),
            "{result:?}"
        );
    }
    assert_eq!(sandbox.ledger().requests(), 0);
}

/// The dangerous moment: a request on a connection that worked before, and is closed by the server after it has
/// read the request. Repeating it could double its effect.
#[tokio::test]
async fn a_request_lost_on_a_reused_connection_is_not_sent_again() {
    let (listener, addr) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        read_request(&mut stream).await;
        let fine = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(fine).await.expect("written");
        read_request(&mut stream).await;
        drop(stream);
        listener
    });
    let http = http(&format!("http://{addr}"), LONG);
    http.send(&run(), mail()).await.expect("accepted");
    let result = http.send(&run(), mail()).await;
    assert!(is_no_answer(&result), "{result:?}");
    let listener = server.await.expect("both requests came on one connection");
    let again = tokio::time::timeout(SHORT, listener.accept()).await;
    assert!(again.is_err(), "sent again: {again:?}");
}

/// The harmless one: the connection was closed before the request was begun, so another one is taken.
#[tokio::test]
async fn a_closed_idle_connection_costs_nothing() {
    let (listener, addr) = listen().await;
    let closed = Arc::new(Notify::new());
    let server = {
        let closed = Arc::clone(&closed);
        tokio::spawn(async move {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                read_request(&mut stream).await;
                let fine = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(fine).await.expect("written");
                stream.shutdown().await.expect("closed");
                // The client has noticed when it closes its own side.
                let more = stream.read(&mut [0; 1]).await.expect("readable");
                assert_eq!(more, 0, "a second request on a closed connection");
                closed.notify_one();
            }
        })
    };
    let http = http(&format!("http://{addr}"), LONG);
    for _ in 0..2 {
        http.send(&run(), mail()).await.expect("accepted");
        closed.notified().await;
    }
    server.await.expect("one connection each");
}
