//! Putting jobs into the queue.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_job::JobId;
use redis::Value;

use crate::header::Header;
use crate::value::{Reply, read};
use crate::{EnqueuedBy, Key, Lane, Queue, QueueError, script};

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

/// So long from now.
impl From<Duration> for RunAt {
    fn from(wait: Duration) -> Self {
        Self::In(wait)
    }
}

/// At this time.
impl From<SystemTime> for RunAt {
    fn from(time: SystemTime) -> Self {
        Self::At(millis(time.duration_since(UNIX_EPOCH).unwrap_or_default()))
    }
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
    /// Its idempotency key: while it holds, no other job is accepted with it.
    pub key: Option<Key>,
    /// After how long it is dead as expired instead of being run, counted from when it is due.
    pub expires_in: Option<Duration>,
    /// W3C trace context, `00-…`.
    pub traceparent: Option<String>,
    /// W3C trace state.
    pub tracestate: Option<String>,
    /// Its priority and tenant.
    pub lane: Lane,
    /// Its tags, by which it is found.
    pub tags: Vec<String>,
    /// Who enqueues it, where that is said. A job of nobody's costs no byte for it.
    pub by: Option<EnqueuedBy>,
}

/// What became of a job that was to be enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// The id to ask after: its own, or that of the job that holds its key.
    pub id: JobId,
    /// Its key was taken: nothing was enqueued.
    pub duplicate: bool,
}

/// A key that stands for a job with other args.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTaken {
    /// Which of the jobs was refused, from 0.
    pub place: usize,
    /// The key.
    pub key: String,
    /// The job that has it. It may have ended, and be forgotten.
    pub holder: JobId,
    /// When that was enqueued, in ms since the epoch.
    pub since_ms: u64,
}

impl Queue {
    /// Enqueues jobs, in order, in calls of at most 500. When one fails the earlier ones stay enqueued; repeating
    /// the whole is safe, since a known id is left as it is. Each call waits until as many replicas have it as the link
    /// asks for ([`Link::with_wait_replicas`](crate::Link::with_wait_replicas)).
    ///
    /// # Errors
    /// [`QueueError::KeyTaken`] when a key stands for other args: then nothing of its call was enqueued. [`QueueError::Full`]
    /// likewise, when more jobs would wait than may ([`Queue::with_max_waiting`]).
    /// [`QueueError::NotCopied`] when its jobs are in Redis and too few replicas have them. Or when Redis cannot be reached
    /// or refuses.
    pub async fn enqueue(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, QueueError> {
        self.check_layout().await?;
        let mut answers = Vec::with_capacity(jobs.len());
        while answers.len() < jobs.len() {
            let rest = &jobs[answers.len()..];
            let chunk = &rest[..chunk_len(rest)];
            let enqueued = self.enqueue_chunk(chunk, Pushed::New).await;
            let enqueued = enqueued.map_err(|error| error.moved_by(answers.len()))?;
            self.enqueued_is_copied(chunk, &enqueued).await?;
            answers.extend(enqueued);
        }
        // After it, so that nothing waits for it; and what is accepted stays accepted, whatever comes of it.
        self.register().await;
        Ok(answers)
    }

    /// Where a key stands in Redis.
    pub(crate) fn key_of(&self, key: &Key) -> String {
        format!("{}:{}", self.keys.idempotency, key.full_name())
    }

    /// Looks whether their keys are free or stand for the same args, before any of them is enqueued.
    ///
    /// # Errors
    /// [`QueueError::KeyTaken`] when one stands for other args; or when Redis cannot be reached or refuses.
    pub async fn check_keys(&self, jobs: &[NewJob]) -> Result<(), QueueError> {
        for (n, chunk) in jobs.chunks(CHUNK_JOBS).enumerate() {
            if chunk.iter().any(|job| job.key.is_some()) {
                let checked = self.enqueue_chunk(chunk, Pushed::OnlyLook).await;
                checked.map_err(|error| error.moved_by(n * CHUNK_JOBS))?;
            }
        }
        Ok(())
    }

    /// What `enqueue.lua` is given: keys of the queue, then, where jobs have them, `completions` and their idempotency keys, and
    /// of carried jobs their ids.
    fn keys_of(&self, jobs: &[NewJob], pushed: Pushed) -> Vec<String> {
        let k = &self.keys;
        let of_queue = [
            &k.data,
            &k.active,
            &k.scheduled,
            &k.idle,
            &k.records,
            &k.stats,
            &k.timeline,
            &k.lanes,
            &k.lane,
            &k.tenants,
            &k.turns,
        ];
        let of_jobs = jobs
            .iter()
            .filter_map(|job| Some(self.key_of(job.key.as_ref()?)));
        let mut keys: Vec<String> = of_queue.into_iter().cloned().collect();
        if jobs.iter().any(|job| job.key.is_some()) {
            keys.push(k.completions.clone());
            keys.extend(of_jobs);
        }
        if pushed == Pushed::Carried {
            // All of one call are of the same hour.
            keys.extend(jobs.first().map(|job| k.carried_like(job.id)));
        }
        keys
    }

    /// The error, where a script says that too many jobs wait.
    pub(crate) fn is_full(&self, answer: &mut Reply) -> Result<(), QueueError> {
        if answer.is_empty() {
            return Ok(());
        }
        Err(QueueError::Full {
            queue: self.name().to_owned(),
            waiting: answer.next()?,
            most: answer.next()?,
        })
    }

    pub(crate) async fn enqueue_chunk(
        &self,
        jobs: &[NewJob],
        pushed: Pushed,
    ) -> Result<Vec<Enqueued>, QueueError> {
        let keys = self.keys_of(jobs, pushed);
        let all: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut call = script::ENQUEUE.on(&all).arg(match pushed {
            Pushed::OnlyLook => "look",
            Pushed::Again => "again",
            Pushed::Carried => "carried",
            Pushed::New => "",
        });
        let only_look = pushed == Pushed::OnlyLook;
        for job in jobs {
            call = call
                .arg(job.id.to_string())
                .arg(differs(job, self.keep))
                .arg(match only_look {
                    true => Vec::new(),
                    false => Header::of_producer(job),
                });
        }
        let value: Value = call.run(&self.link).await?;
        let mut answer = Reply::new(value)?;
        let mut refused = answer.list()?;
        let mut taken = Vec::new();
        while !refused.is_empty() {
            let (place, holder): (usize, String) = (refused.next()?, refused.next()?);
            let since_ms = refused.number()?.unwrap_or_default();
            taken.push(key_taken(jobs, place, &holder, since_ms)?);
        }
        if !taken.is_empty() {
            return Err(QueueError::KeyTaken(taken));
        }
        if only_look {
            return Ok(Vec::new());
        }
        let holders: Vec<Value> = answer.next()?;
        self.is_full(&mut answer)?;
        if holders.is_empty() {
            let enqueued = |job: &NewJob| Enqueued {
                id: job.id,
                duplicate: false,
            };
            return Ok(jobs.iter().map(enqueued).collect());
        }
        if holders.len() != jobs.len() {
            return Err(QueueError::unexpected(
                "an answer for each job was expected",
            ));
        }
        jobs.iter()
            .zip(holders)
            .map(|(job, holder)| {
                let holder: String = read(holder)?;
                let duplicate = !holder.is_empty();
                let id = match duplicate {
                    true => held_by(&holder)?,
                    false => job.id,
                };
                Ok(Enqueued { id, duplicate })
            })
            .collect()
    }
}

/// What an enqueue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// Jobs that are refused where too many wait.
    New,
    /// Jobs that were accepted before.
    Again,
    /// Jobs that a carrier brings, all of one hour.
    Carried,
    /// Nothing is enqueued: only keys are looked at.
    OnlyLook,
}

/// How it differs from a job that may run at once and has no key and no end: as `enqueue.lua` takes it.
fn differs(job: &NewJob, keep: Duration) -> String {
    let delay = match job.run_at {
        RunAt::Now => None,
        RunAt::In(wait) => Some(format!("+{}", millis(wait))),
        RunAt::At(at) => Some(at.to_string()),
    };
    let expires = job.expires_in.map(|life| millis(life).to_string());
    let key = job.key.as_ref().map(|key| key.encode(keep));
    if delay.is_none() && expires.is_none() && key.is_none() {
        return String::new();
    }
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    format!("{} {} {}", or_none(delay), or_none(expires), or_none(key))
}

fn key_taken(
    jobs: &[NewJob],
    place: usize,
    holder: &str,
    since_ms: u64,
) -> Result<KeyTaken, QueueError> {
    let place = place.wrapping_sub(1);
    let key = jobs.get(place).and_then(|job| job.key.as_ref());
    Ok(KeyTaken {
        place,
        key: key.map(|key| key.name().to_owned()).unwrap_or_default(),
        holder: held_by(holder)?,
        since_ms,
    })
}

fn held_by(holder: &str) -> Result<JobId, QueueError> {
    holder
        .parse()
        .map_err(|_| QueueError::unexpected("an idempotency key is held by an id that is not ours"))
}

pub(crate) fn chunk_len(jobs: &[NewJob]) -> usize {
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
