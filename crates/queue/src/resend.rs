//! Sending again what Redis forgot.

use std::borrow::Cow;
use std::sync::Arc;

use redis::Value;

use crate::enqueue::{Pushed, millis};
use crate::link::At;
use crate::timeline::stamp;
use crate::value::Reply;
use crate::{Lease, NewJob, Queue, QueueError, RawId, RunState, Stamp, script};

/// At most so many jobs go into one call.
const CHUNK_JOBS: usize = 256;
/// And so many bytes of payload.
const CHUNK_BYTES: usize = 4 << 20;

/// A job that a worker has, or has settled.
#[derive(Debug, Clone)]
pub struct Remembered<'a> {
    /// The job.
    pub id: &'a RawId,
    /// The token of its claim.
    pub token: &'a str,
    /// When it was claimed, or settled.
    pub at: Stamp,
    /// Its payload, for a Redis that does not know it; empty of one that has completed.
    pub payload: Cow<'a, [u8]>,
    /// What stood before its payload, as its claim found it ([`Claimed::header`](crate::Claimed)).
    pub header: &'a [u8],
    /// What its record says of its runs, as the claim found it or the verdict left it. Redis may have forgotten that, too: a
    /// job that may have been sent must not look as if it never ran.
    pub run: RunState,
}

/// What came of [`Queue::resend`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resent {
    /// It is written, on the timeline that is the queue's now.
    Done {
        /// When.
        at: Stamp,
        /// One for each job: whether it is the caller's again, under the token it named.
        ours: Vec<bool>,
    },
    /// The caller came too late, and has no lease any more: it must join again.
    Lost,
    /// Redis forgot once more meanwhile: all is to be sent again.
    Again,
}

impl Queue {
    /// Sends what a worker has, and has settled, to a Redis that forgot, in calls of at most 256 jobs. The newest of
    /// several about the same job wins, whoever sends it. What was settled has to be settled again, once
    /// [`adopt_timeline`](Self::adopt_timeline) was called.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses; then it is to be repeated.
    pub async fn resend(
        &self,
        lease: &Lease,
        remembered: &[Remembered<'_>],
    ) -> Result<Resent, QueueError> {
        // All calls go to one process of Redis: the last one says that it has what the others told.
        let at = self.link.at(&self.keys.timeline).await?;
        let mut told: Option<Stamp> = None;
        let mut ours = Vec::with_capacity(remembered.len());
        let mut rest = remembered;
        loop {
            let (chunk, later) = rest.split_at(chunk_len(rest));
            let Some(stamp) = self
                .resend_chunk(lease, &at, chunk, later.is_empty(), &mut ours)
                .await?
            else {
                return Ok(Resent::Lost);
            };
            if told.is_some_and(|told| told.nonce() != stamp.nonce()) {
                return Ok(Resent::Again);
            }
            rest = later;
            if rest.is_empty() {
                return Ok(Resent::Done { at: stamp, ours });
            }
            told = Some(stamp);
        }
    }

    async fn resend_chunk(
        &self,
        lease: &Lease,
        at: &At,
        chunk: &[Remembered<'_>],
        is_last: bool,
        ours: &mut Vec<bool>,
    ) -> Result<Option<Stamp>, QueueError> {
        let k = &self.keys;
        let mut call = script::RESEND
            .on(&[
                &k.timeline,
                &k.told,
                &k.workers,
                &k.inflight,
                &k.scheduled,
                &k.retryable,
                &k.data,
                &k.completions,
                &k.dead,
                &k.groups,
                &k.records,
                &k.parked,
                &k.kinds,
                &k.sought,
                &k.lanes,
                &k.lane,
                &k.letters,
                &k.parked_kinds,
            ])
            .arg(self.timeline.to_arg(lease.worker().as_str(), at))
            .arg(millis(self.lost_after))
            .arg(if is_last { "last" } else { "" });
        for job in chunk {
            call = call
                .arg(job.id.as_bytes())
                .arg(job.token)
                .arg(job.at.nonce())
                .arg(job.at.seq())
                .arg([job.header, &job.payload].concat())
                .arg(job.run.to_string());
        }
        let value: Value = call.run_over(&self.link, &at.connection).await?;
        let mut answer = Reply::new(value)?;
        let lost = answer.next::<String>()? == "lost";
        let told = stamp(&mut answer)?;
        while !answer.is_empty() {
            ours.push(answer.next::<u8>()? == 1);
        }
        Ok((!lost).then_some(told))
    }

    /// Goes over to the timeline that everything was told on: claims and settles of this worker count on it from now on.
    pub fn adopt_timeline(&self, lease: &Lease, at: &Stamp) {
        self.timeline.adopt(at, lease.worker().as_str());
    }

    /// The newest moment of the queue's timeline that this process knows.
    #[must_use]
    pub fn newest(&self) -> Stamp {
        self.timeline.newest()
    }

    /// Enqueues a job again that has a key, unless Redis knows the key: then it has not forgotten the job. Returns whether
    /// it was enqueued.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn enqueue_again(&self, job: &NewJob) -> Result<bool, QueueError> {
        let Some(key) = &job.key else {
            return Ok(false);
        };
        let mut command = redis::cmd("EXISTS");
        command.arg(self.key_of(key));
        if self.link.command::<u8>(&command).await? == 1 {
            return Ok(false);
        }
        // Nobody is told that it is accepted: what is remembered of it goes on.
        let enqueued = self
            .enqueue_chunk(std::slice::from_ref(job), Pushed::Again)
            .await?;
        self.register().await;
        Ok(enqueued.iter().all(|enqueued| !enqueued.duplicate))
    }

    /// The token that owns a job, if one does.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn owner(&self, id: &RawId) -> Result<Option<Arc<str>>, QueueError> {
        let mut command = redis::cmd("HGET");
        command.arg(&self.keys.inflight).arg(id.as_bytes());
        let token: Option<Vec<u8>> = self.link.command(&command).await?;
        Ok(token.map(|token| String::from_utf8_lossy(&token).into()))
    }
}

fn chunk_len(jobs: &[Remembered<'_>]) -> usize {
    let mut bytes = 0;
    let fits = jobs.iter().take(CHUNK_JOBS).take_while(|job| {
        bytes += job.payload.len();
        bytes <= CHUNK_BYTES
    });
    fits.count().max(1).min(jobs.len())
}
