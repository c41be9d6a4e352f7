//! How the jobs of a kind are run: what the kind says, and what configuration says instead.

use std::fmt;
use std::time::Duration;

use crate::{Priority, RetrySchedule};

/// What happens to a job when a request may have been sent and no clear answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    /// Try again, knowing that the effect may happen twice where the provider has no idempotency key.
    Retry,
    /// Ask the provider what became of the request before making it again. Only for kinds that are
    /// [verifiable](crate::Job::VERIFIABLE).
    Verify,
    /// Make it a dead letter; an operator decides.
    Hold,
}

impl OnUnknown {
    /// The rule for a kind in practice: `Verify` becomes `Retry` if the kind is not verifiable.
    #[must_use]
    pub fn for_kind(self, verifiable: bool) -> Self {
        match self {
            Self::Verify if !verifiable => Self::Retry,
            rule => rule,
        }
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Verify => "verify",
            Self::Hold => "hold",
        }
    }
}

impl fmt::Display for OnUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A kind's own policy: how its jobs are run. The configuration may override it: [`KindOverrides`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindPolicy {
    /// How long one attempt may take; `None` = as long as its queue allows.
    pub timeout: Option<Duration>,
    /// After how long a job that has not run is dead as `expired`, counted from when it was first due; `None` = never.
    pub expires: Option<Duration>,
    /// When a failed attempt is made again; `None` = on its queue's schedule, `[]` = never.
    pub retry: Option<&'static [Duration]>,
    /// What follows an unknown outcome; `None` = what its queue says.
    pub on_unknown: Option<OnUnknown>,
    /// The waits before a call that failed is made again within the same attempt. For kinds whose user waits: they
    /// cannot wait for the schedule.
    pub retry_within: &'static [Duration],
    /// How long one call to the provider may take, where the provider's own time limit is longer.
    pub call_timeout: Option<Duration>,
    /// How urgent its jobs are; `None` = normal.
    pub priority: Option<Priority>,
}

impl KindPolicy {
    /// The queue's policy in everything, and no expiry.
    pub const DEFAULT: Self = Self {
        timeout: None,
        expires: None,
        retry: None,
        on_unknown: None,
        retry_within: &[],
        call_timeout: None,
        priority: None,
    };

    /// [`DEFAULT`](Self::DEFAULT) with this expiry.
    #[must_use]
    pub const fn expiring(expires: Duration) -> Self {
        Self {
            expires: Some(expires),
            ..Self::DEFAULT
        }
    }

    /// [`DEFAULT`](Self::DEFAULT) with this time limit for each attempt.
    #[must_use]
    pub const fn taking(timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..Self::DEFAULT
        }
    }

    /// The kind's own retry schedule, if it has one.
    #[must_use]
    pub fn schedule(&self) -> Option<RetrySchedule> {
        let waits = self.retry?;
        Some(RetrySchedule::new(waits.iter().copied()))
    }
}

impl Default for KindPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The configuration of one kind. It wins over the kind's own policy, which wins over the queue's defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindOverrides {
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// After how long a job that has not run is dead as `expired`, whatever its args are.
    pub expires: Option<Duration>,
    /// When a failed attempt is made again.
    pub retry: Option<RetrySchedule>,
    /// What follows an unknown outcome.
    pub on_unknown: Option<OnUnknown>,
    /// How urgent its jobs are, whatever their args are. For those who enqueue them.
    pub priority: Option<Priority>,
}

/// The effective policy of one kind: the configuration, the kind and the queue combined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPolicy {
    /// How long one attempt may take.
    pub timeout: Duration,
    /// After how long a job that has not run is dead as `expired`, unless its args or its producer say otherwise;
    /// `None` = never.
    pub expires: Option<Duration>,
    /// When a failed attempt is made again.
    pub retry: RetrySchedule,
    /// What follows an unknown outcome.
    pub on_unknown: OnUnknown,
}

impl RunPolicy {
    /// Combines the three: these overrides win over the kind's policy, and that wins over this policy, which is the queue's.
    #[must_use]
    pub fn of_kind(&self, own: &KindPolicy, overrides: &KindOverrides) -> Self {
        let retry = overrides.retry.clone().or_else(|| own.schedule());
        Self {
            timeout: overrides.timeout.or(own.timeout).unwrap_or(self.timeout),
            expires: overrides.expires.or(own.expires).or(self.expires),
            retry: retry.unwrap_or_else(|| self.retry.clone()),
            on_unknown: overrides
                .on_unknown
                .or(own.on_unknown)
                .unwrap_or(self.on_unknown),
        }
    }

    /// The longest time that a job takes if every attempt fails: all waits, and all attempts with their full time limit. The wait
    /// for a worker is not counted.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let attempts = self.timeout.saturating_mul(self.retry.max_attempts());
        self.retry.total().saturating_add(attempts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn configuration_goes_before_the_kind_and_the_kind_before_its_queue() {
        let queue = RunPolicy {
            timeout: MINUTE,
            expires: None,
            retry: RetrySchedule::default(),
            on_unknown: OnUnknown::Retry,
        };
        let nothing = KindOverrides::default();
        let plain = queue.of_kind(&KindPolicy::DEFAULT, &nothing);
        assert_eq!(plain, queue);
        assert_eq!(plain.longest(), MINUTE * (21 + 4));

        let own = KindPolicy {
            timeout: Some(MINUTE / 2),
            expires: Some(MINUTE),
            retry: Some(&[]),
            on_unknown: Some(OnUnknown::Hold),
            ..KindPolicy::DEFAULT
        };
        let by_kind = queue.of_kind(&own, &nothing);
        assert_eq!(
            (by_kind.timeout, by_kind.expires),
            (MINUTE / 2, Some(MINUTE))
        );
        assert_eq!(by_kind.longest(), MINUTE / 2, "one attempt");
        assert_eq!(by_kind.on_unknown, OnUnknown::Hold);

        let configured = KindOverrides {
            timeout: Some(MINUTE * 2),
            expires: Some(MINUTE * 9),
            retry: Some(RetrySchedule::from_secs(&[60])),
            on_unknown: Some(OnUnknown::Verify),
            priority: None,
        };
        let configured = queue.of_kind(&own, &configured);
        assert_eq!(configured.expires, Some(MINUTE * 9));
        assert_eq!(configured.longest(), MINUTE * 5, "two attempts and a wait");
        assert_eq!(configured.on_unknown, OnUnknown::Verify);
    }
}
