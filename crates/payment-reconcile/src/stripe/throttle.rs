//! How long everybody waits when Stripe is asked too often. Its `rate_limit` names no time, and its advice is to wait for a
//! second, then two, then four.
//!
//! The time becomes a hold of the whole fleet's claims, so one refused call is one step: those that were under way with it
//! name the same end. Afterwards calls go out no faster than the limiter lets them, so no burst follows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_provider::{HeaderName, HeaderValue, ProviderError};
use tokio::time::Instant;

use crate::error::is_rate_limit;

const RETRY_AFTER: HeaderName = HeaderName::from_static("retry-after");

const FIRST: Duration = Duration::from_secs(1);

/// The longest: a checkout can still wait for it and be made within its minute.
const LONGEST: Duration = Duration::from_secs(4);

/// How long after a wait the next refusal counts as one more in a row.
const IN_A_ROW: Duration = Duration::from_secs(10);

/// What this process knows of being throttled. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Throttle {
    last: Arc<Mutex<Option<Wait>>>,
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    lasts: Duration,
    until: Instant,
}

impl Throttle {
    /// Writes into a refusal that names no time how long to wait.
    pub(super) fn name_wait(&self, mut error: ProviderError) -> ProviderError {
        if let ProviderError::Throttled { response, .. } = &mut error
            && !response.headers.contains_key(RETRY_AFTER)
            && is_rate_limit(response)
        {
            let wait = self.wait(Instant::now());
            response
                .headers
                .insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        error
    }

    /// How long to wait from now on, in whole seconds.
    fn wait(&self, now: Instant) -> Duration {
        // A panic cannot leave it half written.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let lasts = match *last {
            Some(wait) if now < wait.until => {
                let rest = wait.until - now;
                return Duration::from_secs(rest.as_secs_f64().ceil() as u64).max(FIRST);
            }
            Some(wait) if now < wait.until + IN_A_ROW => (wait.lasts * 2).min(LONGEST),
            _ => FIRST,
        };
        *last = Some(Wait {
            lasts,
            until: now + lasts,
        });
        lasts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_then_two_then_four_and_a_second_again_later() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let at = |ms| throttle.wait(start + Duration::from_millis(ms)).as_secs();
        assert_eq!(at(0), 1);
        // Those that were under way with it.
        assert_eq!((at(10), at(900)), (1, 1));
        assert_eq!(at(1_100), 2);
        assert_eq!((at(1_200), at(2_900)), (2, 1));
        assert_eq!(at(3_200), 4);
        assert_eq!(at(7_300), 4, "not longer");
        assert_eq!(at(21_400), 1, "it was well for ten seconds");
    }
}
