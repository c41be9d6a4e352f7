//! Holding a queue back, for the whole fleet at once.

use serde::{Deserialize, Serialize};

use crate::{Queue, QueueError, Signed};

/// An operator's pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// Who.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// Since when, in milliseconds since the epoch.
    #[serde(rename = "since")]
    pub since_ms: u64,
}

impl Paused {
    /// A pause that somebody else has written: it holds all the same.
    pub(crate) fn unreadable() -> Self {
        Self {
            by: "(unknown)".to_owned(),
            reason: "what stands there cannot be read".to_owned(),
            since_ms: 0,
        }
    }
}

impl Queue {
    /// Stops claims. Returns whether that changed anything: an earlier pause stays as it is.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn pause(&self, signed: &Signed) -> Result<bool, QueueError> {
        Ok(self.gate("pause", signed, None).await?.0)
    }

    /// Ends an operator's pause. Returns whether there was one. What the fleet itself holds back stays
    /// ([`Queue::lift_holds`]).
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn resume(&self, signed: &Signed) -> Result<bool, QueueError> {
        Ok(self.gate("resume", signed, None).await?.0)
    }
}
