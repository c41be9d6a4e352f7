//! Events, as an endpoint gets them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use longshore_payment_reconcile::sandbox::{EventTold, StripeSandbox, WebhookEndpoint};
use ring::hmac;
use serde_json::{Value, json};

use super::{DEADLINE, get, intent, made, request, start, text};

const SECRET: &str = "whsec_sandbox";

/// One event as it came.
#[derive(Debug, Clone)]
struct Heard {
    body: String,
    signature: String,
}

/// Hears events, and answers with these statuses, then with 200.
struct Listener {
    url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

type Shared = (Arc<Mutex<Vec<Heard>>>, Arc<Mutex<Vec<u16>>>);

async fn hear(State((all, answers)): State<Shared>, request: Request) -> StatusCode {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let signature = head.headers["stripe-signature"].to_str().expect("ASCII");
    all.lock().expect("no panic").push(Heard {
        body: String::from_utf8(body.into()).expect("UTF-8"),
        signature: signature.to_owned(),
    });
    let answer = answers.lock().expect("no panic").pop().unwrap_or(200);
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
            url: format!("http://{addr}/webhooks/stripe"),
            heard,
        }
    }

    fn endpoint(&self) -> WebhookEndpoint {
        WebhookEndpoint::new(&self.url, SECRET)
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("no panic").clone()
    }

    fn events(&self) -> Vec<Value> {
        let heard = self.heard();
        let event = |heard: &Heard| serde_json::from_str(&heard.body).expect("JSON");
        heard.iter().map(event).collect()
    }

    fn kinds(&self) -> Vec<String> {
        let events = self.events();
        events.iter().map(|e| text(e, "type").to_owned()).collect()
    }
}

/// A sandbox that tells this listener.
async fn telling(listener: &Listener) -> StripeSandbox {
    let at = start().await;
    at.change_webhooks(|webhooks| webhooks.endpoints.push(listener.endpoint()));
    at
}

/// Time and signatures of a header.
fn parts(signature: &str) -> (u64, Vec<&str>) {
    let parts: Vec<_> = signature
        .split(',')
        .filter_map(|part| part.split_once('='))
        .collect();
    let time = parts[0].1.parse().expect("a time");
    assert_eq!(parts[0].0, "t");
    assert!(parts[1..].iter().all(|(name, _)| *name == "v1"));
    (time, parts[1..].iter().map(|(_, value)| *value).collect())
}

/// The signature, computed here from what came.
fn expected(heard: &Heard, secret: &str) -> String {
    let (time, _) = parts(&heard.signature);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex::encode(hmac::sign(
        &key,
        format!("{time}.{}", heard.body).as_bytes(),
    ))
}

fn now() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    since.as_secs()
}

async fn paid(at: &StripeSandbox, method: &str) -> Value {
    let fields = [
        ("confirm", "true"),
        ("off_session", "true"),
        ("payment_method", method),
        ("metadata[orderId]", "o-1"),
    ];
    intent(at, &fields).await.1
}

#[tokio::test]
async fn what_happens_is_told_in_order_and_signed() {
    let listener = Listener::start(&[]).await;
    let at = telling(&listener).await;
    let paid = paid(&at, "pm_card_visa").await;
    let told = at.wait_called_back(DEADLINE, 2).await;
    let kinds = ["payment_intent.created", "payment_intent.succeeded"];
    assert_eq!(listener.kinds(), kinds);
    let event = &listener.events()[1];
    assert_eq!(event["object"], "event");
    assert_eq!(event["api_version"], "2023-10-16");
    assert_eq!(event["livemode"], false);
    assert_eq!(event["data"]["object"], paid);
    assert_eq!(event["request"]["id"], at.requests()[0].id);
    assert_eq!(
        told[1],
        EventTold {
            event: text(event, "id").to_owned(),
            kind: kinds[1].to_owned(),
            url: listener.url.clone(),
            answer: Some(200),
            tries: 1,
        }
    );
    let heard = &listener.heard()[1];
    let (time, signatures) = parts(&heard.signature);
    assert_eq!(signatures, [expected(heard, SECRET)]);
    assert!(now().abs_diff(time) < 60);
    // What is told is what can be fetched.
    let path = format!("/v1/events/{}", text(event, "id"));
    assert_eq!(get(&at, &path).await, (200, event.clone()));
}

#[tokio::test]
async fn each_change_has_its_event() {
    let listener = Listener::start(&[]).await;
    let at = telling(&listener).await;
    let customer = made(&at, "/v1/customers", &[]).await;
    let fields = [
        ("customer", text(&customer, "id")),
        ("items[0][price]", "price_1"),
    ];
    let subscription = made(&at, "/v1/subscriptions", &fields).await;
    let path = format!("/v1/subscriptions/{}", text(&subscription, "id"));
    let ended = request(&at, reqwest::Method::DELETE, &path).send().await;
    assert_eq!(ended.expect("answered").status(), 200);
    let declined = paid(&at, "pm_card_chargeDeclined").await;
    let id = text(&declined["error"]["payment_intent"], "id");
    assert!(at.customer_pays(id, true));
    at.wait_called_back(DEADLINE, 6).await;
    // Different requests are told side by side.
    let kinds: BTreeSet<_> = listener.kinds().into_iter().collect();
    let expected = [
        "customer.created",
        "customer.subscription.created",
        "customer.subscription.deleted",
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    ];
    assert_eq!(kinds, expected.map(str::to_owned).into());
    for event in listener.events() {
        let object = &event["data"]["object"];
        match text(&event, "type") {
            "customer.subscription.deleted" => assert_eq!(object["status"], "canceled"),
            "payment_intent.payment_failed" => {
                assert_eq!(object["last_payment_error"]["code"], "card_declined");
                assert_eq!(object["metadata"]["orderId"], "o-1");
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn an_endpoint_gets_what_it_wants_as_it_wants_it() {
    let listener = Listener::start(&[]).await;
    let at = start().await;
    let mut endpoint = listener.endpoint();
    endpoint.secrets.push("whsec_new".to_owned());
    endpoint.api_version = "2020-08-27".to_owned();
    endpoint.events = vec!["payment_intent.succeeded".to_owned()];
    assert!(!format!("{endpoint:?}").contains("whsec"));
    at.change_webhooks(|webhooks| webhooks.endpoints.push(endpoint));
    paid(&at, "pm_card_visa").await;
    at.wait_called_back(DEADLINE, 1).await;
    assert_eq!(listener.kinds(), ["payment_intent.succeeded"]);
    assert_eq!(listener.events()[0]["api_version"], "2020-08-27");
    let heard = &listener.heard()[0];
    let both = [expected(heard, SECRET), expected(heard, "whsec_new")];
    assert_eq!(parts(&heard.signature).1, both);
}

#[tokio::test]
async fn events_come_twice_in_disorder_and_late() {
    let listener = Listener::start(&[]).await;
    let at = telling(&listener).await;
    at.change_webhooks(|webhooks| {
        (webhooks.held, webhooks.twice, webhooks.reversed) = (true, true, true);
        webhooks.signed_seconds_ago = 301;
    });
    made(&at, "/v1/customers", &[]).await;
    paid(&at, "pm_card_visa").await;
    assert!(listener.heard().is_empty());
    at.change_webhooks(|webhooks| webhooks.held = false);
    at.wait_called_back(DEADLINE, 6).await;
    let succeeded = "payment_intent.succeeded";
    let created = "payment_intent.created";
    let customer = "customer.created";
    assert_eq!(
        listener.kinds(),
        [succeeded, succeeded, created, created, customer, customer]
    );
    let heard = &listener.heard()[0];
    let (time, signatures) = parts(&heard.signature);
    assert_eq!(signatures, [expected(heard, SECRET)]);
    assert!((301..400).contains(&(now() - time)));
    // Once more, on demand.
    at.send_event_again(text(&listener.events()[0], "id"));
    at.wait_called_back(DEADLINE, 8).await;
    assert_eq!(listener.heard()[7].body, heard.body);
}

#[tokio::test]
async fn events_may_be_thin_or_of_the_other_mode() {
    let listener = Listener::start(&[]).await;
    let at = telling(&listener).await;
    at.change_webhooks(|webhooks| (webhooks.thin, webhooks.flipped_livemode) = (true, true));
    let customer = made(&at, "/v1/customers", &[]).await;
    at.wait_called_back(DEADLINE, 1).await;
    let event = &listener.events()[0];
    assert_eq!(event["object"], "v2.core.event");
    assert_eq!(event["type"], "v1.customer.created");
    assert_eq!(event["livemode"], true);
    assert_eq!(event["data"], json!(null));
    assert_eq!(event["related_object"]["id"], customer["id"]);
    assert_eq!(
        parts(&listener.heard()[0].signature).1,
        [expected(&listener.heard()[0], SECRET)]
    );
    assert_eq!(at.events()[0]["livemode"], false);
}

#[tokio::test]
async fn an_event_is_told_again_until_it_is_taken() {
    let listener = Listener::start(&[503, 302, 400]).await;
    let at = telling(&listener).await;
    made(&at, "/v1/customers", &[]).await;
    let told = at.wait_called_back(DEADLINE, 1).await;
    assert_eq!((told[0].answer, told[0].tries), (Some(200), 4));
    let bodies: BTreeSet<_> = listener.heard().into_iter().map(|h| h.body).collect();
    assert_eq!((bodies.len(), listener.heard().len()), (1, 4));

    // Nobody listens there any more.
    let gone = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await;
    let gone = gone.expect("a port").local_addr().expect("an address");
    let gone = WebhookEndpoint::new(format!("http://{gone}/"), SECRET);
    at.change_webhooks(|webhooks| webhooks.endpoints = vec![gone]);
    made(&at, "/v1/customers", &[]).await;
    let told = at.wait_called_back(DEADLINE, 2).await;
    assert_eq!((told[1].answer, told[1].tries), (None, 4));
}
