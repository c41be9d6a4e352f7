//! An operation that forgets one person, as it stands in Redis; and what a forgotten job says.

use serde::Deserialize;

use crate::BulkState;
use crate::value::Fields;

/// In which jobs a person was found before they are forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// In how many.
    pub jobs: u64,
    /// When the newest of them was enqueued, in ms since the epoch by Redis's clock; 0 where none says so. If that clock was set back since,
    /// it is later than now, and they are meant all the same.
    pub newest_ms: u64,
}

/// An operation that forgets one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkForget {
    /// Its id.
    pub id: String,
    /// Who, in words: `email b5fc85e5`, with the first digits of a hash.
    pub person: String,
    /// How it stands.
    pub state: BulkState,
    /// Who asked for it.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// In how many jobs the person was when it began.
    pub total: u64,
    /// How many of them are forgotten.
    pub done: u64,
    /// How many ran, and were asked to stop.
    pub asked: u64,
    /// When it began, in ms since the epoch.
    pub begun_at_ms: u64,
    /// What was enqueued up to then is meant, in ms since the epoch.
    pub until_ms: u64,
    /// When it ended, in ms since the epoch.
    pub ended_at_ms: Option<u64>,
}

/// What does not read is none of ours.
pub(crate) fn read(id: String, fields: &Fields) -> Option<BulkForget> {
    let text = |name: &str| fields.text(name).map(str::to_owned);
    Some(BulkForget {
        id,
        person: text("words")?,
        state: BulkState::parse(fields.text("state")?)?,
        by: text("by").unwrap_or_default(),
        reason: text("why").unwrap_or_default(),
        total: fields.number("total")?,
        done: fields.number("done")?,
        asked: fields.number("asked").unwrap_or_default(),
        begun_at_ms: fields.number("begun")?,
        until_ms: fields.number("until").or(fields.number("begun"))?,
        ended_at_ms: fields.number("ended"),
    })
}

impl BulkForget {
    /// It goes on by itself.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == BulkState::Running
    }
}

/// That the person of a job was forgotten: its args are gone for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// When, in ms since the epoch.
    pub at_ms: u64,
    /// By whom.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
}

impl Forgotten {
    /// Reads what a record says (`lua/part/forget.lua`).
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Who {
            by: String,
            reason: String,
        }
        let (at, who) = std::str::from_utf8(text).ok()?.split_once(' ')?;
        let who: Who = serde_json::from_str(who).ok()?;
        Some(Self {
            at_ms: at.parse().ok()?,
            by: who.by,
            reason: who.reason,
        })
    }
}
