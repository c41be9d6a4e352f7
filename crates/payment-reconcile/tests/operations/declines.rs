//! Payments that come to something, and some that do not.

use longshore_job::{Handler, JobError, Scope};
use longshore_payment_reconcile::sandbox::StripeSandbox;
use longshore_payment_reconcile::{CancelSubscription, ConfirmPaymentIntent, CreateSubscription};
use longshore_payment_reconcile::{
    CancelSubscriptionHandler, ConfirmPaymentIntentHandler, CreateSubscriptionHandler,
};
use longshore_sandbox::Fault;
use serde_json::json;

use crate::{Scene, an_order, kind, result};

const BACK: &str = "https://shop.example.com/paid";

#[tokio::test]
async fn a_payment_from_customer_to_confirmation() {
    let scene = Scene::set().await;
    let customer = result(scene.create_customer(&scene.a_run()).await);
    let made = result(scene.create_payment_intent(&scene.a_run()).await);
    assert_eq!(made["status"], "requires_payment_method");
    assert_eq!(made["provider"], "stripe");
    let id = made["payment_intent"].as_str().expect("an id");
    let intent = scene.sandbox.payment_intent(id).expect("there");
    assert_eq!(intent["customer"], customer["customer"], "by the mapping");
    assert_eq!(intent["metadata"]["orderId"], "order-1");
    assert_eq!(intent["metadata"]["userId"], "user-7");

    let handler = ConfirmPaymentIntentHandler::new(scene.providers.clone());
    for (method, status) in [
        ("pm_card_authenticationRequired", "requires_action"),
        ("pm_card_visa", "succeeded"),
    ] {
        let job = ConfirmPaymentIntent::new(id)
            .payment_method(method)
            .return_url(BACK);
        let confirmed = result(handler.run(job, scene.a_run()).await);
        let mut expected = json!({ "payment_intent": id, "status": status });
        if status == "requires_action" {
            expected["next_action"] = "redirect_to_url".into();
        }
        assert_eq!(confirmed, expected);
    }
}

#[tokio::test]
async fn a_declined_card_is_a_refusal_by_the_banks_reason() {
    let scene = Scene::set().await;
    let made = result(scene.create_payment_intent(&scene.a_run()).await);
    let id = made["payment_intent"].as_str().expect("an id");
    let handler = ConfirmPaymentIntentHandler::new(scene.providers.clone());
    for (method, code) in [
        ("pm_card_chargeDeclined", "generic_decline"),
        (
            "pm_card_chargeDeclinedInsufficientFunds",
            "insufficient_funds",
        ),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
    ] {
        let job = ConfirmPaymentIntent::new(id)
            .payment_method(method)
            .return_url(BACK);
        let error = handler.run(job, scene.a_run()).await.expect_err("declined");
        assert_eq!(kind(&error), "permanent");
        let answer = error.answer();
        assert_eq!(answer.status, Some(402));
        assert_eq!(answer.code.as_deref(), Some(code));
        assert_eq!(answer.details["decline_code"], code);
        assert_eq!(answer.details["payment_intent"], id);
        assert!(
            answer
                .request_id
                .as_deref()
                .is_some_and(|id| id.starts_with("req_"))
        );
        // The same at creation.
        let job = an_order()
            .payment_method(method)
            .confirm(true)
            .off_session(true);
        let error = scene.pay(job, &scene.a_run()).await.expect_err("declined");
        assert_eq!(error.answer().code.as_deref(), Some(code));
        let intent = &error.answer().details["payment_intent"];
        assert!(scene.sandbox.payment_intent(intent).is_some(), "{intent}");
    }
    // Nobody is there to answer the bank: the app has to bring its payer back to this intent.
    let job = an_order().payment_method("pm_card_authenticationRequired");
    let job = job.confirm(true).off_session(true);
    let error = scene.pay(job, &scene.a_run()).await.expect_err("declined");
    let details = &error.answer().details;
    assert_eq!(details["decline_code"], "authentication_required");
    let intent = scene.sandbox.payment_intent(&details["payment_intent"]);
    assert_eq!(intent.expect("there")["metadata"]["orderId"], "order-1");
    // Without a way back, 2023-10-16 refuses.
    let job = ConfirmPaymentIntent::new(id).payment_method("pm_card_visa");
    let error = handler.run(job, scene.a_run()).await.expect_err("refused");
    assert_eq!(kind(&error), "permanent");
    assert!(error.reason().contains("return_url"), "{}", error.reason());
    let job = ConfirmPaymentIntent::new("o_1").return_url(BACK);
    let error = handler.run(job, scene.a_run()).await.expect_err("nobody's");
    assert_eq!(
        error.answer().code.as_deref(),
        Some("unknown payment intent")
    );
}

#[tokio::test]
async fn subscriptions_begin_and_end() {
    let scene = Scene::set().await;
    let create = CreateSubscriptionHandler::new(scene.providers.clone());
    let cancel = CancelSubscriptionHandler::new(scene.providers.clone());
    let job = || CreateSubscription::new("user-7", "price_1");
    let error = create
        .run(job(), scene.a_run())
        .await
        .expect_err("too early");
    assert_eq!(kind(&error), "permanent");
    assert!(
        error.reason().contains("create_customer"),
        "{}",
        error.reason()
    );
    assert_eq!(scene.asked(), (0, 0));

    let customer = result(scene.create_customer(&scene.a_run()).await);
    let made = result(create.run(job().quantity(3), scene.a_run()).await);
    let id = made["subscription"].as_str().expect("an id");
    assert_eq!(made["status"], "active");
    assert_eq!(made["provider"], "stripe");
    let there = &scene.sandbox.subscriptions()[0];
    assert_eq!(there["customer"], customer["customer"]);
    assert_eq!(there["items"]["data"][0]["quantity"], 3);
    let kept = scene.script.memory.in_map("subscriptions", id);
    assert_eq!(kept.as_deref(), Some("stripe"));

    let job = || CancelSubscription::new(id).prorate(false);
    for round in ["cancelled", "cancelled already"] {
        let ended = result(cancel.run(job(), scene.a_run()).await);
        assert_eq!(
            ended,
            json!({ "subscription": id, "status": "canceled" }),
            "{round}"
        );
    }
    assert_eq!(
        scene.effects(),
        3,
        "one customer, one subscription, one cancellation"
    );
    let missing = CancelSubscription::new("sub_none");
    let error = cancel
        .run(missing, scene.a_run())
        .await
        .expect_err("missing");
    assert_eq!(kind(&error), "permanent");
    assert_eq!(error.answer().code.as_deref(), Some("resource_missing"));
    assert!(!scene.script.may_have_been_sent(&error));
}

#[tokio::test]
async fn a_cancellation_whose_answer_was_lost_is_done() {
    let scene = Scene::set().await;
    scene.create_customer(&scene.a_run()).await.expect("done");
    let create = CreateSubscriptionHandler::new(scene.providers.clone());
    let job = CreateSubscription::new("user-7", "price_1");
    let made = result(create.run(job, scene.a_run()).await);
    let id = made["subscription"].as_str().expect("an id");
    let cancel = CancelSubscriptionHandler::new(scene.providers.clone());
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    let lost = cancel.run(CancelSubscription::new(id), run.clone()).await;
    assert_eq!(kind(&lost.expect_err("lost")), "unknown");
    let again = cancel
        .run(CancelSubscription::new(id), crate::sent_before(&run))
        .await;
    assert_eq!(result(again)["status"], "canceled");
    assert_eq!(scene.effects(), 3);
}

#[tokio::test]
async fn what_stripe_says_about_itself_is_not_about_the_job() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    for (fault, expected) in [
        (StripeSandbox::key_in_use(), "transient"),
        (StripeSandbox::rate_limited(), "throttled"),
        (StripeSandbox::lock_timeout(), "throttled"),
        (StripeSandbox::should_retry(402, true), "transient"),
        (StripeSandbox::should_retry(424, false), "permanent"),
    ] {
        scene.fault_once(fault);
        let error = scene
            .create_payment_intent(&run)
            .await
            .expect_err("not now");
        assert_eq!(kind(&error), expected, "{error:?}");
        let scope = match &error {
            JobError::Throttled {
                scope, retry_after, ..
            } => Some((*scope, retry_after.as_secs())),
            _ => None,
        };
        match error.answer().code.as_deref() {
            Some("rate_limit") => assert_eq!(scope, Some((Scope::Provider, 1))),
            Some("lock_timeout") => assert_eq!(scope, Some((Scope::Job, 5))),
            _ => assert_eq!(scope, None),
        }
    }
    scene.sandbox.refuse_key("sk_test_1");
    let error = scene
        .create_payment_intent(&run)
        .await
        .expect_err("refused");
    assert_eq!(kind(&error), "unauthorized");
    scene.sandbox.accept_key("sk_test_1");
    scene.create_payment_intent(&run).await.expect("done");
    assert_eq!(scene.effects(), 1);
    let keys = scene.keys();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}
