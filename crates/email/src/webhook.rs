//! The providers' events: what becomes of mails, and which addresses nothing is to be sent to any more.
//!
//! A request of SendGrid's is a list of events about any mails of the account, also of some that are not ours.

mod event;
#[cfg(test)]
mod fuzz;
mod key;
mod postmark;
mod signature;

use std::fmt;

use longshore_integration::{Posted, Read, Refusal, Source};

pub use key::{InvalidPublicKey, PublicKey};
pub use postmark::PostmarkEvents;
use signature::Verifier;

/// SendGrid as a source of events.
pub struct SendGridEvents {
    verifier: Verifier,
}

impl SendGridEvents {
    /// Events that are verified with one of these keys: the old and the new one while they change.
    #[must_use]
    pub fn new(public_keys: Vec<PublicKey>) -> Self {
        Self {
            verifier: Verifier::new(public_keys),
        }
    }
}

impl Source for SendGridEvents {
    fn needs_public_url(&self) -> bool {
        false
    }

    fn read(&self, posted: &Posted<'_>) -> Result<Read, Refusal> {
        self.verifier.verify(posted.head, posted.body, posted.at)?;
        event::read_all(posted.body)
    }
}

impl fmt::Debug for SendGridEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendGridEvents").finish_non_exhaustive()
    }
}
