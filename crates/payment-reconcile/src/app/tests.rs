//! The ledger, read from a stand-in of the app. Effects are told in `tests/events`.

use std::net::SocketAddr;

use crate::sandbox::{AppPayment, AppSandbox};
use longshore_sandbox::{Fault, FaultRule};
use longshore_testing::{Script, ScriptedGate, Way};

use super::*;

/// The ledger is read from the app, and nothing else goes anywhere.
fn script() -> Script {
    let gate = ScriptedGate::open().forbid(Way::SendElsewhere, "the ledger is only read");
    let ways = [Way::Send, Way::Read, Way::Call, Way::ReadCall];
    let gate = ways
        .into_iter()
        .fold(gate, |gate, way| gate.forbid(way, "nothing goes to Stripe"));
    Script::new().with_gate(gate)
}

struct Scene {
    sandbox: AppSandbox,
    app: AppClient,
    script: Script,
}

impl Scene {
    async fn set() -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let sandbox = AppSandbox::start(any).await.expect("a free port");
        let app = AppClient::new(&config(&sandbox.origin(), AppSandbox::SECRET));
        Self {
            sandbox,
            app: app.expect("a client"),
            script: script(),
        }
    }

    async fn page(&self, cursor: Option<&str>) -> Result<LedgerPage, JobError> {
        let run = self.script.for_new_job().run();
        let (from, to) = (time("2026-11-22T00:00:00Z"), time("2026-11-23T00:00:00.5Z"));
        self.app.payments(&run, from, to, cursor).await
    }
}

fn config(origin: &str, secret: &str) -> AppConfig {
    AppConfig {
        base_url: origin.parse().expect("an origin"),
        secret: secret.into(),
        timeout: Duration::from_secs(5),
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn seconds(text: &str) -> u64 {
    u64::try_from(time(text).as_second()).expect("after 1970")
}

#[tokio::test]
async fn a_ledger_is_read_page_by_page() {
    let scene = Scene::set().await;
    scene.sandbox.set_page_size(2);
    let payment = |n: u64, at: &str| {
        let payment = AppPayment::pending(format!("o{n}"), format!("pi_{n}"), 1000 + n, "nok");
        payment.status("paid").at(seconds(at) + n)
    };
    scene.sandbox.plant([payment(9, "2026-11-21T00:00:00Z")]);
    let ours = (0..5).map(|n| payment(n, "2026-11-22T00:00:00Z"));
    scene.sandbox.plant(ours);
    scene.sandbox.plant([payment(8, "2026-11-23T00:00:00Z")]);

    let (mut orders, mut cursor) = (Vec::new(), None);
    // Three pages, and no more.
    for more in [true, true, false] {
        let page = scene.page(cursor.as_deref()).await.expect("a page");
        for payment in page.payments {
            assert_eq!(payment.status, LedgerStatus::Paid);
            orders.push((payment.order_id, payment.amount));
        }
        cursor = page.next;
        assert_eq!(cursor.is_some(), more);
    }
    let expected: Vec<_> = (0..5).map(|n| (format!("o{n}"), 1000 + n)).collect();
    assert_eq!(orders, expected);
    assert_eq!(scene.script.gate.count(Way::ReadElsewhere), 3);
}

#[tokio::test]
async fn a_page_that_does_not_come_is_asked_for_again() {
    let scene = Scene::set().await;
    let html = Fault::Answer {
        status: 200,
        headers: [].into(),
        body: Some("<html>ada@example.com</html>".to_owned()),
        effect: false,
    };
    for (fault, code) in [
        (html, "200 not understood"),
        (
            Fault::Garbage {
                status: 502,
                effect: false,
            },
            "502",
        ),
        (Fault::HangUp { effect: false }, "no answer"),
    ] {
        let rules = vec![FaultRule::first(1, fault)];
        scene.sandbox.faults().set(rules).expect("a rule");
        let error = scene.page(None).await.expect_err(code);
        assert!(matches!(error, JobError::Transient { .. }), "{error:?}");
        let answer = error.answer();
        assert_eq!(answer.provider.as_deref(), Some("app"));
        assert_eq!(answer.code.as_deref(), Some(code));
        assert!(!error.reason().contains("ada"), "{error}");
    }
    assert_eq!(scene.page(None).await.expect("a page").payments, []);
}

#[tokio::test]
async fn a_page_is_asked_for_with_a_signature() {
    let scene = Scene::set().await;
    scene.sandbox.set_secret("another");
    let error = scene.page(None).await.expect_err("401");
    assert_eq!(error.answer().status, Some(401), "{error}");
}

#[test]
fn an_empty_secret_is_none_and_none_is_shown() {
    let origin = "http://127.0.0.1:9";
    let none = AppClient::new(&config(origin, "")).err();
    assert_eq!(none, Some(AppSetupError::NoSecret));
    let config = config(origin, "very-secret");
    let shown = format!(
        "{config:?} {:?}",
        AppClient::new(&config).expect("a client")
    );
    assert!(!shown.contains("very-secret"), "{shown}");
}
