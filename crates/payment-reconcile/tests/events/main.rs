//! Stripe's events against a Stripe and an app that note what they are asked.

mod answers;
mod backfill;
mod mails;
mod money;
mod once;
mod people;

use std::net::SocketAddr;
use std::time::Duration;

use longshore_job::{Handler, JobError, Kinds, Outcome};
use longshore_payment_reconcile::ApplyStripeEvent;
use longshore_payment_reconcile::sandbox::{AppSandbox, PlantedPaymentIntent, StripeSandbox};
use longshore_payment_reconcile::{
    AppClient, AppConfig, ApplyStripeEventHandler, Stripe, StripeConfig,
};
use longshore_sandbox::{Fault, FaultRule};
use longshore_testing::{MemoryRequest, RecordedJob, Script, ScriptedGate, ScriptedMemory, Way};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DAY: u64 = 24 * 3600;

/// Stripe is read and the app is told. What is kept is kept for 30 days.
fn script() -> Script {
    let gate = ScriptedGate::open()
        .forbid(Way::Send, "nothing is changed at Stripe")
        .forbid(Way::Call, "nothing is changed at Stripe")
        .forbid(Way::ReadElsewhere, "the app is only told");
    let memory = ScriptedMemory::new();
    memory.forbid(MemoryRequest::NoteMessage, "nobody sends messages");
    memory.check_keeps(|kept| assert_eq!(kept.time, Duration::from_secs(30 * DAY)));
    memory.set_kinds(Kinds::new(longshore_email::args::KINDS.iter().copied()));
    Script::new().with_gate(gate).with_memory(&memory)
}

struct Scene {
    stripe: StripeSandbox,
    app: AppSandbox,
    handler: ApplyStripeEventHandler,
    script: Script,
}

impl Scene {
    async fn set() -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let stripe = StripeSandbox::start(any).await.expect("a free port");
        let app = AppSandbox::start(any).await.expect("a free port");
        let config = StripeConfig {
            base_url: stripe.origin().parse().expect("an origin"),
            secret_key: "sk_test_1".into(),
            timeout: Duration::from_secs(25),
        };
        let to_stripe = Stripe::new(&config).expect("a client");
        let to_app = AppClient::new(&AppConfig {
            base_url: app.origin().parse().expect("an origin"),
            secret: AppSandbox::SECRET.into(),
            timeout: Duration::from_secs(2),
        });
        Self {
            handler: ApplyStripeEventHandler::new(to_stripe, to_app.expect("a client")),
            stripe,
            app,
            script: script(),
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
        let run = self.script.for_new_job().run();
        self.handler.run(ApplyStripeEvent::new(event), run).await
    }

    /// The mails that follow.
    fn mails(&self) -> Vec<RecordedJob> {
        let mails = self.script.memory.outbox().jobs();
        for mail in &mails {
            assert_eq!(mail.queue, "email");
            assert_eq!(mail.key_holds, Some(Duration::from_secs(7 * DAY)));
        }
        mails
    }

    /// Whether it is remembered that the app has taken anything. A name alone says nothing of that.
    fn remembers_an_effect(&self) -> bool {
        let kept = self.script.memory.kept();
        kept.iter().any(|kept| !kept.key.ends_with(":name"))
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

    fn app_fault(&self, rule: FaultRule) {
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
fn answered(body: &Value) -> FaultRule {
    let fault = Fault::Answer {
        status: 200,
        headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
        body: Some(body.to_string()),
        effect: false,
    };
    FaultRule::first(1, fault)
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
    let gate = &scene.script.gate;
    assert_eq!((gate.reads(), gate.count(Way::SendElsewhere)), (2, 1));
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
    assert_eq!(applied.subscription, Some(subscription.clone()));
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
        FaultRule::first(1, down),
        FaultRule::first(1, Fault::HangUp { effect: false }),
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
