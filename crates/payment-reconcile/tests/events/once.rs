//! One effect, however often and in whatever order it is heard of.

use std::time::Duration;

use longshore_job::{JobError, Outcome, Scope};

use longshore_testing::MemoryRequest;

use crate::{DAY, Scene};

fn told(effect: &str, event: &str) -> (String, String) {
    (effect.to_owned(), event.to_owned())
}

#[tokio::test]
async fn in_any_order_and_three_times_each() {
    for order in [
        [0, 1, 0, 1, 0, 1],
        [1, 0, 1, 0, 1, 0],
        [0, 0, 0, 1, 1, 1],
        [1, 1, 1, 0, 0, 0],
    ] {
        let scene = Scene::set().await;
        let intent = scene.payment();
        let events = [scene.pays(&intent, false), scene.pays(&intent, true)];
        for event in order {
            scene.apply(&events[event]).await.expect("no failure");
        }
        // By the time that anybody looks, it is paid.
        assert_eq!(
            scene.effects(),
            [told("order_paid", &events[1])],
            "{order:?}"
        );
        assert_eq!(scene.app.repetitions(), 0);
        assert_eq!(scene.order().as_deref(), Some("paid"));
        assert_eq!(scene.mails().len(), 0, "nobody is written to");
    }
}

#[tokio::test]
async fn each_try_that_fails_is_told_once() {
    let scene = Scene::set().await;
    let intent = scene.payment();
    let mut events = Vec::new();
    for _ in 0..2 {
        let failed = scene.pays(&intent, false);
        scene.done(&failed).await;
        scene.skipped(&failed).await;
        events.push(failed);
    }
    let expected = events.iter().map(|event| told("payment_failed", event));
    assert_eq!(scene.effects(), expected.collect::<Vec<_>>());
    // Heard of late, two tries have one answer: how it is now.
    let scene = Scene::set().await;
    let intent = scene.payment();
    let events = [scene.pays(&intent, false), scene.pays(&intent, false)];
    scene.done(&events[0]).await;
    scene.skipped(&events[1]).await;
    assert_eq!(scene.effects(), [told("payment_failed", &events[0])]);
}

#[tokio::test]
async fn what_failed_and_then_succeeded_is_told_in_that_order() {
    let scene = Scene::set().await;
    let intent = scene.payment();
    let failed = scene.pays(&intent, false);
    scene.done(&failed).await;
    assert_eq!(scene.order().as_deref(), Some("failed"));
    let paid = scene.pays(&intent, true);
    assert_eq!(
        scene.skipped(&failed).await,
        format!("{intent} has succeeded since: that has an event of its own")
    );
    scene.done(&paid).await;
    for event in [&failed, &paid, &failed] {
        scene.skipped(event).await;
    }
    let expected = [told("payment_failed", &failed), told("order_paid", &paid)];
    assert_eq!(scene.effects(), expected);
    assert_eq!(scene.order().as_deref(), Some("paid"));
    assert_eq!(scene.app.repetitions(), 0);
}

#[tokio::test]
async fn failed_is_never_told_after_paid() {
    let scene = Scene::set().await;
    let intent = scene.payment();
    let failed = scene.pays(&intent, false);
    // As it is when the job of the failure looked before the success, and goes on after it was told.
    let paid = format!("effect:order_paid:{intent}");
    let month = Duration::from_secs(30 * DAY);
    scene.script.memory.set_kept(&paid, b"evt_2", month);
    assert_eq!(
        scene.skipped(&failed).await,
        format!("payment_failed of {intent}: the app was told what came after it")
    );
    assert_eq!(scene.effects(), []);
}

#[tokio::test]
async fn two_failures_of_a_payment_are_one_effect() {
    let scene = Scene::set().await;
    let intent = scene.payment();
    let events = [scene.pays(&intent, false), scene.pays(&intent, false)];
    scene.done(&events[1]).await;
    assert_eq!(
        scene.skipped(&events[0]).await,
        format!("payment_failed of {intent}: the app was told before")
    );
    assert_eq!(scene.effects(), [told("payment_failed", &events[1])]);
    assert_eq!(scene.mails().len(), 1);
}

#[tokio::test]
async fn another_payment_is_another_effect() {
    let scene = Scene::set().await;
    for _ in 0..2 {
        let event = scene.pays(&scene.payment(), true);
        scene.done(&event).await;
    }
    assert_eq!(scene.effects().len(), 2);
}

#[tokio::test]
async fn two_jobs_at_once_are_one_effect_at_the_app() {
    let scene = Scene::set().await;
    for succeeds in [true, false] {
        let event = scene.pays(&scene.payment(), succeeds);
        let runs = tokio::join!(
            scene.apply(&event),
            scene.apply(&event),
            scene.apply(&event),
        );
        for run in [runs.0, runs.1, runs.2] {
            run.expect("no failure");
        }
    }
    assert_eq!(scene.effects().len(), 2, "{:?}", scene.app.applied());
    assert_eq!(scene.mails().len(), 1);
}

#[tokio::test]
async fn without_memory_it_waits() {
    let scene = Scene::set().await;
    let event = scene.pays(&scene.payment(), true);
    let waits = |error: JobError| match error {
        JobError::Throttled {
            scope: Scope::Job,
            retry_after,
            ..
        } => assert_eq!(retry_after.as_secs(), 5),
        other => panic!("{other:?}"),
    };
    let memory = &scene.script.memory;
    memory.fail(MemoryRequest::Recall);
    waits(scene.fails(&event).await);
    assert_eq!(scene.effects(), [], "told before it was known to be new");
    memory.recover();

    // It was told, and nobody would know: so it is not done yet.
    memory.fail(MemoryRequest::Keep);
    waits(scene.fails(&event).await);
    assert_eq!(scene.effects(), [told("order_paid", &event)]);
    memory.recover();
    let outcome = scene.apply(&event).await.expect("done");
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert_eq!(scene.effects(), [told("order_paid", &event)]);
    assert_eq!(scene.app.repetitions(), 1);
}
