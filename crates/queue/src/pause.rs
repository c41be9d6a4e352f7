//! Holding a queue back, for the whole fleet at once.

use serde::{Deserialize, Serialize};

use crate::{Queue, QueueError, Signed, script};

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
    pub async fn pause(&self, signed: &Signed) -> Result<bool, QueueError> {
        self.gate("pause", signed).await
    }

    /// Lets claims go on. Returns whether that changed anything.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn resume(&self, signed: &Signed) -> Result<bool, QueueError> {
        self.gate("resume", signed).await
    }

    async fn gate(&self, action: &str, signed: &Signed) -> Result<bool, QueueError> {
        let k = &self.keys;
        let changed: u8 = script::GATE
            .on(&[&k.gate, &k.signal, &k.audit])
            .arg(action)
            .arg(&signed.by)
            .arg(&signed.reason)
            .arg(self.name())
            .run(&self.link)
            .await?;
        Ok(changed == 1)
    }
}
