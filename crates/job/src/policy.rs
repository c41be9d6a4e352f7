//! How the jobs of a kind are run, unless configuration says otherwise.

use std::time::Duration;

use crate::RetrySchedule;

/// How the jobs of a kind are run. A value that configuration may replace: whoever runs jobs asks the value, not the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindPolicy {
    /// How long one attempt may take; `None` = as long as its queue allows.
    pub timeout: Option<Duration>,
    /// After how long a job that has not run is dead as `expired`, counted from when it was first due; `None` = never.
    pub expires: Option<Duration>,
    /// When a failed attempt is made again; `None` = on its queue's schedule, `[]` = never.
    pub retry: Option<&'static [Duration]>,
    /// The waits before a call that failed is made again within the same attempt. For kinds whose user waits: they
    /// cannot wait for the schedule.
    pub retry_within: &'static [Duration],
    /// How long one call to the provider may take, where the provider's own time limit is longer.
    pub call_timeout: Option<Duration>,
}

impl KindPolicy {
    /// As the queue says in everything, and without an expiry.
    pub const DEFAULT: Self = Self {
        timeout: None,
        expires: None,
        retry: None,
        retry_within: &[],
        call_timeout: None,
    };

    /// The default with an expiry.
    #[must_use]
    pub const fn expiring(expires: Duration) -> Self {
        Self {
            expires: Some(expires),
            ..Self::DEFAULT
        }
    }

    /// The default with a time limit for each attempt.
    #[must_use]
    pub const fn taking(timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..Self::DEFAULT
        }
    }

    /// The time limit of one attempt, in a queue with this one.
    #[must_use]
    pub fn timeout_in(&self, queue: Duration) -> Duration {
        self.timeout.unwrap_or(queue)
    }

    /// The retry schedule, in a queue with this one.
    #[must_use]
    pub fn schedule_in(&self, queue: &RetrySchedule) -> RetrySchedule {
        match self.retry {
            Some(waits) => RetrySchedule::new(waits.iter().copied()),
            None => queue.clone(),
        }
    }

    /// How long a job takes at the most that fails each time, in a queue with this time limit and schedule: all waits, and
    /// all attempts with their whole time. Waiting for a worker is not counted.
    #[must_use]
    pub fn longest(&self, timeout: Duration, schedule: &RetrySchedule) -> Duration {
        let schedule = self.schedule_in(schedule);
        let attempts = self
            .timeout_in(timeout)
            .saturating_mul(schedule.max_attempts());
        schedule.total().saturating_add(attempts)
    }
}

impl Default for KindPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn what_a_kind_says_itself_goes_before_its_queue() {
        let queue = RetrySchedule::default();
        let default = KindPolicy::DEFAULT;
        assert_eq!(default.timeout_in(MINUTE), MINUTE);
        assert_eq!(default.longest(MINUTE, &queue), MINUTE * (21 + 4));
        let once = KindPolicy {
            timeout: Some(MINUTE / 2),
            retry: Some(&[]),
            ..default
        };
        assert_eq!(once.schedule_in(&queue).max_attempts(), 1);
        assert_eq!(once.longest(MINUTE, &queue), MINUTE / 2);
    }
}
