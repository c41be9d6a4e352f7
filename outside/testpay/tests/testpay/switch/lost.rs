//! Answers of testpay's that were lost: one payment all the same, and at the same provider.

use longshore_job::{Handler, Job, Outcome};
use longshore_payment_reconcile::{
    CancelSubscription, ConfirmPaymentIntent, CreateCustomer, CreateSubscription,
};
use longshore_payment_reconcile::{
    CancelSubscriptionHandler, ConfirmPaymentIntentHandler, CreateCustomerHandler,
    CreatePaymentIntentHandler, CreateSubscriptionHandler,
};
use longshore_sandbox::Fault;
use serde_json::Value;

use super::{KEY, Scene, an_order, kind, result, sent_before, text};

/// Loses the answer to a job of one effect, asks what became of it, and carries it out again.
async fn lost<H: Handler<Job = J>, J: Job + Clone>(scene: &Scene, handler: H, job: J) -> Value {
    let before = scene.effects();
    let once = (before.0 + 1, before.1);
    for (effect, verified, effects) in [(false, false, before), (true, true, once)] {
        let run = scene.a_run();
        scene.fault_once(Fault::HangUp { effect });
        let error = handler.run(job.clone(), run.clone()).await;
        assert_eq!(kind(&error.expect_err("lost")), "unknown");
        let run = sent_before(&run);
        let found = handler.verify(&job, &run).await.expect("asked");
        assert_eq!(found.is_some(), verified);
        assert_eq!(scene.effects(), effects, "it only looks");
        if let Some(Outcome::Done { result: found, .. }) = found {
            let again = result(handler.run(job.clone(), run).await);
            assert_eq!(found, Some(again.clone()));
            assert_eq!(scene.effects(), once);
            return again;
        }
    }
    unreachable!("the second one was found")
}

#[tokio::test]
async fn a_lost_answer_makes_one_of_each() {
    let scene = Scene::set().await;
    let providers = || scene.after();
    let handler = CreateCustomerHandler::new(providers());
    let customer = lost(&scene, handler, CreateCustomer::new("user-7")).await;
    assert_eq!(customer["provider"], "testpay");
    let handler = CreatePaymentIntentHandler::new(providers());
    let payment = lost(&scene, handler, an_order("user-7")).await;
    let job = ConfirmPaymentIntent::new(text(&payment["payment_intent"]))
        .payment_method("card")
        .off_session(true);
    let handler = ConfirmPaymentIntentHandler::new(providers());
    assert_eq!(lost(&scene, handler, job).await["status"], "collected");
    let job = CreateSubscription::new("user-7", "gold");
    let handler = CreateSubscriptionHandler::new(providers());
    let made = lost(&scene, handler, job).await;
    let job = CancelSubscription::new(text(&made["subscription"]));
    let handler = CancelSubscriptionHandler::new(providers());
    assert_eq!(lost(&scene, handler, job).await["status"], "ended");
    assert_eq!(scene.effects(), (5, 0));
    assert_eq!(scene.testpay_sandbox.ledger().summary().duplicates, 0);
}

#[tokio::test]
async fn a_job_stays_with_the_provider_that_it_began_at() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    let handler = CreatePaymentIntentHandler::new(scene.after());
    let error = handler.run(an_order("user-7"), run.clone()).await;
    assert_eq!(kind(&error.expect_err("lost")), "unknown");
    // Switched back, and the user has become a customer in the meantime.
    scene.customer(scene.before(), "user-7").await;
    let handler = CreatePaymentIntentHandler::new(scene.before());
    let made = handler.run(an_order("user-7"), sent_before(&run)).await;
    assert_eq!(result(made)["provider"], "testpay");
    assert_eq!(scene.effects(), (1, 1));
}

#[tokio::test]
async fn a_lost_answer_is_not_taken_for_a_refusal_that_comes_after_it() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    let handler = CreatePaymentIntentHandler::new(scene.after());
    scene.fault_once(Fault::HangUp { effect: true });
    let error = handler.run(an_order("user-7"), run.clone()).await;
    assert_eq!(kind(&error.expect_err("lost")), "unknown");
    // A refusal would give the job another reference: a second payment.
    scene.testpay_sandbox.refuse_key(KEY);
    let error = handler.run(an_order("user-7"), sent_before(&run)).await;
    assert_eq!(kind(&error.expect_err("refused")), "unauthorized");
    scene.testpay_sandbox.accept_key(KEY);
    let refused = Fault::Answer {
        status: 422,
        headers: [].into(),
        body: None,
        effect: false,
    };
    scene.fault_once(refused);
    let made = handler.run(an_order("user-7"), sent_before(&run)).await;
    assert_eq!(result(made)["provider"], "testpay");
    assert_eq!(scene.effects(), (1, 0));
}
