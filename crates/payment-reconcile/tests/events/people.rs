//! What must be told nobody.

use longshore_payment_reconcile::sandbox::AppSandbox;
use longshore_sandbox::{Fault, FaultRule};
use longshore_testing::Logs;
use serde_json::json;

use crate::Scene;

/// One thread, so that all of it is heard.
#[tokio::test(flavor = "current_thread")]
async fn no_secret_and_no_person_is_told() {
    let logs = Logs::listen();
    let scene = Scene::set().await;
    let mut told = vec![format!("{:?}", scene.handler)];
    for email in ["ada@example.com", "Ada Lovelace <ada@example.com>"] {
        scene.app.set_contact(json!({
            "email": { "email": email, "name": "Ada Lovelace" }, "data": { "phone": "+4790000000" },
        }));
        let intent = scene.payment();
        let event = scene.pays(&intent, false);
        let refusal = Fault::Answer {
            status: 422,
            headers: [].into(),
            body: Some(json!({ "error": "Ada Lovelace has no order", "code": email }).to_string()),
            effect: false,
        };
        scene.app_fault(FaultRule::first(1, refusal));
        for _ in 0..3 {
            told.push(format!("{:?}", scene.apply(&event).await));
        }
    }
    let logged = logs.text();
    assert!(logged.contains("nobody is written to"), "{logged}");
    told.push(logged);
    for text in &told {
        let low = text.to_lowercase();
        for never in [
            "ada",
            "lovelace",
            "4790000000",
            AppSandbox::SECRET,
            "sk_test_1",
            "_secret_",
        ] {
            assert!(!low.contains(never), "{never}: {text}");
        }
    }
    assert_eq!(scene.mails().len(), 1);
}
