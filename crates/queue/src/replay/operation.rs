//! Operations as they stand in Redis.

use crate::value::Fields;
use crate::{
    BulkCancel, BulkDiscard, BulkForget, BulkReschedule, Selection, bulk_forget, cancel_many,
    discard_many, reschedule_many,
};

/// How a replay operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayState {
    /// It moves letters.
    Running,
    /// All letters are moved; the first runs of some are still to come, and may stop it.
    Watching,
    /// It stopped itself, since what it replayed failed again.
    Stopped,
    /// An operator ended it.
    Cancelled,
    /// All letters are moved.
    Done,
}

impl ReplayState {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Watching => "watching",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [
            Self::Running,
            Self::Watching,
            Self::Stopped,
            Self::Cancelled,
            Self::Done,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
    }

    /// It goes on by itself.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Watching)
    }
}

/// What stands among the operations and cannot be read as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenReplay {
    /// Its id; bytes that are not UTF-8 as `\xNN`.
    pub id: String,
}

/// An act on many jobs, which any process carries on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkOperation {
    /// Dead letters back to pending.
    Replay(Replay),
    /// What waits is cancelled.
    Cancel(BulkCancel),
    /// What waits is due at another time.
    Reschedule(BulkReschedule),
    /// Dead letters are removed for good.
    Discard(BulkDiscard),
    /// One person is forgotten.
    Forget(BulkForget),
}

impl BulkOperation {
    pub(super) fn read(id: String, fields: &Fields) -> Option<Self> {
        match fields.text("act") {
            None => read(id, fields).map(Self::Replay),
            Some("cancel") => cancel_many::read(id, fields).map(Self::Cancel),
            Some("reschedule") => reschedule_many::read(id, fields).map(Self::Reschedule),
            Some("discard") => discard_many::read(id, fields).map(Self::Discard),
            Some("forget") => bulk_forget::read(id, fields).map(Self::Forget),
            Some(_) => None,
        }
    }
}

/// A replay operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its id.
    pub id: String,
    /// The letters it is of; `None` = named ones.
    pub selection: Option<Selection>,
    /// Which of those, in words; empty = all of them.
    pub filter: String,
    /// How it stands.
    pub state: ReplayState,
    /// Letters a second; `None` = as fast as it goes.
    pub rate: Option<u32>,
    /// Who asked for it.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// How many letters there were when it began.
    pub total: u64,
    /// How many it has moved.
    pub moved: u64,
    /// How many of their first runs completed. Counted with a rate only, as the next two.
    pub first_completed: u64,
    /// How many failed of what the letter had died of.
    pub again: u64,
    /// How many failed of something else.
    pub otherwise: u64,
    /// How many have completed, in whichever run.
    pub completed: u64,
    /// How many have died again.
    pub dead_again: u64,
    /// How many were cancelled.
    pub cancelled: u64,
    /// When it began, in ms since the epoch.
    pub begun_at_ms: u64,
    /// When it ended, in ms since the epoch.
    pub ended_at_ms: Option<u64>,
    /// Why it stopped itself: the cause of the failures.
    pub cause: Option<String>,
}

/// What does not read is none of ours.
fn read(id: String, fields: &Fields) -> Option<Replay> {
    let text = |name: &str| fields.text(name).map(str::to_owned);
    let number = |name: &str| fields.number::<u64>(name);
    let count = |name: &str| number(name).unwrap_or_default();
    Some(Replay {
        id,
        selection: text("what")?.parse().ok(),
        filter: text("words").unwrap_or_default(),
        state: ReplayState::parse(fields.text("state")?)?,
        rate: text("rate")?.parse().ok().filter(|rate| *rate > 0),
        by: text("by").unwrap_or_default(),
        reason: text("why").unwrap_or_default(),
        total: number("total")?,
        moved: number("moved")?,
        first_completed: count("completed"),
        completed: count("completed") + count("late"),
        dead_again: count("dead_again"),
        cancelled: count("cancelled"),
        again: count("again"),
        otherwise: count("otherwise"),
        begun_at_ms: number("begun")?,
        ended_at_ms: number("ended"),
        cause: text("cause"),
    })
}
