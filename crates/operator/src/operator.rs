//! What operators do, over all queues of a namespace.

use std::time::Duration;

use longshore_queue::{Job, JobState, Link, Queue, QueueError, RawId, Selection};

use crate::dead::{GroupRow, LetterRow};
use crate::error::OperatorError;
use crate::job::JobView;
use crate::queues::QueueRow;

/// What has to be known of a queue to show its jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueInfo {
    /// Its name.
    pub name: String,
    /// How many attempts its jobs have at the most.
    pub max_attempts: u32,
    /// The providers whose breakers it has, its own first.
    pub providers: Vec<String>,
    /// Who of them takes its jobs while the breaker of its own is open.
    pub fallback: Option<String>,
}

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
                Ok((info, queue))
            })
            .collect::<Result<_, OperatorError>>()?;
        Ok(Self { queues })
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

    fn some_or_all(&self, name: Option<&str>) -> Result<Vec<&(QueueInfo, Queue)>, OperatorError> {
        match name {
            Some(name) => Ok(vec![self.queue(name)?]),
            None => Ok(self.queues.iter().collect()),
        }
    }

    /// One row for each queue, always.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn queues(&self) -> Result<Vec<QueueRow>, OperatorError> {
        let mut rows = Vec::with_capacity(self.queues.len());
        for (info, queue) in &self.queues {
            rows.push(QueueRow::new(info, queue.stats().await?));
        }
        Ok(rows)
    }

    /// One job, wherever it is.
    ///
    /// # Errors
    /// [`OperatorError::UnknownJob`] or [`OperatorError::InvalidId`] when no queue knows it; or when Redis cannot be
    /// reached or refuses.
    pub async fn job(&self, id: &str, reveal: bool) -> Result<JobView, OperatorError> {
        let id = RawId::unescape(id);
        match self.find(&id).await? {
            Some((info, job)) => Ok(JobView::new(info, job, reveal)),
            None => Err(unknown(&id)),
        }
    }

    pub(crate) async fn find(&self, id: &RawId) -> Result<Option<(&QueueInfo, Job)>, QueueError> {
        for (info, queue) in &self.queues {
            if let Some(job) = queue.job(id).await? {
                return Ok(Some((info, job)));
            }
        }
        Ok(None)
    }

    /// One dead letter.
    ///
    /// # Errors
    /// When no queue knows it, it is not dead, or Redis cannot be reached.
    pub async fn letter(&self, id: &str, reveal: bool) -> Result<JobView, OperatorError> {
        let job = self.job(id, reveal).await?;
        if job.state == JobState::Dead {
            Ok(job)
        } else {
            Err(OperatorError::NotDead {
                id: job.id,
                state: job.state.as_str(),
            })
        }
    }

    /// Stops a queue's claims in the whole fleet. Returns whether that changed anything.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn pause(&self, queue: &str, by: &str, reason: &str) -> Result<bool, OperatorError> {
        Ok(self.queue(queue)?.1.pause(by, reason).await?)
    }

    /// Lets a queue's claims go on. Returns whether that changed anything.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn resume(&self, queue: &str) -> Result<bool, OperatorError> {
        Ok(self.queue(queue)?.1.resume().await?)
    }

    /// Dead letters grouped by cause, the largest group first.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn groups(&self, queue: Option<&str>) -> Result<Vec<GroupRow>, OperatorError> {
        let mut rows = Vec::new();
        for (info, queue) in self.some_or_all(queue)? {
            let groups = queue.dead_groups().await?;
            rows.extend(
                groups
                    .into_iter()
                    .map(|group| GroupRow::new(&info.name, group)),
            );
        }
        rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.group.cmp(&b.group)));
        Ok(rows)
    }

    /// Dead letters, newest first.
    ///
    /// # Errors
    /// When there is no such queue or group, or Redis cannot be reached.
    pub async fn letters(
        &self,
        queue: Option<&str>,
        group: Option<&str>,
        since: Option<Duration>,
        limit: usize,
    ) -> Result<Vec<LetterRow>, OperatorError> {
        let mut rows = Vec::new();
        for (info, queue, selection) in self.selected(queue, group).await? {
            let letters = queue.dead_letters(&selection, since, limit).await?;
            rows.extend(
                letters
                    .into_iter()
                    .map(|letter| LetterRow::new(&info.name, letter)),
            );
        }
        rows.sort_by(|a, b| b.died_at.cmp(&a.died_at));
        rows.truncate(limit);
        Ok(rows)
    }

    pub(crate) async fn selected(
        &self,
        queue: Option<&str>,
        group: Option<&str>,
    ) -> Result<Vec<(&QueueInfo, &Queue, Selection)>, OperatorError> {
        let mut selected = Vec::new();
        for (info, queue) in self.some_or_all(queue)? {
            match group {
                None => selected.push((info, queue, Selection::All)),
                Some(group) => {
                    let of_group = Selection::Group(group.to_owned());
                    if queue.count_dead(&of_group).await? > 0 {
                        selected.push((info, queue, of_group));
                    }
                }
            }
        }
        match group {
            Some(group) if selected.is_empty() => {
                Err(OperatorError::UnknownGroup(group.to_owned()))
            }
            _ => Ok(selected),
        }
    }
}

/// Nobody knows it. What is not of an id's form was a slip of the hand.
pub(crate) fn unknown(id: &RawId) -> OperatorError {
    let shown = id.to_string();
    match id.job_id() {
        Some(_) => OperatorError::UnknownJob(shown),
        None => OperatorError::InvalidId(shown.chars().take(64).collect()),
    }
}
