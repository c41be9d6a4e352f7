//! A queue on a Redis of its own, for one test.

use std::sync::Arc;
use std::time::Duration;

use longshore_email::SendEmail;
use longshore_job::{Cause, Class, JobId, Prepared, RetrySchedule};
use longshore_queue::{
    CallReport, Claimed, Fate, HistoryEntry, Lane, Lease, Link, LinkOptions, NewJob, OnUnknown,
    Policy, Queue, RawId, Remembered, Retention, RunAt, RunState, Signed, Verdict, WorkerId,
};
use longshore_sandbox::RedisServer;
use redis::{Cmd, FromRedisValue};

pub const STALE: Duration = Duration::from_secs(10);
pub const LOST: Duration = Duration::from_secs(15);

pub const RETENTION: Retention = Retention {
    keep: Duration::from_secs(3600),
    max_bytes: None,
};

/// A private Redis, and the queue `email` on it.
pub struct Bench {
    pub redis: RedisServer,
    pub queue: Queue,
}

impl Bench {
    pub fn new() -> Self {
        let redis = RedisServer::start().expect("a private Redis starts");
        let link = Link::new(&redis.url(), LinkOptions::default()).expect("the URL is good");
        let queue = Queue::new(link, "t", "email").expect("the names are good");
        Self { redis, queue }
    }

    /// A command beside the queue, as any other program could send it.
    pub async fn raw<T: FromRedisValue>(&self, command: &[&[u8]]) -> T {
        let mut cmd = Cmd::new();
        for part in command {
            cmd.arg(*part);
        }
        self.queue
            .link()
            .command(&cmd)
            .await
            .expect("Redis takes the command")
    }

    /// The same, with text.
    pub async fn text<T: FromRedisValue>(&self, command: &str) -> T {
        let parts: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        self.raw(&parts).await
    }

    pub async fn set_in_timeline(&self, field: &str, value: &str) {
        let timeline = self.queue.keys().timeline.as_bytes();
        let command = [b"HSET", timeline, field.as_bytes(), value.as_bytes()];
        self.raw::<u64>(&command).await;
    }

    pub async fn worker(&self, name: &str) -> Arc<Lease> {
        let lease = Arc::new(Lease::new(WorkerId::generate(name)));
        let beat = self.queue.join(&lease, STALE).await.expect("joins");
        assert!(beat.held);
        lease
    }

    pub async fn enqueue(&self, n: usize) -> Vec<JobId> {
        let jobs: Vec<NewJob> = (0..n).map(|_| job()).collect();
        self.enqueue_all(&jobs).await
    }

    pub async fn enqueue_all(&self, jobs: &[NewJob]) -> Vec<JobId> {
        let enqueued = self.queue.enqueue(jobs).await.expect("enqueues");
        enqueued.into_iter().map(|enqueued| enqueued.id).collect()
    }

    pub async fn claim(&self, lease: &Lease, want: usize) -> Vec<Claimed> {
        self.queue
            .claim(lease, want, None)
            .await
            .expect("claims")
            .jobs
    }

    pub async fn settle(&self, verdicts: &[Verdict]) -> Vec<bool> {
        self.queue
            .settle(verdicts, RETENTION)
            .await
            .expect("settles")
            .written
    }

    /// Makes a worker look as if it had not beaten for so long.
    pub async fn back_date_worker(&self, lease: &Lease, by: Duration) {
        let now = self.queue.now_ms().await.expect("has a clock");
        let then = now - u64::try_from(by.as_millis()).expect("fits");
        let key = &self.queue.keys().workers;
        let worker = lease.worker();
        let _: u8 = self.text(&format!("ZADD {key} {then} {worker}")).await;
    }

    /// Makes every scheduled job due.
    pub async fn make_due(&self) {
        let key = &self.queue.keys().scheduled;
        let ids: Vec<Vec<u8>> = self.text(&format!("ZRANGE {key} 0 -1")).await;
        for id in ids {
            let _: u8 = self.raw(&[b"ZADD", key.as_bytes(), b"1", &id]).await;
        }
    }

    /// Due time of a scheduled job in seconds from now.
    pub async fn due_in(&self, id: JobId) -> f64 {
        let key = &self.queue.keys().scheduled;
        let due: f64 = self.text(&format!("ZSCORE {key} {id}")).await;
        let now = self.queue.now_ms().await.expect("has a clock");
        due - now as f64 / 1000.0
    }

    /// Every key there is, but for the one that names the queues.
    pub async fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.text("KEYS *").await;
        keys.retain(|key| key != "{t:}:queues");
        keys.sort();
        keys
    }
}

pub fn job() -> NewJob {
    NewJob {
        id: JobId::generate(),
        payload: payload(),
        run_at: RunAt::Now,
        key: None,
        expires_in: None,
        traceparent: None,
        tracestate: None,
        lane: Lane::default(),
        tags: Vec::new(),
        by: None,
    }
}

pub fn payload() -> Vec<u8> {
    Prepared::new(&SendEmail::new("welcome", "ada@example.com"))
        .expect("good")
        .payload
}

pub fn policy() -> Policy {
    Policy {
        schedule: RetrySchedule::default(),
        on_unknown: OnUnknown::Retry,
    }
}

pub fn verdict(claimed: &Claimed, fate: Fate) -> Verdict {
    Verdict {
        id: claimed.id.clone(),
        token: Arc::clone(&claimed.token),
        kind: Some("send_email".to_owned()),
        fate,
        state: RunState {
            used: claimed.run.used + 1,
            entries: claimed.run.entries + 1,
            ..claimed.run
        },
        history: Some(HistoryEntry {
            attempt: claimed.run.used + 1,
            worker: "w".to_owned(),
            outcome: "tested".to_owned(),
            ..HistoryEntry::default()
        }),
        key: claimed.key.clone(),
        put_back: None,
        payload_bytes: claimed.payload.as_ref().map_or(0, Vec::len),
        report: CallReport::Nothing,
        context: claimed.context,
    }
}

/// What its worker remembers of a job that it has claimed.
pub fn remembered(claimed: &Claimed) -> Remembered<'_> {
    Remembered {
        id: &claimed.id,
        token: &claimed.token,
        at: claimed.at.clone(),
        payload: claimed.payload.clone().expect("has one").into(),
        header: &claimed.header,
        run: claimed.run,
    }
}

pub fn done() -> Fate {
    Fate::Completed { result: None }
}

pub fn ids(jobs: &[Claimed]) -> Vec<JobId> {
    jobs.iter().filter_map(|job| job.id.job_id()).collect()
}

pub fn raw(id: JobId) -> RawId {
    id.into()
}

/// As a set: ids made in the same millisecond have no order.
pub fn set<T: Ord>(ids: impl IntoIterator<Item = T>) -> std::collections::BTreeSet<T> {
    ids.into_iter().collect()
}

/// An operator.
pub fn kari() -> Signed {
    Signed::new("kari", "because")
}

/// What SendGrid refuses with this code dies of.
pub fn refused(code: &str) -> Fate {
    Fate::Dead {
        cause: Cause {
            class: Class::Refused,
            provider: Some("sendgrid".into()),
            code: Some(code.to_owned()),
        },
    }
}

/// Dead letters of one cause.
pub async fn bury(bench: &Bench, n: usize, code: &str) -> Vec<JobId> {
    let enqueued = bench.enqueue(n).await;
    let worker = bench.worker("w").await;
    for _ in 0..n.div_ceil(200) {
        run(bench, &worker, 200, &refused(code)).await;
    }
    enqueued
}

/// Claims at most so many jobs, and has them end so. Returns how many there were.
pub async fn run(bench: &Bench, worker: &Lease, want: usize, fate: &Fate) -> usize {
    let claimed = bench.claim(worker, want).await;
    let verdicts: Vec<_> = claimed
        .iter()
        .map(|claimed| verdict(claimed, fate.clone()))
        .collect();
    if !verdicts.is_empty() {
        bench.settle(&verdicts).await;
    }
    claimed.len()
}
