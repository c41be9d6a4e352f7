//! What became of a message after its provider had taken it on.
//!
//! A delivery is a record of its own, by the provider's id of the message: news of it come for days, in any order and
//! more than once, while the job's own record is pruned an hour after it completed. It is kept for seven days after the
//! last news.

use std::collections::HashMap;
use std::time::Duration;

use longshore_job::JobId;

use crate::enqueue::millis;
use crate::{Queue, QueueError, script};

/// How long a delivery is remembered after the last news of it.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// News of a message, as its provider sends them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The provider's id of the message.
    pub message: String,
    /// The job it was sent for, where the news say so.
    pub job: Option<JobId>,
    /// How it stands, in the provider's word.
    pub state: String,
    /// How far along that is: only a higher rank overwrites.
    pub rank: u8,
    /// The provider's code for what went wrong.
    pub code: Option<String>,
}

/// What news came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Written down.
    Noted,
    /// Something later was known already.
    Stale,
    /// The message belongs to no job of this queue.
    Unknown,
}

/// How a message stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The provider's id of the message.
    pub message: String,
    /// How it stands, in the provider's word; `None` before the first news.
    pub state: Option<String>,
    /// When the last news were written down, in ms since the epoch.
    pub at_ms: Option<u64>,
    /// The provider's code for what went wrong.
    pub code: Option<String>,
}

impl Delivery {
    /// Reads a record; `None` when the job has no message.
    pub(crate) fn read(message: Option<String>, record: &HashMap<String, String>) -> Option<Self> {
        Some(Self {
            message: message?,
            state: record.get("state").cloned(),
            at_ms: record.get("at").and_then(|at| at.parse().ok()),
            code: record.get("code").cloned(),
        })
    }
}

impl Queue {
    /// Notes that a message was sent for a job. `false` when it belongs to another job: then nothing is noted.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn own(&self, message: &str, job: JobId) -> Result<bool, QueueError> {
        let owned: u8 = script::OWN
            .on(&[&self.keys.delivery_of(message), &self.keys.record_of(job)])
            .arg(message)
            .arg(job.to_string())
            .arg(millis(KEPT))
            .run(&self.link)
            .await?;
        Ok(owned == 1)
    }

    /// Writes news down.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn hear(&self, news: &News) -> Result<Heard, QueueError> {
        // Without a job the script looks at no record, but a key has to be in the queue's slot.
        let record = news
            .job
            .map_or_else(|| self.keys.meta.clone(), |job| self.keys.record_of(job));
        let heard: String = script::HEAR
            .on(&[&self.keys.delivery_of(&news.message), &record])
            .arg(&news.message)
            .arg(news.job.map(|job| job.to_string()).unwrap_or_default())
            .arg(&news.state)
            .arg(news.rank)
            .arg(news.code.as_deref().unwrap_or_default())
            .arg(millis(KEPT))
            .run(&self.link)
            .await?;
        match heard.as_str() {
            "noted" => Ok(Heard::Noted),
            "stale" => Ok(Heard::Stale),
            "unknown" => Ok(Heard::Unknown),
            other => Err(QueueError::unexpected(format!("heard: {other}"))),
        }
    }
}
