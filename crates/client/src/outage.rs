//! An outage of Redis is remembered: no call waits for what another one has just waited for in vain.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_queue::QueueError;
use tokio::time::Instant;

/// During an outage one call in this time tries Redis, and all others fail at once.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// After this time without a call the outage is forgotten: what is known of it is too old.
const FORGET_AFTER: Duration = Duration::from_secs(10);

/// What the calls of one client know of the server that they share.
#[derive(Debug, Default)]
pub(crate) struct Outage(Mutex<Option<Known>>);

#[derive(Debug)]
struct Known {
    error: QueueError,
    last: Instant,
    next_try: Instant,
}

/// How a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// As its client says: an outage may be waited out.
    Patiently,
    /// Once: there was an outage a moment ago, and the call finds out whether it is over.
    Once,
}

impl Outage {
    /// How a call is made now.
    ///
    /// # Errors
    /// What the last call met: there is an outage, and this call is not to be made.
    pub(crate) fn ask(&self, now: Instant) -> Result<Pass, QueueError> {
        let mut known = self.lock();
        match known.as_mut() {
            Some(known) if now < known.last + FORGET_AFTER => {
                if now < known.next_try {
                    return Err(known.error.clone());
                }
                known.next_try = now + TRY_EVERY;
                Ok(Pass::Once)
            }
            _ => Ok(Pass::Patiently),
        }
    }

    /// Notes what a call came to that waits no longer.
    pub(crate) fn note<T>(&self, answer: &Result<T, QueueError>, now: Instant) {
        *self.lock() = match answer {
            Err(error) if error.is_outage() => Some(Known {
                error: error.clone(),
                last: now,
                next_try: now + TRY_EVERY,
            }),
            _ => None,
        };
    }

    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_in_a_while_tries_and_the_others_fail_at_once() {
        let (outage, begin) = (Outage::default(), Instant::now());
        let after = |ms| begin + Duration::from_millis(ms);
        let away = || QueueError::Unreachable {
            server: "there".to_owned(),
            reason: "no route".to_owned(),
        };
        let ask = |ms| outage.ask(after(ms));
        assert_eq!(ask(0).ok(), Some(Pass::Patiently));
        outage.note::<()>(&Err(away()), after(0));
        for ms in [0, 1, 499] {
            let error = ask(ms).expect_err("it is away");
            assert!(error.to_string().contains("no route"), "{error}");
        }
        assert_eq!(ask(500).ok(), Some(Pass::Once));
        assert!(ask(501).is_err(), "one at a time");
        assert_eq!(ask(1000).ok(), Some(Pass::Once), "the first is silent");
        outage.note::<()>(&Err(away()), after(1200));
        assert!(ask(1300).is_err());
        // A refusal is an answer.
        let refused = QueueError::Unexpected("words".to_owned());
        outage.note::<()>(&Err(refused), after(1700));
        assert_eq!(ask(1701).ok(), Some(Pass::Patiently));

        outage.note::<()>(&Err(away()), after(2000));
        assert_eq!(ask(12_000).ok(), Some(Pass::Patiently), "long ago");
        outage.note(&Ok(()), after(12_001));
        assert_eq!(ask(12_002).ok(), Some(Pass::Patiently));
    }
}
