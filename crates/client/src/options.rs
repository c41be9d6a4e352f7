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
        let delay = match self.run_at {
            RunAt::Now => Duration::ZERO,
            RunAt::In(wait) => wait,
            RunAt::At(at) => Duration::from_millis(at).saturating_sub(since_epoch()),
        };
        // It is counted from when the job is due. Whoever gives a shorter one than the delay counts from now, and would get
        // a job that is done long after they gave it up.
        if !delay.is_zero() && self.expires_in.is_some_and(|life| life <= delay) {
            return Err(ClientError::InvalidOption(
                "expires_in: is over before the job is due: leave it out, or make it longer than the delay",
            ));
        }
        Ok(())
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
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}
