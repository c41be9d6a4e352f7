//! Events, as a listener gets them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use longshore_email::sandbox::{EventWebhook, EventsPosted, SendGridSandbox};
use longshore_sandbox::axum::extract::{Request, State};
use longshore_sandbox::axum::http::StatusCode;
use longshore_sandbox::axum::{self, Router};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde_json::{Value, json};

use super::{client, mail, send, start};

const DEADLINE: Duration = Duration::from_secs(30);

/// One list as it came.
#[derive(Debug, Clone)]
struct Heard {
    body: String,
    signature: String,
    time: String,
}

/// Hears lists, and answers with these statuses, then with 204.
struct Listener {
    url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

type Shared = (Arc<Mutex<Vec<Heard>>>, Arc<Mutex<Vec<u16>>>);

async fn hear(State((all, answers)): State<Shared>, request: Request) -> StatusCode {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let header = |name: &str| {
        let value = &head.headers[format!("x-twilio-email-event-webhook-{name}").as_str()];
        value.to_str().expect("ASCII").to_owned()
    };
    all.lock().expect("no panic").push(Heard {
        body: String::from_utf8(body.into()).expect("UTF-8"),
        signature: header("signature"),
        time: header("timestamp"),
    });
    let answer = answers.lock().expect("no panic").pop().unwrap_or(204);
    StatusCode::from_u16(answer).expect("a status")
}

impl Listener {
    async fn start(answers: &[u16]) -> Self {
        let any = ("127.0.0.1", 0);
        let listener = tokio::net::TcpListener::bind(any).await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let heard = Arc::default();
        let answers = answers.iter().rev().copied().collect();
        let shared = (Arc::clone(&heard), Arc::new(Mutex::new(answers)));
        let router = Router::new().fallback(hear).with_state(shared);
        tokio::spawn(async { axum::serve(listener, router).await });
        Self {
            url: format!("http://{addr}/webhooks/sendgrid"),
            heard,
        }
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("no panic").clone()
    }
}

impl Heard {
    fn events(&self) -> Vec<Value> {
        assert!(self.body.ends_with("]\r\n"), "{}", self.body);
        serde_json::from_str(&self.body).expect("a list")
    }

    fn is_signed_by(&self, public_key: &str) -> bool {
        let spki = BASE64_STANDARD.decode(public_key).expect("base64");
        let signature = BASE64_STANDARD.decode(&self.signature).expect("base64");
        let message = format!("{}{}", self.time, self.body);
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &spki[26..])
            .verify(message.as_bytes(), &signature)
            .is_ok()
    }
}

fn to(address: &str) -> Value {
    let mut mail = mail("01JOB");
    mail["personalizations"][0]["to"][0]["email"] = address.into();
    mail
}

async fn told(at: &SendGridSandbox, count: usize) -> Vec<EventsPosted> {
    let told = at.wait_posted(DEADLINE, count).await;
    assert_eq!(told.len(), count, "{told:?}");
    told
}

#[tokio::test]
async fn what_becomes_of_a_mail_is_told_and_signed() {
    let (at, listener) = (start().await, Listener::start(&[]).await);
    at.change_webhook(|webhook| webhook.url = Some(listener.url.clone()));
    let sent = send(&client(), &at, &to("Ada@example.com")).await;
    let id = sent.expect("answered").headers()["x-message-id"].clone();
    let told = told(&at, 1).await;
    assert_eq!(told[0].events, ["processed", "delivered"]);
    assert_eq!((told[0].answer, told[0].tries), (Some(204), 1));
    let heard = listener.heard();
    assert!(heard[0].is_signed_by(&at.public_key()), "{heard:?}");
    assert!(!heard[0].is_signed_by(SendGridSandbox::DEVELOPMENT_PUBLIC_KEY));
    let events = heard[0].events();
    let id = id.to_str().expect("ASCII");
    for event in &events {
        assert_eq!(
            (&event["email"], &event["job_id"]),
            (&json!("Ada@example.com"), &json!("01JOB"))
        );
        let message = event["sg_message_id"].as_str().expect("an id");
        assert_eq!(message.split('.').next(), Some(id));
    }
    assert_ne!(events[0]["sg_event_id"], events[1]["sg_event_id"]);

    let rolled = at.roll_key();
    send(&client(), &at, &to("ada@example.com"))
        .await
        .expect("answered");
    self::told(&at, 2).await;
    assert!(listener.heard()[1].is_signed_by(&rolled));
    at.use_development_key();
    assert_eq!(at.public_key(), SendGridSandbox::DEVELOPMENT_PUBLIC_KEY);
}

#[tokio::test]
async fn addresses_have_their_fates() {
    let (at, listener) = (start().await, Listener::start(&[]).await);
    let set = json!({
        "url": listener.url,
        "bounced": ["gone@example.com"],
        "bounced_late": ["late@example.com"],
        "blocked": ["full@example.com"],
        "dropped": { "known@example.com": "Bounced Address" },
        "spam_reported": ["angry@example.com"],
        "unsubscribed": ["bored@example.com"],
    });
    let url = |path: &str| format!("{}/sandbox/webhooks{path}", at.origin());
    let put = client().put(url("")).json(&set).send().await;
    assert_eq!(put.expect("answered").status().as_u16(), 204);
    for (n, (address, kinds)) in [
        ("GONE@example.com", &["processed", "bounce"][..]),
        ("late@example.com", &["processed", "delivered", "bounce"]),
        ("full@example.com", &["processed", "bounce"]),
        ("known@example.com", &["dropped"]),
        (
            "angry@example.com",
            &["processed", "delivered", "spamreport"],
        ),
        (
            "bored@example.com",
            &["processed", "delivered", "open", "unsubscribe"],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        send(&client(), &at, &to(address)).await.expect("answered");
        assert_eq!(told(&at, n + 1).await[n].events, kinds, "{address}");
    }
    let lists: Vec<_> = listener.heard().iter().map(Heard::events).collect();
    assert_eq!(
        (&lists[0][1]["type"], &lists[0][1]["status"]),
        (&json!("bounce"), &json!("5.1.1"))
    );
    assert!(lists[1][2].get("sg_message_id").is_none());
    assert_eq!(lists[2][1]["type"], "blocked");
    assert_eq!(lists[3][0]["reason"], "Bounced Address");
    let shown = client()
        .get(url("/public_key"))
        .send()
        .await
        .expect("answered");
    assert_eq!(shown.text().await.expect("text"), at.public_key());
    let shown = client().get(url("")).send().await.expect("answered");
    let shown: EventWebhook = shown.json().await.expect("JSON");
    assert_eq!(shown, at.webhook());
}

#[tokio::test]
async fn what_was_held_is_one_list_newest_first_twice_and_until_it_is_taken() {
    let (at, listener) = (start().await, Listener::start(&[503, 500]).await);
    at.change_webhook(|webhook| {
        webhook.url = Some(listener.url.clone());
        (webhook.held, webhook.twice, webhook.reversed) = (true, true, true);
        webhook.signed_seconds_ago = 3600;
    });
    for _ in 0..2 {
        send(&client(), &at, &to("ada@example.com"))
            .await
            .expect("answered");
    }
    assert!(listener.heard().is_empty());
    at.change_webhook(|webhook| webhook.held = false);
    let told = told(&at, 2).await;
    let kinds = ["delivered", "processed", "delivered", "processed"];
    assert_eq!(
        (&*told[0].events, told[0].tries),
        (&kinds.map(str::to_owned)[..], 3)
    );
    assert_eq!((told[1].tries, told[1].answer), (1, Some(204)));
    let heard = listener.heard();
    assert_eq!(heard.len(), 4);
    assert!(heard.iter().all(|list| list.body == heard[0].body));
    assert!(heard.iter().all(|list| list.is_signed_by(&at.public_key())));
    // A fault that loses the mail tells nothing of it.
    at.faults()
        .set(vec![longshore_sandbox::FaultRule::always(
            longshore_sandbox::Fault::HangUp { effect: false },
        )])
        .expect("a rule");
    send(&client(), &at, &to("ada@example.com"))
        .await
        .expect_err("hung up");
    at.faults().clear();
    send(&client(), &at, &to("ada@example.com"))
        .await
        .expect("answered");
    self::told(&at, 4).await;
}
