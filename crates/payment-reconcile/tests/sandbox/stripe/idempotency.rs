//! Results that are saved under the key of the request.

use longshore_payment_reconcile::sandbox::StripeSandbox;
use longshore_sandbox::{Fault, FaultRule, Only};
use reqwest::Response;
use serde_json::{Value, json};

use super::{DEADLINE, post_as, read, start, words};

const INTENTS: &str = "/v1/payment_intents";
const FIELDS: [(&str, &str); 3] = [
    ("amount", "100"),
    ("currency", "nok"),
    ("metadata[longshore_job]", "01JOB"),
];

fn declined() -> Vec<(&'static str, &'static str)> {
    let mut fields = FIELDS.to_vec();
    fields.extend([
        ("confirm", "true"),
        ("off_session", "true"),
        ("payment_method", "pm_card_chargeDeclined"),
    ]);
    fields
}

/// Status, body, and whether it says that it is a replay.
async fn told(response: Response) -> (u16, Value, bool) {
    let replayed = response.headers().get("idempotent-replayed");
    let replayed = replayed.is_some_and(|value| value == "true");
    let (status, body) = read(response).await;
    (status, body, replayed)
}

async fn twice(at: &StripeSandbox, key: &str, fields: &[(&str, &str)]) -> [(u16, Value, bool); 2] {
    let first = told(post_as(at, key, INTENTS, fields).await).await;
    [first, told(post_as(at, key, INTENTS, fields).await).await]
}

#[tokio::test]
async fn the_same_key_gets_the_same_result() {
    let at = start().await;
    let first = post_as(&at, "k1", INTENTS, &FIELDS).await;
    assert_eq!(first.headers()["idempotency-key"], "k1");
    let original = first.headers()["request-id"].clone();
    let (status, made, replayed) = told(first).await;
    assert_eq!((status, replayed), (200, false));
    // In another order, which means the same.
    let mut turned = FIELDS;
    turned.reverse();
    let second = post_as(&at, "k1", INTENTS, &turned).await;
    assert_eq!(second.headers()["original-request"], original);
    assert_ne!(second.headers()["request-id"], original);
    assert_eq!(told(second).await, (200, made, true));
    // 402 is a result too.
    let [first, second] = twice(&at, "k2", &declined()).await;
    assert_eq!((first.0, first.2, second.2), (402, false, true));
    assert_eq!(first.1, second.1);
    assert_eq!(words(&at), ["payment_intent"; 2]);
    assert_eq!(at.ledger().summary().requests, 4);
    assert_eq!(at.payment_intents().len(), 2);
    let replays: Vec<_> = at.requests().into_iter().map(|r| r.replayed).collect();
    assert_eq!(replays, [false, true, false, true]);
}

#[tokio::test]
async fn without_a_key_each_request_is_one_more() {
    let at = start().await;
    for _ in 0..2 {
        assert_eq!(super::post(&at, INTENTS, &FIELDS).await.0, 200);
    }
    let summary = at.ledger().summary();
    assert_eq!((summary.accepted, summary.duplicates), (2, 1));
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let at = start().await;
    assert_eq!(post_as(&at, "k", INTENTS, &FIELDS).await.status(), 200);
    let other = [("amount", "101"), FIELDS[1], FIELDS[2]];
    for (path, fields) in [
        (INTENTS, &other[..]),
        ("/v1/customers", &FIELDS),
        (INTENTS, &[]),
    ] {
        let (status, body, _) = told(post_as(&at, "k", path, fields).await).await;
        assert_eq!(status, 400, "{path}");
        assert_eq!(body["error"]["type"], "idempotency_error");
    }
    assert_eq!(words(&at).len(), 1);
    // Live mode has its own.
    for replayed in [false, true] {
        let live = super::client().post(at.origin() + INTENTS);
        let live = live.bearer_auth("sk_live_1").header("idempotency-key", "k");
        let live = live.body(super::form(&other)).send().await;
        let (status, _, again) = told(live.expect("answered")).await;
        assert_eq!((status, again), (200, replayed));
    }

    let (long, longest) = ("k".repeat(256), "k".repeat(255));
    for (key, status) in [(&*long, 400), ("", 400), (&*longest, 200)] {
        assert_eq!(post_as(&at, key, INTENTS, &FIELDS).await.status(), status);
    }
}

/// Before anything is carried out nothing is saved: the key is free for a request that is right.
#[tokio::test]
async fn what_was_not_carried_out_is_not_saved() {
    let at = start().await;
    assert_eq!(post_as(&at, "k", INTENTS, &FIELDS[1..]).await.status(), 400);
    at.refuse_key(super::KEY);
    assert_eq!(post_as(&at, "k", INTENTS, &FIELDS).await.status(), 401);
    at.accept_key(super::KEY);
    for fault in [
        StripeSandbox::rate_limited(),
        StripeSandbox::lock_timeout(),
        StripeSandbox::key_in_use(),
        StripeSandbox::should_retry(503, true),
        Fault::Answer {
            status: 500,
            headers: [].into(),
            body: None,
            effect: false,
        },
    ] {
        let rule = FaultRule::first(1, fault.clone());
        at.faults().set(vec![rule]).expect("a valid rule");
        let status = post_as(&at, "k", INTENTS, &FIELDS).await.status();
        assert!(status.as_u16() >= 400, "{fault:?}");
    }
    let (status, _, replayed) = told(post_as(&at, "k", INTENTS, &FIELDS).await).await;
    assert_eq!((status, replayed), (200, false));
    assert_eq!(words(&at).len(), 1);
}

/// What names things that are not there was looked up, so it was carried out.
#[tokio::test]
async fn what_was_looked_up_in_vain_is_saved() {
    let at = start().await;
    let fields = [FIELDS[0], FIELDS[1], ("customer", "cus_none")];
    let [first, second] = twice(&at, "k", &fields).await;
    assert_eq!((first.0, first.2), (400, false));
    assert_eq!((second.0, second.2), (400, true));
    assert_eq!(at.ledger().summary().accepted, 0);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_there_for_the_same_key() {
    let at = start().await;
    for (n, (fault, effect)) in [
        (Fault::HangUp { effect: true }, true),
        (Fault::HangUp { effect: false }, false),
        (Fault::NeverAnswer { effect: true }, true),
        (
            Fault::Answer {
                status: 500,
                headers: [].into(),
                body: None,
                effect: true,
            },
            true,
        ),
        (
            Fault::Garbage {
                status: 200,
                effect: true,
            },
            true,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (key, before) = (format!("k{n}"), at.ledger().summary().accepted);
        let rule = FaultRule::always(fault.clone());
        at.faults().set(vec![rule]).expect("a valid rule");
        let asked = super::request(&at, reqwest::Method::POST, INTENTS);
        let asked = asked.header("idempotency-key", &key);
        let asked = asked.body(super::form(&FIELDS)).send();
        let requests = at.ledger().requests();
        tokio::select! {
            // What it is answered is for other tests.
            _ = asked => {}
            noted = at.ledger().wait_until(DEADLINE, |s| s.requests > requests) => {
                noted.expect("noted");
            }
        }
        at.faults().clear();
        let (status, body, replayed) = told(post_as(&at, &key, INTENTS, &FIELDS).await).await;
        assert_eq!((status, replayed), (200, effect), "{fault:?}");
        assert_eq!(at.ledger().summary().accepted, before + 1, "{fault:?}");
        assert_eq!(
            at.ledger().accepted().last().map(|e| json!(e.id)),
            Some(body["id"].clone())
        );
    }
}

#[tokio::test]
async fn a_key_in_flight_is_in_use() {
    let at = start().await;
    let only = Only {
        recipient: Some("payment_intent".to_owned()),
        ..Only::default()
    };
    let rule = FaultRule::first(1, Fault::Delay { ms: 300 }).only(only);
    at.faults().set(vec![rule]).expect("a valid rule");
    let slow = post_as(&at, "k", INTENTS, &FIELDS);
    let meanwhile = async {
        let noted = at.ledger().wait_until(DEADLINE, |s| s.accepted == 1).await;
        noted.expect("carried out");
        told(post_as(&at, "k", INTENTS, &FIELDS).await).await
    };
    let (slow, (status, body, replayed)) = tokio::join!(slow, meanwhile);
    assert_eq!((status, replayed), (409, false));
    assert_eq!(body["error"]["code"], "idempotency_key_in_use");
    let (_, made, _) = told(slow).await;
    let after = told(post_as(&at, "k", INTENTS, &FIELDS).await).await;
    assert_eq!(after, (200, made, true));
    assert_eq!(words(&at).len(), 1);
}

/// Whether what was asked for happened is not to be seen in it.
#[tokio::test]
async fn a_saved_error_is_replayed() {
    let at = start().await;
    for (effect, accepted) in [(false, 0), (true, 1)] {
        at.save_errors(1, effect);
        let key = format!("k{effect}");
        let [first, second] = twice(&at, &key, &FIELDS).await;
        assert_eq!((first.0, first.2), (500, false));
        assert_eq!(first.1["error"]["type"], "api_error");
        assert_eq!((second.0, second.2), (500, true));
        assert_eq!(at.ledger().summary().accepted, accepted);
        assert_eq!(at.payment_intents().len() as u64, accepted);
    }
    assert_eq!(post_as(&at, "new", INTENTS, &FIELDS).await.status(), 200);
}

#[tokio::test]
async fn keys_are_forgotten() {
    let at = start().await;
    for key in ["k1", "k2"] {
        post_as(&at, key, INTENTS, &FIELDS).await;
    }
    at.expire_idempotency_key("k1");
    let replayed = |key: &'static str| async {
        let again = post_as(&at, key, INTENTS, &FIELDS).await;
        told(again).await.2
    };
    assert_eq!((replayed("k1").await, replayed("k2").await), (false, true));
    at.expire_idempotency_keys();
    assert!(!replayed("k2").await);
    assert_eq!(words(&at).len(), 4);
}
