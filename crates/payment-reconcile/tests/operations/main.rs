//! Payment operations against a Stripe that notes what it is asked.

mod checkout;
mod declines;
mod mapping;
mod once;
mod secrets;
mod spent;
mod verify;
mod wire;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use longshore_job::{
    Earlier, Gate, Handler, JobError, JobId, Memory, Outcome, Recalling, Run, Unremembered,
};
use longshore_payment_reconcile::{CreateCustomer, CreatePaymentIntent};
use longshore_payment_reconcile::{
    CreateCustomerHandler, CreatePaymentIntentHandler, Providers, Stripe, StripeConfig,
};
use longshore_sandbox::{Fault, Rule, StripeSandbox};
use serde_json::Value;

const HOUR: u64 = 3600;

/// Counts how often it let something be sent, and be read.
#[derive(Default)]
struct Door {
    sends: AtomicU64,
    reads: AtomicU64,
}

impl Gate for Door {
    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.sends.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }

    fn clear_to_read(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }
}

/// What the fleet would remember.
struct Notes {
    earlier: Mutex<Earlier>,
    kept: Mutex<HashMap<String, Vec<u8>>>,
    maps: Mutex<HashMap<(String, String), String>>,
    /// Every checkpoint that was saved.
    saved: Mutex<Vec<Value>>,
    keeps_failing: AtomicBool,
}

impl Notes {
    /// Of a job whose requests were out between these two, in seconds before now.
    fn of_request(after_seconds: u64, before_seconds: u64) -> Self {
        Self {
            earlier: Mutex::new(between(after_seconds, before_seconds)),
            kept: Mutex::default(),
            maps: Mutex::default(),
            saved: Mutex::default(),
            keeps_failing: AtomicBool::new(false),
        }
    }

    fn in_map(&self, map: &str, key: &str) -> Option<String> {
        let maps = self.maps.lock().expect("no panic");
        maps.get(&(map.to_owned(), key.to_owned())).cloned()
    }

    fn assign(&self, map: &str, key: &str, value: &str) -> String {
        let mut maps = self.maps.lock().expect("no panic");
        let place = maps.entry((map.to_owned(), key.to_owned()));
        place.or_insert_with(|| value.to_owned()).clone()
    }

    /// What one job remembers.
    fn of_job(self: &Arc<Self>) -> Arc<NotesOf> {
        Arc::new(NotesOf {
            fleet: Arc::clone(self),
            checkpoint: Mutex::default(),
        })
    }
}

fn between(after_seconds: u64, before_seconds: u64) -> Earlier {
    let now = SystemTime::now();
    Earlier {
        after: now - Duration::from_secs(after_seconds),
        before: now - Duration::from_secs(before_seconds),
        now,
        message: None,
    }
}

/// The same, for one job.
struct NotesOf {
    fleet: Arc<Notes>,
    checkpoint: Mutex<Option<Value>>,
}

impl Memory for NotesOf {
    fn earlier(&self) -> Recalling<'_, Earlier> {
        Box::pin(async { Ok(self.fleet.earlier.lock().expect("no panic").clone()) })
    }

    fn own<'a>(&'a self, _message: &'a str) -> Recalling<'a, bool> {
        unreachable!("nobody sends messages")
    }

    fn recall<'a>(&'a self, key: &'a str) -> Recalling<'a, Option<Vec<u8>>> {
        Box::pin(async { Ok(self.fleet.kept.lock().expect("no panic").get(key).cloned()) })
    }

    fn keep<'a>(&'a self, key: &'a str, value: &'a [u8], time: Duration) -> Recalling<'a, ()> {
        assert!(time > Duration::from_secs(24 * HOUR));
        Box::pin(async move {
            if self.fleet.keeps_failing.load(Ordering::Relaxed) {
                return Err(Unremembered("away".to_owned()));
            }
            let mut kept = self.fleet.kept.lock().expect("no panic");
            kept.insert(key.to_owned(), value.to_owned());
            Ok(())
        })
    }

    fn checkpoint(&self) -> Recalling<'_, Option<Value>> {
        Box::pin(async { Ok(self.checkpoint.lock().expect("no panic").clone()) })
    }

    fn save<'a>(&'a self, checkpoint: &'a Value) -> Recalling<'a, bool> {
        Box::pin(async {
            *self.checkpoint.lock().expect("no panic") = Some(checkpoint.clone());
            let mut saved = self.fleet.saved.lock().expect("no panic");
            saved.push(checkpoint.clone());
            Ok(true)
        })
    }

    fn find<'a>(&'a self, map: &'a str, key: &'a str) -> Recalling<'a, Option<String>> {
        Box::pin(async { Ok(self.fleet.in_map(map, key)) })
    }

    fn assign<'a>(&'a self, map: &'a str, key: &'a str, value: &'a str) -> Recalling<'a, String> {
        Box::pin(async { Ok(self.fleet.assign(map, key, value)) })
    }
}

/// A provider, a client of it, a door that is open, and a memory.
struct Scene {
    sandbox: StripeSandbox,
    providers: Providers,
    door: Arc<Door>,
    notes: Arc<Notes>,
}

fn config(origin: &str) -> StripeConfig {
    let mut config = StripeConfig::new("sk_test_1".into());
    config.base_url = origin.parse().expect("an origin");
    config
}

impl Scene {
    async fn set() -> Self {
        Self::set_with(|_| {}).await
    }

    async fn set_with(change: impl FnOnce(&mut StripeConfig)) -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let sandbox = StripeSandbox::start(any).await.expect("a free port");
        let mut config = config(&sandbox.origin());
        change(&mut config);
        Self {
            sandbox,
            providers: Providers::new(Stripe::new(&config).expect("a client")),
            door: Arc::default(),
            notes: Arc::new(Notes::of_request(700, 600)),
        }
    }

    fn a_run(&self) -> Run {
        let run = Run::new(JobId::generate(), 1, 4, self.door.clone());
        run.with_memory(self.notes.of_job())
    }

    async fn create_customer(&self, run: &Run) -> Result<Outcome, JobError> {
        let handler = CreateCustomerHandler::new(self.providers.clone());
        handler
            .run(CreateCustomer::new("user-7"), run.clone())
            .await
    }

    async fn create_payment_intent(&self, run: &Run) -> Result<Outcome, JobError> {
        self.pay(an_order(), run).await
    }

    async fn pay(&self, job: CreatePaymentIntent, run: &Run) -> Result<Outcome, JobError> {
        let handler = CreatePaymentIntentHandler::new(self.providers.clone());
        handler.run(job, run.clone()).await
    }

    /// Notes when the job's requests were out, in seconds before now.
    fn requests_were_out(&self, after_seconds: u64, before_seconds: u64) {
        *self.notes.earlier.lock().expect("no panic") = between(after_seconds, before_seconds);
    }

    fn fault_once(&self, fault: Fault) {
        self.rule(Rule::first(1, fault));
    }

    fn rule(&self, rule: Rule) {
        self.sandbox.faults().set(vec![rule]).expect("a valid rule");
    }

    fn no_faults(&self) {
        self.sandbox.faults().set(vec![]).expect("no rules");
    }

    /// Keys of all POSTs, in order.
    fn keys(&self) -> Vec<String> {
        let requests = self.sandbox.requests().into_iter();
        requests
            .filter_map(|request| request.idempotency_key)
            .collect()
    }

    /// How many effects were carried out.
    fn effects(&self) -> u64 {
        self.sandbox.ledger().summary().accepted
    }

    /// How often it was let send, and let read.
    fn asked(&self) -> (u64, u64) {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (count(&self.door.sends), count(&self.door.reads))
    }
}

fn an_order() -> CreatePaymentIntent {
    CreatePaymentIntent::new("order-1", "user-7", 1000, "nok")
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
