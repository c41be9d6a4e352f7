//! What producers rely on, on a real Redis.

mod batches;
mod errors;
mod expiry;
mod jobs;
mod outages;
mod waiting;
mod wrong_args;

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use longshore_client::kinds::SendEmail;
use longshore_client::{Cancelled, Client, ClientError, EnqueueOptions, JobId, JobState};
use longshore_job::Prepared;
use longshore_queue::{CallReport, ClaimContext};
use longshore_queue::{
    Fate, HistoryEntry, Lease, Link, LinkOptions, Queue, Retention, RunState, Verdict, WorkerId,
};
use longshore_sandbox::{AppendFsync, RedisServer};

struct Bench {
    redis: RedisServer,
    client: Client,
    queue: Queue,
}

impl Bench {
    fn new() -> Self {
        Self::on(RedisServer::start().expect("a private Redis starts"))
    }

    /// On a Redis that forgets nothing when it is killed.
    fn that_keeps() -> Self {
        let redis = RedisServer::options().append_only(AppendFsync::Always);
        Self::on(redis.start().expect("a private Redis starts"))
    }

    fn on(redis: RedisServer) -> Self {
        let link = Link::new(&redis.url(), LinkOptions::default()).expect("a good URL");
        Self {
            client: Client::new(&redis.url()).expect("a good URL"),
            queue: Queue::new(link, "longshore", "email").expect("good names"),
            redis,
        }
    }

    async fn record(&self, id: JobId) -> HashMap<String, String> {
        let fields = self.queue.fields_of(&id.into()).await.expect("reads");
        fields.into_iter().collect()
    }

    /// Until somebody waits for the job's end.
    async fn is_waited_for(&self, id: JobId) {
        let mut waits = redis::cmd("HEXISTS");
        waits.arg(&self.queue.keys().waiters).arg(id.to_string());
        while !self
            .queue
            .link()
            .command::<bool>(&waits)
            .await
            .expect("looks")
        {
            tokio::task::yield_now().await;
        }
    }

    /// The one job that waits to be run, once there is one.
    async fn first_waiting(&self) -> JobId {
        let mut first = redis::cmd("LINDEX");
        first.arg(&self.queue.keys().active).arg(-1);
        loop {
            let found = self.queue.link().command::<Option<String>>(&first);
            if let Some(id) = found.await.expect("looks") {
                return id.parse().expect("an id");
            }
            tokio::task::yield_now().await;
        }
    }

    /// The keys for private results that those who wait for the job have noted, once they are others than before.
    async fn keys_other_than(&self, id: JobId, before: Option<&str>) -> String {
        let mut noted = redis::cmd("HGET");
        noted.arg(&self.queue.keys().waiters).arg(format!("k{id}"));
        loop {
            let keys = self.queue.link().command::<Option<String>>(&noted);
            match keys.await.expect("looks") {
                Some(keys) if Some(&*keys) != before => return keys,
                _ => tokio::task::yield_now().await,
            }
        }
    }

    /// Completes the one job that waits, as a worker would.
    async fn work(&self) {
        let result = serde_json::json!({ "message_id": "m-1" });
        let completed = Fate::Completed {
            result: Some(result),
        };
        self.end_one(completed, None).await;
    }

    /// Runs the one job that waits, as a worker would, to this end.
    async fn end_one(&self, fate: Fate, history: Option<HistoryEntry>) {
        let lease = Lease::new(WorkerId::generate("test"));
        self.queue
            .join(&lease, Duration::from_secs(10))
            .await
            .expect("joins");
        loop {
            let claim = self.queue.claim(&lease, 1, None).await.expect("claims");
            let Some(claimed) = claim.jobs.into_iter().next() else {
                tokio::task::yield_now().await;
                continue;
            };
            let verdict = Verdict {
                id: claimed.id,
                token: claimed.token,
                kind: None,
                fate,
                state: RunState {
                    used: 1,
                    entries: u32::from(history.is_some()),
                    ..RunState::default()
                },
                history,
                key: claimed.key,
                put_back: None,
                payload_bytes: 0,
                report: CallReport::Nothing,
                context: ClaimContext::default(),
            };
            let keep = Retention {
                keep: Duration::from_secs(60),
                max_bytes: None,
            };
            self.queue.settle(&[verdict], keep).await.expect("settles");
            return;
        }
    }
}

fn welcome() -> SendEmail {
    SendEmail::new("welcome", "ada@example.com")
}

#[tokio::test]
async fn a_job_is_taken_back_wherever_it_is() {
    let bench = Bench::new();
    let key = || bench.client.enqueue(welcome()).key("welcome-7");
    let id = key().await.expect("enqueues");
    // By a producer that has enqueued nothing.
    let other = Client::new(&bench.redis.url()).expect("a good URL");
    let cancel = async |id| other.cancel(id, "typo").await.expect("asks");
    assert_eq!(cancel(id).await, Cancelled::Yes);
    assert_eq!(cancel(id).await, Cancelled::Already);
    let again = key().await.expect("enqueues");
    assert_ne!(again, id, "the key is free");
    let lease = Lease::new(WorkerId::generate("test"));
    let stale = Duration::from_secs(10);
    bench.queue.join(&lease, stale).await.expect("joins");
    let claim = bench.queue.claim(&lease, 1, None).await.expect("claims");
    assert_eq!(claim.jobs.len(), 1);
    assert_eq!(cancel(again).await, Cancelled::Asked);
    let job = bench.queue.job(&again.into()).await.expect("looks");
    let request = job.and_then(|job| job.asked_to_stop).expect("is asked");
    assert_eq!((request.reason.as_str(), request.force), ("typo", false));
    assert_eq!(cancel(JobId::generate()).await, Cancelled::Unknown);
}

#[tokio::test]
async fn one_line_enqueues_and_options_are_kept() {
    let bench = Bench::new();
    let plain = bench.client.enqueue(welcome()).await.expect("enqueues");
    let status = bench
        .client
        .status(plain)
        .await
        .expect("asks")
        .expect("is known");
    assert_eq!(
        (status.id, status.queue, status.state),
        (plain, "email".to_owned(), JobState::Pending)
    );
    let never = bench
        .client
        .enqueue(welcome())
        .delay(Duration::from_secs(600))
        .expires_in(Duration::from_secs(60));
    let refused = never.await.expect_err("it would be over before it is due");
    assert!(refused.to_string().contains("expires_in"), "{refused}");
    let later = bench
        .client
        .enqueue(welcome())
        .delay(Duration::from_secs(600))
        .expires_in(Duration::from_secs(3600))
        .await
        .expect("enqueues");
    let status = bench
        .client
        .status(later)
        .await
        .expect("asks")
        .expect("is known");
    assert_eq!(status.state, JobState::Scheduled);
    let record = bench.record(later).await;
    let time = |field: &str| record[field].parse::<u64>().expect("a time");
    assert_eq!(time("due") - time("at"), 600_000);
    assert_eq!(time("exp") - time("due"), 3_600_000, "from when it is due");
    let past = bench
        .client
        .enqueue(welcome())
        .at(SystemTime::UNIX_EPOCH)
        .await
        .expect("enqueues");
    let status = bench
        .client
        .status(past)
        .await
        .expect("asks")
        .expect("is known");
    assert_eq!(status.state, JobState::Pending, "the past means at once");
    let nobody = bench.client.status(JobId::generate()).await.expect("asks");
    assert_eq!(nobody, None);
}

#[tokio::test]
async fn a_key_names_the_first_job() {
    let bench = Bench::new();
    let first = bench
        .client
        .enqueue(welcome())
        .key("order 1")
        .send()
        .await
        .expect("enqueues");
    let second = bench
        .client
        .enqueue(welcome())
        .key("order 1")
        .send()
        .await
        .expect("enqueues");
    assert_eq!(
        (first.duplicate, second.duplicate, second.id),
        (false, true, first.id)
    );

    // Nobody takes another job's id for that of its own.
    let other = SendEmail::new("welcome", "bob@example.com");
    let refused = bench.client.enqueue(other).key("order 1").await;
    let Err(ClientError::KeyTaken { key, holder, .. }) = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!((&**key, *holder), ("order 1", first.id));
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(stats.pending, 1);
}

#[tokio::test]
async fn a_wrong_key_anywhere_in_a_list_keeps_all_of_it_out() {
    let bench = Bench::new();
    let held = bench.client.enqueue(welcome()).key("held").await;
    let held = held.expect("enqueues");
    let other = Prepared::new(&SendEmail::new("welcome", "bob@example.com")).expect("good");
    let same = Prepared::new(&welcome()).expect("good");
    let with = |job: &Prepared, key: String| {
        let options = EnqueueOptions {
            key: Some(key),
            ..EnqueueOptions::default()
        };
        (job.clone(), options)
    };
    // More than go into one call.
    let many = || (0..600).map(|n| with(&same, format!("order {n}")));
    let push = async |last| {
        let jobs = many().chain([last]);
        bench.client.enqueue_prepared(jobs).await
    };
    let taken = push(with(&other, "held".to_owned())).await;
    assert!(
        matches!(&taken, Err(ClientError::KeyTaken { holder, place: 600, .. }) if *holder == held),
        "{taken:?}"
    );
    let twice = push(with(&other, "order 7".to_owned())).await;
    assert!(
        matches!(
            &twice,
            Err(ClientError::KeyTwice {
                places: (7, 600),
                ..
            })
        ),
        "{twice:?}"
    );
    assert_eq!(bench.queue.stats().await.expect("counts").pending, 1);
    let enqueued = push(with(&same, "held".to_owned())).await;
    let duplicates = enqueued.expect("enqueues").into_iter();
    assert_eq!(duplicates.filter(|job| job.duplicate).count(), 1);
}

#[tokio::test]
async fn many_are_checked_before_the_first_is_pushed() {
    let bench = Bench::new();
    let jobs = (0..1200).map(|_| welcome());
    let ids = bench.client.enqueue_all(jobs).await.expect("enqueues");
    assert_eq!(ids.len(), 1200);
    assert_eq!(bench.queue.stats().await.expect("counts").pending, 1200);
    let bad = [welcome(), SendEmail::new("welcome", "nobody")];
    let error = bench
        .client
        .enqueue_all(bad)
        .await
        .expect_err("the second is wrong");
    assert!(
        matches!(error, ClientError::InBatch { place: 1, .. }),
        "{error}"
    );
    assert_eq!(error.code(), "invalid_args");
    assert_eq!(bench.queue.stats().await.expect("counts").pending, 1200);
}

#[tokio::test]
async fn wrong_args_and_options_are_refused_here() {
    let bench = Bench::new();
    let enqueue = || bench.client.enqueue(welcome());
    let century = Duration::from_secs(101 * 365 * 24 * 3600);
    let refused = [
        bench
            .client
            .enqueue(SendEmail::new("welcome", "no address"))
            .await,
        enqueue().key("").await,
        enqueue().key("k".repeat(257)).await,
        enqueue().delay(century).await,
        enqueue().at(SystemTime::now() + century).await,
        enqueue().expires_in(Duration::ZERO).await,
    ];
    for answer in refused {
        let error = answer.expect_err("refused");
        assert!(
            matches!(
                error,
                ClientError::InvalidArgs(_) | ClientError::InvalidOption(_)
            ),
            "{error}"
        );
    }
    assert_eq!(
        bench
            .queue
            .stats()
            .await
            .expect("counts")
            .counter("enqueued"),
        0
    );
}

#[cfg(feature = "opentelemetry")]
#[tokio::test]
async fn the_trace_of_the_current_span_travels_with_the_job() {
    use opentelemetry::trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
    };

    let bench = Bench::new();
    let without = bench.client.enqueue(welcome()).await.expect("enqueues");
    assert!(!bench.record(without).await.contains_key("traceparent"));
    let span = SpanContext::new(
        TraceId::from_hex("0af7651916cd43dd8448eb211c80319c").expect("hex"),
        SpanId::from_hex("b7ad6b7169203331").expect("hex"),
        TraceFlags::SAMPLED,
        true,
        TraceState::from_key_value([("vendor", "x")]).expect("good"),
    );
    let guard = opentelemetry::Context::new()
        .with_remote_span_context(span)
        .attach();
    let enqueue = bench.client.enqueue(welcome()).into_future();
    let id = enqueue.await.expect("enqueues");
    drop(guard);
    let record = bench.record(id).await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(record.get("traceparent").map(String::as_str), Some(parent));
    assert_eq!(
        record.get("tracestate").map(String::as_str),
        Some("vendor=x")
    );
}
