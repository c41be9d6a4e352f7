//! Replays of many letters: operations that any process carries on.

use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use longshore_job::JobId;
use longshore_queue::{
    Begun, Changed, Queue, QueueError, Replay, ReplayState, Replaying, Selection, Signed,
};
use serde::Serialize;

use crate::away::{ANSWERED_WITHIN, ask_each, why_apart};
use crate::dead::{Target, UNREADABLE};
use crate::error::OperatorError;
use crate::meant::Meant;
use crate::operator::{Operator, found_in};
use crate::queue_info::QueueInfo;
use crate::time::rfc3339;

/// A replay operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplayRow {
    /// Its id.
    pub id: String,
    /// Its queue.
    pub queue: String,
    /// The letters it is of: `group <group>`, the queue's name, or `named jobs`; where not all of those are meant, which.
    pub target: String,
    /// The group it is of, if it is of one.
    pub group: Option<String>,
    /// `running`, `watching` (all are moved, first runs are still to come), `stopped` (by itself), `cancelled`, `done`;
    /// `broken` where it cannot be read.
    pub state: &'static str,
    /// Letters a second; `None` = as fast as it goes.
    pub rate: Option<u32>,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// How many letters there were when it began.
    pub total: u64,
    /// How many of them it has moved.
    pub moved: u64,
    /// How many of them have completed, in whichever run.
    pub completed: u64,
    /// How many have died again.
    pub dead_again: u64,
    /// How many were cancelled. What has neither completed, died again nor been cancelled is on its way.
    pub cancelled: u64,
    /// How many of their first runs completed. Counted with a rate only, as the next three.
    #[serde(skip)]
    pub first_completed: u64,
    /// How many of their first runs failed. What has neither completed nor failed has not run yet.
    pub failed: u64,
    /// How many of those failed of what the letter had died of.
    pub again: u64,
    /// How many of those failed of something else.
    pub otherwise: u64,
    /// When it began, RFC 3339.
    pub begun_at: String,
    /// When it ended, RFC 3339.
    pub ended_at: Option<String>,
    /// Why it stopped itself: the cause of the failures.
    pub cause: Option<String>,
    /// Why it cannot be read as a whole, if it cannot: somebody else has written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

impl ReplayRow {
    pub(crate) fn new(queue: &str, replay: Replay) -> Self {
        let target = match &replay.selection {
            Some(_) if !replay.filter.is_empty() => replay.filter,
            Some(Selection::Group(group)) => format!("group {group}"),
            Some(Selection::All) => queue.to_owned(),
            None => "named jobs".to_owned(),
        };
        Self {
            target,
            id: replay.id,
            queue: queue.to_owned(),
            group: match replay.selection {
                Some(Selection::Group(group)) => Some(group),
                Some(Selection::All) | None => None,
            },
            state: replay.state.as_str(),
            rate: replay.rate,
            by: replay.by,
            reason: Some(replay.reason).filter(|reason| !reason.is_empty()),
            total: replay.total,
            moved: replay.moved,
            completed: replay.completed,
            dead_again: replay.dead_again,
            cancelled: replay.cancelled,
            first_completed: replay.first_completed,
            failed: replay.again + replay.otherwise,
            again: replay.again,
            otherwise: replay.otherwise,
            begun_at: rfc3339(replay.begun_at_ms),
            ended_at: replay.ended_at_ms.map(rfc3339),
            cause: replay.cause,
            broken: None,
        }
    }

    /// What stands among the operations of this queue and is none.
    fn broken(queue: &str, id: String, why: String) -> Self {
        Self {
            id,
            queue: queue.to_owned(),
            target: UNREADABLE.to_owned(),
            group: None,
            state: "broken",
            rate: None,
            by: UNREADABLE.to_owned(),
            reason: None,
            total: 0,
            moved: 0,
            completed: 0,
            dead_again: 0,
            cancelled: 0,
            first_completed: 0,
            failed: 0,
            again: 0,
            otherwise: 0,
            begun_at: rfc3339(0),
            ended_at: None,
            cause: None,
            broken: Some(why),
        }
    }

    /// It goes on by itself.
    #[must_use]
    pub fn is_open(&self) -> bool {
        [ReplayState::Running, ReplayState::Watching]
            .iter()
            .any(|state| state.as_str() == self.state)
    }

    /// How many letters it has moved whose first run has not ended yet; 0 without a rate, where nobody counts them.
    #[must_use]
    pub fn not_run_yet(&self) -> u64 {
        match self.rate {
            Some(_) => self
                .moved
                .saturating_sub(self.first_completed + self.failed),
            None => 0,
        }
    }

    /// How many letters it has moved that have not ended yet: they wait, run, or wait for a retry.
    #[must_use]
    pub fn on_their_way(&self) -> u64 {
        let ended = self.completed + self.dead_again + self.cancelled;
        self.moved.saturating_sub(ended)
    }

    /// It stopped itself, since what it replayed failed again.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.state == ReplayState::Stopped.as_str()
    }
}

impl Operator {
    /// Begins to replay letters, at a rate or as fast as it goes; one operation for each queue that has some of
    /// them. Where one of the same group or queue is running at that rate, it is that one. Of named letters at most 1,000.
    ///
    /// # Errors
    /// When there is no such queue or group, an id is not of an id's form, one of the same letters is running at another
    /// rate, or Redis cannot be reached.
    pub async fn begin_replay(
        &self,
        target: &Target,
        how: impl Into<Replaying>,
        signed: &Signed,
    ) -> Result<Vec<ReplayRow>, OperatorError> {
        let how = how.into();
        let mut rows = Vec::new();
        if let Target::Ids(ids) = target {
            let ids = self.checked(ids).await?;
            for (_, queue) in &self.queues {
                let mine = JobId::generate();
                let begun = match queue.begin_replay_of(mine, &ids, how, signed).await {
                    // What is broken in one queue says nothing of the others.
                    Err(error) if error.of_one_queue().is_some() => continue,
                    begun => begun?,
                };
                if begun == Begun::New {
                    rows.push(self.replay_of(&mine.to_string()).await?);
                }
            }
            return Ok(rows);
        }
        for meant in self.meant(target).await? {
            rows.extend(self.begun(&meant, JobId::generate(), how, signed).await?);
        }
        Ok(rows)
    }

    /// Begins to replay letters of one queue as [`begin_replay`](Self::begin_replay) does, under an id that the caller has made:
    /// called again with it, it begins nothing new. `None` where there are no letters.
    ///
    /// # Errors
    /// As [`begin_replay`](Self::begin_replay), and when the letters are not those of one queue.
    pub async fn begin_replay_as(
        &self,
        id: JobId,
        target: &Target,
        how: impl Into<Replaying>,
        signed: &Signed,
    ) -> Result<Option<ReplayRow>, OperatorError> {
        let how = how.into();
        match self.meant(target).await?.as_slice() {
            [] => Ok(None),
            [meant] => self.begun(meant, id, how, signed).await,
            [meant, ..] => Err(OperatorError::AmbiguousGroup {
                group: meant.target(),
                queues: self
                    .queues
                    .iter()
                    .map(|(info, _)| info.name.clone())
                    .collect(),
            }),
        }
    }

    async fn begun(
        &self,
        meant: &Meant<'_>,
        mine: JobId,
        how: Replaying,
        signed: &Signed,
    ) -> Result<Option<ReplayRow>, OperatorError> {
        let total = match meant.filter.is_all() {
            true => 0,
            false => meant.count().await?,
        };
        let (queue, of, only) = (meant.queue, &meant.selection, &meant.filter);
        let begun = queue.begin_replay_where(mine, of, only, total, how, signed);
        let id = match begun.await? {
            Begun::New => mine.to_string(),
            Begun::Running { id, rate: its } if its == how.rate && !how.fresh_expiry => id,
            Begun::Running { id, .. } => return Err(OperatorError::ReplayRunning { id }),
            Begun::Nothing => return Ok(None),
        };
        Ok(self.find_replay(&id).await?.map(|(_, _, row)| row))
    }

    /// Carries all open operations on by a step, as every process of the fleet does. Returns when the next step is of
    /// use; `None` when none is open. A queue whose operations cannot be carried on stops no others: `broken` is told its
    /// name, and why.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn advance_operations(
        &self,
        mut broken: impl FnMut(&str, &str),
    ) -> Result<Option<Duration>, OperatorError> {
        let mut soonest: Option<Duration> = None;
        let each = self.queues.iter();
        let each = each.map(async |(_, queue)| match queue.advance_operations().await {
            Ok(wait) => Ok((queue, Ok(wait))),
            Err(error) => Ok::<_, QueueError>((queue, Err(why_apart(queue, error).await?))),
        });
        for (queue, wait) in try_join_all(each).await? {
            let wait = match wait {
                Ok(wait) => wait,
                Err(why) => {
                    broken(queue.name(), &why);
                    continue;
                }
            };
            soonest = soonest.into_iter().chain(wait).min();
        }
        Ok(soonest)
    }

    /// The replay operations that are remembered, newest first.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn replays(&self) -> Result<Vec<ReplayRow>, OperatorError> {
        let mut rows = Vec::new();
        for (info, _, replays) in ask_each(&self.queues, |_, queue| queue.replays()).await? {
            let replays = match replays {
                Ok(replays) => replays,
                Err(why) => {
                    rows.push(ReplayRow::broken(&info.name, UNREADABLE.to_owned(), why));
                    continue;
                }
            };
            rows.extend(replays.into_iter().map(|replay| match replay {
                Ok(replay) => ReplayRow::new(&info.name, replay),
                Err(broken) => {
                    let why = "it is not of an operation's form".to_owned();
                    ReplayRow::broken(&info.name, broken.id, why)
                }
            }));
        }
        rows.sort_by(|a, b| b.begun_at.cmp(&a.begun_at));
        Ok(rows)
    }

    /// One replay operation, as it stands.
    ///
    /// # Errors
    /// When there is no such operation, or Redis cannot be reached.
    pub async fn replay_of(&self, id: &str) -> Result<ReplayRow, OperatorError> {
        let found = self.find_replay(id).await?;
        found
            .map(|(_, _, row)| row)
            .ok_or_else(|| OperatorError::UnknownReplay(shown(id)))
    }

    /// Ends a replay operation; what it has moved stays moved. Returns whether that changed anything.
    ///
    /// # Errors
    /// When there is no such operation, it has moved all of its letters, or Redis cannot be reached.
    pub async fn cancel_replay(&self, id: &str, signed: &Signed) -> Result<bool, OperatorError> {
        let queue = self.queue_of(id).await?;
        changed(id, queue.cancel_operation(id, signed).await?)
    }

    /// Lets a replay operation go on that was stopped or cancelled. Returns whether that changed anything.
    ///
    /// # Errors
    /// When there is no such operation, it has moved all of its letters, or Redis cannot be reached.
    pub async fn resume_replay(&self, id: &str, signed: &Signed) -> Result<bool, OperatorError> {
        let queue = self.queue_of(id).await?;
        changed(id, queue.resume_operation(id, signed).await?)
    }

    async fn queue_of(&self, id: &str) -> Result<&Queue, OperatorError> {
        let found = self.find_replay(id).await?;
        found
            .map(|(_, queue, _)| queue)
            .ok_or_else(|| OperatorError::UnknownReplay(shown(id)))
    }

    async fn find_replay(
        &self,
        id: &str,
    ) -> Result<Option<(&QueueInfo, &Queue, ReplayRow)>, OperatorError> {
        let each = self.queues.iter().map(async |(info, queue)| {
            let asking = queue
                .answer_within(ANSWERED_WITHIN, queue.find_replay(id))
                .await;
            let row = |replay| (info, queue, ReplayRow::new(&info.name, replay));
            asking.map(|found| found.map(row))
        });
        Ok(found_in(join_all(each).await)?)
    }
}

fn changed(id: &str, changed: Changed) -> Result<bool, OperatorError> {
    match changed {
        Changed::Yes => Ok(true),
        Changed::Same => Ok(false),
        Changed::Over => Err(OperatorError::ReplayOver(id.to_owned())),
        Changed::Unknown => Err(OperatorError::UnknownReplay(shown(id))),
    }
}

fn shown(id: &str) -> String {
    id.chars().take(64).collect()
}
