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
    /// To the fallback provider, while the breaker of the queue's own is open.
    Fallback,
    /// To the fallback, as the one call that decides whether others may go there.
    FallbackProbe,
}

impl Route {
    /// Whether the calls go to the fallback provider.
    #[must_use]
    pub fn is_fallback(self) -> bool {
        matches!(self, Self::Fallback | Self::FallbackProbe)
    }

    /// Whether the run is a probe: it finds out whether its provider works again. A failed probe uses no attempt.
    #[must_use]
    pub fn is_probe(self) -> bool {
        matches!(self, Self::Probe | Self::FallbackProbe)
    }
}

/// What a call reports about its provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CallReport {
    /// Nothing: no call was made, or the call says nothing about the provider's health.
    #[default]
    Nothing,
    /// The provider answered.
    Well,
    /// The provider did not answer, or answered with a failure.
    Ill,
    /// This process did not reach the provider. The reports of other workers show whether the provider or this machine is at
    /// fault.
    NotReached,
    /// The provider named a time to wait for: claims wait until then.
    Hold(Duration),
    /// The provider refused our credentials: its queue pauses itself.
    Refused {
        /// The provider's reason, in its own words.
        reason: String,
    },
}

/// Permission to make one call. The report of the call carries it, so that a late report of an older epoch counts nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// The breaker's epoch.
    pub epoch: u64,
    /// Whether this call is a probe, which decides whether other calls may go on.
    pub probe: bool,
}

/// A provider may not be called now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{provider} may not be called now: {why}")]
pub struct NotNow {
    /// The provider's name.
    pub provider: String,
    /// The cause.
    pub why: Why,
    /// After what time it is worth asking again.
    pub retry_after: Duration,
}

/// What holds calls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Its breaker is open, or a probe is under way.
    #[error("its breaker is open")]
    Open,
    /// The provider named a time to wait for.
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
    /// The host and its port.
    pub host: String,
    /// The cause, in words without secrets.
    pub cause: String,
    /// Whether this machine lacks what a connection needs (descriptors, memory, ports). Then it says nothing about the host.
    pub ours: bool,
}

/// Tests whether a host can be reached, without sending it a request.
pub trait Reach: Send + Sync {
    /// Makes a connection, TLS included, and drops it.
    fn reach(&self) -> Pin<Box<dyn Future<Output = Result<(), Unreached>> + Send + '_>>;
}
