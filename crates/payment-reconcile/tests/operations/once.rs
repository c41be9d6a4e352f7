//! One effect, however often a job is run.

use std::time::Duration;

use longshore_job::{Handler, Outcome};
use longshore_payment_reconcile::sandbox::PlantedPaymentIntent;
use longshore_payment_reconcile::{ConfirmPaymentIntent, CreateSubscription};
use longshore_payment_reconcile::{ConfirmPaymentIntentHandler, CreateSubscriptionHandler};
use longshore_sandbox::{Fault, FaultRule};

use crate::{HOUR, Scene, an_order, kind, result, sent_before};

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_under_the_same_key() {
    for fault in [
        Fault::HangUp { effect: true },
        Fault::HangUp { effect: false },
        Fault::NeverAnswer { effect: true },
        Fault::HangUpUnread,
        Fault::Garbage {
            status: 200,
            effect: true,
        },
        Fault::Garbage {
            status: 502,
            effect: true,
        },
    ] {
        let scene = Scene::set_with(|config| config.timeout = Duration::from_millis(400)).await;
        let run = scene.a_run();
        scene.fault_once(fault.clone());
        let error = scene.create_payment_intent(&run).await.expect_err("lost");
        assert_eq!(kind(&error), "unknown", "{fault:?}: {error:?}");
        let again = scene.create_payment_intent(&sent_before(&run)).await;
        let again = result(again);
        assert_eq!(scene.effects(), 1, "{fault:?}");
        let intents = scene.sandbox.payment_intents();
        assert_eq!(intents.len(), 1);
        assert_eq!(intents[0]["id"], again["payment_intent"]);
        assert_eq!(intents[0]["metadata"]["longshore_job"], run.id.to_string());
        let expected = format!("{}:create_payment_intent", run.id);
        assert!(scene.keys().iter().all(|key| *key == expected));
        assert_eq!(scene.asked().1, 0, "the key tells, nobody has to look");
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_was_not_asked() {
    let Scene {
        sandbox, providers, ..
    } = Scene::set().await;
    sandbox.stop().await;
    let scene = Scene {
        providers,
        ..Scene::set().await
    };
    let error = scene.create_customer(&scene.a_run()).await;
    let error = error.expect_err("nobody there");
    assert_eq!(kind(&error), "not_reached");
    assert_eq!(error.answer().code.as_deref(), Some("not reached"));
}

#[tokio::test]
async fn a_key_that_may_be_forgotten_is_not_relied_on() {
    let scene = Scene::set().await;
    scene.create_customer(&scene.a_run()).await.expect("done");
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    scene.create_payment_intent(&run).await.expect_err("lost");
    scene.sandbox.expire_idempotency_keys();
    // The sandbox's clock stands still: its requests were out until just now.
    scene.requests_were_out(25 * HOUR, 0);
    let outcome = scene.create_payment_intent(&sent_before(&run)).await;
    let outcome = outcome.expect("found");
    let Outcome::Done { answer, .. } = &outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(answer.provider.as_deref(), Some("stripe"));
    let intents = scene.sandbox.payment_intents();
    assert_eq!(intents.len(), 1);
    assert_eq!(result(Ok(outcome))["payment_intent"], intents[0]["id"]);

    // One that is not there is made, under the same key; a list that cannot be read says nothing.
    let run = scene.a_run();
    scene.rule(FaultRule::always(Fault::Answer {
        status: 400,
        headers: [].into(),
        body: None,
        effect: false,
    }));
    let error = scene.create_payment_intent(&sent_before(&run)).await;
    assert_eq!(kind(&error.expect_err("no list")), "transient");
    assert_eq!(scene.sandbox.payment_intents().len(), 1);
    scene.no_faults();
    scene
        .create_payment_intent(&sent_before(&run))
        .await
        .expect("made");
    assert_eq!(scene.sandbox.payment_intents().len(), 2);
    let expected = format!("{}:create_payment_intent", run.id);
    assert_eq!(scene.keys().last(), Some(&expected));
}

#[tokio::test]
async fn a_young_key_is_relied_on() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.requests_were_out(22 * HOUR, 0);
    scene
        .create_payment_intent(&sent_before(&run))
        .await
        .expect("made");
    assert_eq!(scene.asked(), (1, 0));
}

#[tokio::test]
async fn customers_and_subscriptions_are_looked_for_too() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    scene.create_customer(&run).await.expect_err("lost");
    scene.sandbox.expire_idempotency_keys();
    scene.requests_were_out(25 * HOUR, 0);
    let customer = result(scene.create_customer(&sent_before(&run)).await);
    assert_eq!(scene.sandbox.customers().len(), 1);
    assert_eq!(customer["customer"], scene.sandbox.customers()[0]["id"]);

    let handler = CreateSubscriptionHandler::new(scene.providers.clone());
    let job = || CreateSubscription::new("user-7", "price_1");
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    handler.run(job(), run.clone()).await.expect_err("lost");
    scene.sandbox.expire_idempotency_keys();
    let made = result(handler.run(job(), sent_before(&run)).await);
    assert_eq!(scene.sandbox.subscriptions().len(), 1);
    assert_eq!(made["subscription"], scene.sandbox.subscriptions()[0]["id"]);
}

#[tokio::test]
async fn a_list_is_looked_through_to_its_end() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    scene.create_payment_intent(&run).await.expect_err("lost");
    let ours = scene.sandbox.payment_intents()[0]["id"].clone();
    scene.sandbox.expire_idempotency_keys();
    // Newer ones of others, on two pages and a half.
    scene
        .sandbox
        .plant((0..250).map(|_| PlantedPaymentIntent::new(1, "nok", "succeeded")));
    scene.requests_were_out(25 * HOUR, 0);
    let made = result(scene.create_payment_intent(&sent_before(&run)).await);
    assert_eq!(made["payment_intent"], ours);
    assert_eq!(scene.asked(), (1, 3));
}

/// No more than a mebibyte is read of an answer.
#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_in_parts() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    scene.create_payment_intent(&run).await.expect_err("lost");
    let ours = scene.sandbox.payment_intents()[0]["id"].clone();
    scene.sandbox.expire_idempotency_keys();
    let mut large = PlantedPaymentIntent::new(1, "nok", "succeeded");
    let note = |n| (format!("note {n}"), "x".repeat(500));
    large.metadata.extend((0..50).map(note));
    scene.sandbox.plant((0..45).map(|_| large.clone()));
    scene.requests_were_out(25 * HOUR, 0);
    let made = result(scene.create_payment_intent(&sent_before(&run)).await);
    assert_eq!(made["payment_intent"], ours);
}

#[tokio::test]
async fn another_generation_is_not_taken_for_this_one() {
    let scene = Scene::set().await;
    let mut run = scene.a_run();
    let refused = an_order().payment_method("pm_card_chargeDeclined");
    let refused = refused.confirm(true).off_session(true);
    scene
        .pay(refused.clone(), &run)
        .await
        .expect_err("declined");
    // As it is looked for, it is what the answer was.
    scene.requests_were_out(25 * HOUR, 0);
    let error = scene
        .pay(refused, &sent_before(&run))
        .await
        .expect_err("declined");
    assert_eq!(error.answer().code.as_deref(), Some("generic_decline"));
    assert_eq!(scene.effects(), 1);
    // An operator has corrected the args.
    run.idempotency_key = format!("{}-1", run.id);
    let corrected = an_order().payment_method("pm_card_visa");
    let corrected = corrected.confirm(true).off_session(true);
    let made = result(scene.pay(corrected, &sent_before(&run)).await);
    assert_eq!(made["status"], "succeeded");
    assert_eq!(scene.effects(), 2);
}

#[tokio::test]
async fn an_intent_that_is_confirmed_is_not_confirmed_again() {
    let scene = Scene::set().await;
    let made = result(scene.create_payment_intent(&scene.a_run()).await);
    let id = made["payment_intent"].as_str().expect("an id");
    let handler = ConfirmPaymentIntentHandler::new(scene.providers.clone());
    let job = || {
        ConfirmPaymentIntent::new(id)
            .payment_method("pm_card_visa")
            .off_session(true)
    };
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    handler.run(job(), run.clone()).await.expect_err("lost");
    scene.sandbox.expire_idempotency_keys();
    scene.requests_were_out(25 * HOUR, 0);
    let confirmed = result(handler.run(job(), sent_before(&run)).await);
    assert_eq!(confirmed["status"], "succeeded");
    assert_eq!(scene.effects(), 2);
}

/// What a job was about on its first attempt, it is about on every later one: the same key under another form is an
/// error, and at another provider it means nothing.
#[tokio::test]
async fn what_a_job_is_about_does_not_change_under_its_key() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    scene.create_payment_intent(&run).await.expect_err("lost");
    // Meanwhile the user becomes a customer.
    scene.create_customer(&scene.a_run()).await.expect("done");
    let made = result(scene.create_payment_intent(&sent_before(&run)).await);
    assert_eq!(
        made["payment_intent"],
        scene.sandbox.payment_intents()[0]["id"]
    );
    assert_eq!(scene.sandbox.payment_intents().len(), 1);
    // With a new generation it may.
    let mut corrected = sent_before(&run);
    corrected.idempotency_key = format!("{}-1", run.id);
    result(scene.create_payment_intent(&corrected).await);
    let customer = &scene.sandbox.customers()[0]["id"];
    assert_eq!(scene.sandbox.payment_intents()[0]["customer"], *customer);
}

/// The payer was quicker.
#[tokio::test]
async fn an_intent_that_was_paid_meanwhile_is_done() {
    let scene = Scene::set().await;
    let made = result(scene.create_payment_intent(&scene.a_run()).await);
    let id = made["payment_intent"].as_str().expect("an id");
    let handler = ConfirmPaymentIntentHandler::new(scene.providers.clone());
    let job = || {
        ConfirmPaymentIntent::new(id)
            .payment_method("pm_card_visa")
            .off_session(true)
    };
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: false });
    handler.run(job(), run.clone()).await.expect_err("lost");
    assert!(scene.sandbox.customer_pays(id, true));
    let confirmed = result(handler.run(job(), sent_before(&run)).await);
    assert_eq!(confirmed["status"], "succeeded");
    assert_eq!(
        scene.effects(),
        1,
        "the intent; the payer paid by themselves"
    );
}

/// A refusal that came before the key was looked at must not hide what the key has made: it would begin a new
/// generation, and the next replay would pay twice.
#[tokio::test]
async fn a_refusal_of_this_request_alone_does_not_hide_an_earlier_one() {
    for (status, kind_word) in [(404, "invalid_request_error"), (400, "idempotency_error")] {
        let scene = Scene::set().await;
        let run = scene.a_run();
        scene.fault_once(Fault::HangUp { effect: true });
        scene.create_payment_intent(&run).await.expect_err("lost");
        scene.requests_were_out(300, 0);
        let fault = || Fault::Answer {
            status,
            headers: [].into(),
            body: Some(format!(r#"{{"error":{{"type":"{kind_word}"}}}}"#)),
            effect: false,
        };
        scene.fault_once(fault());
        let made = result(scene.create_payment_intent(&sent_before(&run)).await);
        assert_eq!(
            made["payment_intent"],
            scene.sandbox.payment_intents()[0]["id"]
        );
        // Where there is nothing to hide, it is a refusal.
        scene.fault_once(fault());
        let error = scene
            .create_payment_intent(&sent_before(&scene.a_run()))
            .await;
        let error = error.expect_err("refused");
        assert_eq!(kind(&error), "permanent");
        assert_eq!(error.answer().code.as_deref(), Some(kind_word));
        assert_eq!(scene.effects(), 1);
    }
}
