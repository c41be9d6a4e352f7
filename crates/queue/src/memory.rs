//! What is remembered across runs: earlier requests of a job, and what jobs of the queue keep for each other.

use std::time::Duration;

use longshore_job::JobId;
use redis::Value;

use crate::enqueue::millis;
use crate::record::history;
use crate::value::{Fields, Reply};
use crate::{Queue, QueueError, Recorded, script};

/// How many answers that can be asked for again are kept in a queue.
const MOST_CACHED: u32 = 200_000;

/// What is known of the requests that earlier runs of a job may have made. Times are in ms since the epoch, by Redis's
/// clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierRequests {
    /// None of them went out before this.
    pub after_ms: u64,
    /// None of them went out after this.
    pub before_ms: u64,
    /// What time it is.
    pub now_ms: u64,
    /// The message that was noted for the job, if any.
    pub message: Option<String>,
}

impl Queue {
    /// Looks back at a job's earlier runs.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn earlier_requests(&self, job: JobId) -> Result<EarlierRequests, QueueError> {
        let value: Value = script::EARLIER_REQUESTS
            .on(&[&self.keys.data, &self.keys.records])
            .arg(job.to_string())
            .run(&self.link)
            .await?;
        let mut answer = Reply::new(value)?;
        let now_ms: u64 = answer.next()?;
        let enqueued: Option<u64> = answer.number()?;
        let packed: Option<Vec<u8>> = answer.next()?;
        let record = Fields::of_job(None, packed.as_deref());
        let known = enqueued.is_some() || packed.is_some();
        let enqueued = enqueued.unwrap_or_else(|| job.timestamp_ms());
        let (after_ms, before_ms) = sent_between(&history(&record).0, enqueued);
        let before_ms = match before_ms {
            Some(before_ms) => before_ms,
            // A job that is not there has no record that could keep it.
            None if !known => now_ms,
            None => self.first_lookup(job, now_ms).await?,
        };
        Ok(EarlierRequests {
            after_ms,
            before_ms,
            now_ms,
            message: record.text("msg").map(str::to_owned),
        })
    }

    /// When it was first asked of a job when its requests went out, of whose runs nothing is written down: a Redis that
    /// forgot them. It must not become later with each look, or whoever waits for some time after it waits for ever.
    async fn first_lookup(&self, job: JobId, now_ms: u64) -> Result<u64, QueueError> {
        let noted: String = script::FIRST_LOOKUP
            .on(&[&self.keys.records])
            .arg(job.to_string())
            .arg(now_ms)
            .run(&self.link)
            .await?;
        let noted: Option<u64> = noted.parse().ok();
        // A clock that was set back since is no reason to wait for it.
        Ok(noted.unwrap_or(now_ms).min(now_ms))
    }

    /// How far a job has come, as it last said with [`save`](Self::save).
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn checkpoint(&self, job: JobId) -> Result<Option<Vec<u8>>, QueueError> {
        let record = self.record_of(job).await?;
        Ok(record.get("chk").map(<[u8]>::to_vec))
    }

    /// What has happened to a job since it was enqueued.
    pub(crate) async fn record_of(&self, job: JobId) -> Result<Fields, QueueError> {
        let mut command = redis::cmd("HGET");
        command.arg(&self.keys.records).arg(job.to_string());
        let packed: Option<Vec<u8>> = self.link.command(&command).await?;
        Ok(Fields::of_job(None, packed.as_deref()))
    }

    /// Keeps how far a running job has come, in JSON. `false` when the token no longer owns it: then nothing is kept.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn save(
        &self,
        job: JobId,
        token: &str,
        checkpoint: &[u8],
    ) -> Result<bool, QueueError> {
        let saved: u8 = script::SAVE
            .on(&[&self.keys.records, &self.keys.inflight, &self.keys.data])
            .arg(job.to_string())
            .arg(token)
            .arg(checkpoint)
            .run(&self.link)
            .await?;
        Ok(saved == 1)
    }

    /// What was kept under this key, by any job of the queue.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn recall(&self, key: &str) -> Result<Option<Vec<u8>>, QueueError> {
        let mut command = redis::cmd("GET");
        command.arg(self.keys.kept_under(key));
        self.link.command(&command).await
    }

    /// Keeps this under this key for so long, at least a millisecond, unless something is kept under it. Returns what is.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn keep_first(
        &self,
        key: &str,
        value: &[u8],
        time: Duration,
    ) -> Result<Vec<u8>, QueueError> {
        let mut command = redis::cmd("SET");
        command.arg(self.keys.kept_under(key)).arg(value);
        command
            .arg("NX")
            .arg("GET")
            .arg("PX")
            .arg(millis(time).max(1));
        let there: Option<Vec<u8>> = self.link.command(&command).await?;
        Ok(there.unwrap_or_else(|| value.to_vec()))
    }

    /// Keeps this under this key for so long, at least a millisecond, as an answer that can be asked for again: of these
    /// there are at most 200,000 in a queue, and the oldest are forgotten first.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn cache(&self, key: &str, value: &[u8], time: Duration) -> Result<(), QueueError> {
        self.cache_among(key, value, time, MOST_CACHED).await
    }

    /// The same, with another number of answers than 200,000.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn cache_among(
        &self,
        key: &str,
        value: &[u8],
        time: Duration,
        most: u32,
    ) -> Result<(), QueueError> {
        let k = &self.keys;
        let oldest: Vec<String> = script::CACHE
            .on(&[&k.kept_under(key), &k.cached])
            .arg(key)
            .arg(value)
            .arg(millis(time).max(1))
            .arg(most)
            .run(&self.link)
            .await?;
        if oldest.is_empty() {
            return Ok(());
        }
        let mut remove = redis::cmd("UNLINK");
        for key in oldest {
            remove.arg(k.kept_under(&key));
        }
        self.link.command::<u64>(&remove).await.map(drop)
    }

    /// Keeps this under this key for so long, at least a millisecond.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn keep(&self, key: &str, value: &[u8], time: Duration) -> Result<(), QueueError> {
        let mut command = redis::cmd("SET");
        command.arg(self.keys.kept_under(key)).arg(value);
        command.arg("PX").arg(millis(time).max(1));
        self.link.command(&command).await
    }
}

/// Between which times the requests went out whose outcome is not known. A lost worker sent at some time after what
/// was written down last; where the history no longer reaches back, at some time after the job was enqueued. Until when is
/// `None` where nothing is written down of such a run.
fn sent_between(history: &[Recorded], enqueued_ms: u64) -> (u64, Option<u64>) {
    let unknown =
        |recorded: &Recorded| matches!(recorded.entry.outcome.as_str(), "outcome_unknown" | "lost");
    let first = history.iter().position(unknown);
    let after = match first {
        Some(0) | None => enqueued_ms,
        Some(n) => history[n - 1].at_ms,
    };
    let before = history.iter().rfind(|recorded| unknown(recorded));
    (after, before.map(|recorded| recorded.at_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HistoryEntry;

    fn at(at_ms: u64, outcome: &str) -> Recorded {
        Recorded {
            at_ms,
            entry: HistoryEntry {
                outcome: outcome.to_owned(),
                ..HistoryEntry::default()
            },
        }
    }

    #[test]
    fn requests_went_out_between_what_is_known_for_sure() {
        for (history, between) in [
            (vec![], (100, None)),
            (vec![at(300, "lost")], (100, Some(300))),
            (
                vec![at(200, "failed"), at(300, "outcome_unknown")],
                (200, Some(300)),
            ),
            (
                vec![
                    at(200, "lost"),
                    at(300, "failed"),
                    at(400, "lost"),
                    at(500, "failed"),
                ],
                (100, Some(400)),
            ),
            (vec![at(200, "failed")], (100, None)),
        ] {
            assert_eq!(sent_between(&history, 100), between, "{history:?}");
        }
    }
}
