//! What is recorded of jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_client::{Enqueued, JobState, JobStatus, Lane, NewJob, QueueError, RunAt};
use longshore_job::{Envelope, Job, JobId};
use longshore_queue::{Key, KeyTaken};
use serde_json::Value;

/// What a recorder has recorded.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) jobs: Vec<RecordedJob>,
    pub(super) ends: BTreeMap<&'static str, End>,
    cancelled: BTreeSet<JobId>,
    pub(super) is_away: bool,
}

/// How the jobs of a kind end.
#[derive(Debug, Clone)]
pub(super) enum End {
    Completed(Value),
    /// Why, and the provider's code.
    Dead(String, Option<String>),
}

/// A job that was enqueued.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedJob {
    /// Its id.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// Its args, as JSON.
    pub args: Value,
    /// Its idempotency key.
    pub key: Option<String>,
    /// How long the key holds at least: 24 hours, unless a run sets another time.
    pub key_holds: Option<Duration>,
    /// When it may run.
    pub run_at: RunAt,
    /// Its expiry, counted from when it is due: set by the enqueue (by `expires_in`, or by `expires_at`) or else by its kind.
    pub expires_in: Option<Duration>,
    /// Its priority, set by the enqueue or else by its kind, and its tenant.
    pub lane: Lane,
    /// Its tags.
    pub tags: Vec<String>,
    pub(super) held: Option<Key>,
    enqueued_at: SystemTime,
}

impl RecordedJob {
    /// Its args, as the kind's type.
    ///
    /// # Panics
    /// When it is of another kind.
    #[must_use]
    pub fn args<J: Job>(&self) -> J {
        serde_json::from_value(self.args.clone()).expect("args of this kind")
    }

    /// It was to run at once, or at a time that is over. A delay is never over: no time has to pass in a test.
    fn is_due(&self) -> bool {
        match self.run_at {
            RunAt::Now => true,
            RunAt::In(wait) => wait.is_zero(),
            RunAt::At(ms) => ms <= ms_of(SystemTime::now()),
        }
    }
}

/// In milliseconds since the epoch.
fn ms_of(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl State {
    /// The job that has this key.
    pub(super) fn holder(&self, key: &Key) -> Option<&RecordedJob> {
        self.jobs.iter().find(|job| {
            let held = job.held.as_ref().map(Key::full_name);
            held == Some(key.full_name())
        })
    }

    pub(super) fn check_keys(&self, jobs: &[NewJob]) -> Result<(), QueueError> {
        let jobs = jobs.iter().enumerate();
        let clashes: Vec<_> = jobs
            .filter_map(|(place, job)| self.clash(place, job))
            .collect();
        match clashes.is_empty() {
            true => Ok(()),
            false => Err(QueueError::KeyTaken(clashes)),
        }
    }

    /// The key of a job that stands for other args.
    fn clash(&self, place: usize, job: &NewJob) -> Option<KeyTaken> {
        let key = job.key.as_ref()?;
        let holder = self.holder(key)?;
        let clashes = holder.held.as_ref()?.clashes_with(key);
        clashes.then(|| KeyTaken {
            place,
            key: key.name().to_owned(),
            holder: holder.id,
            since_ms: ms_of(holder.enqueued_at),
        })
    }

    pub(super) fn take(&mut self, queue: &str, job: &NewJob) -> Enqueued {
        if let Some(holder) = job.key.as_ref().and_then(|key| self.holder(key)) {
            return Enqueued {
                id: holder.id,
                duplicate: true,
            };
        }
        let envelope =
            Envelope::parse(&job.payload).expect("what a client has checked is an envelope");
        self.jobs.push(RecordedJob {
            id: job.id,
            kind: envelope.kind.into_owned(),
            queue: queue.to_owned(),
            args: serde_json::from_str(envelope.args.get()).expect("args are JSON"),
            key: job.key.as_ref().map(|key| key.name().to_owned()),
            key_holds: job.key.as_ref().map(Key::holds_for),
            run_at: job.run_at,
            expires_in: job.expires_in,
            lane: job.lane.clone(),
            tags: job.tags.clone(),
            held: job.key.clone(),
            enqueued_at: SystemTime::now(),
        });
        Enqueued {
            id: job.id,
            duplicate: false,
        }
    }

    /// Its key is free again.
    pub(super) fn cancel(&mut self, id: JobId) {
        self.cancelled.insert(id);
        for job in self.jobs.iter_mut().filter(|job| job.id == id) {
            job.held = None;
        }
    }

    pub(super) fn status(&self, job: &RecordedJob) -> JobStatus {
        let end = self.ends.get(job.kind.as_str());
        let (state, result, reason) = match end {
            _ if self.cancelled.contains(&job.id) => (JobState::Cancelled, None, None),
            Some(End::Completed(result)) => (JobState::Completed, Some(result.clone()), None),
            Some(End::Dead(reason, _)) => (JobState::Dead, None, Some(reason.clone())),
            None if job.is_due() => (JobState::Pending, None, None),
            None => (JobState::Scheduled, None, None),
        };
        let mut status = JobStatus::new(job.id, job.queue.clone(), state);
        status.kind = Some(job.kind.clone());
        status.attempt = u32::from(end.is_some());
        status.enqueued_at = Some(job.enqueued_at);
        status.result = result;
        status.reason = reason;
        if let (Some(End::Dead(_, code)), JobState::Dead) = (end, state) {
            status.code = code.clone();
        }
        if state == JobState::Scheduled {
            status.next_run_at = match job.run_at {
                RunAt::At(ms) => UNIX_EPOCH.checked_add(Duration::from_millis(ms)),
                RunAt::In(wait) => job.enqueued_at.checked_add(wait),
                RunAt::Now => None,
            };
        }
        status
    }
}
