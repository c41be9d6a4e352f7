//! Calls to providers, one by one: which way they go, whether they may be made now, and what their answers say.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::{Answer, JobError, Scope};

/// Which way a run's calls go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Route {
    /// To the queue's provider.
    #[default]
    Primary,
    /// To the queue's provider, as the one call that decides whether the others may go on.
    Probe,
    /// To the provider that stands in for it while its breaker is open.
    Fallback,
    /// To the fallback, as the one call that decides whether others may go there.
    FallbackProbe,
}

impl Route {
    /// The calls go to the provider that stands in.
    #[must_use]
    pub fn is_fallback(self) -> bool {
        matches!(self, Self::Fallback | Self::FallbackProbe)
    }

    /// The run finds out about its provider, at the cost of nobody's attempt.
    #[must_use]
    pub fn is_probe(self) -> bool {
        matches!(self, Self::Probe | Self::FallbackProbe)
    }
}

/// What a call says of the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Word {
    /// Nothing: no call was made, or it says nothing about the provider's health.
    #[default]
    Nothing,
    /// It answered.
    Well,
    /// It did not, or not as it should.
    Ill,
    /// It was not reached from here. Whose trouble that is, the queue finds out by what other workers say.
    NotReached,
    /// It said when to come back: claims wait until then.
    Hold(Duration),
    /// It refused our credentials: its queue pauses itself.
    Refused {
        /// In its words.
        reason: String,
    },
}

/// Leave to make one call. What is heard goes back with it, so that late news of a time before count nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// The breaker's epoch.
    pub epoch: u64,
    /// This call decides whether others may go on.
    pub probe: bool,
}

/// A provider may not be called now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{provider} may not be called now: {why}")]
pub struct NotNow {
    /// Which one.
    pub provider: String,
    /// Why.
    pub why: Why,
    /// When it is worth asking again, from now.
    pub retry_after: Duration,
}

/// What holds calls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Its breaker is open, or a probe is under way.
    #[error("its breaker is open")]
    Open,
    /// It said when to come back.
    #[error("it asked for a pause")]
    Held,
    /// It refuses our credentials.
    #[error("it refuses our credentials")]
    Refused,
    /// This process knows of no such provider: it is not configured here.
    #[error("it is not configured here")]
    Unknown,
    /// Redis could not be asked.
    #[error("Redis cannot be asked")]
    Unanswered,
}

/// The job waits, at the cost of no attempt.
impl From<NotNow> for JobError {
    fn from(not_now: NotNow) -> Self {
        Self::Throttled {
            retry_after: not_now.retry_after,
            scope: Scope::Job,
            reason: not_now.to_string(),
            answer: Answer::default().quoting_nothing(),
        }
    }
}

/// A host that was not reached: nothing was sent to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// Which, with its port.
    pub host: String,
    /// Why, in words that hold no secret.
    pub cause: String,
    /// This machine is short of what a connection needs: descriptors, memory, ports. That says nothing of the host.
    pub ours: bool,
}

/// Finds out whether a host is reached, and sends it nothing.
pub trait Reach: Send + Sync {
    /// Makes a connection, TLS included, and drops it.
    fn reach(&self) -> Pin<Box<dyn Future<Output = Result<(), Unreached>> + Send + '_>>;
}
