//! The testpay stand-in over real HTTP.

mod answers;
mod faults;

use harbour_testpay::sandbox::TestPaySandbox;
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// Takes any key.
const KEY: &str = "tp-any";

async fn start() -> TestPaySandbox {
    let any = "127.0.0.1:0".parse().expect("an address");
    TestPaySandbox::start(any).await.expect("a free port")
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().no_proxy().tls_certs_only([]);
    builder.build().expect("a client")
}

/// The status and the body of an answer.
async fn ask(at: &TestPaySandbox, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = client().request(method, format!("{}{path}", at.origin()));
    let request = request.header("X-Api-Key", KEY);
    let request = match body {
        Some(body) => request.body(body.to_string()),
        None => request,
    };
    let response = request.send().await.expect("answered");
    let status = response.status().as_u16();
    assert!(response.headers().contains_key("x-request-id"));
    (status, response.json().await.expect("JSON"))
}

async fn post(at: &TestPaySandbox, path: &str, body: Value) -> (u16, Value) {
    ask(at, Method::POST, path, Some(body)).await
}

/// A POST that is a 200.
async fn made(at: &TestPaySandbox, path: &str, body: Value) -> Value {
    let (status, shown) = post(at, path, body).await;
    assert_eq!(status, 200, "{shown}");
    shown
}

async fn get(at: &TestPaySandbox, path: &str) -> (u16, Value) {
    ask(at, Method::GET, path, None).await
}

fn an_order() -> Value {
    json!({ "order": "order-1", "user": "user-7", "amount": { "value": 1000, "currency": "NOK" } })
}

/// An order with more.
fn an_order_with(more: &Value) -> Value {
    let mut order = an_order();
    let more = more.as_object().cloned().expect("an object");
    order.as_object_mut().expect("an object").extend(more);
    order
}

fn effects(at: &TestPaySandbox) -> u64 {
    at.ledger().summary().accepted
}

fn id(shown: &Value) -> &str {
    shown["id"].as_str().expect("an id")
}
