//! What operators do, over all queues of a namespace.

use std::time::Duration;

use longshore_queue::{Link, Queue, QueueError, RawId, Selection};

use crate::dead::{GroupRow, LetterRow, Moved, Target};
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
}

/// The queues of one namespace, in an operator's hands.
#[derive(Debug, Clone)]
pub struct Operator {
    queues: Vec<(QueueInfo, Queue)>,
}

/// What is done to dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Replay,
    Discard,
}

impl Operator {
    /// These queues, over this connection.
    ///
    /// # Errors
    /// When a name cannot be used.
    pub fn new(link: &Link, namespace: &str, queues: Vec<QueueInfo>) -> Result<Self, OperatorError> {
        let queues = queues
            .into_iter()
            .map(|info| {
                let queue = Queue::new(link.clone(), namespace, &info.name)?;
                Ok((info, queue))
            })
            .collect::<Result<_, OperatorError>>()?;
        Ok(Self { queues })
    }

    fn queue(&self, name: &str) -> Result<&(QueueInfo, Queue), OperatorError> {
        self.queues
            .iter()
            .find(|(info, _)| info.name == name)
            .ok_or_else(|| OperatorError::UnknownQueue {
                name: name.to_owned(),
                known: self.queues.iter().map(|(info, _)| info.name.clone()).collect(),
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
            rows.push(QueueRow::new(&info.name, queue.stats().await?));
        }
        Ok(rows)
    }

    /// One job, wherever it is.
    ///
    /// # Errors
    /// [`OperatorError::UnknownJob`] when no queue knows it; or when Redis cannot be reached or refuses.
    pub async fn job(&self, id: &str, reveal: bool) -> Result<JobView, OperatorError> {
        let raw = RawId::unescape(id);
        for (info, queue) in &self.queues {
            if let Some(job) = queue.job(&raw).await? {
                return Ok(JobView::new(info, job, reveal));
            }
        }
        Err(OperatorError::UnknownJob(id.to_owned()))
    }

    /// One dead letter.
    ///
    /// # Errors
    /// When no queue knows it, it is not dead, or Redis cannot be reached.
    pub async fn letter(&self, id: &str, reveal: bool) -> Result<JobView, OperatorError> {
        let job = self.job(id, reveal).await?;
        if job.state == longshore_queue::JobState::Dead {
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
            rows.extend(groups.into_iter().map(|group| GroupRow::new(&info.name, group)));
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
            rows.extend(letters.into_iter().map(|letter| LetterRow::new(&info.name, letter)));
        }
        rows.sort_by(|a, b| b.died_at.cmp(&a.died_at));
        rows.truncate(limit);
        Ok(rows)
    }

    async fn selected(
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
            Some(group) if selected.is_empty() => Err(OperatorError::UnknownGroup(group.to_owned())),
            _ => Ok(selected),
        }
    }

    async fn meant(&self, target: &Target) -> Result<Vec<(&QueueInfo, &Queue, Selection)>, OperatorError> {
        match target {
            Target::Ids(_) => Ok(Vec::new()),
            Target::Group(group) => self.selected(None, Some(group)).await,
            Target::Queue(queue) => self.selected(Some(queue), None).await,
        }
    }

    /// How many dead letters are meant.
    ///
    /// # Errors
    /// When there is no such queue or group, or Redis cannot be reached.
    pub async fn count(&self, target: &Target) -> Result<u64, OperatorError> {
        if let Target::Ids(ids) = target {
            return Ok(ids.len() as u64);
        }
        let mut count = 0;
        for (_, queue, selection) in self.meant(target).await? {
            count += queue.count_dead(&selection).await?;
        }
        Ok(count)
    }

    /// Dead letters back to pending, attempts reset and history kept. `progress` is told of each step. Those that die
    /// again meanwhile are not replayed again. Safe to repeat.
    ///
    /// # Errors
    /// When there is no such queue, group or job, or Redis cannot be reached; then what was moved stays moved.
    pub async fn replay(&self, target: &Target, progress: impl FnMut(u64)) -> Result<Moved, OperatorError> {
        self.each(target, Deed::Replay, progress).await
    }

    /// Removes dead letters for good. `progress` is told of each step.
    ///
    /// # Errors
    /// As [`Operator::replay`].
    pub async fn discard(&self, target: &Target, progress: impl FnMut(u64)) -> Result<Moved, OperatorError> {
        self.each(target, Deed::Discard, progress).await
    }

    async fn each(&self, target: &Target, deed: Deed, mut progress: impl FnMut(u64)) -> Result<Moved, OperatorError> {
        let mut moved = Moved::default();
        if let Target::Ids(ids) = target {
            let mut left: Vec<RawId> = ids.iter().map(|id| RawId::unescape(id)).collect();
            for (_, queue) in &self.queues {
                let done = match deed {
                    Deed::Replay => queue.replay(&left).await?,
                    Deed::Discard => queue.discard(&left).await?,
                };
                moved.moved += done.len() as u64;
                progress(moved.moved);
                left.retain(|id| !done.contains(id));
            }
            for id in left {
                // A job that nobody knows is a slip; one that is not dead (any more) was replayed before.
                moved.skipped.push(self.job(&id.to_string(), false).await?.id);
            }
            return Ok(moved);
        }
        for (_, queue, selection) in self.meant(target).await? {
            // One millisecond more, since a letter that died in this one may not have been seen.
            let cutoff = queue.now_ms().await? + 1;
            loop {
                let step = step(queue, &selection, deed, cutoff).await?;
                moved.moved += step as u64;
                progress(moved.moved);
                if step == 0 {
                    break;
                }
            }
        }
        Ok(moved)
    }
}

async fn step(queue: &Queue, selection: &Selection, deed: Deed, cutoff_ms: u64) -> Result<usize, QueueError> {
    match deed {
        Deed::Replay => queue.replay_step(selection, cutoff_ms).await,
        Deed::Discard => queue.discard_step(selection, cutoff_ms).await,
    }
}
