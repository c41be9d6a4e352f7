//! A queue, as its integration describes it.

use std::time::Duration;

use longshore_job::OnUnknown;

/// A queue's name and its defaults, which the configuration may override.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueSpec {
    /// Its name.
    pub name: &'static str,
    /// What follows an unknown outcome, unless configured. `Verify` applies to its verifiable kinds (`Job::VERIFIABLE`); for the
    /// others it means `Retry`.
    pub default_on_unknown: OnUnknown,
    /// How long one attempt may take unless configured.
    pub default_timeout: Duration,
    /// How long the provider's terms allow results to be kept, if they set a limit.
    pub keep_at_most: Option<Duration>,
    /// How long completed jobs are kept unless configured.
    pub default_completed: Duration,
    /// How many bytes of them are kept unless configured; `None` = any.
    pub default_completed_bytes: Option<&'static str>,
}

impl QueueSpec {
    /// A queue with the usual defaults: a request with a lost answer is repeated, an attempt may take 30 s, and completed jobs are
    /// kept for an hour, up to 64 MiB.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            default_on_unknown: OnUnknown::Retry,
            default_timeout: Duration::from_secs(30),
            keep_at_most: None,
            default_completed: Duration::from_secs(3600),
            default_completed_bytes: Some("64MiB"),
        }
    }
}
