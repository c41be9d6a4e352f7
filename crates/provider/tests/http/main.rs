//! `Http` against servers that behave and servers that do not.

mod answers;
mod once;
mod reach;
mod unanswered;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use longshore_job::Run;
use longshore_provider::{Http, ProviderError, Request, Response, StatusCode, bearer};
use longshore_sandbox::axum::body::Bytes;
use longshore_sandbox::axum::http::request::Parts;
use longshore_sandbox::axum::response::{self, IntoResponse};
use longshore_sandbox::{Draft, FaultCheck, Ledger, Server, StandInService};
use longshore_testing::Script;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Long enough to be never reached when all is well.
const LONG: Duration = Duration::from_secs(10);

/// Short enough to wait for, and long enough for what works to work on a busy machine.
const SHORT: Duration = Duration::from_millis(400);

const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn run() -> Run {
    Script::new().run()
}

fn http(origin: &str, timeout: Duration) -> Http {
    Http::new(origin.parse().expect("an origin"), timeout).expect("a client")
}

fn mail() -> Request {
    let body = serde_json::json!({
        "personalizations": [{ "to": [{ "email": "ada@example.com" }] }],
        "from": { "email": "shop@example.com" },
        "template_id": "d-1",
    });
    Request::post("/v3/mail/send")
        .authorization(bearer(&"SG.any".into()).expect("a header"))
        .json(&body)
        .expect("JSON")
}

/// A provider that takes whatever it is sent.
struct Anything;

impl StandInService for Anything {
    fn name(&self) -> &'static str {
        "anything"
    }

    fn answer(&self, _: &Parts, _: &Bytes, check: &mut FaultCheck<'_>) -> response::Response {
        const ID: &str = "message-1";
        check.carries_out(vec![Draft::new("ada@example.com", ID)]);
        (StatusCode::ACCEPTED, [("x-message-id", ID)]).into_response()
    }

    fn explain(&self, status: u16) -> String {
        status.to_string()
    }
}

async fn sandbox() -> Server {
    let server = Server::start(LOOPBACK, Anything, Ledger::default()).await;
    server.expect("a free port")
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind(LOOPBACK).await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    (listener, addr.to_string())
}

/// Reads until the request's head and its small body are there.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(b"}") {
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk).await.expect("readable");
        assert_ne!(length, 0, "closed in the middle of a request");
        seen.extend_from_slice(&chunk[..length]);
    }
    String::from_utf8(seen).expect("UTF-8")
}

/// Sends to a server that answers one request with these bytes and closes.
async fn answered_with(bytes: &[u8]) -> Result<Response, ProviderError> {
    let (listener, addr) = listen().await;
    let server = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        read_request(&mut stream).await;
        stream.write_all(bytes).await.expect("written");
    };
    let http = http(&format!("http://{addr}"), LONG);
    let run = run();
    tokio::join!(http.send(&run, mail()), server).0
}

fn is_no_answer(result: &Result<Response, ProviderError>) -> bool {
    matches!(result, Err(ProviderError::NoAnswer { .. }))
}
