//! What is kept of a job beside its payload.

use std::borrow::Cow;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use longshore_job::{Answer, Blame, Cause, Class};
use serde::{Deserialize, Serialize};

use crate::enqueue::millis;
use crate::value::Fields;

/// So many history entries are kept of a job.
pub(crate) const MAX_HISTORY: usize = 10;

/// The part of a job's record that changes: `<used> <lost> <generation> <sent> <history entries>`; sent is 1 when the
/// provider may have it, 2 when its fallback may.
///
/// One field, so that a claim reads it in one go; absent means all zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunState {
    /// Attempts used up since it was enqueued or last replayed. Given-back ones are not counted.
    pub used: u32,
    /// How often it was lost with its worker since then.
    pub lost: u32,
    /// The generation of its idempotency key.
    pub generation: u32,
    /// A request of an earlier run may have reached the provider, and its outcome is not known.
    pub may_have_been_sent: bool,
    /// It was the fallback that it may have reached.
    pub by_fallback: bool,
    /// How many history entries were ever written; the last ten are kept.
    pub entries: u32,
}

impl RunState {
    /// Reads the field. What is not of its form counts as absent: a fresh job.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::read(text).unwrap_or_default()
    }

    /// Reads the field; `None` when it is not of its form.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut numbers = text.split(' ').map(str::parse::<u32>);
        // None of them comes near that by itself, and each is added to.
        let mut next = || numbers.next()?.ok().map(|number| number.min(1_000_000_000));
        match (next(), next(), next(), next(), next()) {
            (Some(used), Some(lost), Some(generation), Some(sent), Some(entries)) => Some(Self {
                used,
                lost,
                generation,
                may_have_been_sent: sent != 0,
                by_fallback: sent == 2,
                entries,
            }),
            _ => None,
        }
    }

    /// The provider's idempotency key for a job in this state.
    #[must_use]
    pub fn idempotency_key(&self, id: longshore_job::JobId) -> String {
        match self.generation {
            0 => id.to_string(),
            generation => format!("{id}-{generation}"),
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sent = match (self.may_have_been_sent, self.by_fallback) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        };
        write!(
            f,
            "{} {} {} {sent} {}",
            self.used, self.lost, self.generation, self.entries
        )
    }
}

/// One entry of a job's history: one attempt, or what else befell it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// The worker that made it.
    pub worker: String,
    /// `completed`, `skipped`, `refused`, `failed`, `throttled`, `outcome_unknown`, `unauthorized`, `lost`,
    /// `expired`, `undecodable`, `timed_out`, `panicked`; or `edited`, `replayed` or `cancelled`, by the operator in the worker's
    /// place.
    pub outcome: String,
    /// It was a probe: the one call that found out whether a provider is back. A failed one costs no attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probe: bool,
    /// The replay operation, where an operation replayed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// How long it took in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// What the provider said.
    #[serde(flatten)]
    pub answer: Answer,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whose mistake it was, where it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blame: Option<Blame>,
    /// The args that an edit replaced, in JSON: personal data, perhaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_args: Option<String>,
    /// The jobs that the run enqueued, by their ids: the first ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enqueued: Vec<String>,
    /// How many more it enqueued.
    #[serde(default, skip_serializing_if = "is_none")]
    pub enqueued_more: u64,
    /// The worker's own clock when it wrote this, in ms since the epoch, where what became of a request is not known: the
    /// provider's list is searched by these times, and Redis's clock may have been set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ms: Option<u64>,
}

/// This machine's time, in ms since the epoch.
pub(crate) fn own_clock_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, millis)
}

/// Whether a count is 0.
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl HistoryEntry {
    /// So many of the jobs that a run enqueued are named.
    pub const MOST_ENQUEUED: usize = 10;

    /// The outcome of an entry that is no attempt: an operator replaced the args.
    pub const EDITED: &'static str = "edited";

    /// The outcome of an entry that is no attempt: an operator replayed the dead letter.
    pub const REPLAYED: &'static str = "replayed";

    /// The outcome of an entry that is no attempt: the job was cancelled.
    pub const CANCELLED: &'static str = "cancelled";

    /// The outcome of an entry that is no attempt: the person of the job was forgotten.
    pub const FORGOTTEN: &'static str = "forgotten";

    /// It is of a run, and not of something that an operator did.
    #[must_use]
    pub fn is_attempt(&self) -> bool {
        Self::is_run(&self.outcome)
    }

    /// Whether an entry with this outcome is of a run.
    #[must_use]
    pub fn is_run(outcome: &str) -> bool {
        let acts = [
            Self::EDITED,
            Self::REPLAYED,
            Self::CANCELLED,
            Self::FORGOTTEN,
        ];
        !acts.contains(&outcome)
    }

    /// The same, with this machine's time, where what became of a request of its run is not known.
    #[must_use]
    pub fn with_clock(mut self) -> Self {
        if self.is_unknown() {
            self.clock_ms = Some(own_clock_ms());
        }
        self
    }

    /// What became of a request of its run is not known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.outcome.as_str(), "outcome_unknown" | "lost")
    }

    /// What a dead letter would have died of, had this attempt been its last; `None` where it was no failure of its own.
    pub(crate) fn cause(&self) -> Option<Cause> {
        let class = match self.outcome.as_str() {
            "failed" => Class::Failed,
            "outcome_unknown" => Class::OutcomeUnknown,
            _ => return None,
        };
        let status = || self.answer.status.map(|status| status.to_string());
        Some(Cause {
            class,
            provider: self.answer.provider.clone(),
            code: self.answer.code.clone().or_else(status),
        })
    }
}

/// How a completed job ended, as it is stored after the time.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Completion<'a> {
    /// The last entry of its history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) history: Option<Cow<'a, HistoryEntry>>,
    /// What is kept of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<Cow<'a, serde_json::Value>>,
}

/// A history entry with the time it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// When, in milliseconds since the epoch by Redis's clock.
    pub at_ms: u64,
    /// What.
    pub entry: HistoryEntry,
}

impl Recorded {
    /// Reads `<ms> <JSON>`.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (at, json) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
        Some(Self {
            at_ms: at.parse().ok()?,
            entry: serde_json::from_str(json).ok()?,
        })
    }
}

impl Completion<'static> {
    /// Reads `<ms> <JSON>`.
    pub(crate) fn parse(bytes: &[u8]) -> Option<(u64, Self)> {
        let (at, json) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
        Some((at.parse().ok()?, serde_json::from_str(json).ok()?))
    }
}

/// Picks the history out of a record, oldest first, and the names of entries that do not read.
pub(crate) fn history(record: &Fields) -> (Vec<Recorded>, Vec<String>) {
    let (mut entries, mut broken) = (Vec::new(), Vec::new());
    for (field, value) in record.iter() {
        let number = field.strip_prefix('h').map(str::parse::<u32>);
        let Some(Ok(number)) = number else { continue };
        match Recorded::parse(value) {
            Some(recorded) => entries.push((number, recorded)),
            None => broken.push(field.to_owned()),
        }
    }
    entries.sort_by_key(|(number, _)| *number);
    broken.sort();
    let entries = entries.into_iter().map(|(_, recorded)| recorded);
    (entries.collect(), broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_state_round_trips_and_shrugs_at_garbage() {
        let state = RunState {
            used: 3,
            lost: 1,
            generation: 2,
            may_have_been_sent: true,
            by_fallback: false,
            entries: 12,
        };
        assert_eq!(RunState::parse(&state.to_string()), state);
        let by_fallback = RunState {
            by_fallback: true,
            ..state
        };
        assert_eq!(RunState::parse(&by_fallback.to_string()), by_fallback);
        for garbage in ["", "1", "a b c d e", "1 2 3 4", "-1 0 0 0 0"] {
            assert_eq!(RunState::parse(garbage), RunState::default(), "{garbage:?}");
        }
    }
}
