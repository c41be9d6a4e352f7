//! Looking through the running jobs: those of lost workers are taken over.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;

use crate::enqueue::millis;
use crate::header::split;
use crate::value::Reply;
use crate::{Lease, Queue, QueueError, RawId, RunState, script};

/// A job taken over from a worker that was lost. It is ours now, under `token`, and must be settled.
#[derive(Debug, Clone)]
pub struct RescuedJob {
    /// The job.
    pub id: RawId,
    /// Our token.
    pub token: Arc<str>,
    /// Its payload; empty when there is none.
    pub payload: Vec<u8>,
    /// What its record says of earlier runs.
    pub run: RunState,
    /// Who was lost with it.
    pub worker: String,
    /// It was claimed for the fallback.
    pub by_fallback: bool,
}

/// What a sweep found.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Jobs of lost workers, ours now.
    pub taken: Vec<RescuedJob>,
    /// Everything that Redis says we own: id and token.
    pub own: Vec<(RawId, String)>,
}

impl Queue {
    /// Looks through all running jobs: takes over those of workers that have not beaten for `lost_after`, and
    /// reports those that the caller owns. `None` when the caller has no lease itself.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses. What was taken over by then is taken again by the next sweep.
    pub async fn sweep(
        &self,
        lease: &Lease,
        lost_after: Duration,
    ) -> Result<Option<Sweep>, QueueError> {
        self.look_through(lease, lost_after, "all").await
    }

    /// The same only where a worker is lost and nobody else is at its jobs: of a fleet that sees it all at once, one looks.
    ///
    /// # Errors
    /// As [`Queue::sweep`].
    pub async fn rescue(
        &self,
        lease: &Lease,
        lost_after: Duration,
    ) -> Result<Option<Sweep>, QueueError> {
        self.look_through(lease, lost_after, "rescue").await
    }

    async fn look_through(
        &self,
        lease: &Lease,
        lost_after: Duration,
        what: &str,
    ) -> Result<Option<Sweep>, QueueError> {
        let k = &self.keys;
        let of_all = [&*k.records, &k.data, &k.timeline, &k.lost];
        let keys = [&[&*k.workers, &k.inflight], &of_all[..]].concat();
        let token = lease.rescue_token();
        let mut sweep = Sweep::default();
        let mut cursor = "0".to_owned();
        loop {
            let value: Value = script::SWEEP
                .on(&keys)
                .arg(lease.worker().as_str())
                .arg(&*token)
                .arg(&cursor)
                .arg(millis(lost_after))
                .arg(what)
                .run(&self.link)
                .await?;
            let mut answer = Reply::new(value)?;
            if answer.next::<String>()? != "ok" {
                return Ok(None);
            }
            cursor = answer.next()?;
            let (mut taken, mut own) = (answer.list()?, answer.list()?);
            while !taken.is_empty() {
                let mut taken = RescuedJob {
                    id: taken.id()?,
                    payload: split(taken.next()?).1,
                    run: RunState::parse(&String::from_utf8_lossy(&taken.next::<Vec<u8>>()?)),
                    worker: String::from_utf8_lossy(&taken.next::<Vec<u8>>()?).into_owned(),
                    token: taken.next::<String>()?.into(),
                    by_fallback: false,
                };
                taken.by_fallback = taken.token.ends_with('f');
                sweep.taken.push(taken);
            }
            while !own.is_empty() {
                sweep.own.push((own.id()?, own.next()?));
            }
            if cursor == "0" {
                return Ok(Some(sweep));
            }
        }
    }
}
