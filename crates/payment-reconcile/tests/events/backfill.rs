//! Events that reached nobody.

use std::net::SocketAddr;
use std::time::Duration;

use longshore_job::{Handler, JobId, Outcome};
use longshore_payment_reconcile::sandbox::StripeSandbox;
use longshore_payment_reconcile::{
    BackfillStripeEvents, BackfillStripeEventsHandler, Stripe, StripeConfig,
};
use longshore_testing::{MemoryRequest, Script};
use serde_json::{Value, json};

struct Night {
    stripe: StripeSandbox,
    handler: BackfillStripeEventsHandler,
    script: Script,
}

impl Night {
    async fn set() -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let stripe = StripeSandbox::start(any).await.expect("a free port");
        let client = Stripe::new(&StripeConfig {
            base_url: stripe.origin().parse().expect("an origin"),
            secret_key: "sk_test_1".into(),
            timeout: Duration::from_secs(25),
        });
        Self {
            handler: BackfillStripeEventsHandler::new(client.expect("a client")),
            stripe,
            script: Script::new(),
        }
    }

    /// So many payments that succeeded, each with events that matter and one that does not.
    fn payments(&self, count: usize) {
        let new = || {
            longshore_payment_reconcile::sandbox::PlantedPaymentIntent::new(
                1000,
                "nok",
                "requires_payment_method",
            )
        };
        for id in self.stripe.plant((0..count).map(|_| new())) {
            assert!(self.stripe.customer_pays(&id, true));
        }
    }

    async fn run(&self) -> Value {
        let now = jiff::Timestamp::now();
        let hour = jiff::SignedDuration::from_hours(1);
        let job = BackfillStripeEvents::new((now - hour).to_string(), (now + hour).to_string());
        let run = self.script.for_job(JobId::generate()).run();
        match self.handler.run(job, run).await.expect("done") {
            Outcome::Done {
                result: Some(result),
                ..
            } => json!([result["found"], result["enqueued"]]),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn each_event_that_reached_nobody_gets_its_job_once() {
    let night = Night::set().await;
    night.payments(230);
    assert_eq!(night.run().await, json!([230, 230]));
    let jobs = night.script.memory.outbox().jobs();
    assert_eq!(jobs.len(), 230);
    for job in &jobs {
        assert_eq!(
            (&*job.queue, &*job.kind),
            ("payment-reconcile", "apply_stripe_event")
        );
        // The key that a delivered event's job has, for as long.
        assert_eq!(job.key.as_deref(), job.args["event_id"].as_str());
        assert_eq!(job.key_holds, Some(Duration::from_secs(7 * 24 * 3600)));
    }
    night.payments(1);
    assert_eq!(night.run().await, json!([231, 1]), "the next night");
    assert_eq!(night.script.memory.outbox().jobs().len(), 231);
}

#[tokio::test]
async fn a_run_that_dies_before_it_is_noted_makes_no_second_job() {
    let night = Night::set().await;
    night.payments(1);
    night.script.memory.fail(MemoryRequest::Keep);
    let run = night.script.for_job(JobId::generate()).run();
    let job = BackfillStripeEvents::new("2026-01-01T00:00:00Z", "2100-01-01T00:00:00Z");
    night.handler.run(job, run).await.expect_err("not noted");
    night.script.memory.recover();
    assert_eq!(night.run().await, json!([1, 1]));
    assert_eq!(night.script.memory.outbox().jobs().len(), 1);
}

#[tokio::test]
async fn what_an_endpoint_has_taken_is_not_asked_for() {
    let night = Night::set().await;
    night.payments(1);
    let query = "/v1/events?delivery_success=true";
    let url = format!("{}{query}", night.stripe.origin());
    let listed = reqwest::Client::new()
        .get(url)
        .bearer_auth("sk_test_1")
        .send();
    let listed: Value = listed.await.expect("answered").json().await.expect("JSON");
    assert_eq!(listed["data"], json!([]));
}
