//! The SendGrid stand-in over real HTTP.

mod answers;
mod control;
mod events;
mod faults;

use longshore_email::sandbox::SendGridSandbox;
use reqwest::{Client, Response};
use serde_json::{Value, json};

async fn start() -> SendGridSandbox {
    let any = "127.0.0.1:0".parse().expect("an address");
    SendGridSandbox::start(any).await.expect("a free port")
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().no_proxy().tls_certs_only([]);
    builder.build().expect("a client")
}

fn mail(job: &str) -> Value {
    json!({
        "personalizations": [{
            "to": [{ "email": "ada@example.com" }],
            "custom_args": { "job_id": job },
        }],
        "from": { "email": "shop@example.com" },
        "template_id": "d-welcome",
    })
}

async fn send(client: &Client, at: &SendGridSandbox, mail: &Value) -> reqwest::Result<Response> {
    let request = client.post(format!("{}/v3/mail/send", at.origin()));
    request.bearer_auth("SG.any").json(mail).send().await
}

/// The counts of requests, effects, jobs and duplicates.
fn counts(at: &SendGridSandbox) -> (u64, u64, u64, u64) {
    let summary = at.ledger().summary();
    (
        summary.requests,
        summary.accepted,
        summary.jobs,
        summary.duplicates,
    )
}
