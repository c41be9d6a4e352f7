//! Requests that enqueue a mail each, at a steady rate, whether those before them were answered or not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use longshore_client::{Client, ClientError, JobId};
use longshore_tests::email;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

/// A mail that was enqueued, or not.
#[derive(Debug)]
pub(crate) struct Request {
    /// When it was answered, from the start.
    pub(crate) answered: Duration,
    pub(crate) took: Duration,
    /// The job, or the code of the error.
    pub(crate) answer: Result<JobId, &'static str>,
}

/// Those who enqueue.
#[derive(Debug)]
pub(crate) struct Producers {
    over: Arc<AtomicBool>,
    requests: JoinHandle<Vec<Request>>,
}

impl Producers {
    /// Begins with so many requests a second.
    pub(crate) fn start(client: Client, rate: u64, began: Instant) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let requests = requests(client, rate, began, Arc::clone(&over));
        Self {
            over,
            requests: tokio::spawn(requests),
        }
    }

    /// Ends it, and returns every request once it is answered.
    pub(crate) async fn end(self) -> Vec<Request> {
        self.over.store(true, Ordering::Release);
        self.requests.await.expect("no request panics")
    }
}

async fn requests(
    client: Client,
    rate: u64,
    began: Instant,
    over: Arc<AtomicBool>,
) -> Vec<Request> {
    let mut ticks = interval(Duration::from_secs(1) / rate as u32);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut requests, mut number) = (JoinSet::new(), 0);
    while !over.load(Ordering::Acquire) {
        ticks.tick().await;
        let client = client.clone();
        requests.spawn(async move {
            let came = Instant::now();
            let answer = client.enqueue(email(number)).await;
            Request {
                answered: began.elapsed(),
                took: came.elapsed(),
                answer: answer.map_err(|error| code(&error)),
            }
        });
        number += 1;
    }
    requests.join_all().await
}

fn code(error: &ClientError) -> &'static str {
    assert!(error.is_retryable(), "a final refusal: {error}");
    error.code()
}
