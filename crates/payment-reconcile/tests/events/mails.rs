//! Those whose payment failed are written to, once.

use longshore_job::JobError;
use serde_json::{Value, json};

use longshore_testing::MemoryRequest;

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
    let expected = json!({
        "template": "payment_failed",
        "to": { "email": "ada@example.com", "name": "Ada" },
        "data": { "retry_url": "https://shop.example.com/retry", "total": "10,00" },
    });
    let mails = scene.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (mails[0].kind.as_str(), &mails[0].args),
        ("send_email", &expected)
    );
    // Each try that fails is one to write about.
    let key = mails[0].key.as_deref().expect("a key");
    let begins = format!("effect:payment_failed:{intent}:ch_");
    assert!(key.starts_with(&begins), "{key}");
}

#[tokio::test]
async fn a_mail_that_could_not_be_enqueued_is_not_forgotten() {
    let scene = Scene::set().await;
    let event = scene.pays(&scene.payment(), false);
    scene.script.memory.fail(MemoryRequest::Enqueue);
    let error = scene.fails(&event).await;
    assert!(matches!(error, JobError::Throttled { .. }), "{error:?}");
    scene.script.memory.recover();
    scene.done(&event).await;
    assert_eq!(scene.mails().len(), 1);
    assert_eq!(scene.effects().len(), 1);
}

#[tokio::test]
async fn a_run_that_dies_after_the_mail_writes_no_second_one() {
    let scene = Scene::set().await;
    let event = scene.pays(&scene.payment(), false);
    scene.script.memory.fail(MemoryRequest::Keep);
    scene.fails(&event).await;
    assert_eq!(scene.mails().len(), 1);
    scene.script.memory.recover();
    // The customer has another address by now.
    scene.app.set_contact(contact());
    scene.done(&event).await;
    assert_eq!(scene.mails().len(), 1);
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
        assert_eq!(scene.mails(), [], "{contact}");
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
        let args = &scene.mails()[0].args;
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
    assert_eq!(scene.mails(), []);
}
