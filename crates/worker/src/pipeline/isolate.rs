use std::sync::Arc;

use longshore_job::JobId;
use tokio::task::JoinError;
use tracing::Instrument;

use super::{End, JobRun};

tokio::task_local! {
    static RUNNING: CurrentJob;
}

/// The job that the current task runs.
#[derive(Debug, Clone)]
pub struct CurrentJob {
    /// Its queue.
    pub queue: Arc<str>,
    /// Its id, unless what stands for one is no id of ours.
    pub job_id: Option<JobId>,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

/// The job that the current task runs, if it runs one: for a panic hook, which is called where the panic is.
#[must_use]
pub fn current_job() -> Option<CurrentJob> {
    RUNNING.try_with(Clone::clone).ok()
}

impl JobRun {
    /// Runs the rest as a task of its own: a panic ends only this job, and the run can be dropped from outside when its
    /// lease is lost or the worker has to go.
    pub(super) async fn isolate(&self, rest: impl Future<Output = End> + Send + 'static) -> End {
        let running = CurrentJob {
            queue: Arc::clone(&self.station.label),
            job_id: self.entry.claimed.id.job_id(),
            attempt: self.entry.claimed.run.used + 1,
        };
        let rest = RUNNING.scope(running, rest).in_current_span();
        let task = match self.entry.span.get() {
            Some(span) => tokio::spawn(span.around(rest)),
            None => tokio::spawn(rest),
        };
        self.entry.begin(task.abort_handle());
        let end = match task.await {
            Ok(end) => end,
            Err(stopped) => self.stopped(&stopped),
        };
        self.entry.end();
        end
    }

    /// The end of a run whose task did not come to its own.
    fn stopped(&self, stopped: &JoinError) -> End {
        let Self { station, entry } = self;
        let sent = entry.door.close();
        let lease = station.keeper.lease();
        let lease_lost = lease.is_none_or(|lease| !Arc::ptr_eq(&lease, &entry.lease));
        if stopped.is_panic() {
            // Its message may hold personal data: the panic hook has logged the place.
            End::unfinished(sent, "the handler panicked", "panic", None)
        } else if lease_lost {
            End::LeaseLost
        } else if let Some(request) = entry.stop_request() {
            End::Stopped { request, sent }
        } else if sent {
            End::unfinished(sent, "the worker had to stop", "worker stopped", None)
        } else if entry.is_uncopied() {
            End::NotCopied
        } else {
            End::NeverSent
        }
    }
}
