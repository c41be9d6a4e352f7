//! Dead letters on their way out: back to pending, or gone.

use longshore_queue::{JobState, Queue, QueueError, RawId, Replaying, Signed};

use crate::away::why_apart;
use crate::dead::{Moved, Target};
use crate::error::OperatorError;
use crate::operator::{Operator, unknown};

/// What is done to named letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LetterAction {
    Replay,
    ReplayFresh,
    Discard,
}

impl LetterAction {
    async fn to(
        self,
        queue: &Queue,
        ids: &[RawId],
        signed: &Signed,
    ) -> Result<Vec<RawId>, QueueError> {
        match self {
            Self::Replay => queue.replay(ids, signed).await,
            Self::ReplayFresh => queue.replay_with_fresh_expiry(ids, signed).await,
            Self::Discard => queue.discard(ids, signed).await,
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
                    Some((.., job)) => count += u64::from(job.state == JobState::Dead),
                    None if id.job_id().is_some() => {}
                    None => return Err(unknown(&id)),
                }
            }
            return Ok(count);
        }
        for meant in self.meant(target).await? {
            count += meant.count().await?;
        }
        Ok(count)
    }

    /// Dead letters back to pending, attempts reset and history kept. `progress` is told of each step. Those that die
    /// again meanwhile are not replayed again. Safe to repeat. A group or a queue is replayed by an operation
    /// ([`begin_replay`](Self::begin_replay)), which the fleet brings to its end should this process not.
    ///
    /// # Errors
    /// When there is no such queue or group, or an id is not of an id's form: then nothing was moved. When Redis
    /// cannot be reached; then what was moved stays moved.
    pub async fn replay(
        &self,
        target: &Target,
        signed: &Signed,
        progress: impl FnMut(u64),
    ) -> Result<Moved, OperatorError> {
        self.replay_now(target, false, signed, progress).await
    }

    /// Dead letters back to pending, as [`replay`](Self::replay) does, each with its time again from now: it expires as long
    /// after this as it did after it was first due.
    ///
    /// # Errors
    /// As [`Operator::replay`].
    pub async fn replay_with_fresh_expiry(
        &self,
        target: &Target,
        signed: &Signed,
        progress: impl FnMut(u64),
    ) -> Result<Moved, OperatorError> {
        self.replay_now(target, true, signed, progress).await
    }

    async fn replay_now(
        &self,
        target: &Target,
        fresh_expiry: bool,
        signed: &Signed,
        mut progress: impl FnMut(u64),
    ) -> Result<Moved, OperatorError> {
        if let Target::Ids(ids) = target {
            let action = match fresh_expiry {
                true => LetterAction::ReplayFresh,
                false => LetterAction::Replay,
            };
            let ids = self.checked(ids).await?;
            return self.each_of(ids, action, signed, progress).await;
        }
        let how = Replaying {
            rate: None,
            fresh_expiry,
        };
        let begun = self.begin_replay(target, how, signed).await?;
        let mut moved = Moved::default();
        for replay in begun {
            let before = moved.moved;
            let (_, queue) = self.queue(&replay.queue)?;
            loop {
                queue.advance_operations().await?;
                let now = self.replay_of(&replay.id).await?;
                moved.moved = before + now.moved;
                progress(moved.moved);
                if !now.is_open() {
                    break;
                }
            }
        }
        Ok(moved)
    }

    /// Removes dead letters for good. `progress` is told of each step. A group or a queue is discarded by an operation
    /// ([`begin_discard`](Self::begin_discard)), which the fleet brings to its end should this process not.
    ///
    /// # Errors
    /// As [`Operator::replay`].
    pub async fn discard(
        &self,
        target: &Target,
        signed: &Signed,
        progress: impl FnMut(u64),
    ) -> Result<Moved, OperatorError> {
        match target {
            Target::Ids(ids) => {
                let ids = self.checked(ids).await?;
                self.each_of(ids, LetterAction::Discard, signed, progress)
                    .await
            }
            _ => self.discard_many(target, signed, progress).await,
        }
    }

    /// Ids as they stand in Redis, each once. Garbage may be the id of a letter all the same; where it is not, nothing is
    /// to be moved.
    pub(crate) async fn checked(&self, ids: &[String]) -> Result<Vec<RawId>, OperatorError> {
        let ids = unescaped(ids);
        for id in ids.iter().filter(|id| id.job_id().is_none()) {
            if self.find(id).await?.is_none() {
                return Err(unknown(id));
            }
        }
        Ok(ids)
    }

    async fn each_of(
        &self,
        mut left: Vec<RawId>,
        action: LetterAction,
        signed: &Signed,
        mut progress: impl FnMut(u64),
    ) -> Result<Moved, OperatorError> {
        let mut moved = Moved::default();
        let mut broken = None;
        for (_, queue) in &self.queues {
            let mut done = match action.to(queue, &left, signed).await {
                Ok(done) => done,
                // What is broken in one queue says nothing of the others.
                Err(error) => {
                    why_apart(queue, error.clone()).await?;
                    broken = Some(error);
                    continue;
                }
            };
            moved.moved += done.len() as u64;
            progress(moved.moved);
            done.sort_unstable();
            left.retain(|id| done.binary_search(id).is_err());
        }
        if let Some(error) = broken.filter(|_| !left.is_empty()) {
            return Err(error.into());
        }
        for id in left {
            // One that is not dead (any more) was replayed before.
            let list = match self.find(&id).await? {
                Some((.., job)) if job.state == JobState::Dead && job.forgotten.is_some() => {
                    &mut moved.forgotten
                }
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
