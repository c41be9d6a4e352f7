//! What must be told nobody.

use std::io;
use std::sync::{Arc, Mutex};

use longshore_payment_reconcile::sandbox::AppSandbox;
use longshore_sandbox::{Fault, Rule};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::Scene;

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// One thread, so that all of it is heard.
#[tokio::test(flavor = "current_thread")]
async fn no_secret_and_no_person_is_told() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

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
        scene.app_fault(Rule::first(1, refusal));
        for _ in 0..3 {
            told.push(format!("{:?}", scene.apply(&event).await));
        }
    }
    let logged = log.0.lock().expect("no panic").clone();
    let logged = String::from_utf8(logged).expect("text");
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
