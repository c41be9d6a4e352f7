//! What a reconcile finds out beside what events tell. Events alone are in `tests/events`.

use std::net::SocketAddr;

use crate::sandbox::AppSandbox;
use longshore_testing::{MemoryRequest, Script};
use serde_json::json;

use super::*;
use crate::app::{AppConfig, EffectKind};
use crate::events::effects::of_payment;
use crate::stripe::PaymentIntent;

struct Scene {
    sandbox: AppSandbox,
    app: AppClient,
    script: Script,
}

impl Scene {
    async fn set() -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let sandbox = AppSandbox::start(any).await.expect("a free port");
        let app = AppClient::new(&AppConfig {
            base_url: sandbox.origin().parse().expect("an origin"),
            secret: AppSandbox::SECRET.into(),
            timeout: Duration::from_secs(5),
        });
        let script = Script::new();
        script
            .memory
            .forbid(MemoryRequest::NoteMessage, "nobody sends messages");
        Self {
            app: app.expect("a client"),
            sandbox,
            script,
        }
    }

    async fn deliver(&self, effect: &Effect) -> Delivered {
        let run = self.script.for_new_job().run();
        deliver(&self.app, &run, effect).await.expect("delivered")
    }

    fn keys(&self) -> Vec<String> {
        let applied = self.sandbox.applied().into_iter();
        applied.map(|applied| applied.effect.event_id).collect()
    }
}

fn intent(status: &str) -> PaymentIntent {
    let intent = json!({
        "id": "pi_1", "status": status, "amount": 1000, "currency": "nok", "created": 1,
        "livemode": false, "metadata": { "orderId": "o1" },
    });
    serde_json::from_value(intent).expect("an intent")
}

fn repair(effect: EffectKind, intent: &PaymentIntent) -> Effect {
    of_payment(effect, "", intent).of_repair()
}

#[tokio::test]
async fn an_event_and_a_repair_are_one_effect() {
    let intent = intent("succeeded");
    let event = of_payment(EffectKind::OrderPaid, "evt_1", &intent);
    let repaired = repair(EffectKind::OrderPaid, &intent);
    for (first, second, key) in [
        (&event, &repaired, "evt_1"),
        (&repaired, &event, "repair_order_paid_pi_1"),
    ] {
        let scene = Scene::set().await;
        assert_eq!(scene.deliver(first).await, Delivered::Now);
        assert_eq!(scene.deliver(second).await, Delivered::Before);
        let billed = scene.script.gate.billed();
        assert_eq!(billed, [("stripe", "payment", 1)], "a payment is one");
        assert_eq!(scene.keys(), [key]);
        assert_eq!(scene.sandbox.repetitions(), 0);
    }
}

#[tokio::test]
async fn an_event_and_a_repair_at_once_come_under_one_key() {
    let intent = intent("succeeded");
    let event = of_payment(EffectKind::OrderPaid, "evt_1", &intent);
    let repaired = repair(EffectKind::OrderPaid, &intent);
    for _ in 0..20 {
        let scene = Scene::set().await;
        tokio::join!(scene.deliver(&event), scene.deliver(&repaired));
        assert_eq!(scene.keys().len(), 1, "{:?}", scene.keys());
    }
}

#[tokio::test]
async fn repairs_at_once_have_the_same_key() {
    let scene = Scene::set().await;
    let repaired = repair(EffectKind::OrderPaid, &intent("succeeded"));
    tokio::join!(scene.deliver(&repaired), scene.deliver(&repaired));
    assert_eq!(scene.keys(), ["repair_order_paid_pi_1"]);
}

#[tokio::test]
async fn what_is_paid_is_not_repaired_as_failed() {
    let scene = Scene::set().await;
    let paid = of_payment(EffectKind::OrderPaid, "evt_1", &intent("succeeded"));
    let failed = repair(EffectKind::PaymentFailed, &intent("canceled"));
    assert_eq!(scene.deliver(&paid).await, Delivered::Now);
    assert_eq!(scene.deliver(&failed).await, Delivered::Overtaken);
    assert_eq!(scene.keys(), ["evt_1"]);
    // The other way round it may well be.
    let scene = Scene::set().await;
    assert_eq!(scene.deliver(&failed).await, Delivered::Now);
    assert_eq!(scene.deliver(&paid).await, Delivered::Now);
    let order = scene.sandbox.payment("o1").expect("known");
    assert_eq!(order.status, "paid");
}
