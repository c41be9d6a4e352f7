//! Where a job is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::QueueError;

/// Where a job is. The seven words are the same in code, on the command line, in JSON and in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Waiting for a worker.
    Pending,
    /// Waiting for its time.
    Scheduled,
    /// A worker has it.
    Running,
    /// Failed, waiting for the next attempt.
    Retryable,
    /// Done.
    Completed,
    /// A dead letter.
    Dead,
    /// An operator, or whoever enqueued it, took it back before it was carried out.
    Cancelled,
}

impl JobState {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Retryable => "retryable",
            Self::Completed => "completed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Scheduled,
        Self::Running,
        Self::Retryable,
        Self::Completed,
        Self::Dead,
        Self::Cancelled,
    ];

    /// The state of a job that is where `lua/part/homes.lua` says.
    pub(crate) fn of_home(home: &str) -> Result<Self, QueueError> {
        let word = if home == "parked" { "pending" } else { home };
        let state = Self::ALL.into_iter().find(|state| state.as_str() == word);
        state.ok_or_else(|| QueueError::unexpected(format!("a job is {home}")))
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
