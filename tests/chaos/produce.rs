//! Producers that go on whatever happens, and remember what was accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use longshore_client::kinds::CreateCustomer;
use longshore_client::{Client, ClientError, Job, JobId};
use longshore_tests::{address, contact, contact_update, email, gone_by, sms};
use tokio::task::JoinHandle;

use crate::check::Accepted;
use crate::sort::Sort;

/// How often each producer enqueues.
const EVERY: Duration = Duration::from_millis(200);

/// The time by this machine's clock, which is Redis's as well.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// Producers of every sort of job.
pub(crate) struct Producers {
    over: Arc<AtomicBool>,
    producing: Vec<JoinHandle<Vec<Accepted>>>,
}

impl Producers {
    /// Begins to produce, some 85 jobs a second in all.
    pub(crate) fn start(client: &Client, mails: Sort) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let customer = |n| CreateCustomer::new(format!("user-{n}"));
        let producing = vec![
            produce(client, &over, mails, 9, email),
            produce(client, &over, Sort::Text, 2, sms),
            produce(client, &over, Sort::Payment, 2, customer),
            produce(client, &over, Sort::Question, 2, address),
            produce(client, &over, Sort::KeyedCall, 1, contact),
            produce(client, &over, Sort::PlainCall, 1, contact_update),
        ];
        Self { over, producing }
    }

    /// Ends them. Returns what was accepted.
    pub(crate) async fn end(self) -> Vec<Accepted> {
        self.over.store(true, Ordering::Release);
        let mut accepted = Vec::new();
        for producing in self.producing {
            accepted.extend(producing.await.expect("a producer does not panic"));
        }
        accepted
    }
}

fn produce<J: Job>(
    client: &Client,
    over: &Arc<AtomicBool>,
    sort: Sort,
    batch: usize,
    make: impl Fn(usize) -> J + Send + 'static,
) -> JoinHandle<Vec<Accepted>> {
    let (client, over) = (client.clone(), Arc::clone(over));
    tokio::spawn(async move {
        let (mut accepted, mut number) = (Vec::new(), 0);
        while !over.load(Ordering::Acquire) {
            let started = Instant::now();
            let (first, jobs) = (number, (number..number + batch).map(&make).collect());
            number += batch;
            let asked_ms = now_ms();
            let ids = enqueue(&client, jobs).await;
            accepted.extend(ids.into_iter().map(|(place, id)| Accepted {
                id,
                sort,
                number: first + place,
                asked_ms,
                at_ms: now_ms(),
            }));
            gone_by(EVERY, started).await;
        }
        accepted
    })
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
