//! When a failed attempt is made again, and when a call to a Redis that is away is repeated.
//!
//! Both are a `backoff::backoff::Backoff` (feature `backoff`). That crate is unmaintained (RUSTSEC-2025-0012): this
//! file is the only one that names it.

use std::time::Duration;

#[cfg(feature = "backoff")]
pub use backoff::backoff::Backoff;

/// The waits between attempts. Exact, without jitter: attempt `n` that fails is made again after entry `n`.
///
/// The wait is kept in Redis as a due time, so it costs no worker slot and survives everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule {
    waits: Vec<Duration>,
}

impl RetrySchedule {
    /// A schedule with these waits; `[]` means one attempt and no retry.
    #[must_use]
    pub fn new(waits: impl IntoIterator<Item = Duration>) -> Self {
        Self {
            waits: waits.into_iter().collect(),
        }
    }

    /// A schedule with these waits in seconds.
    #[must_use]
    pub fn from_secs(waits: &[u64]) -> Self {
        Self::new(waits.iter().map(|&s| Duration::from_secs(s)))
    }

    /// How often a job is attempted at the most: 1 + the number of waits.
    #[must_use]
    pub fn max_attempts(&self) -> u32 {
        u32::try_from(self.waits.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }

    /// The waits, in order.
    pub fn waits(&self) -> impl Iterator<Item = Duration> {
        self.waits.iter().copied()
    }

    /// All waits together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.waits
            .iter()
            .fold(Duration::ZERO, |sum, wait| sum.saturating_add(*wait))
    }

    /// The waits that are left once so many attempts have failed: the first is the one before the next attempt.
    #[cfg(feature = "backoff")]
    #[must_use]
    pub fn after(&self, attempts: u32) -> Waits<'_> {
        let waited = usize::try_from(attempts).unwrap_or(usize::MAX);
        Waits {
            all: &self.waits,
            next: waited.saturating_sub(1),
        }
    }
}

/// The waits of a schedule, one after the other.
#[cfg(feature = "backoff")]
#[derive(Debug, Clone)]
pub struct Waits<'a> {
    all: &'a [Duration],
    next: usize,
}

/// 60 s, 300 s, 900 s.
impl Default for RetrySchedule {
    fn default() -> Self {
        Self::from_secs(&[60, 300, 900])
    }
}

#[cfg(feature = "backoff")]
impl Backoff for Waits<'_> {
    fn reset(&mut self) {
        self.next = 0;
    }

    fn next_backoff(&mut self) -> Option<Duration> {
        let wait = self.all.get(self.next).copied();
        self.next += usize::from(wait.is_some());
        wait
    }
}

/// The waits between calls to a Redis that is away: doubling from the first to the longest, without an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconnect {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Reconnect {
    /// Waits that start over at `first` and never exceed `longest`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            next: first,
        }
    }

    /// No call has failed since the last success.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.next == self.first
    }
}

#[cfg(feature = "backoff")]
impl Backoff for Reconnect {
    fn reset(&mut self) {
        self.next = self.first;
    }

    fn next_backoff(&mut self) -> Option<Duration> {
        let wait = self.next.min(self.longest);
        self.next = self
            .next
            .saturating_mul(2)
            .min(self.longest.saturating_mul(2));
        Some(wait)
    }
}

#[cfg(all(test, feature = "backoff"))]
mod tests {
    use super::*;

    #[test]
    fn reconnects_wait_longer_and_longer_up_to_a_limit() {
        let mut reconnect = Reconnect::new(Duration::from_millis(50), Duration::from_millis(300));
        assert!(reconnect.is_fresh());
        let waits: Vec<_> = (0..5).filter_map(|_| reconnect.next_backoff()).collect();
        assert_eq!(waits, [50, 100, 200, 300, 300].map(Duration::from_millis));
        reconnect.reset();
        assert!(reconnect.is_fresh());
    }

    #[test]
    fn four_attempts_by_default() {
        let schedule = RetrySchedule::default();
        assert_eq!(schedule.max_attempts(), 4);
        let waits: Vec<_> = (1..=5)
            .map(|failed| schedule.after(failed).next_backoff())
            .collect();
        let secs = |s| Some(Duration::from_secs(s));
        assert_eq!(waits, [secs(60), secs(300), secs(900), None, None]);
    }

    #[test]
    fn empty_means_one_attempt() {
        let schedule = RetrySchedule::from_secs(&[]);
        assert_eq!(schedule.max_attempts(), 1);
        assert_eq!(schedule.after(1).next_backoff(), None);
    }

    #[test]
    fn as_a_backoff_it_ends_and_starts_over() {
        let schedule = RetrySchedule::from_secs(&[1, 2]);
        let mut waits = schedule.after(1);
        let mut take = || waits.next_backoff().map(|d| d.as_secs());
        assert_eq!(
            [take(), take(), take(), take()],
            [Some(1), Some(2), None, None]
        );
        waits.reset();
        assert_eq!(waits.next_backoff(), Some(Duration::from_secs(1)));
    }
}
