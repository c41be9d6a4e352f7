//! Which ticks are run now.

use std::fmt;
use std::str::FromStr;

use crate::Schedule;

/// A tick so late still counts as on time, in ms: a deploy or a restart of Redis must not lose the night's run of an
/// entry that catches nothing up.
pub const LATE: u64 = 60_000;

/// At most so many ticks are caught up with, the newest ones.
pub const MAX_CATCH_UP: usize = 100;

/// How far missed ticks are counted.
const COUNTED: usize = 1000;

/// A mark so far ahead of the time, in ms, was made by a clock that has been set back since.
const AHEAD: u64 = 5000;

/// What becomes of ticks that are more than a minute late, since nobody was there at their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CatchUp {
    /// They are passed over.
    #[default]
    None,
    /// One run makes up for all of them: that of the newest tick that is due.
    Once,
    /// Each is run, the newest hundred at the most.
    All,
}

/// What is to be done about an entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The ticks to run, oldest first.
    pub run: Vec<u64>,
    /// How many others have come and are not run; counted up to a thousand.
    pub skipped: u64,
    /// Up to when everything is dealt with then: the entry's new mark.
    pub until: u64,
    /// The clock was set back since its mark was made.
    pub set_back: bool,
}

impl CatchUp {
    /// What is to be done at a time about an entry whose ticks are dealt with up to `mark`; `None` when it is new: a new
    /// entry begins now. A mark never goes back, unless the clock has been set back by more than five seconds: then the
    /// entry begins now, too, instead of standing still for so long. Which ticks were made before, the queue knows.
    #[must_use]
    pub fn plan(self, schedule: &Schedule, mark: Option<u64>, now: u64) -> Plan {
        let nothing_until = |until| Plan {
            until,
            ..Plan::default()
        };
        let since = match mark {
            None => return nothing_until(now),
            Some(mark) if mark > now + AHEAD => {
                return Plan {
                    set_back: true,
                    ..nothing_until(now)
                };
            }
            Some(mark) if mark >= now => return nothing_until(mark),
            Some(mark) => mark,
        };
        // Newest first, so that a long absence costs no more than a short one.
        let before = |tick: &u64| schedule.last(tick - 1, since);
        let mut due: Vec<u64> = std::iter::successors(schedule.last(now, since), before)
            .take(COUNTED + MAX_CATCH_UP)
            .collect();
        let all = due.len();
        let on_time = due.iter().filter(|tick| now - **tick <= LATE).count();
        due.truncate(match self {
            Self::None => on_time,
            Self::Once if all > on_time => 1,
            Self::Once => on_time,
            Self::All => MAX_CATCH_UP,
        });
        due.reverse();
        Plan {
            skipped: (all - due.len()).min(COUNTED) as u64,
            run: due,
            until: now,
            set_back: false,
        }
    }

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Once => "once",
            Self::All => "all",
        }
    }
}

impl FromStr for CatchUp {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::None, Self::Once, Self::All]
            .into_iter()
            .find(|known| known.as_str() == word)
            .ok_or(())
    }
}

impl fmt::Display for CatchUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
