//! What is remembered across runs: earlier requests of a job, and what jobs of the queue keep for each other.

use std::time::Duration;

use longshore_job::JobId;
use redis::Value;

use crate::enqueue::millis;
use crate::record::{history, own_clock_ms};
use crate::value::{Fields, Reply};
use crate::{Queue, QueueError, Recorded, script};

/// How many answers that can be asked for again are kept in a queue.
const MOST_CACHED: u32 = 200_000;

/// How far a worker's clock and Redis's may be apart, in ms, and nothing follows from it.
const CLOCKS_APART_MS: u64 = 60_000;

/// What is known of the requests that earlier runs of a job may have made. Times are in ms since the epoch, by Redis's
/// clock; where it was set, by those of the workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierRequests {
    /// None of them went out before this.
    pub after_ms: u64,
    /// None of them went out after this.
    pub before_ms: u64,
    /// What time it is: by Redis's clock or by this machine's, whichever is later.
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
        let redis_ms: u64 = answer.next()?;
        let now_ms = redis_ms.max(own_clock_ms());
        let enqueued: Option<u64> = answer.number()?;
        let packed: Option<Vec<u8>> = answer.next()?;
        let record = Fields::of_job(None, packed.as_deref());
        let known = enqueued.is_some() || packed.is_some();
        let enqueued = enqueued.unwrap_or_else(|| job.timestamp_ms());
        let (after_ms, before) = sent_between(
            &history(&record).0,
            job.timestamp_ms(),
            enqueued,
            redis_ms,
            now_ms,
        );
        let before_ms = match before {
            Before::At(before_ms) => before_ms,
            // A job that is not there has no record that could keep it.
            Before::Lookup { .. } if !known => now_ms,
            Before::Lookup { not_before_ms } => {
                self.first_lookup(job, now_ms).await?.max(not_before_ms)
            }
        };
        Ok(EarlierRequests {
            after_ms,
            before_ms,
            now_ms,
            message: record.text("msg").map(str::to_owned),
        })
    }

    /// When it was first asked of a job when its requests went out, of whose runs nothing is written down, or with times that
    /// cannot be: a Redis that forgot them, or whose clock was set. It must not become later with each look, or whoever waits for some time after it waits for ever.
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
        let there = self.keep_by(key, value, time, "first").await?;
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
        self.keep_by(key, value, time, "").await.map(drop)
    }

    /// As `keep.lua` does it.
    async fn keep_by(
        &self,
        key: &str,
        value: &[u8],
        time: Duration,
        how: &str,
    ) -> Result<Option<Vec<u8>>, QueueError> {
        script::KEEP
            .on(&[&self.keys.kept_under(key)])
            .arg(value)
            .arg(millis(time).max(1))
            .arg(how)
            .run(&self.link)
            .await
    }
}

/// Until when requests went out.
#[derive(Debug, PartialEq, Eq)]
enum Before {
    /// Until then.
    At(u64),
    /// Before somebody first looked, and no earlier than this.
    Lookup { not_before_ms: u64 },
}

/// Between which times the requests went out whose outcome is not known. A lost worker sent at some time after what
/// was written down last; where the history no longer reaches back, at some time after the job was enqueued. Where nothing is written down of
/// such a run, or Redis's clock was set since the job was enqueued, what is sure is only that it was before somebody looked; and then by the
/// producer's clock, which its id has, when it was enqueued.
///
/// That it was set is seen where times are not in order. Where it was behind for a while they may be, but then the worker that wrote of
/// the request had another time: that is when the request was out at the latest.
fn sent_between(
    history: &[Recorded],
    id_ms: u64,
    enqueued_ms: u64,
    redis_ms: u64,
    now_ms: u64,
) -> (u64, Before) {
    let is_unknown = |recorded: &&Recorded| recorded.entry.is_unknown();
    let unknown = || history.iter().filter(is_unknown);
    let own = |recorded: &Recorded| recorded.entry.clock_ms.unwrap_or(recorded.at_ms);
    let ends = || unknown().flat_map(|recorded| [recorded.at_ms, own(recorded)]);
    let times = history.iter().map(|recorded| recorded.at_ms);
    let times = [enqueued_ms].into_iter().chain(times).chain([redis_ms]);
    let was_ahead =
        unknown().any(|recorded| own(recorded).saturating_add(CLOCKS_APART_MS) < recorded.at_ms);
    let in_order = times.clone().is_sorted();

    let after = match history
        .iter()
        .position(|recorded| recorded.entry.is_unknown())
    {
        _ if was_ahead || !in_order => times.fold(id_ms, u64::min),
        Some(0) | None => enqueued_ms,
        Some(n) => history[n - 1].at_ms,
    };
    let past = ends().filter(|end| *end <= now_ms).max();
    let before = match past {
        Some(last) if in_order && ends().all(|end| end <= now_ms) => Before::At(last),
        _ => Before::Lookup {
            not_before_ms: past.unwrap_or_default(),
        },
    };
    (after, before)
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

    fn looked(not_before_ms: u64) -> Before {
        Before::Lookup { not_before_ms }
    }

    #[test]
    fn requests_went_out_between_what_is_known_for_sure() {
        for (history, between) in [
            (vec![], (100, looked(0))),
            (vec![at(300, "lost")], (100, Before::At(300))),
            (
                vec![at(200, "failed"), at(300, "outcome_unknown")],
                (200, Before::At(300)),
            ),
            (
                vec![
                    at(200, "lost"),
                    at(300, "failed"),
                    at(400, "lost"),
                    at(500, "failed"),
                ],
                (100, Before::At(400)),
            ),
            (vec![at(200, "failed")], (100, looked(0))),
        ] {
            let told = sent_between(&history, 90, 100, 900, 900);
            assert_eq!(told, between, "{history:?}");
        }
    }

    /// Ahead or behind while a request was out, or while it was enqueued: the request was out at 200, and it is 900.
    #[test]
    fn a_clock_that_was_set_says_nothing_of_when_requests_went_out() {
        for (history, enqueued, between) in [
            (vec![at(2000, "lost")], 100, (90, looked(0))),
            (vec![at(20, "lost")], 100, (20, looked(20))),
            (vec![at(250, "lost")], 1900, (90, looked(250))),
            (
                vec![at(2000, "lost"), at(400, "outcome_unknown")],
                100,
                (90, looked(400)),
            ),
            (
                vec![at(150, "failed"), at(50, "lost")],
                100,
                (50, looked(50)),
            ),
        ] {
            let told = sent_between(&history, 90, enqueued, 900, 900);
            assert_eq!(told, between, "{history:?}");
        }
    }

    fn noted(at_ms: u64, clock_ms: u64) -> Recorded {
        let mut recorded = at(at_ms, "outcome_unknown");
        recorded.entry.clock_ms = Some(clock_ms);
        recorded
    }

    #[test]
    fn where_the_clocks_disagree_requests_went_out_between_the_times_of_both() {
        for (what, history, enqueued, redis, now, between) in [
            (
                "Redis's was behind for a while",
                noted(250, 700),
                100,
                900,
                900,
                (100, Before::At(700)),
            ),
            (
                "and still is",
                noted(250, 700),
                100,
                400,
                850,
                (100, Before::At(700)),
            ),
            (
                "Redis's is ahead all the time",
                noted(400_000, 200_000),
                390_000,
                500_000,
                500_000,
                (90, Before::At(400_000)),
            ),
            (
                "ahead a little",
                noted(400_000, 350_000),
                390_000,
                500_000,
                500_000,
                (390_000, Before::At(400_000)),
            ),
            (
                "the worker's was ahead",
                noted(250, 5000),
                100,
                900,
                900,
                (100, looked(250)),
            ),
            (
                "as far as can be",
                noted(250, u64::MAX),
                100,
                900,
                900,
                (100, looked(250)),
            ),
        ] {
            let told = sent_between(&[history], 90, enqueued, redis, now);
            assert_eq!(told, between, "{what}");
        }
    }
}
