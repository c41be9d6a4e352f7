//! New customers go to another provider, and those of the first one stay where they are: testpay and Stripe side by
//! side, each with its stand-in.

mod lost;
mod refused;
mod stay;

use std::time::Duration;

use harbour_testpay::sandbox::TestPaySandbox;
use harbour_testpay::{TestPay, TestPayConfig};
use longshore_job::{Handler, Job, JobError, Outcome, Run};
use longshore_payment_reconcile::CreatePaymentIntent;
use longshore_payment_reconcile::sandbox::StripeSandbox;
use longshore_payment_reconcile::{
    CreateCustomerHandler, CreatePaymentIntentHandler, Providers, Stripe, StripeConfig,
};
use longshore_sandbox::{Fault, FaultRule};
use longshore_testing::{MemoryRequest, Script};
use serde_json::Value;

const KEY: &str = "tp-key";

/// Both providers, and what surrounds the runs of all jobs: an open gate, and a memory.
struct Scene {
    testpay_sandbox: TestPaySandbox,
    stripe_sandbox: StripeSandbox,
    testpay: TestPay,
    stripe: Stripe,
    script: Script,
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
        let config = StripeConfig {
            base_url: stripe_sandbox.origin().parse().expect("an origin"),
            secret_key: "sk_test_1".into(),
            timeout: Duration::from_secs(25),
        };
        let script = Script::new();
        let ago = Duration::from_secs;
        script.memory.set_requests_out(ago(700), ago(600));
        script
            .memory
            .forbid(MemoryRequest::NoteMessage, "nobody sends messages");
        Self {
            testpay_sandbox,
            stripe_sandbox,
            testpay: testpay.expect("a client"),
            stripe: Stripe::new(&config).expect("a client"),
            script,
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
        self.script.for_new_job().run()
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
        faults
            .set(vec![FaultRule::first(1, fault)])
            .expect("a rule");
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
