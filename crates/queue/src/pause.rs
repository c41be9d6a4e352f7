//! Holding a queue back, for the whole fleet at once.

use serde::{Deserialize, Serialize};

use crate::{Queue, QueueError, script};

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

impl Queue {
    /// Stops claims. Returns whether that changed anything: an earlier pause stays as it is.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn pause(&self, by: &str, reason: &str) -> Result<bool, QueueError> {
        self.gate("pause", by, reason).await
    }

    /// Lets claims go on. Returns whether that changed anything.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn resume(&self) -> Result<bool, QueueError> {
        self.gate("resume", "", "").await
    }

    async fn gate(&self, action: &str, by: &str, reason: &str) -> Result<bool, QueueError> {
        let changed: u8 = script::GATE
            .on(&[&self.keys.gate, &self.keys.signal])
            .arg(action)
            .arg(by)
            .arg(reason)
            .run(&self.link)
            .await?;
        Ok(changed == 1)
    }
}
