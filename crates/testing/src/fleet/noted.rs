//! What handlers ran, so that it can be said what has not ended.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_job::{Handler, Job, JobError, JobId, Outcome, Run};

/// A job that did not come to its end.
#[derive(Debug, Clone)]
struct Unended {
    queue: Cow<'static, str>,
    kind: &'static str,
    runs: u64,
    last: Option<String>,
}

/// The jobs that have begun and have not ended.
#[derive(Debug, Default)]
pub(super) struct Runs {
    jobs: Mutex<BTreeMap<JobId, Unended>>,
    refused: AtomicBool,
}

impl Runs {
    fn jobs(&self) -> MutexGuard<'_, BTreeMap<JobId, Unended>> {
        // Each change is of one entry: a panic leaves nothing half-done.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begins<J: Job>(&self, id: JobId, job: &J) {
        let queue = job.queue();
        let mut jobs = self.jobs();
        let job = jobs.entry(id).or_insert(Unended {
            queue,
            kind: J::KIND,
            runs: 0,
            last: None,
        });
        job.runs += 1;
    }

    fn ends(&self, id: JobId, end: Option<&JobError>) {
        let mut jobs = self.jobs();
        match end {
            None => drop(jobs.remove(&id)),
            Some(error) => {
                if matches!(error, JobError::Unauthorized { .. }) {
                    self.refused.store(true, Ordering::Release);
                }
                if let Some(job) = jobs.get_mut(&id) {
                    job.last = Some(error.to_string());
                }
            }
        }
    }

    /// A provider has refused the credentials of a run. Nobody mends them while a test runs.
    pub(super) fn were_refused(&self) -> bool {
        self.refused.swap(false, Ordering::AcqRel)
    }

    /// Those of a queue, each in words.
    pub(super) fn unended(&self, queue: &str) -> Vec<String> {
        let jobs = self.jobs();
        let ours = jobs.iter().filter(|(_, job)| job.queue == queue);
        ours.map(|(id, job)| {
            let runs = match job.runs {
                1 => "1 run".to_owned(),
                runs => format!("{runs} runs"),
            };
            let last = job.last.as_deref().unwrap_or("it did not end");
            format!("{} {id}, {runs}: {last}", job.kind)
        })
        .collect()
    }
}

/// A handler whose runs are noted.
pub(super) struct Noting<H> {
    handler: Arc<H>,
    runs: Arc<Runs>,
}

impl<H> Noting<H> {
    pub(super) fn new(handler: Arc<H>, runs: Arc<Runs>) -> Self {
        Self { handler, runs }
    }
}

impl<H: Handler> Handler for Noting<H> {
    type Job = H::Job;

    const MAY_REPEAT: bool = H::MAY_REPEAT;

    fn may_repeat(&self, job: &H::Job) -> bool {
        self.handler.may_repeat(job)
    }

    async fn run(&self, job: H::Job, run: Run) -> Result<Outcome, JobError> {
        let id = run.id;
        self.runs.begins(id, &job);
        let end = self.handler.run(job, run).await;
        self.runs.ends(id, end.as_ref().err());
        end
    }

    // Not an async fn: that would ask for args which are `Sync`.
    fn verify(
        &self,
        job: &H::Job,
        run: &Run,
    ) -> impl Future<Output = Result<Option<Outcome>, JobError>> + Send {
        self.handler.verify(job, run)
    }
}
