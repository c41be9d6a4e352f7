//! Reconciling against a Stripe and an app that note what they are asked.

mod another;
mod lost;
mod orders;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_job::{Handler, JobError, JobId, Kinds, Outcome};
use longshore_payment_reconcile::sandbox::{
    AppPayment, AppSandbox, PlantedPaymentIntent, StripeSandbox,
};
use longshore_payment_reconcile::{
    AppClient, AppConfig, ApplyStripeEventHandler, ReconcilePaymentsHandler, Stripe, StripeConfig,
};
use longshore_payment_reconcile::{ApplyStripeEvent, ReconcilePayments};
use longshore_sandbox::{Fault, FaultRule, When};
use longshore_testing::{MemoryRequest, Script, ScriptedGate};
use serde_json::{Value, json};

const DAY: u64 = 24 * 3600;

struct Scene {
    stripe: StripeSandbox,
    app: AppSandbox,
    handler: ReconcilePaymentsHandler,
    events: ApplyStripeEventHandler,
    to_app: AppClient,
    script: Script,
    /// The window's beginning; it ends a day later, and lies two days back.
    from: u64,
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
            timeout: Duration::from_secs(10),
        });
        let to_app = to_app.expect("a client");
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let script = Script::new();
        script
            .memory
            .forbid(MemoryRequest::NoteMessage, "nobody sends messages");
        script
            .memory
            .set_kinds(Kinds::new(longshore_email::args::KINDS.iter().copied()));
        Self {
            handler: ReconcilePaymentsHandler::new(to_stripe.clone(), to_app.clone()),
            events: ApplyStripeEventHandler::new(to_stripe, to_app.clone()),
            to_app,
            stripe,
            app,
            script,
            from: now.expect("after 1970").as_secs() - 3 * DAY,
        }
    }

    fn job(&self, repair: bool) -> ReconcilePayments {
        let time = |seconds: u64| {
            let time = jiff::Timestamp::from_second(seconds.cast_signed());
            time.expect("a time").to_string()
        };
        let job = ReconcilePayments::new(time(self.from), time(self.from + DAY));
        if repair { job.repair() } else { job }
    }

    async fn reconcile(&self, id: JobId, repair: bool) -> Result<Value, JobError> {
        let run = self.script.for_job(id).run();
        match self.handler.run(self.job(repair), run).await? {
            Outcome::Done {
                result: Some(result),
                answer,
            } => {
                assert_eq!(answer.provider.as_deref(), Some("stripe"));
                Ok(result)
            }
            outcome => panic!("{outcome:?}"),
        }
    }

    /// The run is dropped before its next request; `false` when it came to its end.
    async fn dropped_after(&self, id: JobId, repair: bool, requests: u64) -> bool {
        let script = self
            .script
            .for_job(id)
            .with_gate(ScriptedGate::open_for(requests));
        let run = script.run();
        tokio::select! {
            biased;
            _ = self.handler.run(self.job(repair), run) => false,
            () = script.gate.held_back() => true,
        }
    }

    /// A payment that both know, `n` seconds after the window's beginning, and the app five seconds before.
    fn both(&self, n: u64, stripe: &str, app: &str, change: impl FnOnce(&mut AppPayment)) {
        let refunded = if app == "refunded" { 1000 + n } else { 0 };
        let intent = self.plant_with(n, stripe, |intent| intent.refunded(refunded));
        let mut payment = AppPayment::pending(format!("o{n}"), intent, 1000 + n, "nok")
            .status(app)
            .at(self.from + n - 5);
        change(&mut payment);
        self.app.plant([payment]);
    }

    fn plant(&self, n: u64, status: &str) -> String {
        self.plant_with(n, status, |intent| intent)
    }

    fn plant_with(
        &self,
        n: u64,
        status: &str,
        change: impl FnOnce(PlantedPaymentIntent) -> PlantedPaymentIntent,
    ) -> String {
        let intent = PlantedPaymentIntent::new(1000 + n, "nok", status)
            .with("orderId", format!("o{n}"))
            .at(self.from + n);
        self.stripe.plant([change(intent)]).remove(0)
    }

    /// `count` payments, and after every 50th a difference, of eight sorts in turn.
    fn plant_many(&self, count: u64) {
        for n in 0..count {
            let at = n * 8 + 20;
            self.both(
                at,
                "succeeded",
                ["paid", "refunded"][(n % 9 == 0) as usize],
                |_| {},
            );
            let at = at + 3;
            match (n % 50, n / 50 % 8) {
                (0, 0) => self.both(at, "succeeded", "pending", |_| {}),
                (0, 1) => self.both(at, "canceled", "pending", |_| {}),
                (0, 2) => self.both(at, "requires_payment_method", "paid", |_| {}),
                (0, 3) => self.both(at, "succeeded", "pending", |payment| payment.amount += 1),
                (0, 4) => self.both(at, "succeeded", "paid", |payment| {
                    payment.currency = "sek".to_owned();
                }),
                (0, 5) => drop(self.plant(at, "succeeded")),
                (0, 6) => self.app.plant([AppPayment::pending(
                    format!("o{at}"),
                    format!("pi_gone{at}"),
                    1,
                    "nok",
                )
                .at(self.from + at)]),
                (0, _) => self.both(at, "succeeded", "failed", |_| {}),
                _ => {}
            }
        }
    }

    fn told(&self) -> BTreeMap<&'static str, usize> {
        let mut told = BTreeMap::new();
        for applied in self.app.applied() {
            *told.entry(applied.effect.effect.as_str()).or_default() += 1;
        }
        told
    }
}

fn some(counts: &Value) -> Value {
    let counts = counts.as_object().expect("counts").iter();
    counts
        .filter(|(_, count)| **count != json!(0))
        .map(|(kind, count)| (kind.clone(), count.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[tokio::test]
async fn every_difference_among_ten_thousand_is_found_and_the_safe_ones_repaired_once() {
    let scene = Scene::set().await;
    scene.plant_many(10_000);
    let looked = scene
        .reconcile(JobId::generate(), false)
        .await
        .expect("done");
    let found = json!({
        "paid_at_stripe_pending_in_app": 25, "failed_at_stripe_pending_in_app": 25,
        "paid_in_app_not_at_stripe": 25, "wrong_amount": 25, "wrong_currency": 25,
        "unknown_to_app": 25, "unknown_to_stripe": 25, "paid_at_stripe_failed_in_app": 25,
    });
    assert_eq!(some(&looked["counts"]), found);
    assert_eq!(
        (&looked["differences"], &looked["repaired"]),
        (&json!(200), &json!(0))
    );
    assert_eq!(looked["payments_at_stripe"], 10_175);
    assert_eq!(looked["payments_in_app"], 10_175);
    assert_eq!(
        (
            &looked["truncated"],
            looked["rows"].as_array().map(Vec::len)
        ),
        (&json!(false), Some(200))
    );
    assert_eq!(
        looked["csv"].as_str().expect("CSV").split("\r\n").count(),
        202
    );
    assert_eq!(scene.told(), BTreeMap::new(), "it was only to look");

    // Dropped at several moments, among them in the middle of repairs, then left to its end.
    let id = JobId::generate();
    for requests in [0, 1, 30, 70, 45, 31, 60, 12] {
        assert!(scene.dropped_after(id, true, requests).await, "{requests}");
    }
    let repaired = scene.reconcile(id, true).await.expect("done");
    assert_eq!(
        (&repaired["counts"], &repaired["repaired"]),
        (&looked["counts"], &json!(50))
    );
    let told = BTreeMap::from([("order_paid", 25), ("payment_failed", 25)]);
    assert_eq!(scene.told(), told);
    for row in repaired["rows"].as_array().expect("rows") {
        let kind = row["kind"].as_str().expect("a kind");
        assert_eq!(row["repaired"], kind.ends_with("pending_in_app"), "{row}");
    }

    let again = scene
        .reconcile(JobId::generate(), true)
        .await
        .expect("done");
    assert_eq!(
        (&again["differences"], &again["repaired"]),
        (&json!(150), &json!(0))
    );
    assert_eq!(scene.told(), told);
    assert_eq!(scene.app.repetitions(), 0);
    let progress = scene.script.memory.checkpoint(id).expect("it came on");
    assert!(progress.to_string().len() < 1000, "{progress}");
}

#[tokio::test]
async fn a_refused_repair_is_reported_and_the_run_goes_on() {
    let scene = Scene::set().await;
    for n in [100, 200, 300] {
        scene.both(n, "succeeded", "pending", |_| {});
    }
    // The first three requests are pages of the ledger, one for each part of the window; then come the repairs.
    let fault = Fault::Answer {
        status: 422,
        headers: BTreeMap::new(),
        body: None,
        effect: false,
    };
    let rule = FaultRule::new(fault, When::Every(5));
    scene.app.faults().set(vec![rule]).expect("a valid rule");
    let result = scene
        .reconcile(JobId::generate(), true)
        .await
        .expect("done");
    let expected = json!({ "paid_at_stripe_pending_in_app": 2, "repair_refused": 1 });
    assert_eq!(
        (some(&result["counts"]), &result["repaired"]),
        (expected, &json!(2))
    );
}

#[tokio::test]
async fn an_event_meanwhile_tells_the_app_and_the_reconcile_does_not() {
    let scene = Scene::set().await;
    scene.both(100, "requires_payment_method", "pending", |_| {});
    let intent = scene.app.payment("o100").expect("there").payment_intent;
    let intent = intent.expect("an id");
    assert!(scene.stripe.customer_pays(&intent, true));
    // Everything is read, and the repair written down: one page of Stripe's, three of the app's.
    let id = JobId::generate();
    assert!(scene.dropped_after(id, true, 4).await);
    let event = scene.stripe.events().remove(0);
    let job = ApplyStripeEvent::new(event["id"].as_str().expect("an id"));
    let run = scene.script.for_new_job().run();
    scene.events.run(job, run).await.expect("applied");
    scene.reconcile(id, true).await.expect("done");
    assert_eq!(scene.told(), BTreeMap::from([("order_paid", 1)]));
    assert_eq!(scene.app.repetitions(), 0);
}

#[tokio::test]
async fn an_app_that_is_away_fails_the_run_and_the_next_one_goes_on() {
    let scene = Scene::set().await;
    scene.both(100, "succeeded", "pending", |_| {});
    let id = JobId::generate();
    assert!(scene.dropped_after(id, true, 4).await);
    let rule = FaultRule::always(Fault::Answer {
        status: 503,
        headers: BTreeMap::new(),
        body: None,
        effect: false,
    });
    scene.app.faults().set(vec![rule]).expect("a valid rule");
    let error = scene.reconcile(id, true).await.expect_err("away");
    assert!(matches!(error, JobError::Transient { .. }), "{error:?}");
    assert_eq!(error.answer().provider.as_deref(), Some("app"));
    scene.app.faults().clear();
    let result = scene.reconcile(id, true).await.expect("done");
    assert_eq!(result["repaired"], 1);
}
