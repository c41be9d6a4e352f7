//! What is known of the calls of a queue's providers.

use longshore_queue::{CallCounts, LastAnswer, Minute, Stats};
use serde::Serialize;

use crate::queue_info::QueueInfo;
use crate::time::rfc3339;

/// One provider of a queue: its own, or the one that stands in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProviderRow {
    /// Its name.
    pub provider: String,
    /// How many calls there were in the last whole minute.
    pub calls_per_minute: u64,
    /// How many its limit lets through a minute, as of the last call that took a place in it; `None` = it has none.
    pub limit_per_minute: Option<f64>,
    /// How much of that the last whole minute's calls were: 1 = all.
    pub limit_used: Option<f64>,
    /// How many calls of the last 24 hours it answered, whatever it thought of the job.
    pub answered: u64,
    /// How many of these it failed, or that did not reach it. A wait that it asked for counts neither here nor there.
    pub failed: u64,
    /// The share of these that it answered, 0 to 1; `None` where there was none.
    pub answered_share: Option<f64>,
    /// What its last calls came to, the newest first: twenty at the most.
    pub answers: Vec<AnswerRow>,
}

/// What one call came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnswerRow {
    /// When it was written down, RFC 3339.
    pub at: String,
    /// `answered`, `failed`, `not_reached`, `throttled` or `unauthorized`.
    pub came_to: &'static str,
    /// Its HTTP status, where that was told.
    pub status: Option<u16>,
}

impl From<LastAnswer> for AnswerRow {
    fn from(answer: LastAnswer) -> Self {
        Self {
            at: rfc3339(answer.at_ms),
            came_to: answer.came_to,
            status: answer.status,
        }
    }
}

/// The providers of a queue that was counted, with their last day.
pub(crate) fn rows(info: &QueueInfo, minutes: &[Minute], stats: &Stats) -> Vec<ProviderRow> {
    let row = |(n, provider): (usize, &String)| {
        let is_own = n == 0;
        let of = |minute: &Minute| match is_own {
            true => minute.calls,
            false => minute.fallback_calls,
        };
        let mut day = CallCounts::default();
        for minute in minutes {
            day += of(minute);
        }
        let last = of(&stats.last_minute).called;
        let limit = stats.limit_per_minute(provider);
        let answers = match is_own {
            true => &stats.answers,
            false => &stats.fallback_answers,
        };
        ProviderRow {
            provider: provider.clone(),
            calls_per_minute: last,
            limit_per_minute: limit,
            limit_used: limit.map(|limit| last as f64 / limit),
            answered: day.answered,
            failed: day.failed,
            answered_share: day.answered_share(),
            answers: answers.iter().copied().map(AnswerRow::from).collect(),
        }
    };
    info.providers.iter().enumerate().map(row).collect()
}

/// `99.95 %`, rounded down: what is below a promise does not look like it.
#[must_use]
pub fn percent(share: f64) -> String {
    // A promise such as 0.9999 is a little less than that as a number.
    format!("{} %", (share * 10_000.0 + 1e-6).floor() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_promise_reads_as_it_was_written_and_what_is_below_it_does_not() {
        for promised in ["99.99", "99.98", "99.95", "99.9", "99.5", "99", "100"] {
            let share = promised.parse::<f64>().expect("it is a number") / 100.0;
            assert_eq!(percent(share), format!("{promised} %"));
        }
        assert_eq!(percent(0.999_899), "99.98 %");
        assert_eq!(percent(1.0 - 1.0 / 30_000.0), "99.99 %");
    }
}
