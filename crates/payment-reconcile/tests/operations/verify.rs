//! Finding out whether a job whose answer was lost was carried out, when it is too late to carry it out.

use longshore_job::{Handler, Job, JobError, Outcome, Run};
use longshore_payment_reconcile::{
    CancelSubscription, ConfirmPaymentIntent, CreateCustomer, CreateSubscription,
};
use longshore_payment_reconcile::{
    CancelSubscriptionHandler, ConfirmPaymentIntentHandler, CreateCustomerHandler,
    CreatePaymentIntentHandler, CreateSubscriptionHandler,
};
use longshore_sandbox::Fault;

use crate::{Scene, an_order, kind, result, sent_before};

/// Runs a job whose answer is lost, carried out or not, and asks what became of it: once at once, once later.
async fn lost<H: Handler<Job = J>, J: Job + Clone>(
    scene: &Scene,
    handler: &H,
    job: &J,
    effect: bool,
) -> Result<Option<Outcome>, JobError> {
    assert!(J::VERIFIABLE);
    let run: Run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect });
    let error = handler.run(job.clone(), run.clone()).await;
    assert_eq!(kind(&error.expect_err("lost")), "unknown");
    let (effects, sends) = (scene.effects(), scene.asked().0);
    let run = sent_before(&run);
    scene.requests_were_out(120, 61);
    let verified = handler.verify(job, &run).await;
    assert_eq!(scene.effects(), effects, "it only looks");
    assert_eq!(scene.asked().0, sends, "it only looks");
    verified
}

#[tokio::test]
async fn what_was_carried_out_is_found_and_what_was_not_is_not() {
    let scene = Scene::set().await;
    let providers = || scene.providers.clone();

    let customers = CreateCustomerHandler::new(providers());
    let job = CreateCustomer::new("user-7");
    assert_eq!(lost(&scene, &customers, &job, false).await, Ok(None));
    let found = lost(&scene, &customers, &job, true).await;
    let customer = result(found.map(|found| found.expect("found")));
    assert_eq!(customer["customer"], scene.sandbox.customers()[0]["id"]);
    assert!(scene.script.memory.in_map("customers", "user-7").is_some());

    let intents = CreatePaymentIntentHandler::new(providers());
    assert_eq!(lost(&scene, &intents, &an_order(), false).await, Ok(None));
    let found = lost(&scene, &intents, &an_order(), true).await;
    let intent = result(found.map(|found| found.expect("found")));
    assert_eq!(intent["status"], "requires_payment_method");
    let id = intent["payment_intent"].as_str().expect("an id");

    let confirm = ConfirmPaymentIntentHandler::new(providers());
    let job = ConfirmPaymentIntent::new(id)
        .payment_method("pm_card_visa")
        .off_session(true);
    assert_eq!(lost(&scene, &confirm, &job, false).await, Ok(None));
    let found = lost(&scene, &confirm, &job, true).await;
    assert_eq!(
        result(found.map(|found| found.expect("found")))["status"],
        "succeeded"
    );

    let subscribe = CreateSubscriptionHandler::new(providers());
    let job = CreateSubscription::new("user-7", "price_1");
    assert_eq!(lost(&scene, &subscribe, &job, false).await, Ok(None));
    let found = lost(&scene, &subscribe, &job, true).await;
    let subscription = result(found.map(|found| found.expect("found")));
    let id = subscription["subscription"].as_str().expect("an id");
    assert_eq!(
        scene.script.memory.in_map("subscriptions", id).as_deref(),
        Some("stripe")
    );

    let cancel = CancelSubscriptionHandler::new(providers());
    let job = CancelSubscription::new(id);
    assert_eq!(lost(&scene, &cancel, &job, false).await, Ok(None));
    let found = lost(&scene, &cancel, &job, true).await;
    assert_eq!(
        result(found.map(|found| found.expect("found")))["status"],
        "canceled"
    );
    assert_eq!(scene.effects(), 5);
}

#[tokio::test]
async fn a_decline_is_found_too() {
    let scene = Scene::set().await;
    let handler = CreatePaymentIntentHandler::new(scene.providers.clone());
    let job = an_order().payment_method("pm_card_chargeDeclined");
    let job = job.confirm(true).off_session(true);
    let error = lost(&scene, &handler, &job, true)
        .await
        .expect_err("declined");
    assert_eq!(kind(&error), "permanent");
    assert_eq!(error.answer().code.as_deref(), Some("generic_decline"));
}

#[tokio::test]
async fn nothing_found_means_something_only_after_a_minute() {
    let scene = Scene::set().await;
    let handler = CreatePaymentIntentHandler::new(scene.providers.clone());
    let run = sent_before(&scene.a_run());
    scene.requests_were_out(60, 50);
    let early = handler.verify(&an_order(), &run).await.expect_err("early");
    assert_eq!(kind(&early), "throttled");
    scene.requests_were_out(70, 60);
    assert_eq!(handler.verify(&an_order(), &run).await, Ok(None));
}

/// A subscription that was cancelled since was made all the same, and is not made again.
#[tokio::test]
async fn what_has_ended_since_is_found() {
    let scene = Scene::set().await;
    scene.create_customer(&scene.a_run()).await.expect("done");
    let handler = CreateSubscriptionHandler::new(scene.providers.clone());
    let job = CreateSubscription::new("user-7", "price_1");
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    handler
        .run(job.clone(), run.clone())
        .await
        .expect_err("lost");
    let made = &scene.sandbox.subscriptions()[0]["id"];
    let cancel = CancelSubscriptionHandler::new(scene.providers.clone());
    let over = CancelSubscription::new(made.as_str().expect("an id"));
    cancel.run(over, scene.a_run()).await.expect("done");
    scene.requests_were_out(120, 0);
    let found = handler.verify(&job, &sent_before(&run)).await;
    assert_eq!(
        result(found.map(|found| found.expect("found")))["status"],
        "canceled"
    );
}

/// Only what was made while the job's requests were out is looked through.
#[tokio::test]
async fn the_time_in_question_is_narrow() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    scene.create_payment_intent(&run).await.expect_err("lost");
    let handler = CreatePaymentIntentHandler::new(scene.providers.clone());
    let run = sent_before(&run);
    // Made now, five minutes' slack: found until then, and not after.
    for (after, before, is_found) in [(3600, 290, true), (3600, 310, false), (100, 0, true)] {
        scene.requests_were_out(after, before);
        let found = handler.verify(&an_order(), &run).await.expect("read");
        assert_eq!(found.is_some(), is_found, "{after} {before}");
    }
}
