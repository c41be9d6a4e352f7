//! SendGrid: what becomes of mails, and which addresses nothing is to be sent to any more.
//!
//! A request is a list of events about any mails of the account, also of some that are not ours. Each is written down by
//! itself, and one that cannot be read is left out: the others must not be lost for it.

mod event;
mod key;
mod signature;

use std::fmt;
use std::time::SystemTime;

use axum::body::Bytes;
use axum::http::request::Parts;
use futures_util::{StreamExt, stream};
use longshore_queue::{Heard, Queue, QueueError};

use crate::PublicUrl;
use crate::source::{Outcome, Refusal, Source, impatient};
use event::{Event, Told};
pub use key::{InvalidPublicKey, PublicKey};
use longshore_listener::LogLimit;
use signature::Verifier;

/// How many events are on their way to Redis at the same time. A list may hold some thousand, and Redis has three seconds
/// for all of them.
const AT_ONCE: usize = 64;

/// What has to be known to take SendGrid's events.
#[derive(Debug, Clone)]
pub struct SendGridEvents {
    /// What events are verified with; the old and the new one while they change.
    pub public_keys: Vec<PublicKey>,
    /// The queue whose jobs send mails.
    pub queue: Queue,
}

/// SendGrid as a source of events.
pub(crate) struct SendGrid {
    verifier: Verifier,
    queue: Queue,
    unreadable: LogLimit,
    unknown: LogLimit,
}

impl SendGrid {
    pub(crate) fn new(events: SendGridEvents) -> Self {
        Self {
            verifier: Verifier::new(events.public_keys),
            queue: impatient(&events.queue),
            unreadable: LogLimit::default(),
            unknown: LogLimit::default(),
        }
    }

    /// Says what nobody will look for otherwise.
    fn log(&self, events: &[Event]) {
        let provider = Self::NAME;
        if events.contains(&Event::Unreadable)
            && let Some(unlogged) = self.unreadable.pass()
        {
            tracing::warn!(provider, unlogged, "an event of a list cannot be read");
        }
        if events.contains(&Event::Unknown)
            && let Some(unlogged) = self.unknown.pass()
        {
            tracing::warn!(
                provider,
                unlogged,
                "an event is of a kind that is not known here"
            );
        }
    }

    async fn write(&self, event: &Event) -> Result<Outcome, QueueError> {
        let told = match event {
            Event::Told(told) => told,
            Event::Engagement | Event::Unknown => return Ok(Outcome::Ignored),
            Event::Unreadable => return Ok(Outcome::BadRequest),
        };
        let heard = match (self.news(told).await?, &told.suppress) {
            (Some(news), _) => self.queue.hear(&news).await?,
            (None, Some(suppress)) => self.queue.suppress(suppress, told.job).await?,
            (None, None) => Heard::Unknown,
        };
        Ok(match heard {
            Heard::Noted => Outcome::Noted,
            Heard::Stale => Outcome::Stale,
            Heard::Unknown => Outcome::Unknown,
        })
    }

    /// The news of a message. A bounce that comes long after the mail names none: it is the one that the job has sent.
    async fn news(&self, told: &Told) -> Result<Option<longshore_queue::News>, QueueError> {
        let message = match (&told.message, told.job) {
            (Some(message), _) => Some(message.clone()),
            (None, Some(job)) => self.queue.message_of(job).await?,
            (None, None) => None,
        };
        Ok(message.map(|message| told.news(message)))
    }
}

impl Source for SendGrid {
    const NAME: &'static str = "sendgrid";

    type Events = Vec<Event>;

    fn read(&self, _: &PublicUrl, head: &Parts, body: &Bytes) -> Result<Vec<Event>, Refusal> {
        self.verifier.verify(head, body, SystemTime::now())?;
        let events = event::read_all(body)?;
        self.log(&events);
        Ok(events)
    }

    async fn take(&self, events: &Vec<Event>) -> Result<Vec<Outcome>, QueueError> {
        // What names no message comes last: another event of the list may be the one that says which its job has sent.
        let (nameless, named): (Vec<&Event>, Vec<&Event>) =
            events.iter().partition(|event| event.names_no_message());
        let mut outcomes = Vec::with_capacity(events.len());
        let mut failed = None;
        for part in [named, nameless] {
            let writes: Vec<_> = part.into_iter().map(|event| self.write(event)).collect();
            let written: Vec<_> = stream::iter(writes).buffered(AT_ONCE).collect().await;
            for written in written {
                match written {
                    Ok(outcome) => outcomes.push(outcome),
                    // Nothing is written without Redis, so there is no use in the rest.
                    Err(error @ QueueError::Unreachable { .. }) => return Err(error),
                    // That is about one event. The others must not be lost for it; but the list is not all taken.
                    Err(error) => failed = Some(error),
                }
            }
        }
        match failed {
            None => Ok(outcomes),
            Some(error) => Err(error),
        }
    }

    fn queue(&self) -> &Queue {
        &self.queue
    }
}

impl fmt::Debug for SendGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendGrid").finish_non_exhaustive()
    }
}
