//! What operators do, over all queues of a namespace.

use std::time::Duration;

use futures_util::future::join_all;
use longshore_queue::{JobInfo, JobState, Limit, Link, Note, Queue, QueueError, RawId, Signed};

use crate::audit::AuditRow;
use crate::away::{ANSWERED_WITHIN, ask_each};
use crate::error::OperatorError;
use crate::job::JobView;
use crate::queue_info::QueueInfo;
use crate::queues::HoldRow;
use crate::workers::{self, WorkerRow};

/// The queues of one namespace, in an operator's hands.
#[derive(Debug, Clone)]
pub struct Operator {
    pub(crate) queues: Vec<(QueueInfo, Queue)>,
}

impl Operator {
    /// These queues, over this connection.
    ///
    /// # Errors
    /// When a name cannot be used.
    pub fn new(
        link: &Link,
        namespace: &str,
        queues: Vec<QueueInfo>,
    ) -> Result<Self, OperatorError> {
        let queues = queues
            .into_iter()
            .map(|info| {
                let queue = Queue::new(link.clone(), namespace, &info.name)?;
                let queue = queue
                    .with_retention(info.keep)
                    .with_cancelled_bytes(info.cancelled_bytes);
                Ok((info.clone(), queue))
            })
            .collect::<Result<_, OperatorError>>()?;
        Ok(Self { queues })
    }

    /// The names of the queues.
    #[must_use]
    pub fn queue_names(&self) -> Vec<String> {
        let names = self.queues.iter().map(|(info, _)| info.name.clone());
        names.collect()
    }

    /// Sets after what time without a heartbeat a worker counts as lost.
    #[must_use]
    pub fn with_lost_after(mut self, lost_after: Duration) -> Self {
        for (_, queue) in &mut self.queues {
            *queue = queue.clone().with_lost_after(lost_after);
        }
        self
    }

    /// Whether anything is in Redis of any of these queues.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn has_lived(&self) -> Result<bool, OperatorError> {
        let lived = ask_each(&self.queues, |_, queue| queue.has_lived()).await?;
        // Of what cannot be asked it is not said that nothing lives there.
        Ok(lived.into_iter().any(|(.., lived)| lived.unwrap_or(true)))
    }

    /// Looks whether another edition has laid out one of the queues. One whose primary is away says so when it is asked.
    ///
    /// # Errors
    /// [`QueueError::Layout`](longshore_queue::QueueError::Layout) if so: nothing can be said of its jobs, and nothing may be done
    /// to them. Or when Redis cannot be reached or refuses.
    pub async fn check_layouts(&self) -> Result<(), OperatorError> {
        ask_each(&self.queues, |_, queue| queue.check_layout()).await?;
        Ok(())
    }

    pub(crate) fn queue(&self, name: &str) -> Result<&(QueueInfo, Queue), OperatorError> {
        self.queues
            .iter()
            .find(|(info, _)| info.name == name)
            .ok_or_else(|| OperatorError::UnknownQueue {
                name: name.to_owned(),
                known: self
                    .queues
                    .iter()
                    .map(|(info, _)| info.name.clone())
                    .collect(),
            })
    }

    pub(crate) fn some_or_all(
        &self,
        name: Option<&str>,
    ) -> Result<Vec<&(QueueInfo, Queue)>, OperatorError> {
        match name {
            Some(name) => Ok(vec![self.queue(name)?]),
            None => Ok(self.queues.iter().collect()),
        }
    }

    /// One row for each worker process.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn workers(&self) -> Result<Vec<WorkerRow>, OperatorError> {
        let (mut found, mut broken) = (Vec::with_capacity(self.queues.len()), Vec::new());
        for (info, _, workers) in ask_each(&self.queues, |_, queue| queue.workers()).await? {
            match workers {
                Ok(workers) => found.push((info.name.clone(), workers)),
                Err(why) => broken.push(WorkerRow::broken(&info.name, why)),
            }
        }
        let mut rows = workers::rows(found);
        rows.extend(broken);
        Ok(rows)
    }

    /// One job, wherever it is. Its args are redacted unless somebody signs for seeing them: that is written down
    /// before.
    ///
    /// # Errors
    /// [`OperatorError::UnknownJob`] or [`OperatorError::InvalidId`] when no queue knows it; or when Redis cannot be
    /// reached or refuses.
    pub async fn job(&self, id: &str, reveal: Option<&Signed>) -> Result<JobView, OperatorError> {
        let (info, queue, job) = self.found(id).await?;
        show(info, queue, job, reveal).await
    }

    pub(crate) async fn found(
        &self,
        id: &str,
    ) -> Result<(&QueueInfo, &Queue, JobInfo), OperatorError> {
        let id = RawId::unescape(id);
        self.find(&id).await?.ok_or_else(|| unknown(&id))
    }

    pub(crate) async fn find(
        &self,
        id: &RawId,
    ) -> Result<Option<(&QueueInfo, &Queue, JobInfo)>, QueueError> {
        let each = self.queues.iter().map(async |(info, queue)| {
            let asking = queue.answer_within(ANSWERED_WITHIN, queue.job(id)).await;
            asking.map(|job| job.map(|job| (info, queue, job)))
        });
        found_in(join_all(each).await)
    }

    /// One dead letter, as [`job`](Self::job) shows it.
    ///
    /// # Errors
    /// When no queue knows it, it is not dead, or Redis cannot be reached.
    pub async fn letter(
        &self,
        id: &str,
        reveal: Option<&Signed>,
    ) -> Result<JobView, OperatorError> {
        let (info, queue, job) = self.dead(id).await?;
        show(info, queue, job, reveal).await
    }

    /// One dead letter as it stands.
    pub(crate) async fn dead(
        &self,
        id: &str,
    ) -> Result<(&QueueInfo, &Queue, JobInfo), OperatorError> {
        let (info, queue, job) = self.found(id).await?;
        match job.state {
            JobState::Dead => Ok((info, queue, job)),
            state => Err(OperatorError::NotDead {
                id: job.id.to_string(),
                state: state.as_str(),
            }),
        }
    }

    /// Stops a queue's claims in the whole fleet. Returns whether that changed anything.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn pause(&self, queue: &str, signed: &Signed) -> Result<bool, OperatorError> {
        Ok(self.queue(queue)?.1.pause(signed).await?)
    }

    /// Ends an operator's pause. Returns whether there was one.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn resume(&self, queue: &str, signed: &Signed) -> Result<bool, OperatorError> {
        Ok(self.queue(queue)?.1.resume(signed).await?)
    }

    /// Lets a queue's provider be called no more often than this, in the whole fleet, for so long: a week at the most.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn limit(
        &self,
        queue: &str,
        limit: Limit,
        life: Duration,
        signed: &Signed,
    ) -> Result<(), OperatorError> {
        Ok(self.queue(queue)?.1.limit(limit, life, signed).await?)
    }

    /// Ends such a limit. Returns whether there was one.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn lift_limit(&self, queue: &str, signed: &Signed) -> Result<bool, OperatorError> {
        Ok(self.queue(queue)?.1.lift_limit(signed).await?)
    }

    /// Lifts all that the fleet itself holds back in a queue. Returns what that was.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn lift_holds(
        &self,
        queue: &str,
        signed: &Signed,
    ) -> Result<Vec<HoldRow>, OperatorError> {
        let (info, queue) = self.queue(queue)?;
        let lifted = queue.lift_holds(signed).await?;
        let row = |hold| HoldRow::new(info, hold);
        Ok(lifted.into_iter().map(row).collect())
    }

    /// All that the fleet itself holds back in a queue.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn holds(&self, queue: &str) -> Result<Vec<HoldRow>, OperatorError> {
        let (info, queue) = self.queue(queue)?;
        let holds = queue.stats().await?.holds;
        let row = |hold| HoldRow::new(info, hold);
        Ok(holds.into_iter().map(row).collect())
    }

    /// What operators did, the oldest first: the newest `limit` entries of the last `since`, which is at most 400 days.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn audit(
        &self,
        queue: Option<&str>,
        since: Option<Duration>,
        limit: usize,
    ) -> Result<Vec<AuditRow>, OperatorError> {
        let mut rows = Vec::new();
        let asked = self.some_or_all(queue)?;
        for (info, _, entries) in ask_each(asked, |_, queue| queue.audit(since, limit)).await? {
            let entries = match entries {
                Ok(entries) => entries,
                Err(why) => {
                    rows.push(AuditRow::broken(&info.name, why));
                    continue;
                }
            };
            rows.extend(
                entries
                    .into_iter()
                    .map(|entry| AuditRow::new(&info.name, entry)),
            );
        }
        // All in one form and zone, so their order is that of time. Within a queue they come newest first.
        rows.reverse();
        rows.sort_by(|a, b| a.at.cmp(&b.at));
        rows.drain(..rows.len().saturating_sub(limit));
        Ok(rows)
    }
}

/// Shows a job. That its args are looked at is written down before they are.
async fn show(
    info: &QueueInfo,
    queue: &Queue,
    job: JobInfo,
    reveal: Option<&Signed>,
) -> Result<JobView, OperatorError> {
    if let Some(signed) = reveal {
        let target = job.id.to_string();
        let note = Note {
            action: "reveal",
            target: &target,
            ..Note::default()
        };
        queue.note(signed, &note).await?;
    }
    Ok(JobView::new(info, job, reveal.is_some()))
}

/// What one of several queues has. Where none has it and one could not be asked, that is the answer: it may be there.
pub(crate) fn found_in<T>(
    asked: Vec<Result<Option<T>, QueueError>>,
) -> Result<Option<T>, QueueError> {
    let mut failed = None;
    for answer in asked {
        match answer {
            Ok(Some(found)) => return Ok(Some(found)),
            Ok(None) => {}
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(None), Err)
}

/// Nobody knows it. What is not of an id's form was a slip of the hand.
pub(crate) fn unknown(id: &RawId) -> OperatorError {
    let shown = id.to_string();
    match id.job_id() {
        Some(_) => OperatorError::UnknownJob(shown),
        None => OperatorError::InvalidId(shown.chars().take(64).collect()),
    }
}
