//! What each event leads to, by what its object is now.

use serde_json::{Value, json};

use super::*;

fn intent(status: &str, error: &Value) -> PaymentIntent {
    let intent = json!({
        "id": "pi_1", "status": status, "amount": 1000, "amount_received": 900, "currency": "nok",
        "customer": "cus_1", "metadata": { "orderId": "o1", "userId": "u1" }, "created": 1,
        "livemode": false, "last_payment_error": error,
    });
    serde_json::from_value(intent).expect("an intent")
}

#[test]
fn an_event_leads_to_its_own_effect_or_to_none() {
    let declined = || json!({ "code": "card_declined" });
    for (status, error, paid, failed) in [
        ("succeeded", Value::Null, true, false),
        // What was declined before does not matter any more.
        ("succeeded", declined(), true, false),
        ("requires_payment_method", declined(), false, true),
        ("requires_payment_method", Value::Null, false, false),
        ("canceled", Value::Null, false, true),
        ("processing", declined(), false, false),
        ("requires_action", declined(), false, false),
        ("requires_confirmation", declined(), false, false),
        ("requires_capture", Value::Null, false, false),
        ("thinking", declined(), false, false),
    ] {
        let intent = intent(status, &error);
        for (kind, expected) in [
            (EffectKind::OrderPaid, paid),
            (EffectKind::PaymentFailed, failed),
        ] {
            let effect = of_payment(kind, "evt_1", &intent);
            assert_eq!(effect.is_ok(), expected, "{kind:?} {status}: {effect:?}");
            assert!(effect.is_err() || effect.is_ok_and(|effect| effect.effect == kind));
        }
    }
}

#[test]
fn reasons_say_what_is_true_now() {
    let why = |status| {
        let intent = intent(status, &Value::Null);
        of_payment(EffectKind::PaymentFailed, "evt_1", &intent).expect_err(status)
    };
    assert_eq!(
        why("succeeded"),
        "pi_1 has succeeded since: that has an event of its own"
    );
    assert_eq!(why("processing"), "pi_1 is processing now");
    assert_eq!(why("ada@example.com"), "pi_1 is in an unknown state now");
}

#[test]
fn effects_are_written_with_what_is_known() {
    let write = |effect: &Effect| serde_json::to_value(effect).expect("JSON");
    let paid = of_payment(
        EffectKind::OrderPaid,
        "evt_1",
        &intent("succeeded", &Value::Null),
    );
    let expected = json!({
        "effect": "order_paid", "event_id": "evt_1", "order_id": "o1", "user_id": "u1",
        "customer": "cus_1", "payment_intent": "pi_1", "amount": 900, "currency": "nok",
    });
    assert_eq!(write(&paid.expect("paid")), expected);

    let bare = json!({
        "id": "pi_2", "status": "canceled", "amount": 1000, "currency": "nok", "customer": null,
        "metadata": { "orderId": "" }, "created": 1, "livemode": false,
    });
    let bare: PaymentIntent = serde_json::from_value(bare).expect("an intent");
    let expected = json!({
        "effect": "payment_failed", "event_id": "repair_payment_failed_pi_2",
        "payment_intent": "pi_2", "amount": 1000, "currency": "nok",
    });
    let repair = effects::of_payment(EffectKind::PaymentFailed, "", &bare).of_repair();
    assert_eq!(write(&repair), expected);

    for (status, ended) in [("canceled", true), ("active", false), ("unpaid", false)] {
        let subscription = json!({
            "id": "sub_1", "status": status, "customer": "cus_1", "metadata": { "userId": "u1" },
            "livemode": false, "canceled_at": 1,
        });
        let subscription: Subscription = serde_json::from_value(subscription).expect("one");
        let effect = of_subscription("evt_1", &subscription);
        assert_eq!(effect.is_ok(), ended, "{status}");
        if let Ok(effect) = effect {
            let expected = json!({
                "effect": "subscription_cancelled", "event_id": "evt_1", "user_id": "u1",
                "customer": "cus_1", "subscription": "sub_1",
            });
            assert_eq!(write(&effect), expected);
            assert_eq!(effect.object, "sub_1");
        }
    }
}

#[test]
fn what_is_heard_is_what_is_applied() {
    for kind in APPLIED {
        assert!(About::of(kind).is_some(), "{kind}");
    }
}

#[test]
fn other_events_are_about_nothing() {
    for kind in [
        "payment_intent.created",
        "customer.subscription.updated",
        "",
        "charge.failed",
    ] {
        assert_eq!(About::of(kind), None, "{kind}");
    }
}
