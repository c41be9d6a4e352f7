//! Stripe: events about payments and subscriptions, each of which becomes a job.
//!
//! The job gets the event's id and nothing else, and fetches the event and its object again. So what is read here has
//! only to say whether there is something to fetch.

mod event;
mod signature;

use std::fmt;
use std::time::SystemTime;

use axum::body::Bytes;
use axum::http::request::Parts;
use longshore_provider::secret::Secret;
use longshore_queue::{NewJob, Queue, QueueError};

use crate::PublicUrl;
use crate::source::{Outcome, Refusal, Source, impatient};
use event::{Event, Ignored, Read};
use longshore_listener::LogLimit;
use signature::Verifier;

/// What has to be known to take Stripe's events.
#[derive(Debug, Clone)]
pub struct StripeEvents {
    /// What the endpoint's events are signed with, `whsec_…`; the old and the new one while they change.
    pub secrets: Vec<Secret>,
    /// Whether our key is one for real money: events of the other mode are refused.
    pub live: bool,
    /// The queue whose jobs apply events.
    pub queue: Queue,
}

/// Stripe as a source of events.
pub(crate) struct Stripe {
    verifier: Verifier,
    live: bool,
    queue: Queue,
    other_versions: LogLimit,
    other_accounts: LogLimit,
}

impl Stripe {
    pub(crate) fn new(events: StripeEvents) -> Self {
        let StripeEvents {
            secrets,
            live,
            queue,
        } = events;
        Self {
            verifier: Verifier::new(secrets),
            live,
            queue: impatient(&queue),
            other_versions: LogLimit::default(),
            other_accounts: LogLimit::default(),
        }
    }

    /// Says what somebody may have set up wrong at Stripe.
    fn log(&self, event: &Event) {
        if event.ignored == Some(Ignored::OtherAccount) {
            if let Some(unlogged) = self.other_accounts.pass() {
                tracing::warn!(
                    provider = Self::NAME,
                    event = event.id,
                    unlogged,
                    "an event is ignored: it is of a connected account, not of ours"
                );
            }
        } else if let Some(version) = &event.other_version
            && let Some(unlogged) = self.other_versions.pass()
        {
            tracing::warn!(
                provider = Self::NAME,
                event = event.id,
                version,
                expected = event::API_VERSION,
                unlogged,
                "an event is written in another version of the API; it is fetched again in ours"
            );
        }
    }
}

impl Source for Stripe {
    const NAME: &'static str = "stripe";

    /// The job that applies the event; `None` for one that has nothing to be applied.
    ///
    /// Its id is made here, so that writing it again after an error finds it there.
    type Events = Option<Box<NewJob>>;

    fn read(&self, _: &PublicUrl, head: &Parts, body: &Bytes) -> Result<Self::Events, Refusal> {
        self.verifier.verify(head, body, SystemTime::now())?;
        let Read { event, job } = event::read(self.live, body)?;
        self.log(&event);
        Ok(job.map(Box::new))
    }

    async fn take(&self, job: &Self::Events) -> Result<Vec<Outcome>, QueueError> {
        let Some(job) = job else {
            return Ok(vec![Outcome::Ignored]);
        };
        let jobs = std::slice::from_ref(&**job);
        let enqueued = self.queue.enqueue(jobs).await?;
        let outcome = |duplicate| match duplicate {
            true => Outcome::Duplicate,
            false => Outcome::Noted,
        };
        let outcomes = enqueued.iter().map(|enqueued| outcome(enqueued.duplicate));
        Ok(outcomes.collect())
    }

    fn queue(&self) -> &Queue {
        &self.queue
    }
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe").finish_non_exhaustive()
    }
}
