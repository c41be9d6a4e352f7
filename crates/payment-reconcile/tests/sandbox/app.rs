//! The app's stand-in over real HTTP.

mod effects;
mod payments;

use longshore_payment_reconcile::sandbox::AppSandbox;
use reqwest::{Client, RequestBuilder};
use ring::hmac;
use serde_json::Value;

async fn start() -> AppSandbox {
    let any = "127.0.0.1:0".parse().expect("an address");
    AppSandbox::start(any).await.expect("a free port")
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().no_proxy().tls_certs_only([]);
    builder.build().expect("a client")
}

fn now() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    since.as_secs()
}

/// `t=…,v1=…`
fn signature(secret: &str, time: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, format!("{time}.{body}").as_bytes());
    format!("t={time},v1={}", hex::encode(signature))
}

/// An effect under its event's id, signed.
fn effect(at: &AppSandbox, effect: &Value) -> RequestBuilder {
    let body = effect.to_string();
    client()
        .post(at.origin() + "/payments/effects")
        .header(
            "idempotency-key",
            effect["event_id"].as_str().unwrap_or_default(),
        )
        .header(
            "longshore-signature",
            signature(AppSandbox::SECRET, now(), &body),
        )
        .body(body)
}

/// Status and body of what is answered.
async fn answered(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("answered");
    let status = response.status().as_u16();
    (status, response.json().await.expect("JSON"))
}
