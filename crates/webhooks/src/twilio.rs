//! Twilio: the status callbacks of messages.

mod signature;
mod status;

use std::fmt;

use axum::body::Bytes;
use axum::http::request::Parts;
use longshore_provider::secret::Secret;
use longshore_queue::{Heard, News, Queue, QueueError};

use crate::PublicUrl;
use crate::source::{Outcome, Refusal, Source, impatient};
use signature::Verifier;

/// What has to be known to take Twilio's events.
#[derive(Debug, Clone)]
pub struct TwilioEvents {
    /// The account that messages are sent from, `AC…`; what comes from another is refused.
    pub account_sid: String,
    /// Its primary auth token, which signs requests. The secret of an API key never does.
    pub auth_token: Secret,
    /// The secrets of shared keys, if webhooks are signed with those, the old and the new one while they change.
    pub shared_keys: Vec<Secret>,
    /// The queue whose jobs send messages.
    pub queue: Queue,
}

/// Twilio as a source of events.
pub(crate) struct Twilio {
    account_sid: String,
    verifier: Verifier,
    queue: Queue,
}

impl Twilio {
    pub(crate) fn new(events: TwilioEvents) -> Self {
        Self {
            verifier: Verifier::new(events.auth_token, events.shared_keys),
            account_sid: events.account_sid,
            queue: impatient(&events.queue),
        }
    }
}

impl Source for Twilio {
    const NAME: &'static str = "twilio";

    /// `None` for a state that is not known: it is taken and forgotten, since sending it again would help nobody.
    type Events = Option<News>;

    fn read(&self, url: &PublicUrl, head: &Parts, body: &Bytes) -> Result<Option<News>, Refusal> {
        let params = self.verifier.verify(url, head, body)?;
        status::read(&self.account_sid, head, &params)
    }

    async fn take(&self, news: &Option<News>) -> Result<Vec<Outcome>, QueueError> {
        let outcome = match news {
            None => Outcome::Ignored,
            Some(news) => match self.queue.hear(news).await? {
                Heard::Noted => Outcome::Noted,
                Heard::Stale => Outcome::Stale,
                Heard::Unknown => Outcome::Unknown,
            },
        };
        Ok(vec![outcome])
    }

    fn queue(&self) -> &Queue {
        &self.queue
    }
}

impl fmt::Debug for Twilio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Twilio").finish_non_exhaustive()
    }
}
