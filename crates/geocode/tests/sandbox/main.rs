//! The Google Maps stand-in over real HTTP.

mod answers;
mod faults;

use longshore_geocode::sandbox::GoogleMapsSandbox;
use reqwest::Client;
use serde_json::Value;

/// Takes any key.
const KEY: &str = "AIza-any";

async fn start() -> GoogleMapsSandbox {
    let any = "127.0.0.1:0".parse().expect("an address");
    GoogleMapsSandbox::start(any).await.expect("a free port")
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().no_proxy().tls_certs_only([]);
    builder.build().expect("a client")
}

/// The URL with this query, encoded.
fn url(at: &GoogleMapsSandbox, query: &[(&str, &str)]) -> String {
    let origin = format!("{}/maps/api/geocode/json", at.origin());
    let url = reqwest::Url::parse_with_params(&origin, query);
    url.expect("a URL").into()
}

/// Looks up with a key that is good, and reads the answer, which has to be a 200.
async fn look_up(at: &GoogleMapsSandbox, query: &[(&str, &str)]) -> Value {
    let query = [query, &[("key", KEY)]].concat();
    answer(url(at, &query)).await
}

async fn answer(url: String) -> Value {
    let response = client().get(url).send().await.expect("answered");
    assert_eq!(response.status(), 200);
    response.json().await.expect("JSON")
}

/// The counts of requests and effects.
fn counts(at: &GoogleMapsSandbox) -> (u64, u64) {
    let summary = at.ledger().summary();
    (summary.requests, summary.accepted)
}
