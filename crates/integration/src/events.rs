//! Events that providers post to the program's listener.
//!
//! A [`Source`] verifies a request and says what it means; it asks nobody and writes nothing. What it says is written down by
//! the listener, which answers the provider only after that.

use std::time::SystemTime;

use http::request::Parts;
use longshore_job::{JobId, Prepared, Suppress};

use crate::{Context, Pending, PublicUrl};

/// Events of one provider.
#[derive(Debug, Clone, Copy)]
pub struct Events {
    /// The provider's name: they are posted to `/webhooks/<name>`.
    pub name: &'static str,
    /// The keys that turn them on, for those who look for them.
    pub turned_on_by: &'static str,
    /// Makes the source, if what it takes is on.
    pub source: OpenSource,
}

/// Makes a source of events, if what it takes is on.
pub type OpenSource = for<'a> fn(Context<'a>) -> Pending<'a, Option<Box<dyn Source>>>;

/// A provider that posts events.
pub trait Source: Send + Sync + 'static {
    /// Verifies a request and reads it. Asks nobody.
    ///
    /// # Errors
    /// When it is not known to come from the provider, or cannot be used.
    fn read(&self, posted: &Posted<'_>) -> Result<Read, Refusal>;
}

/// A request that was posted.
#[derive(Debug, Clone, Copy)]
pub struct Posted<'a> {
    /// What the listener is to the world.
    pub url: &'a PublicUrl,
    /// Its path, query and headers.
    pub head: &'a Parts,
    /// Its body, byte for byte.
    pub body: &'a [u8],
    /// When it came.
    pub at: SystemTime,
}

/// Why a request is not taken. The texts are answered as they are: they are fixed, so that nothing that was sent
/// and no secret can be in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not known to come from the provider.
    #[error("{0}")]
    BadSignature(&'static str),
    /// It comes from the provider, and cannot be used.
    #[error("{0}")]
    BadRequest(&'static str),
}

/// What a request says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Its events, in order. Each is written down by itself: one that cannot be read does not lose the others.
    pub events: Vec<Event>,
    /// What somebody should know of it.
    pub notices: Vec<Notice>,
}

/// Something about a request that nobody would look for otherwise. It is logged, each text once a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is.
    pub what: &'static str,
    /// More of it. Names no person and holds no secret.
    pub detail: Option<String>,
}

/// What one event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A job follows from it.
    Job(Box<EventJob>),
    /// It says how a delivery stands.
    Delivery(Box<Delivery>),
    /// Nothing follows from it.
    Ignored,
    /// It cannot be read.
    Unreadable,
}

/// A job that follows from an event, once: an event that comes again within seven days makes no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventJob {
    /// The job.
    pub job: Prepared,
    /// The event, by the provider's id.
    pub event: String,
}

/// How something stands that a job has sent. Events come in any order, and more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message, by the provider's id. Without one, it is the one that the job has sent.
    pub message: Option<String>,
    /// The job, if the event names it.
    pub job: Option<JobId>,
    /// The state, in the provider's words.
    pub state: String,
    /// How far along it is: only a higher rank overwrites.
    pub rank: u8,
    /// The provider's code for what went wrong.
    pub code: Option<String>,
    /// The address is to get nothing any more.
    pub suppress: Option<Suppress>,
}
