//! Stripe's events about payments and subscriptions, each of which becomes a job.
//!
//! The job gets the event's id and nothing else, and fetches the event and its object again. So what is read here has
//! only to say whether there is something to fetch.

mod event;
mod signature;

use std::fmt;

use longshore_integration::{Posted, Read, Refusal, Source};
use longshore_provider::secret::Secret;

#[cfg(test)]
pub(crate) use event::read as read_event;
use signature::Verifier;
#[cfg(test)]
pub(crate) use signature::is_verified as read_signature;

/// Stripe as a source of events.
pub struct StripeEvents {
    verifier: Verifier,
    live: bool,
}

impl StripeEvents {
    /// Events that are signed with one of the endpoint's secrets, `whsec_…`: the old and the new one while they change.
    /// `live` says whether our key is one for real money: events of the other mode are refused.
    #[must_use]
    pub fn new(secrets: Vec<Secret>, live: bool) -> Self {
        Self {
            verifier: Verifier::new(secrets),
            live,
        }
    }
}

impl Source for StripeEvents {
    fn needs_public_url(&self) -> bool {
        false
    }

    fn read(&self, posted: &Posted<'_>) -> Result<Read, Refusal> {
        self.verifier.verify(posted.head, posted.body, posted.at)?;
        event::read(self.live, posted.body)
    }
}

impl fmt::Debug for StripeEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeEvents").finish_non_exhaustive()
    }
}
