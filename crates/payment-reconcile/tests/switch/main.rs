//! New customers go to another provider, and those of the first one stay where they are: testpay and Stripe side by
//! side, each with its stand-in.

mod lost;
mod refused;
mod stay;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use longshore_job::{
    Earlier, Gate, Handler, Job, JobError, JobId, Memory, Outcome, Recalling, Run,
};
use longshore_payment_reconcile::CreatePaymentIntent;
use longshore_payment_reconcile::{
    CreateCustomerHandler, CreatePaymentIntentHandler, Providers, Stripe, StripeConfig, TestPay,
    TestPayConfig,
};
use longshore_sandbox::{Fault, Rule, StripeSandbox, TestPaySandbox};
use serde_json::Value;

const KEY: &str = "tp-key";

/// Counts what goes to the queue's provider, and what goes elsewhere.
#[derive(Default)]
struct Door {
    here: AtomicU64,
    elsewhere: AtomicU64,
}

impl Gate for Door {
    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.here.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }

    fn clear_elsewhere(&self, _effect: bool) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.elsewhere.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }
}

/// The maps of the fleet.
#[derive(Default)]
struct Maps(Mutex<HashMap<(String, String), String>>);

impl Maps {
    fn get(&self, map: &str, key: &str) -> Option<String> {
        let maps = self.0.lock().expect("no panic");
        maps.get(&(map.to_owned(), key.to_owned())).cloned()
    }

    fn assign(&self, map: &str, key: &str, value: &str) -> String {
        let mut maps = self.0.lock().expect("no panic");
        let place = maps.entry((map.to_owned(), key.to_owned()));
        place.or_insert_with(|| value.to_owned()).clone()
    }

    /// Whatever a map has, by key.
    fn export(&self, map: &str) -> Vec<(String, String)> {
        let maps = self.0.lock().expect("no panic");
        let entries = maps.iter().filter(|((of, _), _)| of == map);
        let entries = entries.map(|((_, key), value)| (key.clone(), value.clone()));
        let mut entries: Vec<_> = entries.collect();
        entries.sort();
        entries
    }
}

/// What one job remembers.
struct Notes {
    maps: Arc<Maps>,
    checkpoint: Mutex<Option<Value>>,
}

impl Memory for Notes {
    fn earlier(&self) -> Recalling<'_, Earlier> {
        let now = SystemTime::now();
        let ago = |seconds| now - Duration::from_secs(seconds);
        let earlier = Earlier {
            after: ago(700),
            before: ago(600),
            now,
            message: None,
        };
        Box::pin(async { Ok(earlier) })
    }

    fn own<'a>(&'a self, _message: &'a str) -> Recalling<'a, bool> {
        unreachable!("nobody sends messages")
    }

    fn recall<'a>(&'a self, _key: &'a str) -> Recalling<'a, Option<Vec<u8>>> {
        Box::pin(async { Ok(None) })
    }

    fn keep<'a>(&'a self, _: &'a str, _: &'a [u8], _: Duration) -> Recalling<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn checkpoint(&self) -> Recalling<'_, Option<Value>> {
        Box::pin(async { Ok(self.checkpoint.lock().expect("no panic").clone()) })
    }

    fn save<'a>(&'a self, checkpoint: &'a Value) -> Recalling<'a, bool> {
        Box::pin(async {
            *self.checkpoint.lock().expect("no panic") = Some(checkpoint.clone());
            Ok(true)
        })
    }

    fn find<'a>(&'a self, map: &'a str, key: &'a str) -> Recalling<'a, Option<String>> {
        Box::pin(async { Ok(self.maps.get(map, key)) })
    }

    fn assign<'a>(&'a self, map: &'a str, key: &'a str, value: &'a str) -> Recalling<'a, String> {
        Box::pin(async { Ok(self.maps.assign(map, key, value)) })
    }
}

/// Both providers, and a fleet's maps.
struct Scene {
    testpay_sandbox: TestPaySandbox,
    stripe_sandbox: StripeSandbox,
    testpay: TestPay,
    stripe: Stripe,
    maps: Arc<Maps>,
    door: Arc<Door>,
}

impl Scene {
    async fn set() -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let testpay_sandbox = TestPaySandbox::start(any).await.expect("a free port");
        let stripe_sandbox = StripeSandbox::start(any).await.expect("a free port");
        let testpay = TestPay::new(&TestPayConfig {
            base_url: testpay_sandbox.origin().parse().expect("an origin"),
            api_key: KEY.into(),
            timeout: Duration::from_secs(10),
        });
        let mut config = StripeConfig::new("sk_test_1".into());
        config.base_url = stripe_sandbox.origin().parse().expect("an origin");
        Self {
            testpay_sandbox,
            stripe_sandbox,
            testpay: testpay.expect("a client"),
            stripe: Stripe::new(&config).expect("a client"),
            maps: Arc::default(),
            door: Arc::default(),
        }
    }

    /// As it was before the switch: new customers go to Stripe.
    fn before(&self) -> Providers {
        Providers::new(self.stripe.clone()).and(self.testpay.clone())
    }

    /// After the switch: new customers go to testpay.
    fn after(&self) -> Providers {
        Providers::new(self.testpay.clone()).and(self.stripe.clone())
    }

    fn a_run(&self) -> Run {
        let notes = Notes {
            maps: Arc::clone(&self.maps),
            checkpoint: Mutex::default(),
        };
        let run = Run::new(JobId::generate(), 1, 4, self.door.clone());
        run.with_memory(Arc::new(notes))
    }

    /// Carries a job out in a run of its own.
    async fn does<H: Handler<Job = J>, J: Job>(&self, handler: H, job: J) -> Value {
        result(handler.run(job, self.a_run()).await)
    }

    async fn customer(&self, providers: Providers, user: &str) -> Value {
        let job = longshore_payment_reconcile::CreateCustomer::new(user);
        self.does(CreateCustomerHandler::new(providers), job).await
    }

    async fn intent(&self, providers: Providers, job: CreatePaymentIntent) -> Value {
        let handler = CreatePaymentIntentHandler::new(providers);
        self.does(handler, job).await
    }

    /// Lets the next request to testpay go wrong.
    fn fault_once(&self, fault: Fault) {
        let faults = self.testpay_sandbox.faults();
        faults.set(vec![Rule::first(1, fault)]).expect("a rule");
    }

    /// How much testpay, and how much Stripe has carried out.
    fn effects(&self) -> (u64, u64) {
        let testpay = self.testpay_sandbox.ledger().summary();
        (
            testpay.accepted,
            self.stripe_sandbox.ledger().summary().accepted,
        )
    }
}

fn an_order(user: &str) -> CreatePaymentIntent {
    CreatePaymentIntent::new("order-1", user, 1000, "nok")
}

/// The same run as it is after an outcome that is not known.
fn sent_before(run: &Run) -> Run {
    let mut run = run.clone();
    run.attempt += 1;
    run.may_have_been_sent = true;
    run
}

fn result(outcome: Result<Outcome, JobError>) -> Value {
    match outcome.expect("done") {
        Outcome::Done {
            result: Some(result),
            ..
        } => result,
        outcome => panic!("{outcome:?}"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn kind(error: &JobError) -> &'static str {
    match error {
        JobError::Permanent { .. } => "permanent",
        JobError::Throttled { .. } => "throttled",
        JobError::Transient { .. } => "transient",
        JobError::NotReached { .. } => "not_reached",
        JobError::OutcomeUnknown { .. } => "unknown",
        JobError::Unauthorized { .. } => "unauthorized",
    }
}
