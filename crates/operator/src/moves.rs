//! Dead letters on their way out: back to pending, or gone.

use longshore_queue::{JobState, Queue, QueueError, RawId, Selection};

use crate::dead::{Moved, Target};
use crate::error::OperatorError;
use crate::operator::{Operator, unknown};

/// What is done to dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Replay,
    Discard,
}

impl Deed {
    async fn to(self, queue: &Queue, ids: &[RawId]) -> Result<Vec<RawId>, QueueError> {
        match self {
            Self::Replay => queue.replay(ids).await,
            Self::Discard => queue.discard(ids).await,
        }
    }

    async fn step(
        self,
        queue: &Queue,
        selection: &Selection,
        cutoff_ms: u64,
    ) -> Result<usize, QueueError> {
        match self {
            Self::Replay => queue.replay_step(selection, cutoff_ms).await,
            Self::Discard => queue.discard_step(selection, cutoff_ms).await,
        }
    }
}

impl Operator {
    /// How many dead letters are meant. Of named jobs those that are dead.
    ///
    /// # Errors
    /// When there is no such queue or group, an id is not of an id's form ([`OperatorError::InvalidId`]), or Redis
    /// cannot be reached.
    pub async fn count(&self, target: &Target) -> Result<u64, OperatorError> {
        let mut count = 0;
        if let Target::Ids(ids) = target {
            for id in unescaped(ids) {
                match self.find(&id).await? {
                    Some((_, job)) => count += u64::from(job.state == JobState::Dead),
                    None if id.job_id().is_some() => {}
                    None => return Err(unknown(&id)),
                }
            }
            return Ok(count);
        }
        for (queue, selection) in self.meant(target).await? {
            count += queue.count_dead(&selection).await?;
        }
        Ok(count)
    }

    /// Dead letters back to pending, attempts reset and history kept. `progress` is told of each step. Those that die
    /// again meanwhile are not replayed again. Safe to repeat.
    ///
    /// # Errors
    /// When there is no such queue or group, or an id is not of an id's form: then nothing was moved. When Redis
    /// cannot be reached; then what was moved stays moved.
    pub async fn replay(
        &self,
        target: &Target,
        progress: impl FnMut(u64),
    ) -> Result<Moved, OperatorError> {
        self.each(target, Deed::Replay, progress).await
    }

    /// Removes dead letters for good. `progress` is told of each step.
    ///
    /// # Errors
    /// As [`Operator::replay`].
    pub async fn discard(
        &self,
        target: &Target,
        progress: impl FnMut(u64),
    ) -> Result<Moved, OperatorError> {
        self.each(target, Deed::Discard, progress).await
    }

    async fn meant(&self, target: &Target) -> Result<Vec<(&Queue, Selection)>, OperatorError> {
        let selected = match target {
            Target::Ids(_) => Vec::new(),
            Target::Group(group) => self.selected(None, Some(group)).await?,
            Target::Queue(queue) => self.selected(Some(queue), None).await?,
        };
        Ok(selected
            .into_iter()
            .map(|(_, queue, selection)| (queue, selection))
            .collect())
    }

    async fn each(
        &self,
        target: &Target,
        deed: Deed,
        mut progress: impl FnMut(u64),
    ) -> Result<Moved, OperatorError> {
        if let Target::Ids(ids) = target {
            return self.each_of(unescaped(ids), deed, progress).await;
        }
        let mut moved = Moved::default();
        for (queue, selection) in self.meant(target).await? {
            // One millisecond more, since a letter that died in this one may not have been seen.
            let cutoff = queue.now_ms().await? + 1;
            loop {
                let step = deed.step(queue, &selection, cutoff).await?;
                moved.moved += step as u64;
                progress(moved.moved);
                if step == 0 {
                    break;
                }
            }
        }
        Ok(moved)
    }

    async fn each_of(
        &self,
        mut left: Vec<RawId>,
        deed: Deed,
        mut progress: impl FnMut(u64),
    ) -> Result<Moved, OperatorError> {
        // Garbage may be the id of a letter all the same; where it is not, nothing is moved.
        for id in left.iter().filter(|id| id.job_id().is_none()) {
            if self.find(id).await?.is_none() {
                return Err(unknown(id));
            }
        }
        let mut moved = Moved::default();
        for (_, queue) in &self.queues {
            let mut done = deed.to(queue, &left).await?;
            moved.moved += done.len() as u64;
            progress(moved.moved);
            done.sort_unstable();
            left.retain(|id| done.binary_search(id).is_err());
        }
        for id in left {
            // One that is not dead (any more) was replayed before.
            let list = match self.find(&id).await? {
                Some(_) => &mut moved.skipped,
                None => &mut moved.not_found,
            };
            list.push(id.to_string());
        }
        Ok(moved)
    }
}

/// Each once, in order.
fn unescaped(ids: &[String]) -> Vec<RawId> {
    let mut ids: Vec<_> = ids.iter().map(|id| RawId::unescape(id)).collect();
    ids.sort();
    ids.dedup();
    ids
}
