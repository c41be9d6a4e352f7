//! How a command ends when it does not end well: 1 it failed, 2 the input was wrong, 3 Redis could not be reached.

use std::fmt::{self, Display};
use std::process::ExitCode;

use longshore_client::{ClientError, JobId};
use longshore_operator::OperatorError;
use longshore_queue::QueueError;

use crate::config::{RedisSettings, with_variable};
use crate::redis_cure::cure;

/// Why a command failed, by exit code.
#[derive(Debug)]
pub enum Failure {
    /// It failed: not found, stopped itself, not everything settled. Exit code 1.
    Failed(String),
    /// The input was wrong, and nothing was changed. Exit code 2.
    Input(String),
    /// Redis could not be reached within five seconds. Exit code 3.
    Redis(String),
}

/// What it says, whatever its exit code.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Failed(text) | Self::Input(text) | Self::Redis(text)) = self;
        f.write_str(text)
    }
}

impl Failure {
    /// It failed.
    pub fn failed(what: impl Display) -> Self {
        Self::Failed(what.to_string())
    }

    /// The input was wrong.
    pub fn input(what: impl Display) -> Self {
        Self::Input(what.to_string())
    }

    /// The same end, of which everything has been said.
    pub(crate) fn without_text(self) -> Self {
        match self {
            Self::Failed(_) => Self::Failed(String::new()),
            Self::Input(_) => Self::Input(String::new()),
            Self::Redis(_) => Self::Redis(String::new()),
        }
    }

    /// The exit code.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) => 1,
            Self::Input(_) => 2,
            Self::Redis(_) => 3,
        })
    }
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Unreachable { .. } => Self::Redis(format!(
                "{error}; check that it runs, and {}",
                with_variable(RedisSettings::URL)
            )),
            QueueError::Passing { ref reason, .. } => {
                Self::Redis(format!("{error}; {}", cure(reason)))
            }
            // Reached no more than if it were away.
            QueueError::NoEntry { .. } => Self::Redis(format!(
                "{error}; check {}",
                with_variable(RedisSettings::URL)
            )),
            QueueError::KeyTaken(_) | QueueError::Layout { .. } | QueueError::Address(_) => {
                Self::input(error)
            }
            QueueError::NotCopied { .. } => Self::failed(format!(
                "{error}; look at `longshore doctor`, and at the replicas"
            )),
            QueueError::Refused { .. } | QueueError::Unexpected(_) | QueueError::Full { .. } => {
                Self::failed(error)
            }
        }
    }
}

impl From<OperatorError> for Failure {
    fn from(error: OperatorError) -> Self {
        match error {
            OperatorError::Queue(error) => error.into(),
            OperatorError::UnknownQueue { .. }
            | OperatorError::InvalidId(_)
            | OperatorError::InvalidArgs(_)
            | OperatorError::OutcomeUnknown(_)
            | OperatorError::NotWaiting { .. }
            | OperatorError::FileExists(_)
            | OperatorError::ReplayRunning { .. }
            | OperatorError::AmbiguousSuppressed(_)
            | OperatorError::AmbiguousGroup { .. }
            | OperatorError::InvalidName(_) => Self::input(error),
            _ => Self::failed(error),
        }
    }
}

/// What has the key, since when, and what to do.
fn key_taken(key: &str, holder: JobId, since_ms: u64) -> String {
    let since = i64::try_from(since_ms)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .map_or_else(String::new, |at| format!(" since {at:.0}"));
    format!(
        "nothing was enqueued: the key `{key}` has stood for job {holder}{since}, which has other args; use another key for another job, or look at that one with `longshore job {holder}`"
    )
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Queue(error) | ClientError::Away { source: error } => error.into(),
            // Lines of a bulk were checked before, and said which of them is wrong.
            ClientError::InBatch { source, .. } => (*source).into(),
            ClientError::NotCopied { .. } => Self::failed(format!(
                "{error}; `longshore doctor` says how many replicas there are"
            )),
            ClientError::KeyTaken {
                key,
                holder,
                since_ms,
                ..
            } => Self::input(key_taken(&key, holder, since_ms)),
            ClientError::InvalidArgs(_)
            | ClientError::KeyTwice { .. }
            | ClientError::InvalidOption(_)
            | ClientError::InvalidName(_) => Self::input(error),
            _ => Self::failed(error),
        }
    }
}
