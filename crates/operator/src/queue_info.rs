//! What a program knows of a queue.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_job::Kinds;

/// What has to be known of a queue to show its jobs.
#[derive(Debug, Clone)]
pub struct QueueInfo {
    /// The kinds of its jobs that this program knows.
    pub kinds: Kinds,
    /// Its name.
    pub name: String,
    /// The highest number of attempts of jobs whose kind is not in `max_attempts_by_kind`.
    pub max_attempts: u32,
    /// The highest number of attempts, by kind.
    pub max_attempts_by_kind: BTreeMap<&'static str, u32>,
    /// How long its completed and cancelled jobs are kept.
    pub keep: Duration,
    /// Up to how many bytes its cancelled jobs are kept.
    pub cancelled_bytes: u64,
    /// The providers whose breakers it has, its own first. None: nobody here knows the queue, it was found in Redis.
    pub providers: Vec<String>,
    /// What becomes of a request that is made again and may have been carried out before.
    pub repeats: RepeatEffect,
    /// Who of them takes its jobs while the breaker of its own is open.
    pub fallback: Option<String>,
}

/// What becomes of a request that is made again although an earlier one, whose answer was lost, may have been carried
/// out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepeatEffect {
    /// Its effect may happen twice.
    Double,
    /// The provider is asked first what became of the earlier one.
    Verified,
    /// It carries a key under which the provider does it once; for so long, and from then on it is asked first.
    Keyed(Duration),
}
