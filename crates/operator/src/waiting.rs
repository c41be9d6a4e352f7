//! What operators do to jobs that wait.

use longshore_job::JobId;
use longshore_queue::{
    Cancelled, JobFilter, JobInfo, JobScan, JobState, Place, RawId, Rescheduled, RunAt, Signed,
};
use serde::Serialize;

use crate::away::why_apart;
use crate::error::OperatorError;
use crate::operations::OperationRow;
use crate::operator::{Operator, unknown};

/// What came of cancelling one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CancelRow {
    /// The job.
    pub id: String,
    /// Its queue, if one knows it.
    pub queue: Option<String>,
    /// Where it is now, if a queue knows it.
    pub state: Option<JobState>,
    /// It ran, and its worker was asked to stop it.
    pub asked: bool,
    /// A request of it may have been carried out. `None` while it runs: a request of this run may be on its way.
    pub may_have_been_sent: Option<bool>,
    /// It is cancelled, by this or before.
    pub cancelled: bool,
    /// This has changed it.
    pub changed: bool,
    /// What it is: `cancelled`, `running`, `completed`, `dead`, `unknown`, or `may_have_been_sent`: it goes on, and takes force.
    pub came_to: &'static str,
    /// It still runs, and is to stop.
    #[serde(skip)]
    pub stopping: bool,
}

impl CancelRow {
    fn new(id: &RawId, queue: Option<&str>, came: Cancelled) -> Self {
        Self {
            id: id.to_string(),
            queue: queue.map(str::to_owned),
            state: None,
            asked: came == Cancelled::Asked,
            may_have_been_sent: (came == Cancelled::MayHaveBeenSent).then_some(true),
            stopping: came == Cancelled::Asked,
            cancelled: matches!(came, Cancelled::Yes | Cancelled::Already),
            changed: came == Cancelled::Yes,
            came_to: match came {
                Cancelled::Yes | Cancelled::Already => "cancelled",
                Cancelled::MayHaveBeenSent => "may_have_been_sent",
                Cancelled::Asked => "running",
                Cancelled::Completed => "completed",
                Cancelled::Dead => "dead",
                Cancelled::Unknown => "unknown",
            },
        }
    }

    /// Notes how the job stands now.
    fn look(&mut self, job: Option<&JobInfo>) {
        self.state = job.map(|job| job.state);
        let earlier = self.may_have_been_sent == Some(true);
        self.may_have_been_sent = job.and_then(|job| sent_of(job, earlier));
        if !std::mem::take(&mut self.stopping) {
            return;
        }
        self.came_to = match job {
            None => "unknown",
            Some(job) if job.state == JobState::Running => {
                // Where nobody asks any more it was put back, and another run has it.
                self.stopping = job.asked_to_stop.is_some();
                "running"
            }
            Some(job) if job.state == JobState::Cancelled => {
                (self.cancelled, self.changed) = (true, true);
                "cancelled"
            }
            Some(job) => match job.state {
                JobState::Completed | JobState::Dead => job.state.as_str(),
                _ if job.run.may_have_been_sent => "may_have_been_sent",
                state => state.as_str(),
            },
        };
    }
}

/// Whether a request of a job may have been carried out, as far as that is known.
fn sent_of(job: &JobInfo, known: bool) -> Option<bool> {
    match job.state {
        _ if known || job.run.may_have_been_sent => Some(true),
        JobState::Running => None,
        state => Some(state == JobState::Completed),
    }
}

/// What would be cancelled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CancelPreview {
    /// How many jobs are meant.
    pub jobs: u64,
    /// How many of them are pending.
    pub pending: u64,
    /// How many are scheduled.
    pub scheduled: u64,
    /// How many wait for a retry.
    pub retryable: u64,
    /// How many run: their workers would be asked to stop them.
    pub running: u64,
    /// How many of all these may have been sent: they take force.
    pub may_have_been_sent: u64,
}

/// Where jobs wait, or run.
const PLACES: [Place; 5] = [
    Place::Scheduled,
    Place::Parked,
    Place::Lanes,
    Place::Pending,
    Place::Running,
];

impl Operator {
    /// Cancels named jobs that wait, in whichever queue they are, and asks the workers of those that run to stop them. Returns what
    /// came of each; [`look_at_stopping`](Self::look_at_stopping) what comes of those that are asked.
    ///
    /// # Errors
    /// When an id is not of an id's form, or Redis cannot be reached; what was cancelled stays so, and the call can be repeated.
    pub async fn cancel_jobs(
        &self,
        ids: &[String],
        force: bool,
        signed: &Signed,
    ) -> Result<Vec<CancelRow>, OperatorError> {
        let mut left = self.checked(ids).await?;
        let (mut rows, mut away) = (Vec::new(), None);
        for (info, queue) in &self.queues {
            let came = match queue.cancel(&left, force, signed).await {
                Ok(came) => came,
                // What is broken in one queue says nothing of the others.
                Err(error) if error.of_one_queue().is_some() => continue,
                Err(error) => {
                    why_apart(queue, error.clone()).await?;
                    away = Some(error);
                    continue;
                }
            };
            let mut unknown = Vec::new();
            for (id, came) in left.into_iter().zip(came) {
                match came {
                    Cancelled::Unknown => unknown.push(id),
                    came => rows.push(CancelRow::new(&id, Some(&info.name), came)),
                }
            }
            left = unknown;
        }
        // They may be in the one that is away.
        if let Some(error) = away.filter(|_| !left.is_empty()) {
            return Err(error.into());
        }
        let nowhere = left.iter();
        rows.extend(nowhere.map(|id| CancelRow::new(id, None, Cancelled::Unknown)));
        self.look_at(&mut rows, |_| true).await?;
        Ok(rows)
    }

    /// Looks how jobs stand that were asked to stop. Returns whether some of them still run and are to stop: a worker lets a call
    /// end that is under way.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn look_at_stopping(&self, rows: &mut [CancelRow]) -> Result<bool, OperatorError> {
        self.look_at(rows, |row| row.stopping).await?;
        Ok(rows.iter().any(|row| row.stopping))
    }

    async fn look_at(
        &self,
        rows: &mut [CancelRow],
        is_meant: impl Fn(&CancelRow) -> bool,
    ) -> Result<(), OperatorError> {
        for row in rows.iter_mut().filter(|row| is_meant(row)) {
            if let Some(queue) = &row.queue {
                let job = self.queue(queue)?.1.job(&RawId::unescape(&row.id)).await?;
                row.look(job.as_ref());
            }
        }
        Ok(())
    }

    /// Which jobs of a queue wait or run, and are meant. All of those are looked at; `looked` is told how many.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn preview_cancel(
        &self,
        queue: &str,
        filter: &JobFilter,
        looked: impl FnMut(u64),
    ) -> Result<CancelPreview, OperatorError> {
        let all = self.count_meant(queue, filter, u64::MAX, looked).await?;
        Ok(all.0)
    }

    /// The same of the first so many jobs, and whether those are all.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn preview_cancel_some(
        &self,
        queue: &str,
        filter: &JobFilter,
        most: u64,
    ) -> Result<(CancelPreview, bool), OperatorError> {
        self.count_meant(queue, filter, most, |_| {}).await
    }

    async fn count_meant(
        &self,
        queue: &str,
        filter: &JobFilter,
        most: u64,
        looked: impl FnMut(u64),
    ) -> Result<(CancelPreview, bool), OperatorError> {
        let mut found = CancelPreview::default();
        let see = |job: &JobInfo| {
            found.jobs += 1;
            found.may_have_been_sent += u64::from(job.run.may_have_been_sent);
            match job.state {
                JobState::Scheduled => found.scheduled += 1,
                JobState::Retryable => found.retryable += 1,
                JobState::Running => found.running += 1,
                _ => found.pending += 1,
            }
        };
        let is_whole = self.see_meant(queue, filter, most, looked, see).await?;
        Ok((found, is_whole))
    }

    /// Sees the jobs of a queue that wait or run, and are meant, until `most` were looked at. Returns whether those are all.
    pub(crate) async fn see_meant(
        &self,
        queue: &str,
        filter: &JobFilter,
        most: u64,
        mut looked: impl FnMut(u64),
        mut see: impl FnMut(&JobInfo),
    ) -> Result<bool, OperatorError> {
        let (_, queue) = self.queue(queue)?;
        let mut seen = 0;
        for place in PLACES {
            let mut scan = JobScan::new(place);
            while !scan.is_over() {
                if seen >= most {
                    return Ok(false);
                }
                let jobs = queue.scan(&mut scan).await?;
                seen += jobs.len() as u64;
                looked(seen);
                for job in jobs.iter().filter(|job| filter.means(job)) {
                    see(job);
                }
            }
        }
        Ok(true)
    }

    /// Begins to cancel all jobs of a queue that wait and are meant, and to have those stopped that run: an operation that any process carries on. `total` is how many
    /// there are. `id` is what it will be called by; called again with it, it begins nothing new.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn begin_cancel(
        &self,
        id: JobId,
        queue: &str,
        filter: &JobFilter,
        total: u64,
        force: bool,
        signed: &Signed,
    ) -> Result<OperationRow, OperatorError> {
        let (_, queue) = self.queue(queue)?;
        queue.begin_cancel(id, filter, total, force, signed).await?;
        self.operation(&id.to_string()).await
    }

    /// Makes a job that waits due at another time; its expiry counts from then. Returns whether that changed anything.
    ///
    /// # Errors
    /// When no queue knows the job, it does not wait ([`OperatorError::NotWaiting`]), or Redis cannot be reached.
    pub async fn reschedule(
        &self,
        id: &str,
        run_at: RunAt,
        signed: &Signed,
    ) -> Result<bool, OperatorError> {
        let id = RawId::unescape(id);
        for (_, queue) in &self.queues {
            let came = queue.reschedule(&id, run_at, signed).await?;
            if let Some(changed) = changed(&id, came)? {
                return Ok(changed);
            }
        }
        Err(unknown(&id))
    }

    /// Makes a scheduled or retryable job pending at once.
    ///
    /// # Errors
    /// When no queue knows the job, it is in another state ([`OperatorError::NotWaiting`]), or Redis cannot be reached.
    pub async fn run_now(&self, id: &str, signed: &Signed) -> Result<(), OperatorError> {
        let id = RawId::unescape(id);
        for (_, queue) in &self.queues {
            let came = queue.run_now(&id, signed).await?;
            if changed(&id, came)?.is_some() {
                return Ok(());
            }
        }
        Err(unknown(&id))
    }
}

/// Whether that changed anything; `None` where this queue does not know it.
fn changed(id: &RawId, came: Rescheduled) -> Result<Option<bool>, OperatorError> {
    match came {
        Rescheduled::Yes => Ok(Some(true)),
        Rescheduled::Same => Ok(Some(false)),
        Rescheduled::Unknown => Ok(None),
        Rescheduled::Elsewhere(state) => Err(OperatorError::NotWaiting {
            id: id.to_string(),
            state: state.as_str(),
        }),
    }
}
