//! Noticing that Redis's clock was set ahead, so that nothing dies as expired of it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A clock that goes ahead by more than this while less time goes by here was set.
const STEP: Duration = Duration::from_secs(30);

/// For how long nothing expires then.
const SUSPENDED: Duration = Duration::from_secs(60);

/// What a process knows of Redis's clock: when it looked last, by its own, which cannot be set.
#[derive(Debug, Default)]
pub(crate) struct ClockWatch(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    last: Option<(u64, Instant)>,
    suspended_until: Option<Instant>,
    /// A step that nobody has asked for yet.
    step: Option<Duration>,
}

impl ClockWatch {
    /// Notes what time it is by Redis's clock, in ms since the epoch. Returns the time by which expiry is judged: 0, by
    /// which nothing expires, for a minute after a step ahead.
    pub(crate) fn see(&self, now_ms: u64, at: Instant) -> u64 {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before_ms, before)) = seen.last {
            let by_redis = Duration::from_millis(now_ms.saturating_sub(before_ms));
            let ahead = by_redis.saturating_sub(at.saturating_duration_since(before));
            if ahead > STEP {
                seen.suspended_until = Some(at + SUSPENDED);
                seen.step = Some(ahead);
            }
        }
        seen.last = Some((now_ms, at));
        match seen.suspended_until {
            Some(until) if at < until => 0,
            _ => now_ms,
        }
    }

    /// By how much the clock was set ahead, once.
    pub(crate) fn take_step(&self) -> Option<Duration> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.step.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_ahead_of_more_than_thirty_seconds_suspends_expiry_for_a_minute() {
        let (watch, start) = (ClockWatch::default(), Instant::now());
        let after = |secs| start + Duration::from_secs(secs);
        assert_eq!(watch.see(1_000_000, start), 1_000_000);
        // Two hours without a look are no step, nor is a little, nor a step back.
        assert_eq!(watch.see(8_200_000, after(7200)), 8_200_000);
        assert_eq!(watch.see(8_230_000, after(7201)), 8_230_000);
        assert_eq!(watch.see(4_630_000, after(7202)), 4_630_000);
        assert_eq!(watch.take_step(), None);
        assert_eq!(watch.see(6_431_000, after(7203)), 0);
        assert_eq!(watch.take_step(), Some(Duration::from_secs(1800)));
        assert_eq!(watch.take_step(), None, "it is told once");
        assert_eq!(watch.see(6_490_000, after(7262)), 0);
        assert_eq!(watch.see(6_491_000, after(7263)), 6_491_000);
    }
}
