//! What testpay refuses, and what that is not taken for.

use longshore_job::{Handler, JobError, Scope};
use longshore_payment_reconcile::ConfirmPaymentIntent;
use longshore_payment_reconcile::{ConfirmPaymentIntentHandler, CreatePaymentIntentHandler};
use longshore_sandbox::Fault;

use super::{KEY, Scene, an_order, kind, sent_before, text};

#[tokio::test]
async fn a_declined_card_is_a_refusal_by_its_code_and_is_found_too() {
    let scene = Scene::set().await;
    let create = CreatePaymentIntentHandler::new(scene.after());
    let job = an_order("user-7").payment_method("card_declined");
    let job = job.confirm(true).off_session(true);
    let made = scene.intent(scene.after(), an_order("user-7")).await;
    let id = text(&made["payment_intent"]);
    let confirm = ConfirmPaymentIntentHandler::new(scene.after());
    let confirmation = ConfirmPaymentIntent::new(id)
        .payment_method("card_declined")
        .off_session(true);
    let (run, other) = (scene.a_run(), scene.a_run());
    let errors = [
        create.run(job.clone(), run.clone()).await.map(|_| ()),
        create.verify(&job, &sent_before(&run)).await.map(|_| ()),
        confirm
            .run(confirmation.clone(), other.clone())
            .await
            .map(|_| ()),
        confirm
            .verify(&confirmation, &sent_before(&other))
            .await
            .map(|_| ()),
    ];
    for error in errors.map(|error| error.expect_err("declined")) {
        assert_eq!(kind(&error), "permanent");
        assert_eq!(error.answer().code.as_deref(), Some("card_declined"));
        assert_eq!(error.answer().provider.as_deref(), Some("testpay"));
    }
}

#[tokio::test]
async fn trouble_at_testpay_is_none_of_the_queues() {
    let scene = Scene::set().await;
    let handler = CreatePaymentIntentHandler::new(scene.after());
    let throttle = Fault::Throttle {
        retry_after_seconds: Some(9),
        reset_in_seconds: None,
    };
    scene.fault_once(throttle);
    let error = handler.run(an_order("user-7"), scene.a_run()).await;
    let error = error.expect_err("busy");
    let scope = Scope::Job;
    assert!(
        matches!(&error, JobError::Throttled { scope: held, .. } if *held == scope),
        "{error:?}"
    );
    scene.testpay_sandbox.refuse_key(KEY);
    let error = handler.run(an_order("user-7"), scene.a_run()).await;
    let error = error.expect_err("refused");
    // Its own jobs wait; Stripe's queue does not pause for it, since it is not Stripe that answered.
    assert_eq!(kind(&error), "unauthorized");
    assert_eq!(error.answer().provider.as_deref(), Some("testpay"));
    assert_eq!(error.answer().code.as_deref(), Some("key_refused"));
    assert!(!format!("{:?}", scene.testpay).contains(KEY));
    // Stripe goes on.
    scene.customer(scene.before(), "user-old").await;
}
