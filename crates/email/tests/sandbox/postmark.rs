//! The Postmark stand-in over real HTTP.

use longshore_email::sandbox::PostmarkSandbox;
use longshore_sandbox::{Fault, FaultRule};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

async fn start() -> PostmarkSandbox {
    let any = "127.0.0.1:0".parse().expect("an address");
    PostmarkSandbox::start(any).await.expect("a free port")
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().no_proxy().tls_certs_only([]);
    builder.build().expect("a client")
}

fn mail(job: &str) -> Value {
    json!({
        "From": "shop@example.com",
        "To": "ada@example.com",
        "TemplateAlias": "welcome",
        "TemplateModel": {},
        "Metadata": { "job_id": job },
    })
}

fn post(client: &Client, at: &PostmarkSandbox, mail: &Value) -> RequestBuilder {
    let request = client.post(format!("{}/email/withTemplate", at.origin()));
    request.header("x-postmark-server-token", "any").json(mail)
}

/// The status and the body.
async fn said(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("answered");
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn mails_are_accepted_and_noted() {
    let (at, client) = (start().await, client());
    let mut ids = Vec::new();
    for job in ["A", "B", "A"] {
        let (status, body) = said(post(&client, &at, &mail(job))).await;
        assert_eq!((status, &body["ErrorCode"]), (200, &json!(0)), "{body}");
        ids.push(body["MessageID"].as_str().expect("an id").to_owned());
    }
    let summary = at.ledger().summary();
    assert_eq!((summary.accepted, summary.duplicates), (3, 1));
    let effects = at.ledger().accepted();
    let noted: Vec<_> = effects.iter().map(|effect| effect.id.clone()).collect();
    assert_eq!(noted, ids);
    assert_eq!(effects[0].provider, "postmark");
    assert_eq!(effects[0].recipient, "ada@example.com");
}

#[tokio::test]
async fn refusals_have_their_codes_and_no_effect() {
    let (at, client) = (start().await, client());
    at.refuse_token("revoked");
    at.make_inactive("bob@example.com");
    let url = format!("{}/email/withTemplate", at.origin());
    let with = |token: &str| {
        let request = client.post(&url).json(&mail("A"));
        request.header("x-postmark-server-token", token)
    };
    let mut inactive = mail("A");
    inactive["To"] = json!("Bob <bob@example.com>");
    for (request, status, code) in [
        (client.post(&url).json(&mail("A")), 401, json!(10)),
        (with("revoked"), 401, json!(10)),
        (post(&client, &at, &json!({})), 422, json!(300)),
        (post(&client, &at, &inactive), 422, json!(406)),
        (client.get(&url), 405, Value::Null),
        (client.get(at.origin()), 404, Value::Null),
    ] {
        let (found, body) = said(request).await;
        assert_eq!((found, &body["ErrorCode"]), (status, &code), "{body}");
    }
    assert_eq!(at.ledger().summary().accepted, 0);
    at.accept_token("revoked");
    assert_eq!(said(with("revoked")).await.0, 200);
}

#[tokio::test]
async fn it_fails_when_it_is_told_to() {
    let (at, client) = (start().await, client());
    let fault = Fault::Answer {
        status: 401,
        headers: [].into(),
        body: None,
        effect: false,
    };
    at.faults()
        .set(vec![FaultRule::first(1, fault)])
        .expect("a valid rule");
    let (status, body) = said(post(&client, &at, &mail("A"))).await;
    assert_eq!((status, &body["ErrorCode"]), (401, &json!(10)));
    assert_eq!(said(post(&client, &at, &mail("A"))).await.0, 200);
}
