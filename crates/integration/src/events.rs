//! Events that providers post to the program's listener.
//!
//! A [`Source`] verifies a request and says what it means; it asks nobody and writes nothing. What it says is written down by
//! the listener, which answers the provider only after that.

use std::time::SystemTime;

use http::request::Parts;
use longshore_job::{JobId, Prepared, Suppress};

use crate::{Context, Pending, PublicUrl};

/// The events of one provider.
#[derive(Debug, Clone, Copy)]
pub struct Events {
    /// The provider's name: they are posted to `/webhooks/<name>`.
    pub name: &'static str,
    /// The settings' keys that turn them on, for messages: the paths that their section has.
    pub turned_on_by: &'static [&'static str],
    /// Makes the source; `None` while the settings that it needs are off.
    pub source: OpenSource,
}

/// Makes a source of events; `None` while the settings that it needs are off.
pub type OpenSource = for<'a> fn(Context<'a>) -> Pending<'a, Option<Box<dyn Source>>>;

/// A provider that posts events.
pub trait Source: Send + Sync + 'static {
    /// Verifies a request and reads it. Sends no requests.
    ///
    /// # Errors
    /// When the request is not known to come from the provider, or cannot be used.
    fn read(&self, posted: &Posted<'_>) -> Result<Read, Refusal>;

    /// Whether [`Posted::url`] is read: a provider whose signatures are over the URL. Without `webhooks.public_url` its events are
    /// not taken.
    fn needs_public_url(&self) -> bool {
        true
    }

    /// What the provider wants to read when its events were taken; `None` where a 204 will do.
    fn answer(&self) -> Option<SourceAnswer> {
        None
    }
}

/// What a provider reads when its events were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceAnswer {
    /// Its media type.
    pub content_type: &'static str,
    /// The body.
    pub body: &'static str,
}

/// A request that was posted.
#[derive(Debug, Clone, Copy)]
pub struct Posted<'a> {
    /// The public origin of the listener. For a source that [needs none](Source::needs_public_url) it may be any.
    pub url: &'a PublicUrl,
    /// Its path, query and headers.
    pub head: &'a Parts,
    /// Its body, byte for byte.
    pub body: &'a [u8],
    /// When the request arrived.
    pub at: SystemTime,
}

/// Why a request is not accepted. The text is the answer to the sender. It is fixed, so it never contains a secret or any part of
/// the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request is not known to come from the provider.
    #[error("{0}")]
    BadSignature(&'static str),
    /// The request comes from the provider, but cannot be used.
    #[error("{0}")]
    BadRequest(&'static str),
}

/// What a request says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Its events, in order. Each is stored by itself, so one unreadable event does not lose the others.
    pub events: Vec<Event>,
    /// Remarks on the request, for the log.
    pub remarks: Vec<Remark>,
}

/// A remark on a request that a person should see. It is logged; the same text only once in a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The text.
    pub what: &'static str,
    /// Details. They name no person and hold no secret.
    pub detail: Option<String>,
}

/// What one event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A job follows from it.
    Job(Box<EventJob>),
    /// It updates a delivery.
    Delivery(Box<DeliveryUpdate>),
    /// Nothing follows from it.
    Ignored,
    /// It cannot be read.
    Unreadable,
}

/// A job that follows from an event. If the event comes again within seven days, it makes no second job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventJob {
    /// The job.
    pub job: Prepared,
    /// The event, by the provider's id.
    pub event: String,
}

/// A delivery update: the state of something that a job has sent. Updates arrive in any order, and more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryUpdate {
    /// The message, by the provider's id. `None` = the message that the job has sent.
    pub message: Option<String>,
    /// The job, if the event names it.
    pub job: Option<JobId>,
    /// The state, in the provider's words.
    pub state: String,
    /// The rank of the state: an update overwrites only a state of a lower rank.
    pub rank: u8,
    /// The provider's code for what went wrong.
    pub code: Option<String>,
    /// The address that must get no more messages, if the event says so.
    pub suppress: Option<Suppress>,
}
