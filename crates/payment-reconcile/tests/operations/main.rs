//! Payment operations against a Stripe that notes what it is asked.

mod checkout;
mod declines;
mod mapping;
mod once;
mod refunds;
mod secrets;
mod spent;
mod throttled;
mod verify;
mod wire;

use std::time::Duration;

use longshore_job::{Handler, JobError, Outcome, Run};
use longshore_payment_reconcile::sandbox::StripeSandbox;
use longshore_payment_reconcile::{CreateCustomer, CreatePaymentIntent};
use longshore_payment_reconcile::{
    CreateCustomerHandler, CreatePaymentIntentHandler, Providers, Stripe, StripeConfig,
};
use longshore_sandbox::{Fault, FaultRule};
use longshore_testing::{MemoryRequest, Script};
use serde_json::Value;

const HOUR: u64 = 3600;

/// What surrounds the runs of jobs whose requests were out between these two, in seconds before now.
fn script(from: u64, to: u64) -> Script {
    let script = Script::new();
    let ago = Duration::from_secs;
    script.memory.set_requests_out(ago(from), ago(to));
    script
        .memory
        .forbid(MemoryRequest::NoteMessage, "nobody sends messages");
    script
        .memory
        .check_keeps(|kept| assert!(kept.time > Duration::from_secs(24 * HOUR)));
    script
}

/// A provider, a client of it, and what surrounds its runs: an open gate, and a memory.
struct Scene {
    sandbox: StripeSandbox,
    providers: Providers,
    script: Script,
}

fn config(origin: &str) -> StripeConfig {
    StripeConfig {
        base_url: origin.parse().expect("an origin"),
        secret_key: "sk_test_1".into(),
        timeout: Duration::from_secs(25),
    }
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
            script: script(700, 600),
        }
    }

    fn a_run(&self) -> Run {
        self.script.for_new_job().run()
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
    fn requests_were_out(&self, from: u64, to: u64) {
        let ago = Duration::from_secs;
        self.script.memory.set_requests_out(ago(from), ago(to));
    }

    fn fault_once(&self, fault: Fault) {
        self.rule(FaultRule::first(1, fault));
    }

    fn rule(&self, rule: FaultRule) {
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
        let gate = &self.script.gate;
        (gate.sends(), gate.reads())
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
