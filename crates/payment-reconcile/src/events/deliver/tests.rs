//! What a reconcile finds out beside what events tell. Events alone are in `tests/events`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use longshore_job::{Earlier, Forgetful, Gate, JobId, Memory, Recalling};
use longshore_sandbox::AppSandbox;
use serde_json::json;

use super::*;
use crate::app::AppConfig;
use crate::stripe::PaymentIntent;

/// Open; counts what is billed.
#[derive(Default)]
struct Open(Mutex<Vec<(&'static str, &'static str, u64)>>);

impl Gate for Open {
    fn billed(&self, provider: &'static str, unit: &'static str, units: u64) {
        let mut billed = self.0.lock().expect("no panic");
        billed.push((provider, unit, units));
    }

    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

#[derive(Default)]
struct Kept(Mutex<HashMap<String, Vec<u8>>>);

impl Memory for Kept {
    fn earlier(&self) -> Recalling<'_, Earlier> {
        Forgetful.earlier()
    }

    fn own<'a>(&'a self, _message: &'a str) -> Recalling<'a, bool> {
        unreachable!("nobody sends messages")
    }

    fn recall<'a>(&'a self, key: &'a str) -> Recalling<'a, Option<Vec<u8>>> {
        Box::pin(async { Ok(self.0.lock().expect("no panic").get(key).cloned()) })
    }

    fn keep<'a>(&'a self, key: &'a str, value: &'a [u8], _time: Duration) -> Recalling<'a, ()> {
        let mut kept = self.0.lock().expect("no panic");
        kept.insert(key.to_owned(), value.to_owned());
        Box::pin(async { Ok(()) })
    }

    fn keep_first<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        _time: Duration,
    ) -> Recalling<'a, Vec<u8>> {
        let mut kept = self.0.lock().expect("no panic");
        let there = kept
            .entry(key.to_owned())
            .or_insert(value.to_owned())
            .clone();
        Box::pin(async { Ok(there) })
    }
}

struct Scene {
    sandbox: AppSandbox,
    app: App,
    kept: Arc<Kept>,
    gate: Arc<Open>,
}

impl Scene {
    async fn set() -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let sandbox = AppSandbox::start(any).await.expect("a free port");
        let app = App::new(&AppConfig {
            base_url: sandbox.origin().parse().expect("an origin"),
            secret: AppSandbox::SECRET.into(),
            timeout: Duration::from_secs(5),
        });
        Self {
            app: app.expect("a client"),
            sandbox,
            kept: Arc::default(),
            gate: Arc::default(),
        }
    }

    async fn deliver(&self, effect: &Effect) -> Delivered {
        let run =
            Run::new(JobId::generate(), 1, 4, self.gate.clone()).with_memory(self.kept.clone());
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

#[tokio::test]
async fn an_event_and_a_repair_are_one_effect() {
    let intent = intent("succeeded");
    let event = Effect::of_payment(EffectKind::OrderPaid, "evt_1", &intent);
    let repair = Effect::of_repair(EffectKind::OrderPaid, &intent);
    for (first, second, key) in [
        (&event, &repair, "evt_1"),
        (&repair, &event, "repair_order_paid_pi_1"),
    ] {
        let scene = Scene::set().await;
        assert_eq!(scene.deliver(first).await, Delivered::Now);
        assert_eq!(scene.deliver(second).await, Delivered::Before);
        let billed = scene.gate.0.lock().expect("no panic").clone();
        assert_eq!(billed, [("stripe", "payment", 1)], "a payment is one");
        assert_eq!(scene.keys(), [key]);
        assert_eq!(scene.sandbox.repetitions(), 0);
    }
}

#[tokio::test]
async fn an_event_and_a_repair_at_once_come_under_one_key() {
    let intent = intent("succeeded");
    let event = Effect::of_payment(EffectKind::OrderPaid, "evt_1", &intent);
    let repair = Effect::of_repair(EffectKind::OrderPaid, &intent);
    for _ in 0..20 {
        let scene = Scene::set().await;
        tokio::join!(scene.deliver(&event), scene.deliver(&repair));
        assert_eq!(scene.keys().len(), 1, "{:?}", scene.keys());
    }
}

#[tokio::test]
async fn repairs_at_once_have_the_same_key() {
    let scene = Scene::set().await;
    let repair = Effect::of_repair(EffectKind::OrderPaid, &intent("succeeded"));
    tokio::join!(scene.deliver(&repair), scene.deliver(&repair));
    assert_eq!(scene.keys(), ["repair_order_paid_pi_1"]);
}

#[tokio::test]
async fn what_is_paid_is_not_repaired_as_failed() {
    let scene = Scene::set().await;
    let paid = Effect::of_payment(EffectKind::OrderPaid, "evt_1", &intent("succeeded"));
    let failed = Effect::of_repair(EffectKind::PaymentFailed, &intent("canceled"));
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
