//! Those whose payment failed are written to, once.

use std::sync::atomic::Ordering;

use longshore_job::JobError;
use serde_json::{Value, json};

use crate::Scene;

fn contact() -> Value {
    json!({
        "email": { "email": "ada@example.com", "name": "Ada", "locale": "nb" },
        "data": { "retry_url": "https://shop.example.com/retry", "total": "10,00" },
        "noted": true,
    })
}

#[tokio::test]
async fn the_mail_is_as_the_app_asks_for() {
    let scene = Scene::set().await;
    scene.app.set_contact(contact());
    let intent = scene.payment();
    let event = scene.pays(&intent, false);
    let result = scene.done(&event).await;
    assert!(!result.to_string().contains("ada"), "{result}");
    let expected = json!({ "kind": "send_email", "v": 1, "args": {
        "template": "payment_failed",
        "to": { "email": "ada@example.com", "name": "Ada" },
        "data": { "retry_url": "https://shop.example.com/retry", "total": "10,00" },
    }});
    assert_eq!(scene.fleet.jobs(), [expected]);
    let jobs = scene.fleet.jobs.lock().expect("no panic");
    // Each try that fails is one to write about.
    let key = format!("effect:payment_failed:{intent}:ch_");
    assert!(
        jobs.keys().all(|k| k.starts_with(&key)),
        "{:?}",
        jobs.keys()
    );
}

#[tokio::test]
async fn a_mail_that_could_not_be_enqueued_is_not_forgotten() {
    let scene = Scene::set().await;
    let event = scene.pays(&scene.payment(), false);
    scene.fleet.enqueues_nothing.store(true, Ordering::Relaxed);
    let error = scene.fails(&event).await;
    assert!(matches!(error, JobError::Throttled { .. }), "{error:?}");
    scene.fleet.enqueues_nothing.store(false, Ordering::Relaxed);
    scene.done(&event).await;
    assert_eq!(scene.fleet.jobs().len(), 1);
    assert_eq!(scene.effects().len(), 1);
}

#[tokio::test]
async fn a_run_that_dies_after_the_mail_writes_no_second_one() {
    let scene = Scene::set().await;
    let event = scene.pays(&scene.payment(), false);
    scene.fleet.keeps_nothing.store(true, Ordering::Relaxed);
    scene.fails(&event).await;
    assert_eq!(scene.fleet.jobs().len(), 1);
    scene.fleet.keeps_nothing.store(false, Ordering::Relaxed);
    // The customer has another address by now.
    scene.app.set_contact(contact());
    scene.done(&event).await;
    assert_eq!(scene.fleet.jobs().len(), 1);
}

#[tokio::test]
async fn what_is_no_mail_is_no_failure() {
    for contact in [
        json!({}),
        json!({ "email": null }),
        json!({ "email": null, "data": {} }),
        json!({ "email": "ada@example.com" }),
        json!({ "email": { "name": "Ada" } }),
        json!({ "email": { "email": "" } }),
        json!({ "email": { "email": "Ada <ada@example.com>" } }),
        json!({ "email": { "email": "ada@example.com", "name": "A\nda" } }),
        json!({ "email": { "email": "ada@example.com" }, "data": [] }),
        json!([]),
        json!("thanks"),
        json!(null),
    ] {
        let scene = Scene::set().await;
        scene.app.set_contact(contact.clone());
        let event = scene.pays(&scene.payment(), false);
        scene.done(&event).await;
        assert_eq!(scene.fleet.jobs(), [] as [Value; 0], "{contact}");
    }
}

#[tokio::test]
async fn what_may_be_missing() {
    for contact in [
        json!({ "email": { "email": " ada@example.com\n", "name": "" } }),
        json!({ "email": { "email": "ada@example.com", "name": null }, "data": null }),
    ] {
        let scene = Scene::set().await;
        scene.app.set_contact(contact.clone());
        let event = scene.pays(&scene.payment(), false);
        scene.done(&event).await;
        let args = &scene.fleet.jobs()[0]["args"];
        let expected = json!({
            "template": "payment_failed", "to": { "email": "ada@example.com" }, "data": {},
        });
        assert_eq!(*args, expected, "{contact}");
    }
}

#[tokio::test]
async fn only_who_has_not_paid_is_written_to() {
    let scene = Scene::set().await;
    let event = scene.pays(&scene.payment(), true);
    scene.done(&event).await;
    assert_eq!(scene.fleet.jobs(), [] as [Value; 0]);
}
