//! What a producer is told of a job.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_job::{Envelope, JobId, PrivateResult};
use longshore_queue::{Delivery, JobInfo, JobState};

/// What has become of a job. Its args are not in it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobStatus {
    /// The job.
    pub id: JobId,
    /// Its queue.
    pub queue: String,
    /// Its kind, if its payload says so.
    pub kind: Option<String>,
    /// Where it is.
    pub state: JobState,
    /// The attempt of its last run, from 1; 0 before the first. Runs that were throttled or given back are not counted.
    pub attempt: u32,
    /// When it was enqueued, by Redis's clock.
    pub enqueued_at: Option<SystemTime>,
    /// When it runs next: scheduled and retryable jobs.
    pub next_run_at: Option<SystemTime>,
    /// When it completed, died or was cancelled.
    pub ended_at: Option<SystemTime>,
    /// What it ended with, if it completed with a result.
    pub result: Option<serde_json::Value>,
    /// What its run told those who waited for it, and nobody else: for a call that waited while it ran. It is kept nowhere, so
    /// [`Client::status`](crate::Client::status) has none.
    pub private_result: Option<PrivateResult>,
    /// What its last run came to, if it has run: `completed`, `skipped`, `refused`, `failed`, `throttled`, `outcome_unknown`,
    /// `unauthorized`, `lost`, `expired`, …
    pub outcome: Option<String>,
    /// Why its last run failed, or was put back, if it was. Names no person.
    pub reason: Option<String>,
    /// The provider that the last run called.
    pub provider: Option<String>,
    /// That provider's own code for what went wrong, such as a decline code.
    pub code: Option<String>,
    /// What else is known of it, by names that the kind documents, such as `decline_code` and `payment_intent`.
    pub details: BTreeMap<String, String>,
    /// A request of it may have been carried out, and what became of that is not known.
    pub may_have_been_sent: bool,
    /// What became of its message after the provider had taken it on; `None` when nothing is known of a message.
    pub delivery: Option<DeliveryStatus>,
}

/// What became of a message after its provider had taken it on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryStatus {
    /// The provider's id of the message.
    pub message: String,
    /// How it stands, in the provider's word; `None` before the first report.
    pub state: Option<String>,
    /// When the last report was written down.
    pub at: Option<SystemTime>,
    /// The provider's code for what went wrong.
    pub code: Option<String>,
}

impl JobStatus {
    /// The status of a job of which nothing else is known: set the other fields. For a [`Sink`](crate::Sink).
    #[must_use]
    pub fn new(id: JobId, queue: impl Into<String>, state: JobState) -> Self {
        Self {
            id,
            queue: queue.into(),
            kind: None,
            state,
            attempt: 0,
            enqueued_at: None,
            next_run_at: None,
            ended_at: None,
            result: None,
            private_result: None,
            outcome: None,
            reason: None,
            provider: None,
            code: None,
            details: BTreeMap::new(),
            may_have_been_sent: false,
            delivery: None,
        }
    }

    pub(crate) fn of(id: JobId, queue: &str, job: JobInfo) -> Self {
        let mut status = Self::new(id, queue, job.state);
        status.attempt = job.attempt();
        status.kind = job
            .payload
            .as_deref()
            .and_then(|payload| Envelope::parse(payload).ok())
            .map(|envelope| envelope.kind.into_owned())
            // What another program pushed may be anything.
            .filter(|kind| kind.len() <= 64);
        status.enqueued_at = job.enqueued_at_ms.map(time);
        status.next_run_at = job.next_run_at_ms.map(time);
        status.ended_at = job.ended_at_ms.map(time);
        status.result = job.result;
        status.may_have_been_sent = job.run.may_have_been_sent && job.state != JobState::Completed;
        status.delivery = job.delivery.map(DeliveryStatus::from);
        let mut runs = job.history.into_iter();
        let run = runs.rfind(|recorded| recorded.entry.is_attempt());
        // A job that is put back uses no attempt: its history does not say so.
        let put_back = job.put_back.filter(|_| !status.has_ended());
        let last = put_back.into_iter().chain(run).max_by_key(|of| of.at_ms);
        if let Some(last) = last {
            status.outcome = Some(last.entry.outcome);
            status.reason = last.entry.reason;
            status.provider = last.entry.answer.provider.map(Into::into);
            status.code = last.entry.answer.code;
            status.details = last.entry.answer.details;
        }
        status
    }

    /// It has completed, died or was cancelled: by itself nothing more happens to it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(
            self.state,
            JobState::Completed | JobState::Dead | JobState::Cancelled
        )
    }
}

impl From<Delivery> for DeliveryStatus {
    fn from(delivery: Delivery) -> Self {
        Self {
            message: delivery.message,
            state: delivery.state,
            at: delivery.at_ms.map(time),
            code: delivery.code,
        }
    }
}

/// A time of Redis's, in milliseconds since the epoch.
pub(crate) fn time(ms: u64) -> SystemTime {
    UNIX_EPOCH
        .checked_add(Duration::from_millis(ms))
        .unwrap_or(UNIX_EPOCH)
}
