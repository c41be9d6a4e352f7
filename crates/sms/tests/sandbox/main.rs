//! The Twilio stand-in over real HTTP.

mod answers;
mod callbacks;
mod lists;

use std::time::Duration;

use longshore_sms::sandbox::TwilioSandbox;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

/// Long enough to be never reached when all is well.
const DEADLINE: Duration = Duration::from_secs(10);

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "a-token";
const TO: &str = "+4790000000";
const FROM: &str = "+15005550006";

async fn start() -> TwilioSandbox {
    let any = "127.0.0.1:0".parse().expect("an address");
    TwilioSandbox::start(any).await.expect("a free port")
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().no_proxy().tls_certs_only([]);
    builder.build().expect("a client")
}

fn path(account: &str) -> String {
    format!("/2010-04-01/Accounts/{account}/Messages.json")
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn create(at: &TwilioSandbox, fields: &[(&str, &str)]) -> RequestBuilder {
    let url = at.origin() + &path(ACCOUNT);
    client()
        .post(url)
        .basic_auth(ACCOUNT, Some(TOKEN))
        .body(form(fields))
}

/// Sends a message that is in order.
async fn send(at: &TwilioSandbox, fields: &[(&str, &str)]) -> Value {
    let mut all = vec![("To", TO), ("From", FROM), ("Body", "Hello")];
    all.retain(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    all.extend(fields);
    let response = create(at, &all).send().await.expect("answered");
    assert_eq!(response.status(), 201);
    json(response).await
}

async fn get(at: &TwilioSandbox, path_and_query: &str) -> Response {
    let url = at.origin() + path_and_query;
    let request = client().get(url).basic_auth(ACCOUNT, Some(TOKEN));
    request.send().await.expect("answered")
}

async fn json(response: Response) -> Value {
    response.json().await.expect("JSON")
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} is no text in {value}"))
}
