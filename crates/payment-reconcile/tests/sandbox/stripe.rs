//! The Stripe stand-in over real HTTP.

mod controls;
mod idempotency;
mod keys;
mod lists;
mod payments;
mod shapes;
mod subscriptions;
mod webhooks;

use std::time::Duration;

use longshore_payment_reconcile::sandbox::StripeSandbox;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

/// Long enough to be never reached when all is well.
const DEADLINE: Duration = Duration::from_secs(10);

const KEY: &str = "sk_test_sandbox";

/// What can be confirmed without saying where the customer comes back to.
const NO_REDIRECTS: [(&str, &str); 2] = [
    ("automatic_payment_methods[enabled]", "true"),
    ("automatic_payment_methods[allow_redirects]", "never"),
];

async fn start() -> StripeSandbox {
    let any = "127.0.0.1:0".parse().expect("an address");
    StripeSandbox::start(any).await.expect("a free port")
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().no_proxy().tls_certs_only([]);
    builder.build().expect("a client")
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn request(at: &StripeSandbox, method: Method, path: &str) -> RequestBuilder {
    let url = at.origin() + path;
    client().request(method, url).bearer_auth(KEY)
}

/// A form that is posted under this key.
async fn post_as(at: &StripeSandbox, key: &str, path: &str, fields: &[(&str, &str)]) -> Response {
    let request = request(at, Method::POST, path).header("idempotency-key", key);
    request.body(form(fields)).send().await.expect("answered")
}

async fn post(at: &StripeSandbox, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let request = request(at, Method::POST, path).body(form(fields));
    read(request.send().await.expect("answered")).await
}

async fn get(at: &StripeSandbox, path: &str) -> (u16, Value) {
    let request = request(at, Method::GET, path);
    read(request.send().await.expect("answered")).await
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.expect("JSON"))
}

/// Creates something that is in order.
async fn made(at: &StripeSandbox, path: &str, fields: &[(&str, &str)]) -> Value {
    let (status, body) = post(at, path, fields).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// A payment intent over 100 kroner, with these fields too.
async fn intent(at: &StripeSandbox, fields: &[(&str, &str)]) -> (u16, Value) {
    let mut all = vec![("amount", "10000"), ("currency", "nok")];
    all.extend(fields);
    post(at, "/v1/payment_intents", &all).await
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} is no text in {value}"))
}

/// What the ledger has: operation and job of each effect.
fn effects(at: &StripeSandbox) -> Vec<(String, Option<String>)> {
    let effects = at.ledger().accepted();
    effects.into_iter().map(|e| (e.recipient, e.job)).collect()
}

/// The operations that the ledger has.
fn words(at: &StripeSandbox) -> Vec<String> {
    effects(at).into_iter().map(|(word, _)| word).collect()
}
