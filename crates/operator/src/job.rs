//! One job, with its history.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use longshore_job::{Envelope, Kinds, Priority};
use longshore_queue::{CronOrigin, Delivery, JobInfo, JobState, Recorded, StopRequest, trace_id};
use serde::Serialize;
use serde_json::Value;

use crate::queue_info::QueueInfo;
use crate::redact::{Public, REDACTED, is_name, public_of, redact_args, redacted, redacted_but};
use crate::time::rfc3339;

/// One job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobView {
    /// Its id; bytes that are no printable ASCII as `\xNN`.
    pub id: String,
    /// Its queue.
    pub queue: String,
    /// Its kind, if its payload says.
    pub kind: Option<String>,
    /// Where it is.
    pub state: JobState,
    /// The attempt of the last run, from 1; 0 before the first. Given-back ones are not counted.
    pub attempt: u32,
    /// How many attempts there are at the most.
    pub max_attempts: u32,
    /// When it was enqueued, RFC 3339.
    pub enqueued_at: Option<String>,
    /// Since when it is parked, RFC 3339, if it is: no worker that has claimed it knows its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parked_since: Option<String>,
    /// When it runs next, RFC 3339: scheduled and retryable jobs.
    pub next_run_at: Option<String>,
    /// When it completed, died or was cancelled, RFC 3339.
    pub ended_at: Option<String>,
    /// A request of it may have been carried out, and what became of it is not known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub may_have_been_sent: bool,
    /// The worker that has it.
    pub worker: Option<String>,
    /// Who asked its worker to stop it, if somebody did: it still runs, or completed all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_to_stop: Option<StopRow>,
    /// When its person was forgotten, RFC 3339, if so: its args are gone for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forgotten_at: Option<String>,
    /// The group of its dead letter.
    pub group: Option<String>,
    /// The key it was enqueued with, redacted like the args: an app may have put an address into it.
    pub idempotency_key: Option<String>,
    /// How urgent it is among the jobs of its queue.
    pub priority: Priority,
    /// Whose job it is, if its producer said so.
    pub tenant: Option<String>,
    /// What it is found by.
    pub tags: Vec<String>,
    /// Who enqueued it, if that is known.
    pub enqueued_by: Option<EnqueuedByRow>,
    /// The trace that it belongs to, 32 hex digits, if its producer had one.
    pub trace_id: Option<String>,
    /// The cron entry that made it, if one did.
    pub cron: Option<CronJobRow>,
    /// How often it was throttled or put back.
    pub waits: u32,
    /// Why it was put back last.
    pub put_back: Option<PutBackRow>,
    /// How far it has come, if it is a long one; redacted but for what its kind calls public.
    pub progress: Option<Value>,
    /// What it ended with; redacted but for what its kind calls public.
    pub result: Option<Value>,
    /// What became of its message after the provider had taken it on; `None` when nothing is known of a message.
    pub delivery: Option<DeliveryRow>,
    /// Its args, redacted unless they were asked for; `None` when the payload does not decode.
    pub args: Option<Value>,
    /// The raw bytes of a payload that does not decode, in base64; redacted unless they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_base64: Option<String>,
    /// Its last ten attempts, oldest first.
    pub history: Vec<HistoryRow>,
    /// How many entries before these are not kept.
    #[serde(skip)]
    pub history_dropped: u32,
    /// Why it cannot be read as a whole, if it cannot: somebody else has written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

/// That a running job was asked to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StopRow {
    /// When, RFC 3339.
    pub time: String,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// Even if a request of it may have been carried out.
    pub force: bool,
}

impl From<StopRequest> for StopRow {
    fn from(request: StopRequest) -> Self {
        Self {
            time: rfc3339(request.at_ms),
            by: request.by,
            reason: Some(request.reason).filter(|reason| !reason.is_empty()),
            force: request.force,
        }
    }
}

/// Why a job was put back last, at the cost of no attempt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PutBackRow {
    /// When, RFC 3339.
    pub time: String,
    /// What came of the run: `throttled`, `newer`, `never_sent`, …
    pub outcome: String,
    /// The worker that put it back.
    pub worker: String,
    /// It was a probe.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub probe: bool,
    /// The provider asked.
    pub provider: Option<String>,
    /// Its HTTP status.
    pub status: Option<u16>,
    /// Its own code.
    pub code: Option<String>,
    /// What else is known of it, by names that its kind documents.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// Why, in words.
    pub reason: Option<String>,
}

impl From<Recorded> for PutBackRow {
    fn from(recorded: Recorded) -> Self {
        let entry = recorded.entry;
        Self {
            time: rfc3339(recorded.at_ms),
            outcome: entry.outcome,
            worker: entry.worker,
            probe: entry.probe,
            provider: entry.answer.provider.map(std::borrow::Cow::into_owned),
            status: entry.answer.status,
            code: entry.answer.code,
            details: entry.answer.details,
            reason: entry.reason,
        }
    }
}

/// Who enqueued a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnqueuedByRow {
    /// `client`: a program; `operator`: a person at the command line; `job`: the run of another job; `cron`: an entry.
    pub by: &'static str,
    /// Its name; of a job the id.
    pub name: String,
}

impl EnqueuedByRow {
    fn new(job: &JobInfo) -> Option<Self> {
        let cron = || {
            let entry = job.cron.as_ref()?.entry.clone();
            Some(Self {
                by: "cron",
                name: entry,
            })
        };
        let said = job.enqueued_by.as_ref().map(|by| Self {
            by: by.what(),
            name: by.name().to_owned(),
        });
        said.or_else(cron)
    }
}

/// The trace id of a trace context.
fn trace_in(traceparent: &str) -> Option<String> {
    trace_id(traceparent).map(str::to_owned)
}

/// Which tick of which cron entry made a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CronJobRow {
    /// The entry.
    pub entry: String,
    /// The tick, RFC 3339; by hand: when it was asked for.
    pub tick: String,
    /// An operator asked for it.
    pub by_hand: bool,
}

impl From<CronOrigin> for CronJobRow {
    fn from(origin: CronOrigin) -> Self {
        Self {
            entry: origin.entry,
            tick: rfc3339(origin.tick_ms),
            by_hand: origin.by_hand,
        }
    }
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeliveryRow {
    /// The provider's id of the message.
    pub message: String,
    /// How it stands, in the provider's word; `None` before the first report.
    pub state: Option<String>,
    /// When the last report was written down, RFC 3339.
    pub at: Option<String>,
    /// The provider's code for what went wrong.
    pub code: Option<String>,
}

impl From<Delivery> for DeliveryRow {
    fn from(delivery: Delivery) -> Self {
        Self {
            message: delivery.message,
            state: delivery.state,
            at: delivery.at_ms.map(rfc3339),
            code: delivery.code,
        }
    }
}

/// One entry of a job's history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryRow {
    /// When it was written, RFC 3339.
    pub time: String,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// The worker that made it; or the operator who edited, replayed or cancelled it.
    pub worker: String,
    /// What came of it; `edited`, `replayed` and `cancelled` are an operator's acts, and no attempts.
    pub outcome: String,
    /// It was a probe: the one call that found out whether a provider is back. A failed one costs no attempt.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub probe: bool,
    /// The replay operation, where an operation replayed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// How long it took in milliseconds.
    pub duration_ms: Option<u64>,
    /// The provider asked.
    pub provider: Option<String>,
    /// Its HTTP status.
    pub status: Option<u16>,
    /// Its own code.
    pub code: Option<String>,
    /// What else is known of it, by names that its kind documents, such as `decline_code`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// Its id for the request.
    pub request_id: Option<String>,
    /// Why, in words.
    pub reason: Option<String>,
    /// The args that an edit replaced, redacted as the args are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_args: Option<Value>,
    /// The jobs that the run enqueued, by their ids: the first ten.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub enqueued: Vec<String>,
    /// How many more it enqueued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enqueued_more: Option<u64>,
}

impl HistoryRow {
    pub(crate) fn new(kinds: &Kinds, recorded: Recorded, kind: Option<&str>, reveal: bool) -> Self {
        let entry = recorded.entry;
        let old_args = entry
            .old_args
            .and_then(|args| serde_json::from_str(&args).ok());
        Self {
            old_args: old_args.map(|args| match reveal {
                true => args,
                false => redacted(kinds, args, kind.unwrap_or_default()),
            }),
            time: rfc3339(recorded.at_ms),
            attempt: entry.attempt,
            worker: entry.worker,
            outcome: entry.outcome,
            probe: entry.probe,
            operation: entry.operation,
            duration_ms: entry.duration_ms,
            provider: entry.answer.provider.map(std::borrow::Cow::into_owned),
            status: entry.answer.status,
            code: entry.answer.code,
            details: entry.answer.details,
            request_id: entry.answer.request_id,
            reason: entry.reason,
            enqueued: entry.enqueued,
            enqueued_more: Some(entry.enqueued_more).filter(|more| *more > 0),
        }
    }
}

impl JobView {
    pub(crate) fn new(queue: &QueueInfo, job: JobInfo, reveal: bool) -> Self {
        let enqueued_by = EnqueuedByRow::new(&job);
        let attempt = job.attempt();
        let payload = job.payload.as_deref();
        let args = payload.and_then(|payload| redact_args(&queue.kinds, payload, reveal));
        let payload_base64 = match (&args, payload) {
            (None, Some(bytes)) if reveal => Some(BASE64_STANDARD.encode(bytes)),
            (None, Some(_)) => Some(REDACTED.to_owned()),
            _ => None,
        };
        let of_kind = payload.and_then(|payload| kind(payload, reveal));
        let shown = |value, public: Public| match reveal {
            true => value,
            false => redacted_but(
                value,
                of_kind
                    .as_deref()
                    .map_or(&[], |kind| public_of(&queue.kinds, kind, public)),
            ),
        };
        let dropped = job.history_dropped();
        let history = job.history.into_iter();
        let history = history
            .map(|recorded| HistoryRow::new(&queue.kinds, recorded, of_kind.as_deref(), reveal))
            .collect();
        Self {
            id: job.id.to_string(),
            queue: queue.name.clone(),
            kind: of_kind.clone(),
            state: job.state,
            attempt,
            max_attempts: of_kind
                .as_deref()
                .and_then(|kind| queue.max_attempts_by_kind.get(kind))
                .copied()
                .unwrap_or(queue.max_attempts),
            enqueued_at: job.enqueued_at_ms.map(rfc3339),
            parked_since: job.parked_since_ms.map(rfc3339),
            next_run_at: job.next_run_at_ms.map(rfc3339),
            ended_at: job.ended_at_ms.map(rfc3339),
            may_have_been_sent: job.run.may_have_been_sent && job.state != JobState::Completed,
            worker: job.worker,
            asked_to_stop: job
                .asked_to_stop
                .or(job.was_asked_to_stop)
                .map(StopRow::from),
            forgotten_at: job.forgotten.map(|forgotten| rfc3339(forgotten.at_ms)),
            group: job.group,
            idempotency_key: job.idempotency_key.map(|key| match reveal {
                true => key,
                false => REDACTED.to_owned(),
            }),
            priority: job.lane.priority,
            tenant: job.lane.tenant,
            tags: job.tags,
            enqueued_by,
            trace_id: job.traceparent.as_deref().and_then(trace_in),
            cron: job.cron.map(CronJobRow::from),
            waits: job.waits,
            put_back: job.put_back.map(PutBackRow::from),
            progress: job
                .progress
                .map(|progress| shown(progress, |spec| spec.public_progress)),
            result: job
                .result
                .map(|result| shown(result, |spec| spec.public_result)),
            delivery: job.delivery.map(DeliveryRow::from),
            args,
            payload_base64,
            history,
            history_dropped: dropped,
            broken: job.broken,
        }
    }
}

/// The kind that a payload names. What does not look like one may be anything.
fn kind(payload: &[u8], reveal: bool) -> Option<String> {
    let envelope = Envelope::parse(payload).ok()?;
    match reveal || is_name(&envelope.kind) {
        true => Some(envelope.kind.chars().take(64).collect()),
        false => Some(REDACTED.to_owned()),
    }
}
