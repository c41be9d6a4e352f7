//! When a failed attempt is made again.

use std::time::Duration;

use backoff::backoff::Backoff;

/// The waits between attempts. Exact, without jitter: attempt `n` that fails is made again after entry `n`.
///
/// The whole of it is kept in Redis as a due time, so waiting costs no worker slot. `backoff` names the trait;
/// the crate is unmaintained (RUSTSEC-2025-0012), and this file is the only one that knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule {
    waits: Vec<Duration>,
    next: usize,
}

impl RetrySchedule {
    /// A schedule with these waits; `[]` means one attempt and no retry.
    #[must_use]
    pub fn new(waits: impl IntoIterator<Item = Duration>) -> Self {
        Self {
            waits: waits.into_iter().collect(),
            next: 0,
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

    /// How long to wait after attempt `attempt` (from 1) has failed; `None` when it was the last.
    #[must_use]
    pub fn wait_after(&self, attempt: u32) -> Option<Duration> {
        let index = usize::try_from(attempt).ok()?.checked_sub(1)?;
        self.waits.get(index).copied()
    }
}

/// 60 s, 300 s, 900 s: the retry policy of the integration document (section 2.2).
impl Default for RetrySchedule {
    fn default() -> Self {
        Self::from_secs(&[60, 300, 900])
    }
}

impl Backoff for RetrySchedule {
    fn reset(&mut self) {
        self.next = 0;
    }

    fn next_backoff(&mut self) -> Option<Duration> {
        let wait = self.waits.get(self.next).copied();
        self.next += usize::from(wait.is_some());
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_attempts_by_default() {
        let schedule = RetrySchedule::default();
        assert_eq!(schedule.max_attempts(), 4);
        let waits: Vec<_> = (0..=5).map(|n| schedule.wait_after(n)).collect();
        let secs = |s| Some(Duration::from_secs(s));
        assert_eq!(waits, [None, secs(60), secs(300), secs(900), None, None]);
    }

    #[test]
    fn empty_means_one_attempt() {
        let schedule = RetrySchedule::from_secs(&[]);
        assert_eq!((schedule.max_attempts(), schedule.wait_after(1)), (1, None));
    }

    #[test]
    fn as_a_backoff_it_ends_and_starts_over() {
        let mut schedule = RetrySchedule::from_secs(&[1, 2]);
        let mut take = || schedule.next_backoff().map(|d| d.as_secs());
        assert_eq!(
            [take(), take(), take(), take()],
            [Some(1), Some(2), None, None]
        );
        schedule.reset();
        assert_eq!(schedule.next_backoff(), Some(Duration::from_secs(1)));
    }
}
