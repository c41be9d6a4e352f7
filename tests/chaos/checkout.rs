//! A shop whose customers pay, want their money back, subscribe, and give it up: jobs that follow from one another's results.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use longshore_client::kinds::{
    CancelSubscription, ConfirmPaymentIntent, CreateCustomer, CreatePaymentIntent, CreateRefund,
    CreateSubscription,
};
use longshore_client::{Client, Job, JobState};
use longshore_tests::gone_by;
use tokio::task::JoinHandle;

use crate::facts::Accepted;
use crate::produce::now_ms;
use crate::sort::Sort;

/// How often a customer comes.
const EVERY: Duration = Duration::from_millis(500);

/// How long the shop waits for a job's result: then it turns to the next customer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Customers, one after the other, until it is over.
pub(crate) fn produce(client: &Client, over: &Arc<AtomicBool>) -> JoinHandle<Vec<Accepted>> {
    let (client, over) = (client.clone(), Arc::clone(over));
    tokio::spawn(async move {
        let mut shop = Shop {
            client,
            accepted: Vec::new(),
        };
        let mut number = 0;
        while !over.load(Ordering::Acquire) {
            let started = Instant::now();
            number += 1;
            shop.serve(number).await;
            gone_by(EVERY, started).await;
        }
        shop.accepted
    })
}

struct Shop {
    client: Client,
    accepted: Vec<Accepted>,
}

impl Shop {
    /// One customer, as far as their jobs complete while the shop waits.
    async fn serve(&mut self, number: usize) -> Option<()> {
        let user = format!("buyer-{number}");
        let amount = 1000 + number as u64;
        let customer = CreateCustomer::new(&user);
        self.done(customer, Sort::Payment, number, "customer")
            .await?;
        let intent = CreatePaymentIntent::new(format!("chaos-{number}"), &user, amount, "nok");
        let intent = self
            .done(intent, Sort::Payment, number, "payment_intent")
            .await?;
        let confirm = ConfirmPaymentIntent::new(&intent)
            .payment_method("pm_card_visa")
            .return_url("https://shop.example.com/paid");
        self.done(confirm, Sort::FollowUp, number, "status").await?;
        let refund = CreateRefund::new(&intent);
        self.done(refund, Sort::FollowUp, number, "refund").await?;
        let subscribe = CreateSubscription::new(&user, "price_1");
        let subscription = self
            .done(subscribe, Sort::Payment, number, "subscription")
            .await?;
        let cancel = CancelSubscription::new(subscription);
        self.done(cancel, Sort::FollowUp, number, "status").await?;
        Some(())
    }

    /// Enqueues a job, waits for it, and returns a text of its result.
    async fn done<J: Job>(
        &mut self,
        job: J,
        sort: Sort,
        number: usize,
        text: &str,
    ) -> Option<String> {
        let asked_ms = now_ms();
        let id = self.client.enqueue(job).await.ok()?;
        self.accepted.push(Accepted {
            id,
            sort,
            kind: J::KIND,
            number,
            asked_ms,
            at_ms: now_ms(),
        });
        let ended = self.client.wait(id, PATIENCE).await.ok()?;
        let result = ended
            .result
            .filter(|_| ended.state == JobState::Completed)?;
        result[text].as_str().map(str::to_owned)
    }
}
