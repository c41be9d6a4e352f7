//! What a queue knows of its provider: how often it may be called, and when it is left alone.
//!
//! A provider has one owner queue, and its limiter and breaker live in that queue's slot, so that claim and settle
//! stay one script each.

use std::sync::Arc;
use std::time::Duration;

use longshore_job::{Route, Word};

use crate::enqueue::millis;
use crate::{Queue, QueueError, Replayed, script};

/// How far ahead places in a limiter's schedule are given out. A job that is lost while it waits for its place wastes it.
const LONGEST_AHEAD: Duration = Duration::from_secs(30);

/// How often a provider may be called, by the whole fleet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// So many calls …
    pub count: u32,
    /// … in this time.
    pub per: Duration,
}

impl Limit {
    /// The time between two calls, in milliseconds.
    fn interval_ms(self) -> f64 {
        self.per.as_secs_f64() * 1000.0 / f64::from(self.count.max(1))
    }

    /// How many calls may go out at once: those of 50 ms. More would let a second see more than its rate; fewer would
    /// make every claim a call of its own.
    fn burst(self) -> u32 {
        let calls = 50.0 / self.interval_ms();
        // A float to an int saturates.
        (calls as u32).max(1)
    }
}

/// When a provider is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSpec {
    /// So many failures open it …
    pub failures: u32,
    /// … within this time; `None` = in a row.
    pub window: Option<Duration>,
    /// How long it stays open, before one probe goes out.
    pub open: Duration,
    /// How long a probe may take before another may go out, its prober being lost: a call's time limit and a lease.
    pub probe: Duration,
}

/// What holds for a queue's provider.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProviderPolicy {
    /// Its name, as configuration has it; empty = the queue has none.
    pub name: String,
    /// How often it may be called. A claim takes a job's first call, and its run each further one.
    pub limit: Option<Limit>,
    /// How often it may be called to read, where it counts that apart: then the limit above is for calls with an
    /// effect, and claims take none, since nobody knows beforehand what calls a job will make.
    pub reads: Option<Limit>,
    /// When it is left alone.
    pub breaker: Option<BreakerSpec>,
    /// Changes when its credentials do: then one more probe may find out at once whether they are accepted.
    pub credentials: String,
}

impl ProviderPolicy {
    /// What a claim takes of its limit.
    pub(crate) fn limiter(&self) -> (f64, u32) {
        match (self.limit, self.reads) {
            (Some(limit), None) => (limit.interval_ms(), limit.burst()),
            _ => (0.0, 0),
        }
    }
}

/// What the claim said that a job's verdict goes back with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its route.
    pub route: Route,
    /// The breaker's epoch.
    pub epoch: u64,
    /// The replay operation that its first run reports to.
    pub replayed: Option<Replayed>,
}

impl Seen {
    /// A word as `settle.lua` takes it.
    pub(crate) fn encode(self, word: &Word) -> String {
        let (word, rest) = match word {
            Word::Nothing if self.route == Route::Primary => return String::new(),
            Word::Nothing => ("n", String::new()),
            Word::Well => ("s", String::new()),
            Word::Ill => ("f", String::new()),
            Word::Hold(wait) => ("h", millis(*wait).to_string()),
            Word::Refused { reason } => ("u", reason.clone()),
        };
        let probe = if self.route == Route::Probe { "p" } else { "" };
        format!("{word}:{}:{probe}:{rest}", self.epoch)
    }
}

/// When a call may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// After this; the place is taken.
    In(Duration),
    /// Not within half a minute; no place was taken, so ask again.
    TooManyAhead,
}

impl Queue {
    /// The same queue, with what holds for its provider.
    #[must_use]
    pub fn with_provider(mut self, provider: ProviderPolicy) -> Self {
        self.provider = Arc::new(provider);
        self
    }

    /// Takes the next place in a limiter's schedule, for jobs that make many calls. It is never given back.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn take_call(&self, limiter: &str, limit: Limit) -> Result<Call, QueueError> {
        let wait: i64 = script::TOKENS
            .on(&[&self.keys.limits])
            .arg(limiter)
            .arg(limit.interval_ms())
            .arg(limit.burst())
            .arg(millis(LONGEST_AHEAD))
            .run(&self.link)
            .await?;
        Ok(u64::try_from(wait).map_or(Call::TooManyAhead, |wait| {
            Call::In(Duration::from_millis(wait))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_what_goes_out_in_fifty_milliseconds() {
        let limit = |count, secs| Limit {
            count,
            per: Duration::from_secs(secs),
        };
        let figures: Vec<_> = [
            limit(100, 1),
            limit(40, 1),
            limit(1, 1),
            limit(3000, 60),
            limit(1, 60),
        ]
        .map(|limit| (limit.interval_ms(), limit.burst()))
        .to_vec();
        assert_eq!(
            figures,
            [(10.0, 5), (25.0, 2), (1000.0, 1), (20.0, 2), (60_000.0, 1)]
        );
    }
}
