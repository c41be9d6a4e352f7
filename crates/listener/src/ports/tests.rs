//! A role with both ports, called over real connections.

use std::sync::{Arc, Mutex};

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};

use super::*;

#[derive(Clone, Default)]
struct Told {
    stopped: Arc<Mutex<Option<String>>>,
    not_ready: Arc<Mutex<Option<String>>>,
}

impl Health for Told {
    fn stopped(&self) -> Option<String> {
        self.stopped.lock().expect("is whole").clone()
    }

    async fn not_ready(&self) -> Option<String> {
        self.not_ready.lock().expect("is whole").clone()
    }

    fn metrics(&self) -> String {
        "# EOF\n".to_owned()
    }
}

/// The status and the body of an answer.
async fn answer(addr: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.expect("listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("takes it");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("answers");
    let (head, body) = text.split_once("\r\n\r\n").expect("has a header");
    format!("{} {}", &head[9..12], body.trim_end())
}

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().expect("an address")
}

#[tokio::test]
async fn health_is_told_until_the_last_request_is_answered() {
    let ports = Ports::bind(any(), any()).await.expect("two free ports");
    let (http, private) = (ports.http_addr(), ports.private_addr());
    let (health, metrics) = (Told::default(), Metrics::default());
    let (arrived, may_answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let router = {
        let (arrived, may_answer) = (Arc::clone(&arrived), Arc::clone(&may_answer));
        |_| {
            Router::new().route(
                "/",
                get(async move || {
                    arrived.notify_one();
                    may_answer.notified().await;
                    "here"
                }),
            )
        }
    };
    let (stop, asked) = oneshot::channel();
    let asked = async {
        let _ = asked.await;
    };
    let serving = ports.serve(
        Bounds::public("test"),
        health.clone(),
        &metrics,
        asked,
        router,
    );
    let calls = async {
        assert_eq!(answer(private, "/livez").await, "200 ok");
        assert_eq!(answer(private, "/readyz").await, "200 ok");
        assert_eq!(answer(private, "/metrics").await, "200 # EOF");
        assert_eq!(answer(http, "/livez").await, "404 ");
        *health.not_ready.lock().expect("is whole") = Some("Redis is away".to_owned());
        *health.stopped.lock().expect("is whole") = Some("the loop has stopped".to_owned());
        assert_eq!(answer(private, "/livez").await, "503 the loop has stopped");
        assert_eq!(answer(private, "/readyz").await, "503 Redis is away");
        let under_way = tokio::spawn(async move { answer(http, "/").await });
        arrived.notified().await;
        stop.send(()).expect("is served");
        // It takes a moment until nobody is let in.
        while TcpStream::connect(http).await.is_ok() {}
        assert_eq!(answer(private, "/readyz").await, "503 stopping");
        may_answer.notify_one();
        assert_eq!(under_way.await.expect("no panic"), "200 here");
    };
    tokio::join!(serving, calls);
    assert!(TcpStream::connect(private).await.is_err());
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let first = Port::bind(any()).await.expect("a free port");
    let taken = first.addr();
    let error = Ports::bind(any(), taken).await.expect_err("is taken");
    assert_eq!(error.addr, taken);
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot listen on {taken}: ")),
        "{text}"
    );
}
