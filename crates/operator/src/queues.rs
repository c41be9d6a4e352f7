//! Queues as rows.

use longshore_queue::{Paused, Stats};
use serde::Serialize;

use crate::time::rfc3339;

/// One queue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueueRow {
    /// Its name.
    pub queue: String,
    /// Waiting for a worker.
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
    /// Who paused it, if somebody did.
    pub paused: Option<PauseRow>,
    /// The breakers of its provider. Empty: no provider of this build has one yet.
    pub breakers: Vec<Breaker>,
    /// Age of the oldest pending job in seconds.
    pub latency_seconds: Option<f64>,
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

/// A provider's circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breaker {
    /// The provider.
    pub provider: String,
    /// `closed`, `open` or `half-open`.
    pub state: String,
    /// Until when it is open, RFC 3339.
    pub until: Option<String>,
}

impl QueueRow {
    pub(crate) fn new(queue: &str, stats: Stats) -> Self {
        Self {
            queue: queue.to_owned(),
            pending: stats.pending,
            scheduled: stats.scheduled,
            running: stats.running,
            retryable: stats.retryable,
            dead: stats.dead,
            completed: stats.counter("completed"),
            latency_seconds: stats.latency_ms.map(|ms| ms as f64 / 1000.0),
            paused: stats.paused.map(PauseRow::from),
            breakers: Vec::new(),
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
