//! The Postmark stand-in over real HTTP.

use longshore_email::PostmarkEvents;
use longshore_email::sandbox::PostmarkSandbox;
use longshore_integration::{Event, Posted, PublicUrl, Source};
use longshore_job::SuppressedFor;
use longshore_sandbox::axum::{self, Router};
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

/// What becomes of mails is posted as Postmark posts it, and read as Postmark's is.
#[tokio::test]
async fn what_becomes_of_mails_is_posted() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let addr = listener.local_addr().expect("an address");
    let (heard, mut events) = tokio::sync::mpsc::unbounded_channel();
    let router = Router::new().fallback(move |request: axum::extract::Request| {
        let heard = heard.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
            heard.send((head, body)).expect("the test listens");
        }
    });
    tokio::spawn(async { axum::serve(listener, router).await });
    let (at, client) = (start().await, client());
    at.change_webhook(|webhook| {
        webhook.url = Some(format!("http://pm:secret@{addr}/webhooks/postmark"));
        webhook.bounced.insert("gone@example.com".to_owned());
        webhook.spam_reported.insert("angry@example.com".to_owned());
        webhook.unsubscribed.insert("away@example.com".to_owned());
    });
    let url: PublicUrl = "http://127.0.0.1".parse().expect("a URL");
    let source = PostmarkEvents::new("pm".to_owned(), "secret".into());
    for (to, expected) in [
        ("ada@example.com", &[("delivered", None)][..]),
        (
            "Gone@example.com",
            &[("bounce", Some(SuppressedFor::Bounce))],
        ),
        (
            "angry@example.com",
            &[
                ("delivered", None),
                ("spamreport", Some(SuppressedFor::SpamReport)),
            ],
        ),
        (
            "away@example.com",
            &[
                ("delivered", None),
                ("unsubscribe", Some(SuppressedFor::Unsubscribe)),
            ],
        ),
    ] {
        let job = "01JD2Z5V9GQ8X0T6M3K7W4R1YB";
        let mut mail = mail(job);
        mail["To"] = json!(to);
        let (status, accepted) = said(post(&client, &at, &mail)).await;
        assert_eq!(status, 200);
        for &(state, suppressed) in expected {
            let (head, body) = events.recv().await.expect("the stand-in posts");
            let posted = Posted {
                url: &url,
                head: &head,
                body: &body,
                at: std::time::SystemTime::now(),
            };
            let read = source.read(&posted).expect("it is Postmark's");
            let [Event::Delivery(update)] = read.events.as_slice() else {
                panic!("{read:?}");
            };
            assert_eq!(update.state, state);
            assert_eq!(update.message.as_deref(), accepted["MessageID"].as_str());
            assert_eq!(update.job.map(|id| id.to_string()).as_deref(), Some(job));
            let reason = update.suppress.as_ref().map(|suppress| suppress.reason);
            assert_eq!(reason, suppressed, "{to}");
        }
    }
    let posted = at.wait_posted(std::time::Duration::from_secs(10), 6).await;
    assert!(
        posted.iter().all(|posted| posted.answer == Some(200)),
        "{posted:?}"
    );
}
