//! All acts on many jobs: replays, cancels, reschedules, discards and forgets, which any process carries on.

use futures_util::future::join_all;
use longshore_queue::{
    BulkCancel, BulkDiscard, BulkForget, BulkOperation, BulkReschedule, BulkState, Changed, Queue,
    Selection, Signed,
};
use serde::Serialize;

use crate::away::{ANSWERED_WITHIN, ask_each};
use crate::dead::UNREADABLE;
use crate::error::OperatorError;
use crate::operator::{Operator, found_in};
use crate::replays::ReplayRow;
use crate::time::rfc3339;

/// An act on many jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperationRow {
    /// Its id.
    pub id: String,
    /// What is done: `replay`, `cancel`, `reschedule`, `discard` or `forget`.
    pub act: &'static str,
    /// Its queue.
    pub queue: String,
    /// Which jobs it is of, in words.
    pub filter: String,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// `running`, `done`, `cancelled`; of a replay also `watching` and `stopped`; `broken` where it cannot be read.
    pub state: &'static str,
    /// How many jobs were meant when it began.
    pub total: u64,
    /// How many it was done to.
    pub done: u64,
    /// How many run, and are asked to stop: what they came to, each of them says.
    pub asked: u64,
    /// To how many it could not be done; of a replay, how many first runs failed.
    pub failed: u64,
    /// Of one that is done: how many of those that were meant had ended, or were elsewhere, before it came to them; of a reschedule, or were
    /// due then already.
    pub missed: u64,
    /// Of a reschedule: when they are due from then on, RFC 3339.
    pub due_at: Option<String>,
    /// Of a replay: what became of the jobs that it replayed.
    pub became: Option<BecameRow>,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended, RFC 3339.
    pub ended_at: Option<String>,
    /// Why it cannot be read, if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

/// What became of replayed jobs: all of them, once each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BecameRow {
    /// How many completed.
    pub completed: u64,
    /// How many died again.
    pub dead_again: u64,
    /// How many were cancelled.
    pub cancelled: u64,
    /// How many have not ended yet.
    pub on_their_way: u64,
}

impl OperationRow {
    /// Of which nothing but its queue is known.
    fn nothing(queue: &str, id: String, act: &'static str) -> Self {
        Self {
            id,
            act,
            queue: queue.to_owned(),
            filter: UNREADABLE.to_owned(),
            by: UNREADABLE.to_owned(),
            reason: None,
            state: "broken",
            total: 0,
            done: 0,
            asked: 0,
            failed: 0,
            missed: 0,
            due_at: None,
            became: None,
            started_at: rfc3339(0),
            ended_at: None,
            broken: None,
        }
    }

    fn of_reschedule(queue: &str, of: BulkReschedule) -> Self {
        Self {
            filter: of.filter.to_string(),
            by: of.by,
            reason: Some(of.reason).filter(|reason| !reason.is_empty()),
            state: of.state.as_str(),
            total: of.total,
            done: of.done,
            failed: of.failed,
            missed: match of.state {
                BulkState::Done => of.total.saturating_sub(of.done + of.failed),
                _ => 0,
            },
            due_at: Some(rfc3339(of.due_ms)),
            started_at: rfc3339(of.begun_at_ms),
            ended_at: of.ended_at_ms.map(rfc3339),
            ..Self::nothing(queue, of.id, "reschedule")
        }
    }

    fn of_discard(queue: &str, of: BulkDiscard) -> Self {
        Self {
            filter: match &of.selection {
                _ if !of.filter.is_empty() => of.filter,
                Selection::Group(group) => format!("group {group}"),
                Selection::All => queue.to_owned(),
            },
            by: of.by,
            reason: Some(of.reason).filter(|reason| !reason.is_empty()),
            state: of.state.as_str(),
            total: of.total,
            done: of.done,
            missed: match of.state {
                BulkState::Done => of.total.saturating_sub(of.done),
                _ => 0,
            },
            started_at: rfc3339(of.begun_at_ms),
            ended_at: of.ended_at_ms.map(rfc3339),
            ..Self::nothing(queue, of.id, "discard")
        }
    }

    fn of_cancel(queue: &str, cancel: BulkCancel) -> Self {
        let ended = cancel.done + cancel.asked + cancel.failed;
        Self {
            filter: cancel.filter.to_string(),
            by: cancel.by,
            reason: Some(cancel.reason).filter(|reason| !reason.is_empty()),
            state: cancel.state.as_str(),
            total: cancel.total,
            done: cancel.done,
            asked: cancel.asked,
            failed: cancel.failed,
            missed: match cancel.state {
                BulkState::Done => cancel.total.saturating_sub(ended),
                _ => 0,
            },
            started_at: rfc3339(cancel.begun_at_ms),
            ended_at: cancel.ended_at_ms.map(rfc3339),
            ..Self::nothing(queue, cancel.id, "cancel")
        }
    }

    fn of_forget(queue: &str, forget: BulkForget) -> Self {
        Self {
            filter: forget.person,
            by: forget.by,
            reason: Some(forget.reason).filter(|reason| !reason.is_empty()),
            state: forget.state.as_str(),
            total: forget.total,
            done: forget.done,
            asked: forget.asked,
            started_at: rfc3339(forget.begun_at_ms),
            ended_at: forget.ended_at_ms.map(rfc3339),
            ..Self::nothing(queue, forget.id, "forget")
        }
    }

    fn new(queue: &str, operation: BulkOperation) -> Self {
        match operation {
            BulkOperation::Cancel(cancel) => Self::of_cancel(queue, cancel),
            BulkOperation::Reschedule(reschedule) => Self::of_reschedule(queue, reschedule),
            BulkOperation::Discard(discard) => Self::of_discard(queue, discard),
            BulkOperation::Forget(forget) => Self::of_forget(queue, forget),
            BulkOperation::Replay(replay) => ReplayRow::new(queue, replay).into(),
        }
    }

    /// What stands among the operations of this queue and is none.
    fn broken(queue: &str, id: &str, why: &str) -> Self {
        Self {
            broken: Some(why.to_owned()),
            ..Self::nothing(queue, id.to_owned(), "unknown")
        }
    }

    /// It goes on by itself.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, "running" | "watching")
    }
}

impl From<ReplayRow> for OperationRow {
    fn from(row: ReplayRow) -> Self {
        let became = BecameRow {
            completed: row.completed,
            dead_again: row.dead_again,
            cancelled: row.cancelled,
            on_their_way: row.on_their_way(),
        };
        Self {
            filter: row.target,
            by: row.by,
            reason: row.reason,
            state: row.state,
            total: row.total,
            done: row.moved,
            failed: row.failed,
            became: Some(became).filter(|_| row.broken.is_none()),
            started_at: row.begun_at,
            ended_at: row.ended_at,
            broken: row.broken,
            ..Self::nothing(&row.queue, row.id, "replay")
        }
    }
}

impl Operator {
    /// The operations that are remembered, newest first.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn operations(&self) -> Result<Vec<OperationRow>, OperatorError> {
        let mut rows = Vec::new();
        for (info, _, operations) in ask_each(&self.queues, |_, queue| queue.operations()).await? {
            let operations = match operations {
                Ok(operations) => operations,
                Err(why) => {
                    rows.push(OperationRow::broken(&info.name, UNREADABLE, &why));
                    continue;
                }
            };
            rows.extend(operations.into_iter().map(|operation| match operation {
                Ok(operation) => OperationRow::new(&info.name, operation),
                Err(broken) => {
                    let why = "it is not of an operation's form";
                    OperationRow::broken(&info.name, &broken.id, why)
                }
            }));
        }
        rows.sort_by(|a, b| b.started_at.cmp(&a.started_at));
        Ok(rows)
    }

    /// One operation, as it stands.
    ///
    /// # Errors
    /// When there is no such operation, or Redis cannot be reached.
    pub async fn operation(&self, id: &str) -> Result<OperationRow, OperatorError> {
        Ok(self.found_operation(id).await?.1)
    }

    async fn found_operation(&self, id: &str) -> Result<(&Queue, OperationRow), OperatorError> {
        let each = self.queues.iter().map(async |(info, queue)| {
            let asking = queue
                .answer_within(ANSWERED_WITHIN, queue.find_operation(id))
                .await;
            asking.map(|found| found.map(|found| (queue, OperationRow::new(&info.name, found))))
        });
        found_in(join_all(each).await)?
            .ok_or_else(|| OperatorError::UnknownOperation(id.chars().take(64).collect()))
    }

    /// Ends an operation; what it has done stays done. Returns whether that changed anything.
    ///
    /// # Errors
    /// When there is no such operation, it is done, or Redis cannot be reached.
    pub async fn cancel_operation(&self, id: &str, signed: &Signed) -> Result<bool, OperatorError> {
        let (queue, _) = self.found_operation(id).await?;
        changed(id, queue.cancel_operation(id, signed).await?)
    }

    /// Lets an operation go on that was cancelled, or stopped itself. Returns whether that changed anything.
    ///
    /// # Errors
    /// When there is no such operation, it is done, or Redis cannot be reached.
    pub async fn resume_operation(&self, id: &str, signed: &Signed) -> Result<bool, OperatorError> {
        let (queue, _) = self.found_operation(id).await?;
        changed(id, queue.resume_operation(id, signed).await?)
    }
}

fn changed(id: &str, changed: Changed) -> Result<bool, OperatorError> {
    match changed {
        Changed::Yes => Ok(true),
        Changed::Same => Ok(false),
        Changed::Over => Err(OperatorError::OperationOver(id.to_owned())),
        Changed::Unknown => Err(OperatorError::UnknownOperation(id.to_owned())),
    }
}
