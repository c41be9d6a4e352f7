//! Producers that go on whatever happens, and remember what was accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use longshore_client::kinds::{
    ApplyLifecycle, BucketName, CreateCustomer, MoveBack, ReconcilePayments, SweepBucket,
};
use longshore_client::{Client, ClientError, Job, JobId};
use longshore_tests::{address, contact, contact_update, email, gone_by, sms};
use tokio::task::JoinHandle;

use crate::checkout;
use crate::facts::Accepted;
use crate::roles::Door;
use crate::sort::Sort;
use crate::through_api::{self, ApiCalls};

/// How often each producer enqueues, but for those of upkeep.
const EVERY: Duration = Duration::from_millis(200);

/// How often upkeep is asked for.
const UPKEEP_EVERY: Duration = Duration::from_secs(1);

/// The time by this machine's clock, which is Redis's as well.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// Producers of every kind of job.
pub(crate) struct Producers {
    over: Arc<AtomicBool>,
    producing: Vec<JoinHandle<Vec<Accepted>>>,
    through_api: JoinHandle<ApiCalls>,
}

impl Producers {
    /// Begins to produce, some 95 jobs a second in all.
    pub(crate) fn start(client: &Client, mails: Sort, api: Door) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let customer = |n| CreateCustomer::new(format!("user-{n}"));
        let sweep = |_| SweepBucket::new(BucketName::EXPORTS);
        let lifecycle = |_| ApplyLifecycle::new(BucketName::UPLOADS);
        let move_back = |_| MoveBack::new(BucketName::EXPORTS);
        let compare = |_| ReconcilePayments::new("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        let often = |sort, batch| Producer {
            client: client.clone(),
            over: Arc::clone(&over),
            sort,
            batch,
            every: EVERY,
        };
        let upkeep = |sort| Producer {
            every: UPKEEP_EVERY,
            ..often(sort, 1)
        };
        let producing = vec![
            often(mails, 9).produce(email),
            often(Sort::Text, 2).produce(sms),
            often(Sort::Payment, 2).produce(customer),
            often(Sort::Question, 2).produce(address),
            often(Sort::KeyedCall, 1).produce(contact),
            often(Sort::PlainCall, 1).produce(contact_update),
            upkeep(Sort::Upkeep).produce(sweep),
            upkeep(Sort::Upkeep).produce(lifecycle),
            upkeep(Sort::Upkeep).produce(move_back),
            upkeep(Sort::Comparison).produce(compare),
            checkout::produce(client, &over),
        ];
        let through_api = through_api::produce(api, mails, &over);
        Self {
            over,
            producing,
            through_api,
        }
    }

    /// Ends them. Returns what was accepted, and what came of calls of the API.
    pub(crate) async fn end(self) -> (Vec<Accepted>, ApiCalls) {
        self.over.store(true, Ordering::Release);
        let mut accepted = Vec::new();
        for producing in self.producing {
            accepted.extend(producing.await.expect("a producer does not panic"));
        }
        let calls = self.through_api.await.expect("a producer does not panic");
        (accepted, calls)
    }
}

/// One that enqueues a batch again and again.
struct Producer {
    client: Client,
    over: Arc<AtomicBool>,
    sort: Sort,
    batch: usize,
    every: Duration,
}

impl Producer {
    fn produce<J: Job>(
        self,
        make: impl Fn(usize) -> J + Send + 'static,
    ) -> JoinHandle<Vec<Accepted>> {
        tokio::spawn(async move {
            let (mut accepted, mut number) = (Vec::new(), 0);
            while !self.over.load(Ordering::Acquire) {
                let started = Instant::now();
                let jobs = (number..number + self.batch).map(&make).collect();
                let first = number;
                number += self.batch;
                let asked_ms = now_ms();
                let ids = enqueue(&self.client, jobs).await;
                accepted.extend(ids.into_iter().map(|(place, id)| Accepted {
                    id,
                    sort: self.sort,
                    kind: J::KIND,
                    number: first + place,
                    asked_ms,
                    at_ms: now_ms(),
                }));
                gone_by(self.every, started).await;
            }
            accepted
        })
    }
}

/// What is not surely accepted is not counted: it may run all the same. Returns those that are, with their places.
async fn enqueue<J: Job>(client: &Client, jobs: Vec<J>) -> Vec<(usize, JobId)> {
    match client.enqueue_all(jobs).await {
        Ok(ids) => ids.into_iter().enumerate().collect(),
        Err(ClientError::Interrupted { accepted, .. }) => accepted
            .into_iter()
            .map(|(place, job)| (place, job.id))
            .collect(),
        Err(ClientError::Queue(_) | ClientError::Away { .. } | ClientError::NotCopied { .. }) => {
            Vec::new()
        }
        Err(error) => panic!("{error}"),
    }
}
