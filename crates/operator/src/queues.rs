//! Queues as rows.

use longshore_queue::{BreakerState, Hold, HoldCause, ParkedKind, Paused, Stats};
use serde::Serialize;

use crate::away::AwayRow;
use crate::lost_lately::LostRow;
use crate::providers::ProviderRow;
use crate::queue_info::QueueInfo;
use crate::redact::{REDACTED, is_name};
use crate::time::rfc3339;

/// One queue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueueRow {
    /// Its name.
    pub queue: String,
    /// Waiting for a worker, those among them that are parked.
    pub pending: u64,
    /// Waiting for their time.
    pub scheduled: u64,
    /// With a worker.
    pub running: u64,
    /// Waiting for their next attempt.
    pub retryable: u64,
    /// Dead letters.
    pub dead: u64,
    /// Completed since the start of counting.
    pub completed: u64,
    /// Cancelled since the start of counting.
    pub cancelled: u64,
    /// What became of jobs in the last whole minute.
    pub per_minute: PerMinute,
    /// Who paused it, if somebody did.
    pub paused: Option<PauseRow>,
    /// The breakers of its providers.
    pub breakers: Vec<BreakerRow>,
    /// What is known of the calls of its providers, where that was asked for ([`Operator::queues_with_calls`]).
    ///
    /// [`Operator::queues_with_calls`]: crate::Operator::queues_with_calls
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<ProviderRow>,
    /// Who stands in while the breaker of its own provider is open, if somebody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<FallbackRow>,
    /// The kinds that no living worker of the queue knows, with their pending jobs.
    pub parked: Vec<ParkedRow>,
    /// All that the fleet itself holds back now.
    pub holds: Vec<HoldRow>,
    /// Until when its provider told us to stay away, RFC 3339, if that is to come.
    pub held_until: Option<String>,
    /// How many workers serve it.
    pub workers: u64,
    /// What is wrong with its workers, as they say, each with its name: hosts that they do not reach.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trouble: Vec<String>,
    /// How many notices to the application wait to be handed on, if any do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notices: Option<u64>,
    /// The jobs of the last hour whose worker was lost, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<LostRow>,
    /// How long the oldest pending job has waited for this run, in seconds: a retry and a replay begin anew.
    pub latency_seconds: Option<f64>,
    /// Why it cannot be read as a whole, if it cannot: somebody else has written there, or its primary is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// Its primary, where that is away while others of the cluster answer: then nothing else of it is known, and all counts are 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub away: Option<AwayRow>,
}

/// What became of jobs in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PerMinute {
    /// How many completed.
    pub completed: u64,
    /// How many attempts failed that are made again.
    pub failed: u64,
    /// How many became dead letters.
    pub dead: u64,
}

/// An operator's pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PauseRow {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when, RFC 3339.
    pub since: String,
}

/// Pending jobs of a kind that no living worker of their queue knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParkedRow {
    /// The kind. What does not look like one may be anything, and is redacted.
    pub kind: String,
    /// How many.
    pub jobs: u64,
    /// Since when the first of them is parked, RFC 3339.
    pub since: String,
}

impl ParkedRow {
    pub(crate) fn new(parked: ParkedKind) -> Self {
        Self {
            jobs: parked.jobs,
            since: rfc3339(parked.since_ms),
            kind: match is_name(&parked.kind) {
                true => parked.kind,
                false => REDACTED.to_owned(),
            },
        }
    }
}

/// Something that holds calls of a provider back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldRow {
    /// `retry_after`, `credentials`, `breaker` or `limiter`.
    pub cause: HoldCause,
    /// Whose calls.
    pub provider: String,
    /// Until when, RFC 3339; `None` = until a probe finds it better.
    pub until: Option<String>,
}

impl HoldRow {
    pub(crate) fn new(info: &QueueInfo, hold: Hold) -> Self {
        let own = || info.providers.first().cloned().unwrap_or_default();
        Self {
            cause: hold.cause,
            provider: hold.provider.unwrap_or_else(own),
            until: hold.until_ms.map(rfc3339),
        }
    }
}

/// A provider's circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakerRow {
    /// The provider.
    pub provider: String,
    /// `closed`, `open` or `half-open`.
    pub state: BreakerState,
    /// Open: when one call may find out whether it is back; half-open: when another one may. RFC 3339.
    pub until: Option<String>,
    /// It refuses our credentials. Only of providers that are not the queue's own: for that one the queue is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<PauseRow>,
}

/// The provider that stands in for the queue's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FallbackRow {
    /// Its name.
    pub provider: String,
    /// Jobs go there now.
    pub active: bool,
    /// How many went there since the start of counting.
    pub jobs: u64,
}

impl QueueRow {
    /// How many jobs of it are to be carried out yet.
    #[must_use]
    pub fn to_do(&self) -> u64 {
        self.pending + self.scheduled + self.running + self.retryable
    }

    /// Adds that something of it cannot be read.
    pub(crate) fn is_broken(&mut self, why: &str) {
        self.broken = Some(match self.broken.take() {
            Some(said) => format!("{said}; {why}"),
            None => why.to_owned(),
        });
    }

    pub(crate) fn new(info: &QueueInfo, stats: Stats) -> Self {
        // One that never had a verdict to count has left nothing in Redis: it is closed.
        let breaker = |provider: &String| {
            let found = stats
                .breakers
                .iter()
                .find(|breaker| breaker.provider == *provider);
            BreakerRow {
                provider: provider.clone(),
                state: found.map_or(BreakerState::Closed, |breaker| breaker.state),
                until: found.and_then(|breaker| breaker.until_ms).map(rfc3339),
                refused: found
                    .and_then(|breaker| breaker.refused.clone())
                    .map(PauseRow::from),
            }
        };
        let own = info.providers.first().map(breaker);
        let fallback = info.fallback.as_ref().map(|provider| FallbackRow {
            provider: provider.clone(),
            active: own.is_some_and(|own| own.state != BreakerState::Closed),
            jobs: stats.counter("by_fallback"),
        });
        Self {
            fallback,
            providers: Vec::new(),
            trouble: Vec::new(),
            parked: Vec::new(),
            breakers: info.providers.iter().map(breaker).collect(),
            holds: stats
                .holds
                .iter()
                .map(|hold| HoldRow::new(info, hold.clone()))
                .collect(),
            held_until: stats.held_until_ms.map(rfc3339),
            queue: info.name.clone(),
            pending: stats.pending,
            scheduled: stats.scheduled,
            running: stats.running,
            retryable: stats.retryable,
            dead: stats.dead,
            completed: stats.counter("completed"),
            cancelled: stats.counter("cancelled"),
            per_minute: PerMinute {
                completed: stats.last_minute.completed,
                failed: stats.last_minute.failed,
                dead: stats.last_minute.dead,
            },
            workers: stats.workers,
            notices: (stats.notices > 0).then_some(stats.notices),
            lost: stats.lost.map(LostRow::from),
            latency_seconds: stats.latency_ms.map(|ms| ms as f64 / 1000.0),
            paused: stats.paused.map(PauseRow::from),
            broken: stats.broken,
            away: None,
        }
    }
}

impl From<Paused> for PauseRow {
    fn from(paused: Paused) -> Self {
        Self {
            by: paused.by,
            reason: paused.reason,
            since: rfc3339(paused.since_ms),
        }
    }
}
