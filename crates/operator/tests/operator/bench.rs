//! Two queues on a Redis of their own, with jobs in them.

use std::sync::Arc;
use std::time::Duration;

use longshore_email::SendEmail;
use longshore_job::{Cause, Class, JobId, KindSpec, Kinds, Prepared};
use longshore_operator::{ConfigRefusal, Operator, QueueInfo, RepeatEffect, Signed};
use longshore_queue::{
    Fate, HistoryEntry, Key, Lane, Lease, Link, LinkOptions, NewJob, Queue, Retention, RunAt,
    RunState, Verdict, WorkerId,
};
use longshore_sandbox::RedisServer;
use longshore_sms::SendSms;

pub(crate) struct Bench {
    pub(crate) operator: Operator,
    pub(crate) email: Queue,
    pub(crate) sms: Queue,
    _redis: RedisServer,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with_repeats(&RepeatEffect::Double)
    }

    /// One whose mails are repeated with this effect.
    pub(crate) fn with_repeats(repeats: &RepeatEffect) -> Self {
        let redis = RedisServer::start().expect("a private Redis starts");
        let link = Link::new(&redis.url(), LinkOptions::default()).expect("the URL is good");
        let queue = |name| Queue::new(link.clone(), "t", name).expect("the names are good");
        Self {
            operator: operator(&link, repeats),
            email: queue("email"),
            sms: queue("sms"),
            _redis: redis,
        }
    }

    /// An operator to whom mails are repeated with another effect.
    pub(crate) fn with_other_repeats(&self, repeats: &RepeatEffect) -> Operator {
        operator(self.email.link(), repeats)
    }
}

fn operator(link: &Link, repeats: &RepeatEffect) -> Operator {
    let mut infos = ["email", "sms"].map(info);
    infos[0].repeats = repeats.clone();
    Operator::new(link, "t", infos.to_vec()).expect("the names are good")
}

/// What operators know of a queue.
pub(crate) fn info(name: &str) -> QueueInfo {
    QueueInfo {
        kinds: Kinds::new(match name {
            "email" => [KindSpec::of::<SendEmail>()],
            _ => [KindSpec::of::<SendSms>()],
        }),
        name: name.to_owned(),
        max_attempts: 4,
        max_attempts_by_kind: std::collections::BTreeMap::new(),
        keep: Key::HOLDS,
        cancelled_bytes: 64 << 20,
        providers: vec!["sendgrid".to_owned()],
        refusal: ConfigRefusal::never(),
        repeats: if name == "sms" {
            RepeatEffect::Verified
        } else {
            RepeatEffect::Double
        },
        fallback: None,
    }
}

pub(crate) async fn enqueue(queue: &Queue, count: usize) -> Vec<String> {
    let payload = Prepared::new(&SendEmail::new("welcome", "ada@example.com"))
        .expect("the args are good")
        .payload;
    let job = || NewJob {
        id: JobId::generate(),
        payload: payload.clone(),
        run_at: RunAt::Now,
        key: Some(Key::new("send_email", &JobId::generate().to_string())),
        expires_in: None,
        traceparent: None,
        tracestate: None,
        lane: Lane::default(),
        tags: Vec::new(),
        by: None,
    };
    let jobs: Vec<_> = std::iter::repeat_with(job).take(count).collect();
    let enqueued = queue.enqueue(&jobs).await.expect("enqueues");
    enqueued.iter().map(|job| job.id.to_string()).collect()
}

/// Dead letters, all of one group.
pub(crate) async fn bury(queue: &Queue, count: usize, code: &str) -> Vec<String> {
    bury_as(queue, count, Class::Refused, code).await
}

/// The same of a cause of this class.
pub(crate) async fn bury_as(queue: &Queue, count: usize, class: Class, code: &str) -> Vec<String> {
    let ids = enqueue(queue, count).await;
    let lease = Lease::new(WorkerId::generate("w"));
    let stale = Duration::from_secs(10);
    queue.join(&lease, stale).await.expect("joins");
    let claim = queue.claim(&lease, count, None).await.expect("claims");
    let verdicts: Vec<_> = claim
        .jobs
        .into_iter()
        .map(|claimed| Verdict {
            id: claimed.id,
            key: claimed.key,
            token: Arc::clone(&claimed.token),
            kind: Some("send_email".to_owned()),
            fate: Fate::Dead {
                cause: Cause::without_provider(class, code),
            },
            state: RunState {
                used: 1,
                entries: 1,
                may_have_been_sent: class == Class::OutcomeUnknown,
                ..claimed.run
            },
            history: Some(HistoryEntry {
                attempt: 1,
                reason: Some(format!("{code} it was")),
                ..HistoryEntry::default()
            }),
            put_back: None,
            payload_bytes: 0,
            report: longshore_queue::CallReport::Nothing,
            context: claimed.context,
        })
        .collect();
    let retention = Retention {
        keep: stale,
        max_bytes: None,
    };
    queue.settle(&verdicts, retention).await.expect("settles");
    ids
}

/// Has a letter have died at this time, in unix seconds.
pub(crate) async fn died_at(queue: &Queue, id: &str, seconds: u32) {
    let mut command = redis::cmd("ZADD");
    command.arg(&queue.keys().dead).arg(seconds).arg(id);
    let _: u32 = queue.link().command(&command).await.expect("takes it");
}

/// An operator.
pub(crate) fn kari() -> Signed {
    Signed::new("kari", "because")
}

/// Sets a field of a job's record, as if it had come about.
pub(crate) async fn record(queue: &Queue, id: &str, field: &str, value: &str) {
    let id = longshore_queue::RawId::unescape(id);
    let written = queue.seed_record(&id, &[(field, value.as_bytes())]).await;
    written.expect("takes it");
}

/// Gives a job other bytes.
pub(crate) async fn payload(queue: &Queue, id: &str, bytes: &[u8]) {
    let mut command = redis::cmd("HSET");
    command.arg(&queue.keys().data).arg(id).arg(bytes);
    let _: u8 = queue.link().command(&command).await.expect("takes it");
}
