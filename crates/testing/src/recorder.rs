//! A client whose jobs are recorded, for assertions.

mod recorded;

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_client::{
    Cancelled, Client, Enqueued, JobState, JobStatus, NewJob, QueueError, Rescheduled, RunAt, Sink,
};
use longshore_job::{Job, JobId};
use longshore_queue::Key;
use serde_json::Value;

pub use recorded::RecordedJob;
use recorded::{End, State};

/// Records a client's jobs instead of writing them to Redis, for assertions. Give [`client`](Self::client) to the code under
/// test: it is the client that producers use, with all its checks. Clones share the recorded jobs.
///
/// No job runs: each stays pending or scheduled, unless the test sets how its kind ends ([`complete`](Self::complete),
/// [`bury`](Self::bury)). A key holds for as long as the recorder lives.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<State>>);

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
        let end = End::Dead(reason.to_owned(), None);
        self.lock().ends.insert(J::KIND, end);
    }

    /// The same, with the provider's code: why a card was declined, say.
    pub fn bury_as<J: Job>(&self, reason: &str, code: &str) {
        let end = End::Dead(reason.to_owned(), Some(code.to_owned()));
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
        ours.map(|job| job.args()).collect()
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

    /// Asserts that one job of this kind was enqueued whose args are such, and no second one. For args of which a test names
    /// only some. Returns it.
    ///
    /// # Panics
    /// When there were more or none: the message lists what was enqueued.
    #[track_caller]
    pub fn assert_one<J: Job>(&self, are_such: impl Fn(&J) -> bool) -> RecordedJob {
        let jobs = self.jobs();
        let mut found = jobs
            .iter()
            .filter(|job| job.kind == J::KIND && are_such(&job.args()));
        match (found.next(), found.count()) {
            (Some(one), 0) => one.clone(),
            (first, more) => panic!(
                "one such {} was to be enqueued, not {}\n{}",
                J::KIND,
                usize::from(first.is_some()) + more,
                listed(&jobs)
            ),
        }
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
        state.check_keys(jobs)?;
        Ok(jobs.iter().map(|job| state.take(queue, job)).collect())
    }

    fn check_keys(&self, _queue: &str, jobs: &[NewJob]) -> Result<(), QueueError> {
        self.asked()?.check_keys(jobs)
    }

    fn status(&self, id: JobId) -> Result<Option<JobStatus>, QueueError> {
        let state = self.asked()?;
        let job = state.jobs.iter().find(|job| job.id == id);
        Ok(job.map(|job| state.status(job)))
    }

    fn find(&self, kind: &str, key: &str) -> Result<Option<JobId>, QueueError> {
        let state = self.asked()?;
        let holder = state.holder(&Key::new(kind, key));
        Ok(holder.map(|job| job.id))
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

    fn reschedule(&self, id: JobId, when: RunAt) -> Result<Rescheduled, QueueError> {
        let mut state = self.asked()?;
        let Some(at) = state.jobs.iter().position(|job| job.id == id) else {
            return Ok(Rescheduled::Unknown);
        };
        Ok(match state.status(&state.jobs[at]).state {
            JobState::Pending | JobState::Scheduled => {
                state.jobs[at].run_at = when;
                Rescheduled::Yes
            }
            elsewhere => Rescheduled::Elsewhere(elsewhere),
        })
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
