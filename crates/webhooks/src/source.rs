//! What a provider of events is to the front door.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::request::Parts;
use longshore_queue::{LinkOptions, Queue, QueueError};

use crate::PublicUrl;

/// How long a source waits for its Redis. Shorter than the door waits for the source, so that a connection on which
/// nothing comes back any more is dropped, and not waited for by one request after the other.
const PATIENCE: LinkOptions = LinkOptions {
    connect_timeout: Duration::from_secs(1),
    response_timeout: Duration::from_secs(2),
};

/// The same queue, over a connection that waits as long as a source may.
pub(crate) fn impatient(queue: &Queue) -> Queue {
    queue.over(queue.link().another(PATIENCE))
}

/// A provider that posts events to `/webhooks/<NAME>`. One module implements this, and one method of
/// [`Webhooks`](crate::Webhooks) adds it; the door around it limits, answers, counts and logs.
pub(crate) trait Source: Send + Sync + 'static {
    /// The provider's name: in the path, in metrics and in logs.
    const NAME: &'static str;

    /// What a request says, once it is known to be the provider's.
    type Events: Send + Sync;

    /// Verifies a request and reads it. Asks nobody.
    fn read(&self, url: &PublicUrl, head: &Parts, body: &Bytes) -> Result<Self::Events, Refusal>;

    /// Writes to Redis what the events say, and tells what became of each, in any order. After an error it is called again, and the
    /// provider sends the whole request again: what was written already has to bear repetition.
    fn take(
        &self,
        events: &Self::Events,
    ) -> impl Future<Output = Result<Vec<Outcome>, QueueError>> + Send;

    /// The queue that it writes to: without its Redis this process is not ready.
    fn queue(&self) -> &Queue;
}

/// Why a request is not taken. The texts are answered as they are: they are fixed, so that nothing that was sent
/// and no secret can be in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It is not known to come from the provider.
    #[error("{0}")]
    BadSignature(&'static str),
    /// It comes from the provider, and cannot be used.
    #[error("{0}")]
    BadRequest(&'static str),
}

/// What became of an event, or of a request that brought none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Written down.
    Noted,
    /// The same was written down before.
    Duplicate,
    /// Something later was known already.
    Stale,
    /// About nothing of ours.
    Unknown,
    /// Says nothing that we know of.
    Ignored,
    /// Refused: not known to come from the provider.
    BadSignature,
    /// Not to be read: a request, which is refused, or one event of a list, which is left out.
    BadRequest,
    /// Refused: over the limit.
    TooLarge,
    /// Refused: it did not come to its end in time.
    TooSlow,
    /// Sent away for now: too many others at once.
    Busy,
    /// Sent away for now: Redis did not take it.
    Unavailable,
}

impl Outcome {
    /// Its name in metrics and logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Noted => "noted",
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
            Self::Ignored => "ignored",
            Self::BadSignature => "bad_signature",
            Self::BadRequest => "bad_request",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }
}
