//! What can go wrong between us and Redis.

/// A call that did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
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
    /// Redis answered something that the script does not return: another program writes to our keys.
    #[error("unexpected answer from Redis: {0}")]
    Unexpected(String),
}

impl QueueError {
    pub(crate) fn unexpected(what: impl Into<String>) -> Self {
        Self::Unexpected(what.into())
    }
}
