//! Log lines that anybody on the internet can cause.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// At most one line in so long.
const EVERY: Duration = Duration::from_secs(10);

/// Lets one log line pass every ten seconds, and counts the others.
#[derive(Debug, Default)]
pub struct LogLimit(Mutex<Since>);

#[derive(Debug, Default)]
struct Since {
    last: Option<Instant>,
    held_back: u64,
}

impl LogLimit {
    /// `Some` when a line may be written: how many were not written since the last one.
    pub fn pass(&self) -> Option<u64> {
        self.pass_at(Instant::now())
    }

    fn pass_at(&self, now: Instant) -> Option<u64> {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if since
            .last
            .is_some_and(|last| now.duration_since(last) < EVERY)
        {
            since.held_back += 1;
            return None;
        }
        since.last = Some(now);
        Some(std::mem::take(&mut since.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_passes_and_tells_of_the_others() {
        let (limit, start) = (LogLimit::default(), Instant::now());
        let after = |ms| limit.pass_at(start + Duration::from_millis(ms));
        let passed = [0, 1, 9_999, 10_000, 10_001, 30_000].map(after);
        assert_eq!(passed, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
