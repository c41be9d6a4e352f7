//! What a provider's calls came to: how many, how many it answered, and the last few.

use std::collections::HashMap;
use std::fmt::Write as _;

use longshore_job::CallReport;

use crate::Verdict;
use crate::value::Fields;

/// So many words go into one call (`lua/part/answers.lua`).
const MOST: usize = 20;

/// How many calls of one provider there were in some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// All of them.
    pub called: u64,
    /// Those that the provider answered, whatever it thought of the job. A wait that it asked for, or credentials that it
    /// refused, count neither here nor below.
    pub answered: u64,
    /// Those that it failed, or that did not reach it.
    pub failed: u64,
}

impl CallCounts {
    /// The share of these that it answered; `None` where there was none.
    #[must_use]
    pub fn answered_share(self) -> Option<f64> {
        let all = self.answered + self.failed;
        (all > 0).then(|| self.answered as f64 / all as f64)
    }
}

impl std::ops::AddAssign for CallCounts {
    fn add_assign(&mut self, other: Self) {
        self.called += other.called;
        self.answered += other.answered;
        self.failed += other.failed;
    }
}

/// What one call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastAnswer {
    /// When it was written down, in ms since the epoch.
    pub at_ms: u64,
    /// In a word: `answered`, `failed`, `not_reached`, `throttled`, `unauthorized`.
    pub came_to: &'static str,
    /// Its HTTP status, where that was told.
    pub status: Option<u16>,
}

/// What calls came to, as `lua/part/answers.lua` takes it.
#[derive(Debug, Default)]
pub(crate) struct Told {
    own: One,
    fallback: One,
}

#[derive(Debug, Default)]
struct One {
    calls: CallCounts,
    words: Vec<(char, u16)>,
}

impl One {
    fn add(&mut self, report: &CallReport, status: Option<u16>) {
        let word = match report {
            CallReport::Nothing => return,
            CallReport::Well => 's',
            CallReport::Ill => 'f',
            CallReport::NotReached => 'l',
            CallReport::Hold(_) => 'h',
            CallReport::Refused { .. } => 'u',
        };
        self.calls.called += 1;
        self.calls.answered += u64::from(word == 's');
        self.calls.failed += u64::from(matches!(word, 'f' | 'l'));
        self.words
            .push((word, status.filter(|s| *s < 1000).unwrap_or(0)));
    }
}

impl Told {
    pub(crate) fn of_verdicts(verdicts: &[Verdict]) -> Self {
        let mut told = Self::default();
        for verdict in verdicts {
            let entry = verdict.history.as_ref().or(verdict.put_back.as_ref());
            let status = entry.and_then(|entry| entry.answer.status);
            let of_fallback = verdict.context.route.is_fallback();
            told.of(of_fallback).add(&verdict.report, status);
        }
        told
    }

    /// Of one call that a run has told of.
    pub(crate) fn of_call(of_fallback: bool, report: &CallReport) -> Self {
        let mut told = Self::default();
        told.of(of_fallback).add(report, None);
        told
    }

    fn of(&mut self, fallback: bool) -> &mut One {
        match fallback {
            true => &mut self.fallback,
            false => &mut self.own,
        }
    }

    /// Empty where nothing is told.
    pub(crate) fn encode(&self) -> String {
        let mut text = String::new();
        for (which, one) in [('p', &self.own), ('f', &self.fallback)] {
            let CallCounts {
                called,
                answered,
                failed,
            } = one.calls;
            if called == 0 {
                continue;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            let _ = write!(text, "{which}:{called}:{answered}:{failed}:");
            for (word, status) in one.words.iter().rev().take(MOST).rev() {
                let _ = write!(text, "{word}{status:03}");
            }
        }
        text
    }
}

/// The last answers that stand in a queue's counters, the newest first. What another program wrote there is left out.
pub(crate) fn last_answers(counted: &Fields, fallback: bool) -> Vec<LastAnswer> {
    let field = if fallback { "answers:f" } else { "answers" };
    let entries = counted.text(field).unwrap_or_default().split(',').rev();
    entries.filter_map(last_answer).take(MOST).collect()
}

/// Whether this field of the counters holds answers, and no number.
pub(crate) fn is_answers(field: &str) -> bool {
    matches!(field, "answers" | "answers:f")
}

fn last_answer(entry: &str) -> Option<LastAnswer> {
    let (at, word) = entry.split_at_checked(13)?;
    let (word, status) = word.split_at_checked(1)?;
    let status: u16 = status.parse().ok()?;
    Some(LastAnswer {
        at_ms: at.parse().ok()?,
        came_to: match word {
            "s" => "answered",
            "f" => "failed",
            "l" => "not_reached",
            "h" => "throttled",
            "u" => "unauthorized",
            _ => return None,
        },
        status: (status > 0).then_some(status),
    })
}

/// How many calls limiters let through a minute, as they stand in Redis: `<last> <interval> <made>` each.
pub(crate) fn limits_per_minute(limits: &Fields) -> HashMap<String, f64> {
    let per_minute = limits.iter().filter_map(|(name, value)| {
        let interval = std::str::from_utf8(value).ok()?.split(' ').nth(1)?;
        let interval: f64 = interval.parse().ok()?;
        (interval > 0.0).then(|| (name.to_owned(), 60_000.0 / interval))
    });
    per_minute.collect()
}
