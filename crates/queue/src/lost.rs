//! Jobs whose worker was lost while it ran them: some of their requests may have been carried out, and are made again.

use std::time::Duration;

use crate::enqueue::millis;
use crate::{Queue, QueueError, RawId};

/// For so long a lost worker is told of by itself.
pub(crate) const TOLD_FOR: Duration = Duration::from_secs(3600);

/// A job whose worker was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostJob {
    /// The job.
    pub id: RawId,
    /// The worker.
    pub worker: String,
    /// When another worker found that out, in ms since the epoch.
    pub at_ms: u64,
}

/// The jobs of the last hour whose worker was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostLately {
    /// How many.
    pub jobs: u64,
    /// When the last of them was found, in ms since the epoch.
    pub last_at_ms: u64,
}

impl LostLately {
    /// Of what a script counts; `None` where there is none.
    pub(crate) fn new(jobs: u64, last: Option<f64>) -> Option<Self> {
        Some(Self {
            jobs: Some(jobs).filter(|jobs| *jobs > 0)?,
            last_at_ms: last? as u64,
        })
    }
}

impl Queue {
    /// The jobs whose worker was lost in this time, the newest first. They are known for a day, and of a queue the last 10,000.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn lost_jobs(
        &self,
        since: Duration,
        limit: usize,
    ) -> Result<Vec<LostJob>, QueueError> {
        let from = self.now_ms().await?.saturating_sub(millis(since));
        let mut command = redis::cmd("ZRANGE");
        command.arg(&self.keys.lost).arg("+inf").arg(from);
        command.arg("BYSCORE").arg("REV");
        command.arg("LIMIT").arg(0).arg(limit).arg("WITHSCORES");
        let found: Vec<(Vec<u8>, f64)> = self.link.command(&command).await?;
        let found = found.into_iter().filter_map(|(member, at)| {
            // "<worker> <id>": a worker has no spaces, and an id may have any bytes.
            let space = member.iter().position(|byte| *byte == b' ')?;
            Some(LostJob {
                id: RawId::from(member[space + 1..].to_vec()),
                worker: String::from_utf8_lossy(&member[..space]).into_owned(),
                at_ms: at as u64,
            })
        });
        Ok(found.collect())
    }
}
