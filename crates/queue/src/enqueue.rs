//! Putting jobs into the queue.

use std::time::Duration;

use longshore_job::JobId;
use redis::Value;

use crate::value::read;
use crate::{Queue, QueueError, script};

/// How long an idempotency key holds.
const KEY_HOLDS: Duration = Duration::from_secs(24 * 3600);

/// At most so many jobs, or bytes of payload, go into one call: Redis serves nobody else meanwhile.
const CHUNK_JOBS: usize = 500;
const CHUNK_BYTES: usize = 4 << 20;

/// When a job may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunAt {
    /// At once.
    #[default]
    Now,
    /// So long from now, by Redis's clock.
    In(Duration),
    /// At this time, in milliseconds since the epoch. The past means at once.
    At(u64),
}

/// A job to enqueue. The id comes from the producer, so that the call can be repeated.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Its payload, checked.
    pub payload: Vec<u8>,
    /// When it may run.
    pub run_at: RunAt,
    /// An idempotency key: while it holds, 24 hours as a rule, no other job is accepted with it.
    pub key: Option<String>,
    /// After how long it is dead as expired instead of being run.
    pub expires_in: Option<Duration>,
    /// W3C trace context, `00-…`.
    pub traceparent: Option<String>,
    /// W3C trace state.
    pub tracestate: Option<String>,
}

/// What became of a job that was to be enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// The id to ask after: its own, or that of the job that holds its key.
    pub id: JobId,
    /// Its key was taken: nothing was enqueued.
    pub duplicate: bool,
}

impl Queue {
    /// Enqueues jobs, in order, in calls of at most 500. When one fails the earlier ones stay enqueued; repeating
    /// the whole is safe, since a known id is left as it is.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn enqueue(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, QueueError> {
        self.enqueue_keyed(jobs, KEY_HOLDS).await
    }

    /// The same, with keys that hold for another time than 24 hours.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn enqueue_keyed(
        &self,
        jobs: &[NewJob],
        keys_hold: Duration,
    ) -> Result<Vec<Enqueued>, QueueError> {
        let mut answers = Vec::with_capacity(jobs.len());
        let mut rest = jobs;
        while !rest.is_empty() {
            let (chunk, later) = rest.split_at(chunk_len(rest));
            answers.extend(self.enqueue_chunk(chunk, keys_hold).await?);
            rest = later;
        }
        Ok(answers)
    }

    async fn enqueue_chunk(
        &self,
        jobs: &[NewJob],
        keys_hold: Duration,
    ) -> Result<Vec<Enqueued>, QueueError> {
        let k = &self.keys;
        let mut call = script::ENQUEUE
            .on(&[
                &k.data,
                &k.active,
                &k.scheduled,
                &k.signal,
                &k.meta,
                &k.idempotency,
                &k.stats,
            ])
            .arg(millis(keys_hold));
        for job in jobs {
            let delay = match job.run_at {
                RunAt::Now => String::new(),
                RunAt::In(wait) => format!("+{}", millis(wait)),
                RunAt::At(at) => at.to_string(),
            };
            call = call
                .arg(job.id.to_string())
                .arg(&job.payload)
                .arg(delay)
                .arg(job.key.as_deref().unwrap_or(""))
                .arg(
                    job.expires_in
                        .map(millis)
                        .map(|ms| ms.to_string())
                        .unwrap_or_default(),
                )
                .arg(job.traceparent.as_deref().unwrap_or(""))
                .arg(job.tracestate.as_deref().unwrap_or(""));
        }
        let holders: Vec<Value> = call.run(&self.link).await?;
        if holders.len() != jobs.len() {
            return Err(QueueError::unexpected(
                "an answer for each job was expected",
            ));
        }
        jobs.iter()
            .zip(holders)
            .map(|(job, holder)| {
                let holder: String = read(holder)?;
                match holder.as_str() {
                    "" => Ok(Enqueued {
                        id: job.id,
                        duplicate: false,
                    }),
                    other => Ok(Enqueued {
                        id: other.parse().map_err(|_| {
                            QueueError::unexpected(
                                "an idempotency key is held by an id that is not ours",
                            )
                        })?,
                        duplicate: true,
                    }),
                }
            })
            .collect()
    }
}

fn chunk_len(jobs: &[NewJob]) -> usize {
    let mut bytes = 0;
    let fits = jobs.iter().take(CHUNK_JOBS).take_while(|job| {
        bytes += job.payload.len();
        bytes <= CHUNK_BYTES
    });
    fits.count().max(1)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
