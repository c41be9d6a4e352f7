//! How a job is enqueued.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_job::Priority;
use longshore_queue::{InvalidLabel, RunAt, check_labels};

use crate::ClientError;

/// A hundred years: what lies beyond is a slip.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How a job is enqueued.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnqueueOptions {
    /// When it may run.
    pub run_at: RunAt,
    /// At most one job of its kind with this key ([`Enqueue::key`](crate::Enqueue::key)): 1 to 256 bytes.
    pub key: Option<String>,
    /// How long after it is due the job expires: then it is dead as `expired`. `None` = the expiry of its kind. It must be
    /// longer than the delay; a shorter one is refused.
    pub expires_in: Option<Duration>,
    /// The time at which the job expires, in place of `expires_in` ([`Enqueue::expires_at`](crate::Enqueue::expires_at)). It must be
    /// later than now, and later than the time at which the job is due.
    pub expires_at: Option<SystemTime>,
    /// How urgent it is ([`Enqueue::priority`](crate::Enqueue::priority)); `None` = as urgent as its kind and its args say.
    pub priority: Option<Priority>,
    /// Whose job it is ([`Enqueue::tenant`](crate::Enqueue::tenant)): 1 to 64 characters.
    pub tenant: Option<String>,
    /// What it is found by ([`Enqueue::tag`](crate::Enqueue::tag)): at most 10, of 1 to 64 characters each.
    pub tags: Vec<String>,
}

/// Sets options, as [`Enqueue`](crate::Enqueue) does.
impl EnqueueOptions {
    /// [`Enqueue::key`](crate::Enqueue::key).
    pub fn key(&mut self, key: impl Into<String>) -> &mut Self {
        self.key = Some(key.into());
        self
    }

    /// [`Enqueue::delay`](crate::Enqueue::delay).
    pub fn delay(&mut self, delay: Duration) -> &mut Self {
        self.run_at = delay.into();
        self
    }

    /// [`Enqueue::at`](crate::Enqueue::at).
    pub fn at(&mut self, time: SystemTime) -> &mut Self {
        self.run_at = time.into();
        self
    }

    /// [`Enqueue::expires_in`](crate::Enqueue::expires_in).
    pub fn expires_in(&mut self, life: Duration) -> &mut Self {
        self.expires_in = Some(life);
        self
    }

    /// [`Enqueue::expires_at`](crate::Enqueue::expires_at).
    pub fn expires_at(&mut self, time: SystemTime) -> &mut Self {
        self.expires_at = Some(time);
        self
    }

    /// [`Enqueue::priority`](crate::Enqueue::priority).
    pub fn priority(&mut self, priority: Priority) -> &mut Self {
        self.priority = Some(priority);
        self
    }

    /// [`Enqueue::tenant`](crate::Enqueue::tenant).
    pub fn tenant(&mut self, tenant: impl Into<String>) -> &mut Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// [`Enqueue::tag`](crate::Enqueue::tag).
    pub fn tag(&mut self, tag: impl Into<String>) -> &mut Self {
        self.tags.push(tag.into());
        self
    }

    /// Whether a job can be enqueued so. Every call that enqueues checks it, before anything is enqueued.
    ///
    /// # Errors
    /// Says which option is wrong, and what would be right.
    pub fn check(&self) -> Result<(), ClientError> {
        if self
            .key
            .as_ref()
            .is_some_and(|key| !(1..=256).contains(&key.len()))
        {
            return Err(ClientError::InvalidOption(
                "key: must be 1 to 256 bytes long",
            ));
        }
        check_labels(self.tenant.as_deref(), &self.tags).map_err(|error| {
            ClientError::InvalidOption(match error {
                InvalidLabel::Tenant => {
                    "tenant: must be 1 to 64 characters without control characters"
                }
                InvalidLabel::Tag => "tag: must be 1 to 64 characters without control characters",
                InvalidLabel::TooManyTags => "tag: a job has at most 10 tags",
            })
        })?;
        check_time(self.run_at)?;
        if self
            .expires_in
            .is_some_and(|life| life.is_zero() || life > LONGEST)
        {
            return Err(ClientError::InvalidOption(
                "expires_in: must be more than 0 and at most a hundred years",
            ));
        }
        self.check_end()
    }

    fn check_end(&self) -> Result<(), ClientError> {
        let now = since_epoch();
        let due = self.due(now);
        let delay = due.saturating_sub(now);
        // It is counted from when the job is due. Whoever gives a shorter one than the delay counts from now, and would get
        // a job that is done long after they gave it up.
        if !delay.is_zero() && self.expires_in.is_some_and(|life| life <= delay) {
            return Err(ClientError::InvalidOption(
                "expires_in: is over before the job is due, if it counts from now: name the time by expires_at instead, or make \
                 it longer than the delay",
            ));
        }
        let Some(end) = self.expires_at.map(time_since_epoch) else {
            return Ok(());
        };
        if self.expires_in.is_some() {
            return Err(ClientError::InvalidOption(
                "expires_at: stands beside expires_in: set one of the two",
            ));
        }
        if end > now + LONGEST {
            return Err(ClientError::InvalidOption(
                "expires_at: must be at most a hundred years from now",
            ));
        }
        match end <= due {
            true => Err(ClientError::InvalidOption(
                "expires_at: must be later than now, and later than the time at which the job is due",
            )),
            false => Ok(()),
        }
    }

    /// How long after it is due the job expires, whichever of the two options says it. `None` = as its kind says.
    #[must_use]
    pub fn life(&self) -> Option<Duration> {
        let Some(end) = self.expires_at else {
            return self.expires_in;
        };
        let left = time_since_epoch(end).saturating_sub(self.due(since_epoch()));
        // One that is over by now still has an end.
        Some(left.max(Duration::from_millis(1)))
    }

    /// When the job is due, by the clock of this machine.
    fn due(&self, now: Duration) -> Duration {
        match self.run_at {
            RunAt::Now => now,
            RunAt::In(wait) => now.saturating_add(wait),
            RunAt::At(at) => now.max(Duration::from_millis(at)),
        }
    }
}

/// Whether a job may wait until then.
pub(crate) fn check_time(run_at: RunAt) -> Result<(), ClientError> {
    let latest = u64::try_from((since_epoch() + LONGEST).as_millis()).unwrap_or(u64::MAX);
    match run_at {
        RunAt::At(at) if at > latest => Err(ClientError::InvalidOption(
            "at: must be at most a hundred years from now",
        )),
        RunAt::In(wait) if wait > LONGEST => Err(ClientError::InvalidOption(
            "delay: must be at most a hundred years",
        )),
        _ => Ok(()),
    }
}

fn since_epoch() -> Duration {
    time_since_epoch(SystemTime::now())
}

/// To the millisecond, as Redis has times: one that is less later than another is not later there.
fn time_since_epoch(time: SystemTime) -> Duration {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
