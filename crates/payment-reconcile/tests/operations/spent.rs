//! Failures that Stripe has saved under a job's key.

use longshore_sandbox::{Fault, FaultRule, When};

use longshore_testing::MemoryRequest;

use crate::{HOUR, Scene, kind, result, sent_before};

/// As it is without the mark of saved answers, which is not something to depend on.
fn unmarked() -> FaultRule {
    FaultRule::always(Fault::Answer {
        status: 500,
        headers: [].into(),
        body: None,
        effect: false,
    })
}

#[tokio::test]
async fn a_saved_failure_is_followed_by_a_new_generation_of_the_key() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.sandbox.save_errors(1, false);
    let error = scene.create_payment_intent(&run).await.expect_err("failed");
    assert_eq!(kind(&error), "unknown");
    let again = sent_before(&run);
    scene.requests_were_out(600, 540);
    let made = result(scene.create_payment_intent(&again).await);
    let key = format!("{}:create_payment_intent", run.id);
    let next = format!("{key}:1");
    assert_eq!(scene.keys(), [&*key, &key, &next]);
    assert_eq!(scene.effects(), 1);
    // A later attempt, had that answer been lost, begins with the new one.
    let repeated = result(scene.create_payment_intent(&again).await);
    assert_eq!(repeated, made);
    assert_eq!(scene.keys().last(), Some(&next));
    assert_eq!(scene.effects(), 1);
}

/// As where its record was lost: the run does not know that it was sent before.
#[tokio::test]
async fn a_saved_failure_that_cannot_be_looked_into_may_have_been_carried_out() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.sandbox.save_errors(1, true);
    scene.create_payment_intent(&run).await.expect_err("failed");
    scene.script.memory.fail(MemoryRequest::EarlierRequests);
    let error = scene.create_payment_intent(&run).await.expect_err("saved");
    assert_eq!(kind(&error), "unknown");
}

#[tokio::test]
async fn what_was_made_before_it_failed_is_found() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.sandbox.save_errors(1, true);
    scene.create_payment_intent(&run).await.expect_err("failed");
    scene.requests_were_out(600, 0);
    let made = result(scene.create_payment_intent(&sent_before(&run)).await);
    let intents = scene.sandbox.payment_intents();
    assert_eq!(intents.len(), 1);
    assert_eq!(made["payment_intent"], intents[0]["id"]);
}

#[tokio::test]
async fn the_new_generation_is_kept_before_it_is_used() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.sandbox.save_errors(1, false);
    scene.create_payment_intent(&run).await.expect_err("failed");
    scene.script.memory.fail(MemoryRequest::Keep);
    let error = scene.create_payment_intent(&sent_before(&run)).await;
    assert_eq!(kind(&error.expect_err("cannot be kept")), "throttled");
    assert_eq!(scene.effects(), 0);
    assert!(scene.keys().iter().all(|key| !key.ends_with(":1")));
}

#[tokio::test]
async fn without_the_mark_two_failures_are_taken_for_it_and_looked_into_later() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    let again = sent_before(&run);
    scene.rule(unmarked());
    for run in [&run, &again] {
        let error = scene.create_payment_intent(run).await.expect_err("failed");
        assert_eq!(kind(&error), "unknown");
    }
    scene.no_faults();
    // The last request may still be on its way.
    scene.requests_were_out(600, 20);
    let error = scene
        .create_payment_intent(&again)
        .await
        .expect_err("early");
    assert_eq!(kind(&error), "throttled");
    assert_eq!(error.answer().status, None, "nobody was asked");
    assert_eq!(scene.asked(), (2, 0));
    scene.requests_were_out(600, 100);
    scene.rule(FaultRule::new(
        Fault::HangUp { effect: false },
        When::Every(2),
    ));
    let error = scene.create_payment_intent(&again).await.expect_err("lost");
    assert_eq!(kind(&error), "unknown");
    assert_eq!(scene.asked(), (3, 1));
    // The new one has failed nobody yet: it is simply used again.
    scene.no_faults();
    result(scene.create_payment_intent(&again).await);
    let key = format!("{}:create_payment_intent", run.id);
    let next = format!("{key}:1");
    assert_eq!(scene.keys(), [&*key, &key, &next, &next]);
    assert_eq!(scene.asked(), (4, 1));
}

#[tokio::test]
async fn one_failure_is_not_the_end_of_a_key() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.rule(unmarked());
    scene.create_payment_intent(&run).await.expect_err("failed");
    scene.no_faults();
    result(scene.create_payment_intent(&sent_before(&run)).await);
    let key = format!("{}:create_payment_intent", run.id);
    assert!(scene.keys().iter().all(|used| *used == key));
    assert_eq!(scene.asked(), (2, 0));
}

#[tokio::test]
async fn advice_not_to_ask_again_is_one_failure_too_many() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    let fault = longshore_payment_reconcile::sandbox::StripeSandbox::should_retry(500, false);
    scene.fault_once(fault);
    let error = scene.create_payment_intent(&run).await.expect_err("failed");
    assert_eq!(kind(&error), "unknown", "it may have been carried out");
    scene.requests_were_out(600, 100);
    result(scene.create_payment_intent(&sent_before(&run)).await);
    let key = format!("{}:create_payment_intent:1", run.id);
    assert_eq!(scene.keys().last(), Some(&key));
}

#[tokio::test]
async fn a_timeout_is_no_failure_of_the_key() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.requests_were_out(2 * HOUR, 100);
    for attempt in [run.clone(), sent_before(&run), sent_before(&run)] {
        scene.fault_once(Fault::HangUp { effect: false });
        scene
            .create_payment_intent(&attempt)
            .await
            .expect_err("lost");
    }
    result(scene.create_payment_intent(&sent_before(&run)).await);
    assert_eq!(scene.effects(), 1);
    let key = format!("{}:create_payment_intent", run.id);
    assert!(scene.keys().iter().all(|used| *used == key));
}
