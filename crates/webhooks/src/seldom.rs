//! Log lines that anybody on the internet can cause.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// At most one line in so long.
const EVERY: Duration = Duration::from_secs(10);

/// Lets one pass every ten seconds and counts the others.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<Since>);

#[derive(Debug, Default)]
struct Since {
    last: Option<Instant>,
    held_back: u64,
}

impl Seldom {
    /// Whether this one may pass, and then how many did not since the last that did.
    pub(crate) fn pass(&self) -> Option<u64> {
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
        let (seldom, start) = (Seldom::default(), Instant::now());
        let after = |ms| seldom.pass_at(start + Duration::from_millis(ms));
        let passed = [0, 1, 9_999, 10_000, 10_001, 30_000].map(after);
        assert_eq!(passed, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
