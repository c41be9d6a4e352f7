//! Status callbacks, as a listener gets them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use longshore_sandbox::axum::extract::{Request, State};
use longshore_sandbox::axum::http::StatusCode;
use longshore_sandbox::axum::{self, Router};
use longshore_sandbox::{Fault, FaultRule};
use longshore_sms::sandbox::{CalledBack, InboundText, NotPosted, TwilioSandbox};
use ring::hmac;
use serde_json::json;

use crate::{ACCOUNT, DEADLINE, FROM, TO, TOKEN, client, create, get, send, start, text};

/// One callback as it came.
#[derive(Debug, Clone)]
struct Heard {
    /// Path and query.
    target: String,
    params: BTreeMap<String, String>,
    signature: String,
    settings: Option<String>,
}

/// Hears callbacks, and answers with these statuses, then with 204.
struct Listener {
    origin: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

type Shared = (Arc<Mutex<Vec<Heard>>>, Arc<Mutex<Vec<u16>>>);

async fn hear(State((all, answers)): State<Shared>, request: Request) -> StatusCode {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let header = |name: &str| {
        let value = head.headers.get(name)?;
        Some(value.to_str().expect("ASCII").to_owned())
    };
    let heard = Heard {
        target: head.uri.to_string(),
        params: form_urlencoded::parse(&body).into_owned().collect(),
        signature: header("x-twilio-signature").expect("signed"),
        settings: header("x-twilio-webhooks-signature-settings"),
    };
    all.lock().expect("no panic").push(heard);
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
            origin: format!("http://{addr}"),
            heard,
        }
    }

    fn hook(&self) -> String {
        format!("{}/hook?job=01JOB#rc=3&rp=5xx,ct,rt", self.origin)
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("no panic").clone()
    }

    fn statuses(&self) -> Vec<String> {
        let heard = self.heard();
        let status = |heard: &Heard| heard.params["MessageStatus"].clone();
        heard.iter().map(status).collect()
    }
}

/// The signature, computed here from what came: URL, then each name and value in order.
fn expected(listener: &Listener, heard: &Heard, algorithm: hmac::Algorithm, key: &str) -> String {
    let mut signed = format!("{}{}", listener.origin, heard.target);
    for (name, value) in &heard.params {
        signed = signed + name + value;
    }
    let key = hmac::Key::new(algorithm, key.as_bytes());
    BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()))
}

async fn sent_with(at: &TwilioSandbox, listener: &Listener, count: usize) -> Vec<CalledBack> {
    send(at, &[("StatusCallback", &listener.hook())]).await;
    let made = at.wait_called_back(DEADLINE, count).await;
    assert_eq!(made.len(), count);
    made
}

#[tokio::test]
async fn a_message_is_sent_then_delivered_and_both_are_told() {
    let (at, listener) = (start().await, Listener::start(&[]).await);
    let sent = send(&at, &[("StatusCallback", &listener.hook())]).await;
    let made = at.wait_called_back(DEADLINE, 2).await;
    let told: Vec<_> = made
        .iter()
        .map(|made| (made.status.as_str(), made.answer))
        .collect();
    assert_eq!(told, [("sent", Some(204)), ("delivered", Some(204))]);
    assert_eq!(listener.statuses(), ["sent", "delivered"]);
    for heard in listener.heard() {
        assert_eq!(heard.target, "/hook?job=01JOB", "the fragment stays here");
        let sid = text(&sent, "sid");
        for (name, value) in [
            ("MessageSid", sid),
            ("AccountSid", ACCOUNT),
            ("To", TO),
            ("From", FROM),
            ("ApiVersion", "2010-04-01"),
        ] {
            assert_eq!(heard.params[name], value);
        }
        let sha1 = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
        assert_eq!(heard.signature, expected(&listener, &heard, sha1, TOKEN));
        assert_eq!(heard.settings, None);
    }
    let now = crate::json(get(&at, text(&sent, "uri")).await).await;
    assert_eq!(text(&now, "status"), "delivered");
    assert_eq!(text(&now, "price"), "-0.00790");
    assert!(text(&now, "date_sent").ends_with("+0000"));
}

#[tokio::test]
async fn an_undelivered_message_says_why() {
    let (at, listener) = (start().await, Listener::start(&[]).await);
    at.change_callbacks(|callbacks| {
        callbacks.undelivered.insert(TO.to_owned(), 30003);
    });
    sent_with(&at, &listener, 2).await;
    assert_eq!(listener.statuses(), ["sent", "undelivered"]);
    let heard = listener.heard();
    assert_eq!(heard[1].params["ErrorCode"], "30003");
    assert!(!heard[0].params.contains_key("ErrorCode"));
    assert_eq!(at.messages()[0].error_code, Some(30003));
}

#[tokio::test]
async fn callbacks_come_twice_in_disorder_and_with_other_signatures() {
    let (at, listener) = (start().await, Listener::start(&[]).await);
    at.change_callbacks(|callbacks| {
        (callbacks.twice, callbacks.reversed) = (true, true);
        callbacks.auth_token = Some("another".to_owned());
    });
    sent_with(&at, &listener, 4).await;
    assert_eq!(
        listener.statuses(),
        ["delivered", "delivered", "sent", "sent"]
    );
    let heard = &listener.heard()[0];
    let sha1 = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
    assert_eq!(heard.signature, expected(&listener, heard, sha1, "another"));

    let set = json!({ "shared_key": { "id": "key-1", "secret": "shared" } });
    let url = format!("{}/sandbox/callbacks", at.origin());
    let answer = client()
        .put(&url)
        .json(&set)
        .send()
        .await
        .expect("answered");
    assert_eq!(answer.status(), 204);
    sent_with(&at, &listener, 6).await;
    let heard = &listener.heard()[4];
    let signature = expected(&listener, heard, hmac::HMAC_SHA256, "shared");
    assert_eq!(heard.signature, signature);
    let settings = heard.settings.as_deref();
    assert_eq!(settings, Some("key=key-1,algorithm=HMAC_SHA256"));

    let made = client().get(url + "/made").send().await.expect("answered");
    let made: Vec<CalledBack> = made.json().await.expect("JSON");
    assert_eq!(made, at.called_back());
    let wrong = client().put(format!("{}/sandbox/callbacks", at.origin()));
    let wrong = wrong.json(&json!({ "thrice": true })).send().await;
    assert_eq!(wrong.expect("answered").status(), 422);
}

#[tokio::test]
async fn a_message_by_api_key_is_signed_with_the_token_that_is_known() {
    let (at, listener) = (start().await, Listener::start(&[]).await);
    let hook = listener.hook();
    let fields = [
        ("To", TO),
        ("From", FROM),
        ("Body", "Hello"),
        ("StatusCallback", &*hook),
    ];
    let url = at.origin() + &crate::path(ACCOUNT);
    let request = client().post(url).basic_auth("SK1", Some("a-secret"));
    let sent = request.body(crate::form(&fields)).send().await;
    assert_eq!(sent.expect("answered").status(), 201);
    at.wait_called_back(DEADLINE, 2).await;
    let heard = &listener.heard()[0];
    let sha1 = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
    let signature = expected(&listener, heard, sha1, TwilioSandbox::AUTH_TOKEN);
    assert_eq!(heard.signature, signature);
}

#[tokio::test]
async fn held_messages_stay_queued_until_they_are_let_go() {
    let (at, listener) = (start().await, Listener::start(&[]).await);
    at.change_callbacks(|callbacks| callbacks.held = true);
    let sent = send(&at, &[("StatusCallback", &listener.hook())]).await;
    let found = at.message(text(&sent, "sid")).expect("there");
    assert_eq!((found.status.as_str(), found.sent), ("queued", None));
    at.change_callbacks(|callbacks| callbacks.held = false);
    at.wait_called_back(DEADLINE, 2).await;
    assert_eq!(listener.statuses(), ["sent", "delivered"]);
}

/// Also when the answer to the request was lost: nobody but the callback knows of the message then.
#[tokio::test]
async fn a_message_whose_answer_was_lost_is_told_about() {
    let (at, listener) = (start().await, Listener::start(&[]).await);
    let hook = listener.hook();
    let fields = [
        ("To", TO),
        ("From", FROM),
        ("Body", "Hello"),
        ("StatusCallback", &hook),
    ];
    for effect in [false, true] {
        let rule = FaultRule::always(Fault::HangUp { effect });
        at.faults().set(vec![rule]).expect("a valid rule");
        let lost = create(&at, &fields).send().await;
        lost.expect_err("hung up on");
    }
    assert_eq!(at.wait_called_back(DEADLINE, 2).await.len(), 2);
    let sid = &at.ledger().accepted()[0].id;
    assert_eq!(&listener.heard()[0].params["MessageSid"], sid);
}

#[tokio::test]
async fn callbacks_are_repeated_as_the_fragment_says() {
    let (at, listener) = (start().await, Listener::start(&[503, 500]).await);
    let made = sent_with(&at, &listener, 2).await;
    let tries: Vec<_> = made.iter().map(|made| (made.answer, made.tries)).collect();
    assert_eq!(tries, [(Some(204), 3), (Some(204), 1)]);
    assert_eq!(listener.statuses(), ["sent", "sent", "sent", "delivered"]);

    // Nobody listens there any more.
    let gone = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await;
    let gone = gone.expect("a port").local_addr().expect("an address");
    send(&at, &[("StatusCallback", &format!("http://{gone}/#rc=2"))]).await;
    let made = at.wait_called_back(DEADLINE, 4).await;
    assert_eq!((made[2].answer, made[2].tries), (None, 3));
}

/// What somebody answers is posted as Twilio posts it: from them, to the number that wrote to them, signed with the account's token.
#[tokio::test]
async fn a_text_that_somebody_sends_is_posted() {
    let (at, listener) = (start().await, Listener::start(&[]).await);
    let stop = InboundText {
        from: TO.to_owned(),
        body: "STOP".to_owned(),
        account_sid: None,
        to: None,
    };
    assert_eq!(at.text_from(&stop).await, Err(NotPosted::Nowhere));
    let url = format!("{}/webhooks/twilio/inbound", listener.origin);
    at.change_callbacks(|callbacks| callbacks.inbound_url = Some(url));
    assert_eq!(at.text_from(&stop).await, Err(NotPosted::NoAccount));
    send(&at, &[]).await;
    assert_eq!(at.text_from(&stop).await, Ok(Some(204)));
    let heard = listener.heard().pop().expect("it was posted");
    for (name, value) in [
        ("From", TO),
        ("To", FROM),
        ("AccountSid", ACCOUNT),
        ("Body", "STOP"),
    ] {
        assert_eq!(heard.params[name], value, "{name}");
    }
    let sha1 = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
    assert_eq!(heard.signature, expected(&listener, &heard, sha1, TOKEN));
    // The same over HTTP, for programs in other processes.
    let request = client().post(format!("{}/sandbox/inbound", at.origin()));
    let request = request.json(&json!({ "from": TO, "body": "START" }));
    let answer = request.send().await.expect("answers");
    assert_eq!(answer.text().await.expect("a text"), "answered 204\n");
    let heard = listener.heard().pop().expect("it was posted");
    assert_eq!(heard.params["Body"], "START");
}
