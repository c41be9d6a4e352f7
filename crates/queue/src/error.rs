//! What can go wrong between us and Redis.

use std::fmt;

use crate::KeyTaken;

/// How this edition lays out a queue's keys (`lua/part/timeline.lua`).
pub(crate) const LAYOUT: &str = "2";

/// A call that did not succeed. Its `Debug` says the same as its `Display`, since a `main` that returns it prints that.
#[derive(Clone, thiserror::Error)]
pub enum QueueError {
    /// Redis could not be reached, or did not answer in time. Whether the call was carried out is not known:
    /// every call here can be repeated.
    #[error("Redis at {server} cannot be reached: {reason}")]
    Unreachable {
        /// Host and port, never credentials.
        server: String,
        /// What the connection said.
        reason: String,
    },
    /// Redis answered with a state that passes: it is loading, fails over, moves the queue to another node, lacks replicas, or
    /// cannot write to its disk. Nothing was done. The same call may go well in a moment.
    #[error("Redis at {server} cannot take it at the moment: {reason}")]
    Passing {
        /// Host and port, never credentials.
        server: String,
        /// Redis's own words.
        reason: String,
    },
    /// What was said of where Redis is does not fit together, or a file that it names cannot be used. Nothing was called.
    #[error("cannot connect to Redis: {0}")]
    Address(String),
    /// Something listens there and does not let us in: another password, a database that it lacks, or no Redis at all.
    /// It will not be otherwise in a moment.
    #[error("Redis at {server} does not let us in: {reason}")]
    NoEntry {
        /// Host and port, never credentials.
        server: String,
        /// What it said.
        reason: String,
    },
    /// Redis answered with an error; nothing was changed.
    #[error("Redis at {server} refused the call: {reason}")]
    Refused {
        /// Host and port, never credentials.
        server: String,
        /// Redis's own words.
        reason: String,
    },
    /// Redis took it, and fewer replicas than `redis.wait_replicas` acknowledged that in time. It stands in Redis, and is
    /// lost if Redis fails over to a replica that lacks it. The same call may be repeated.
    #[error(
        "Redis at {server} accepted it, but only {acknowledged} of the {wanted} replicas that redis.wait_replicas asks for \
         acknowledged it within {} s: a failover now would lose it", crate::copies::ACKNOWLEDGED_WITHIN.as_secs()
    )]
    NotCopied {
        /// Host and port, never credentials.
        server: String,
        /// How many replicas were to have it.
        wanted: u32,
        /// How many said so.
        acknowledged: u32,
    },
    /// Another edition has laid out the queue's keys: this one can neither read nor write them. Nothing was changed.
    #[error(
        "the queue {queue} of the namespace {namespace} on Redis at {server} is laid out as {found}, and this program knows \
         only layout {LAYOUT}: use the edition that wrote it, or another namespace"
    )]
    Layout {
        /// Host and port, never credentials.
        server: String,
        /// The namespace.
        namespace: String,
        /// The queue.
        queue: String,
        /// Its layout.
        found: String,
    },
    /// An idempotency key stands for a job with other args; nothing was enqueued. At least one; all of the first 500 jobs that have any.
    #[error("{}", taken(.0))]
    KeyTaken(Vec<KeyTaken>),
    /// More jobs would wait than `queues.<queue>.max_waiting` allows; nothing of the call was enqueued. Later there may be room.
    #[error(
        "the queue {queue} is full: {waiting} jobs wait, and queues.{queue}.max_waiting allows {most}: enqueue less, or \
         later, or raise it for the workers"
    )]
    Full {
        /// The queue.
        queue: String,
        /// How many wait.
        waiting: u64,
        /// How many may.
        most: u64,
    },
    /// Redis answered something that the script does not return: another program writes to our keys.
    #[error("unexpected answer from Redis: {0}")]
    Unexpected(String),
}

impl fmt::Debug for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl QueueError {
    /// The same call, repeated in a moment, may go well.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        self.is_outage() || matches!(self, Self::NotCopied { .. })
    }

    /// No call goes well at the moment, whatever it is about.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Passing { .. })
    }

    /// One key is of another type than ours: what stands in it is broken, and the rest of Redis is well.
    #[must_use]
    pub fn is_wrong_type(&self) -> bool {
        matches!(self, Self::Refused { reason, .. } if reason.contains("WRONGTYPE"))
    }

    /// What is said of one queue alone: its neighbours may be well. `None` where Redis itself cannot be used.
    #[must_use]
    pub fn of_one_queue(&self) -> Option<String> {
        match self {
            Self::Refused { reason, .. } => Some(format!("Redis refuses to read it: {reason}")),
            Self::Unexpected(what) => Some(format!("it cannot be read: {what}")),
            _ => None,
        }
    }

    pub(crate) fn unexpected(what: impl Into<String>) -> Self {
        Self::Unexpected(what.into())
    }

    /// The same error of a list that began so many places later.
    pub(crate) fn moved_by(self, places: usize) -> Self {
        match self {
            Self::KeyTaken(mut taken) => {
                for key in &mut taken {
                    key.place += places;
                }
                Self::KeyTaken(taken)
            }
            other => other,
        }
    }
}

/// What is said of keys that are taken.
fn taken(keys: &[KeyTaken]) -> String {
    let Some(KeyTaken { holder, .. }) = keys.first() else {
        return "a key is taken".to_owned();
    };
    let more = match keys.len() {
        1 => String::new(),
        n => format!(", and {} more keys are taken", n - 1),
    };
    // Not the key itself: it may be somebody's address.
    format!("an idempotency key stands for job {holder}, which has other args{more}")
}
