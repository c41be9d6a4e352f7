//! Payment effects: applied once each.

use longshore_payment_reconcile::sandbox::{AppEffectKind, AppPayment, AppSandbox, Applied};
use longshore_sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{answered, client, effect, now, signature, start};

fn paid() -> Value {
    json!({
        "effect": "order_paid", "event_id": "evt_1", "order_id": "o-1", "user_id": "u-1",
        "payment_intent": "pi_1", "amount": 100, "currency": "nok",
    })
}

fn failed() -> Value {
    json!({ "effect": "payment_failed", "event_id": "evt_2", "order_id": "o-1", "payment_intent": "pi_1" })
}

#[tokio::test]
async fn effects_are_applied_and_answered() {
    let at = start().await;
    at.plant([AppPayment::pending("o-1", "pi_1", 100, "nok")]);
    let status = || at.payment("o-1").expect("there").status;

    let (code, body) = answered(effect(&at, &failed())).await;
    assert_eq!((code, status().as_str()), (200, "failed"));
    assert!(
        body["email"]["email"].is_string() && body["data"].is_object(),
        "{body}"
    );
    assert_eq!(answered(effect(&at, &paid())).await, (200, json!({})));
    assert_eq!(status(), "paid");
    // What has been paid does not fail any more.
    let late = json!({ "effect": "payment_failed", "event_id": "evt_3", "order_id": "o-1" });
    at.set_contact(json!({ "email": { "email": "ola@example.com" } }));
    let (_, body) = answered(effect(&at, &late)).await;
    assert_eq!(body, json!({ "email": { "email": "ola@example.com" } }));
    assert_eq!(status(), "paid");
    let ended =
        json!({ "effect": "subscription_cancelled", "event_id": "evt_4", "customer": "cus_1" });
    assert_eq!(answered(effect(&at, &ended)).await, (200, json!({})));

    let noted: Vec<_> = at
        .ledger()
        .accepted()
        .into_iter()
        .map(|effect| (effect.recipient, effect.id, effect.job))
        .collect();
    let expected = [
        ("payment_failed", "evt_2"),
        ("order_paid", "evt_1"),
        ("payment_failed", "evt_3"),
        ("subscription_cancelled", "evt_4"),
    ];
    let expected = expected.map(|(word, id)| (word.to_owned(), id.to_owned(), None));
    assert_eq!(noted, expected);
    assert_eq!(
        at.applied()[3].effect.effect,
        AppEffectKind::SubscriptionCancelled
    );
    assert_eq!(at.applied()[3].effect.customer.as_deref(), Some("cus_1"));
    // An order that the app did not know.
    let new = json!({ "effect": "order_paid", "event_id": "evt_5", "order_id": "o-2", "amount": 5, "currency": "sek" });
    answered(effect(&at, &new)).await;
    let order = at.payment("o-2").expect("there");
    assert_eq!(
        (&*order.status, order.amount, &*order.currency),
        ("paid", 5, "sek")
    );
}

#[tokio::test]
async fn the_same_event_is_one_effect() {
    let at = start().await;
    let first = answered(effect(&at, &failed())).await;
    // Not even a new answer changes what was answered.
    at.set_contact(json!({}));
    assert_eq!(answered(effect(&at, &failed())).await, first);
    assert_eq!(at.ledger().summary().accepted, 1);
    assert_eq!((at.applied()[0].times, at.repetitions()), (2, 1));
    let mut other = failed();
    other["order_id"] = json!("o-2");
    assert_eq!(answered(effect(&at, &other)).await.0, 422);
    assert_eq!((at.ledger().summary().requests, at.repetitions()), (3, 1));

    let over_http = client().get(at.origin() + "/sandbox/effects").send().await;
    let over_http: Vec<Applied> = over_http.expect("answered").json().await.expect("JSON");
    assert_eq!(over_http, at.applied());
}

#[tokio::test]
async fn what_is_not_in_order_is_refused() {
    let at = start().await;
    let body = paid().to_string();
    let post = || {
        client()
            .post(at.origin() + "/payments/effects")
            .body(body.clone())
    };
    let keyed = || post().header("idempotency-key", "evt_1");
    let signed = |secret, time| signature(secret, time, &body);
    let secret = AppSandbox::SECRET;
    for (signature, status) in [
        (String::new(), 401),
        (signed("another", now()), 401),
        (signed(secret, now() - 400), 401),
        (signed(secret, now() + 400), 401),
        (signed(secret, now()).replace("v1", "v0"), 401),
        (signed(secret, now()) + ",v1=00", 200),
    ] {
        let request = keyed().header("longshore-signature", &signature);
        assert_eq!(answered(request).await.0, status, "{signature}");
    }
    assert_eq!(answered(keyed()).await.0, 401);
    let signed = signed(secret, now());
    let unkeyed = post().header("longshore-signature", &signed);
    assert_eq!(answered(unkeyed).await.0, 400);
    let other = post().header("longshore-signature", &signed);
    assert_eq!(
        answered(other.header("idempotency-key", "evt_9")).await.0,
        400
    );
    for wrong in [
        json!({ "effect": "order_lost", "event_id": "evt_7" }),
        json!({ "effect": "order_paid", "event_id": "evt_7", "amount": "100" }),
        json!({ "effect": "order_paid", "event_id": "evt_7", "order": "o-1" }),
        json!({ "event_id": "evt_7" }),
    ] {
        assert_eq!(answered(effect(&at, &wrong)).await.0, 400, "{wrong}");
    }
    assert_eq!(at.ledger().summary().accepted, 1);
    at.set_secret("rolled");
    assert_eq!(answered(effect(&at, &failed())).await.0, 401);
}

#[tokio::test]
async fn faults_decide_what_is_applied() {
    let at = start().await;
    let answer = |status, effect| Fault::Answer {
        status,
        headers: [].into(),
        body: None,
        effect,
    };
    for (n, (fault, applied)) in [
        (answer(503, false), false),
        (answer(422, false), false),
        (answer(500, true), true),
        (Fault::HangUp { effect: true }, true),
        (Fault::HangUp { effect: false }, false),
    ]
    .into_iter()
    .enumerate()
    {
        let told = json!({ "effect": "order_paid", "event_id": format!("evt_{n}"), "order_id": format!("o-{n}") });
        let rule = FaultRule::first(1, fault.clone());
        at.faults().set(vec![rule]).expect("a valid rule");
        // What it is answered is for other tests.
        let _ = effect(&at, &told).send().await;
        assert_eq!(
            at.payment(&format!("o-{n}")).is_some(),
            applied,
            "{fault:?}"
        );
        let before = at.repetitions();
        assert_eq!(answered(effect(&at, &told)).await.0, 200);
        assert_eq!(at.repetitions() - before, u64::from(applied), "{fault:?}");
        assert_eq!(at.ledger().summary().accepted as usize, n + 1);
    }
}
