//! Twilio's events: the status callbacks of messages, and what people answer.

mod form;
#[cfg(test)]
mod fuzz;
mod inbound;
mod signature;
mod status;

use std::fmt;

use longshore_integration::{Posted, Read, Refusal, Source, SourceAnswer};
use longshore_provider::secret::Secret;

use signature::Verifier;

/// Twilio as a source of events.
pub struct TwilioEvents {
    account_sid: String,
    verifier: Verifier,
}

impl TwilioEvents {
    /// Events of the account `account_sid`, `AC…`; what comes from another is refused. Its primary auth token signs them,
    /// or one of the shared keys, if webhooks are signed with those. The secret of an API key never does.
    #[must_use]
    pub fn new(account_sid: String, auth_token: Secret, shared_keys: Vec<Secret>) -> Self {
        Self {
            account_sid,
            verifier: Verifier::new(auth_token, shared_keys),
        }
    }
}

impl Source for TwilioEvents {
    fn read(&self, posted: &Posted<'_>) -> Result<Read, Refusal> {
        let params = self.verifier.verify(posted.url, posted.head, posted.body)?;
        status::read(&self.account_sid, posted.head, &params)
    }
}

impl fmt::Debug for TwilioEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioEvents").finish_non_exhaustive()
    }
}

/// Texts that people send to our numbers, as a source of events: who wants no more of ours, and who wants some again.
pub struct TwilioInbound {
    account_sid: String,
    verifier: Verifier,
}

impl TwilioInbound {
    /// Texts to numbers of the account `account_sid`, signed as its status callbacks are.
    #[must_use]
    pub fn new(account_sid: String, auth_token: Secret, shared_keys: Vec<Secret>) -> Self {
        Self {
            account_sid,
            verifier: Verifier::new(auth_token, shared_keys),
        }
    }
}

impl Source for TwilioInbound {
    fn read(&self, posted: &Posted<'_>) -> Result<Read, Refusal> {
        let params = self.verifier.verify(posted.url, posted.head, posted.body)?;
        inbound::read(&self.account_sid, &params)
    }

    /// TwiML that does nothing: no text is answered by one of ours.
    fn answer(&self) -> Option<SourceAnswer> {
        Some(SourceAnswer {
            content_type: "text/xml",
            body: "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>",
        })
    }
}

impl fmt::Debug for TwilioInbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioInbound").finish_non_exhaustive()
    }
}
