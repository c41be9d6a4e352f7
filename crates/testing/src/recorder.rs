//! A client whose jobs are recorded, for assertions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_client::{
    Cancelled, Client, Enqueued, JobState, JobStatus, Lane, NewJob, QueueError, RunAt, Sink,
};
use longshore_job::{Envelope, Job, JobId};
use longshore_queue::{Key, KeyTaken};
use serde_json::Value;

/// Records a client's jobs instead of writing them to Redis, for assertions. Give [`client`](Self::client) to the code under
/// test: it is the client that producers use, with all its checks. Clones share the recorded jobs.
///
/// No job runs: each stays pending or scheduled, unless the test sets how its kind ends ([`complete`](Self::complete),
/// [`bury`](Self::bury)). A key holds for as long as the recorder lives.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    jobs: Vec<RecordedJob>,
    ends: BTreeMap<&'static str, End>,
    cancelled: BTreeSet<JobId>,
    is_away: bool,
}

/// How the jobs of a kind end.
#[derive(Debug, Clone)]
enum End {
    Completed(Value),
    Dead(String),
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
    /// Its expiry, set by the enqueue or else by its kind.
    pub expires_in: Option<Duration>,
    /// Its priority, set by the enqueue or else by its kind, and its tenant.
    pub lane: Lane,
    /// Its tags.
    pub tags: Vec<String>,
    held: Option<Key>,
    since_ms: u64,
}

impl Recorder {
    /// With nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A client whose jobs are recorded here.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::over_sink(Arc::new(self.clone()))
    }

    /// Completes jobs of this kind with this result as soon as they are enqueued, so that
    /// [`Client::enqueue_and_wait`] returns.
    pub fn complete<J: Job>(&self, result: Value) {
        self.lock().ends.insert(J::KIND, End::Completed(result));
    }

    /// Makes jobs of this kind dead letters with this reason as soon as they are enqueued, so that
    /// [`Client::enqueue_and_wait`] returns.
    pub fn bury<J: Job>(&self, reason: &str) {
        let end = End::Dead(reason.to_owned());
        self.lock().ends.insert(J::KIND, end);
    }

    /// From now on every call fails at once, with the error of a Redis that could not be reached for five seconds.
    pub fn fail(&self) {
        self.lock().is_away = true;
    }

    /// Accepts jobs again after [`fail`](Self::fail).
    pub fn recover(&self) {
        self.lock().is_away = false;
    }

    /// All that was enqueued, in order.
    #[must_use]
    pub fn jobs(&self) -> Vec<RecordedJob> {
        self.lock().jobs.clone()
    }

    /// The args of all jobs of one kind, in order.
    #[must_use]
    pub fn all<J: Job>(&self) -> Vec<J> {
        let jobs = self.jobs().into_iter();
        let ours = jobs.filter(|job| job.kind == J::KIND);
        ours.map(|job| serde_json::from_value(job.args).expect("args that were taken decode"))
            .collect()
    }

    /// Asserts that a job with these args was enqueued. Returns the first one.
    ///
    /// # Panics
    /// When none was: the message lists what was.
    #[track_caller]
    pub fn assert_enqueued<J: Job>(&self, job: &J) -> RecordedJob {
        let args = args_of(job);
        let jobs = self.jobs();
        let found = jobs
            .iter()
            .find(|job| job.kind == J::KIND && job.args == args);
        match found {
            Some(found) => found.clone(),
            None => panic!(
                "no {} with these args was enqueued:\n  {args}\n{}",
                J::KIND,
                listed(&jobs)
            ),
        }
    }

    /// Asserts that a job with these args was enqueued, and nothing else was.
    ///
    /// # Panics
    /// When none was, or something else was: the message lists it all.
    #[track_caller]
    pub fn assert_only<J: Job>(&self, job: &J) -> RecordedJob {
        let found = self.assert_enqueued(job);
        let jobs = self.jobs();
        assert!(
            jobs.len() == 1,
            "one {} was to be enqueued, and nothing else\n{}",
            J::KIND,
            listed(&jobs)
        );
        found
    }

    /// Asserts how many jobs of this kind were enqueued.
    ///
    /// # Panics
    /// When there were more or fewer: the message lists what was enqueued.
    #[track_caller]
    pub fn assert_count<J: Job>(&self, count: usize) {
        let jobs = self.jobs();
        let found = jobs.iter().filter(|job| job.kind == J::KIND).count();
        assert!(
            found == count,
            "{count} jobs of {} were to be enqueued, not {found}\n{}",
            J::KIND,
            listed(&jobs)
        );
    }

    /// Asserts that nothing was enqueued.
    ///
    /// # Panics
    /// When something was: the message lists it.
    #[track_caller]
    pub fn assert_nothing(&self) {
        let jobs = self.jobs();
        assert!(
            jobs.is_empty(),
            "nothing was to be enqueued\n{}",
            listed(&jobs)
        );
    }

    /// Forgets what was enqueued, and with it the keys.
    pub fn clear(&self) {
        self.lock().jobs.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while it is held is a failed test, whose other assertions may go on.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> Result<MutexGuard<'_, State>, QueueError> {
        let state = self.lock();
        match state.is_away {
            true => Err(QueueError::Unreachable {
                server: "the recorder".to_owned(),
                reason: "the test says so".to_owned(),
            }),
            false => Ok(state),
        }
    }
}

impl Sink for Recorder {
    fn enqueue(&self, queue: &str, jobs: &[NewJob]) -> Result<Vec<Enqueued>, QueueError> {
        let mut state = self.asked()?;
        let clashes: Vec<_> = jobs
            .iter()
            .enumerate()
            .filter_map(|(place, job)| state.clash(place, job))
            .collect();
        if !clashes.is_empty() {
            return Err(QueueError::KeyTaken(clashes));
        }
        Ok(jobs.iter().map(|job| state.take(queue, job)).collect())
    }

    fn status(&self, id: JobId) -> Result<Option<JobStatus>, QueueError> {
        let state = self.asked()?;
        let job = state.jobs.iter().find(|job| job.id == id);
        Ok(job.map(|job| state.status(job)))
    }

    fn cancel(&self, id: JobId) -> Result<Cancelled, QueueError> {
        let mut state = self.asked()?;
        let Some(job) = state.jobs.iter().find(|job| job.id == id) else {
            return Ok(Cancelled::Unknown);
        };
        Ok(match state.status(job).state {
            JobState::Completed => Cancelled::Completed,
            JobState::Dead => Cancelled::Dead,
            JobState::Cancelled => Cancelled::Already,
            _ => {
                state.cancel(id);
                Cancelled::Yes
            }
        })
    }
}

impl State {
    /// The job that has this key.
    fn holder(&self, key: &Key) -> Option<&RecordedJob> {
        self.jobs.iter().find(|job| {
            let held = job.held.as_ref().map(Key::full_name);
            held == Some(key.full_name())
        })
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
            since_ms: holder.since_ms,
        })
    }

    fn take(&mut self, queue: &str, job: &NewJob) -> Enqueued {
        if let Some(holder) = job.key.as_ref().and_then(|key| self.holder(key)) {
            return Enqueued {
                id: holder.id,
                duplicate: true,
            };
        }
        let envelope =
            Envelope::parse(&job.payload).expect("what a client has checked is an envelope");
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
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
            since_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
        });
        Enqueued {
            id: job.id,
            duplicate: false,
        }
    }

    /// Its key is free again.
    fn cancel(&mut self, id: JobId) {
        self.cancelled.insert(id);
        for job in self.jobs.iter_mut().filter(|job| job.id == id) {
            job.held = None;
        }
    }

    fn status(&self, job: &RecordedJob) -> JobStatus {
        let end = self.ends.get(job.kind.as_str());
        let (state, result, reason) = match end {
            _ if self.cancelled.contains(&job.id) => (JobState::Cancelled, None, None),
            Some(End::Completed(result)) => (JobState::Completed, Some(result.clone()), None),
            Some(End::Dead(reason)) => (JobState::Dead, None, Some(reason.clone())),
            None if job.run_at == RunAt::Now => (JobState::Pending, None, None),
            None => (JobState::Scheduled, None, None),
        };
        JobStatus {
            id: job.id,
            queue: job.queue.clone(),
            state,
            result,
            reason,
            next_run_at_ms: match (state, job.run_at) {
                (JobState::Scheduled, RunAt::At(ms)) => Some(ms),
                (JobState::Scheduled, RunAt::In(wait)) => {
                    let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                    Some(job.since_ms.saturating_add(wait))
                }
                _ => None,
            },
        }
    }
}

fn args_of<J: Job>(job: &J) -> Value {
    serde_json::to_value(job).expect("args can be written as JSON")
}

fn listed(jobs: &[RecordedJob]) -> String {
    if jobs.is_empty() {
        return "nothing was enqueued".to_owned();
    }
    let mut text = "what was enqueued:".to_owned();
    for job in jobs {
        write!(text, "\n  {} {}", job.kind, job.args).expect("a text takes it");
        if let Some(key) = &job.key {
            write!(text, " (key `{key}`)").expect("a text takes it");
        }
    }
    text
}
