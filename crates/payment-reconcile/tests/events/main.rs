//! Stripe's events against a Stripe and an app that note what they are asked.

mod answers;
mod mails;
mod once;
mod people;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_job::{
    Earlier, Forgetful, Gate, Handler, InvalidArgs, JobError, JobId, Kinds, Memory, Outbox,
    Outcome, Prepared, Recalling, Run, Sending, Unremembered,
};
use longshore_payment_reconcile::ApplyStripeEvent;
use longshore_payment_reconcile::{App, AppConfig, ApplyStripeEventHandler, Stripe, StripeConfig};
use longshore_sandbox::{AppSandbox, Fault, PlantedPaymentIntent, Rule, StripeSandbox};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DAY: u64 = 24 * 3600;

/// Counts what it let go: reads from Stripe, and effects to the app. Nothing else is asked for.
#[derive(Default)]
struct Door {
    reads: AtomicU64,
    effects: AtomicU64,
}

impl Gate for Door {
    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        unreachable!("nothing is changed at Stripe")
    }

    fn clear_to_read(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }

    fn clear_elsewhere(&self, effect: bool) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        assert!(effect, "the app is only told");
        self.effects.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }
}

/// What the fleet would remember, and the jobs that it would enqueue, by their keys.
#[derive(Default)]
struct Fleet {
    kept: Mutex<HashMap<String, Vec<u8>>>,
    jobs: Mutex<HashMap<String, Value>>,
    recalls_nothing: AtomicBool,
    keeps_nothing: AtomicBool,
    enqueues_nothing: AtomicBool,
}

impl Fleet {
    fn jobs(&self) -> Vec<Value> {
        self.jobs
            .lock()
            .expect("no panic")
            .values()
            .cloned()
            .collect()
    }
}

fn away<T>(fails: &AtomicBool, value: T) -> Result<T, Unremembered> {
    match fails.load(Ordering::Relaxed) {
        true => Err(Unremembered("away".to_owned())),
        false => Ok(value),
    }
}

impl Fleet {
    /// Whether it is remembered that the app has taken anything. A name alone says nothing of that.
    fn remembers_an_effect(&self) -> bool {
        let kept = self.kept.lock().expect("no panic");
        kept.keys().any(|key| !key.ends_with(":name"))
    }
}

impl Memory for Fleet {
    fn earlier(&self) -> Recalling<'_, Earlier> {
        Forgetful.earlier()
    }

    fn own<'a>(&'a self, _message: &'a str) -> Recalling<'a, bool> {
        unreachable!("nobody sends messages")
    }

    fn recall<'a>(&'a self, key: &'a str) -> Recalling<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            away(&self.recalls_nothing, ())?;
            Ok(self.kept.lock().expect("no panic").get(key).cloned())
        })
    }

    fn keep<'a>(&'a self, key: &'a str, value: &'a [u8], time: Duration) -> Recalling<'a, ()> {
        assert_eq!(time, Duration::from_secs(30 * DAY));
        Box::pin(async move {
            away(&self.keeps_nothing, ())?;
            let mut kept = self.kept.lock().expect("no panic");
            kept.insert(key.to_owned(), value.to_owned());
            Ok(())
        })
    }

    fn keep_first<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        time: Duration,
    ) -> Recalling<'a, Vec<u8>> {
        assert_eq!(time, Duration::from_secs(30 * DAY));
        Box::pin(async move {
            let mut kept = self.kept.lock().expect("no panic");
            let there = kept.entry(key.to_owned()).or_insert(value.to_owned());
            Ok(there.clone())
        })
    }
}

impl Outbox for Fleet {
    fn prepare(&self, kind: &str, args: &str) -> Result<Prepared, InvalidArgs> {
        Kinds::new(longshore_email::args::KINDS.iter().copied()).prepare(kind, args)
    }

    fn enqueue<'a>(
        &'a self,
        job: Prepared,
        key: &'a str,
        keys_hold: Duration,
    ) -> Sending<'a, JobId> {
        assert_eq!(keys_hold, Duration::from_secs(7 * DAY));
        assert_eq!(job.queue, "email");
        Box::pin(async move {
            away(&self.enqueues_nothing, ())?;
            let payload = serde_json::from_slice(&job.payload).expect("JSON");
            let mut jobs = self.jobs.lock().expect("no panic");
            jobs.entry(key.to_owned()).or_insert(payload);
            Ok(JobId::generate())
        })
    }
}

struct Scene {
    stripe: StripeSandbox,
    app: AppSandbox,
    handler: ApplyStripeEventHandler,
    door: Arc<Door>,
    fleet: Arc<Fleet>,
}

impl Scene {
    async fn set() -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let stripe = StripeSandbox::start(any).await.expect("a free port");
        let app = AppSandbox::start(any).await.expect("a free port");
        let mut config = StripeConfig::new("sk_test_1".into());
        config.base_url = stripe.origin().parse().expect("an origin");
        let to_stripe = Stripe::new(&config).expect("a client");
        let to_app = App::new(&AppConfig {
            base_url: app.origin().parse().expect("an origin"),
            secret: AppSandbox::SECRET.into(),
            timeout: Duration::from_secs(2),
        });
        Self {
            handler: ApplyStripeEventHandler::new(to_stripe, to_app.expect("a client")),
            stripe,
            app,
            door: Arc::default(),
            fleet: Arc::default(),
        }
    }

    /// A payment for order `o1`, not tried yet.
    fn payment(&self) -> String {
        let intent = PlantedPaymentIntent::new(1000, "nok", "requires_payment_method");
        let intent = intent.with("orderId", "o1").with("userId", "u1");
        let ids = self.stripe.plant([intent]);
        ids.into_iter().next().expect("one")
    }

    /// The payer pays, or fails to; returns the event.
    fn pays(&self, intent: &str, succeeds: bool) -> String {
        assert!(self.stripe.customer_pays(intent, succeeds));
        self.last_event()
    }

    fn last_event(&self) -> String {
        let newest = self.stripe.events().remove(0);
        newest["id"].as_str().expect("an id").to_owned()
    }

    async fn apply(&self, event: &str) -> Result<Outcome, JobError> {
        let run = Run::new(JobId::generate(), 1, 4, self.door.clone())
            .with_memory(self.fleet.clone())
            .with_outbox(self.fleet.clone());
        self.handler.run(ApplyStripeEvent::new(event), run).await
    }

    /// Applies an event that comes to something, and returns the result.
    async fn done(&self, event: &str) -> Value {
        match self.apply(event).await {
            Ok(Outcome::Done {
                result: Some(result),
                answer,
            }) => {
                // Or Stripe's breaker would never hear that it is well.
                assert_eq!(answer.provider.as_deref(), Some("stripe"));
                result
            }
            other => panic!("{other:?}"),
        }
    }

    /// Applies an event that comes to nothing, and returns why.
    async fn skipped(&self, event: &str) -> String {
        match self.apply(event).await {
            Ok(Outcome::Skipped { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// Applies an event that cannot be, for now or for good.
    async fn fails(&self, event: &str) -> JobError {
        self.apply(event).await.expect_err("fails")
    }

    /// What the app was told and took, in order, with the event.
    fn effects(&self) -> Vec<(String, String)> {
        let applied = self.app.applied().into_iter().map(|applied| applied.effect);
        applied
            .map(|effect| (effect.effect.as_str().to_owned(), effect.event_id))
            .collect()
    }

    /// How the app sees the order.
    fn order(&self) -> Option<String> {
        self.app.payment("o1").map(|payment| payment.status)
    }

    fn app_fault(&self, rule: Rule) {
        self.app.faults().set(vec![rule]).expect("a valid rule");
    }

    /// Asks the stand-in for something, as an operator at Stripe's dashboard would.
    async fn at_stripe(&self, method: &str, path: &str, form: &str) -> String {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk_test_1\r\n\
             Stripe-Version: 2023-10-16\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
            form.len()
        );
        let mut stream = TcpStream::connect(self.stripe.addr())
            .await
            .expect("listens");
        stream
            .write_all(request.as_bytes())
            .await
            .expect("takes it");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let body: Value = serde_json::from_str(body).expect("JSON");
        body["id"].as_str().expect("an id").to_owned()
    }
}

/// What the next answer of Stripe's is changed to.
fn answered(body: &Value) -> Rule {
    let fault = Fault::Answer {
        status: 200,
        headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
        body: Some(body.to_string()),
        effect: false,
    };
    Rule::first(1, fault)
}

#[tokio::test]
async fn a_payment_reaches_the_app() {
    let scene = Scene::set().await;
    let intent = scene.payment();
    let event = scene.pays(&intent, true);
    let result = scene.done(&event).await;
    let expected = json!({ "effect": "order_paid", "order_id": "o1", "payment_intent": intent });
    assert_eq!(result, expected);
    let applied = scene.app.applied().remove(0).effect;
    assert_eq!(applied.user_id.as_deref(), Some("u1"));
    assert_eq!(
        (applied.amount, applied.currency.as_deref()),
        (Some(1000), Some("nok"))
    );
    assert_eq!(applied.payment_intent, Some(intent));
    assert_eq!(scene.order().as_deref(), Some("paid"));
    let asked = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let asked = (asked(&scene.door.reads), asked(&scene.door.effects));
    assert_eq!(asked, (2, 1));
}

#[tokio::test]
async fn the_end_of_a_subscription_reaches_the_app() {
    let scene = Scene::set().await;
    let customer = scene.at_stripe("POST", "/v1/customers", "").await;
    let form = format!("customer={customer}&items[0][price]=price_1&metadata[userId]=u1");
    let subscription = scene.at_stripe("POST", "/v1/subscriptions", &form).await;
    let path = format!("/v1/subscriptions/{subscription}");
    scene.at_stripe("DELETE", &path, "").await;
    let event = scene.last_event();
    let result = scene.done(&event).await;
    let expected = json!({ "effect": "subscription_cancelled", "subscription": subscription });
    assert_eq!(result, expected);
    let applied = scene.app.applied().remove(0).effect;
    assert_eq!(
        (applied.customer, applied.payment_intent),
        (Some(customer), None)
    );
    assert_eq!(applied.user_id.as_deref(), Some("u1"));
    let reason = scene.skipped(&event).await;
    let expected = format!("subscription_cancelled of {subscription}: the app was told before");
    assert_eq!(reason, expected);
    assert_eq!(scene.app.repetitions(), 0);
}

#[tokio::test]
async fn an_event_of_the_other_mode_is_refused() {
    let scene = Scene::set().await;
    let event = scene.pays(&scene.payment(), true);
    let mut live = scene.stripe.events().remove(0);
    live["livemode"] = true.into();
    scene
        .stripe
        .faults()
        .set(vec![answered(&live)])
        .expect("a rule");
    let error = scene.fails(&event).await;
    assert!(matches!(error, JobError::Permanent { .. }), "{error:?}");
    assert_eq!(error.answer().code.as_deref(), Some("livemode"));
    assert_eq!(
        error.reason(),
        "the event is of live mode, and the key of test mode"
    );
    assert_eq!(scene.effects(), []);
}

#[tokio::test]
async fn what_stripe_does_not_know_is_refused_and_what_it_cannot_say_is_asked_again() {
    let scene = Scene::set().await;
    let error = scene.fails("evt_nobody").await;
    assert!(matches!(error, JobError::Permanent { .. }), "{error:?}");
    assert_eq!(error.answer().provider.as_deref(), Some("stripe"));

    let event = scene.pays(&scene.payment(), true);
    let down = Fault::Answer {
        status: 503,
        headers: [].into(),
        body: None,
        effect: false,
    };
    for rule in [
        Rule::first(1, down),
        Rule::first(1, Fault::HangUp { effect: false }),
    ] {
        scene.stripe.faults().set(vec![rule]).expect("a rule");
        let error = scene.fails(&event).await;
        assert!(matches!(error, JobError::Transient { .. }), "{error:?}");
    }
    scene.done(&event).await;
}

#[tokio::test]
async fn other_events_come_to_nothing() {
    let scene = Scene::set().await;
    scene.at_stripe("POST", "/v1/customers", "").await;
    let form = "amount=1000&currency=nok&automatic_payment_methods[enabled]=true";
    scene.at_stripe("POST", "/v1/payment_intents", form).await;
    let event = scene.last_event();
    assert_eq!(
        scene.skipped(&event).await,
        "events of this type have no effect here"
    );
    assert_eq!(scene.effects(), []);
}
