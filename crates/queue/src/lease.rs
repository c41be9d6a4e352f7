//! Leases: who is alive, and what becomes of the jobs of those who are not.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use longshore_job::JobId;
use redis::Value;

use crate::clock::ClockWatch;
use crate::enqueue::millis;
use crate::timeline::{stamp, worker_of};
use crate::value::Reply;
use crate::{Queue, QueueError, script};

/// So many claims without an answer are remembered: a day's worth of one a second.
const MAX_UNANSWERED: usize = 100_000;

/// One worker process on one queue, for as long as it keeps its lease.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkerId(Arc<str>);

impl WorkerId {
    /// A new identity under a name people know, such as `host-1234`.
    #[must_use]
    pub fn generate(name: &str) -> Self {
        let unique = JobId::generate().to_string();
        let name: String = name
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
            .take(64)
            .collect();
        Self(format!("{name}-{}", &unique[unique.len() - 6..]).into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A lease: an identity, and the claim tokens given out under it.
#[derive(Debug)]
pub struct Lease {
    worker: WorkerId,
    tokens: AtomicU64,
    /// The numbers of claims that were not answered (yet).
    unanswered: Mutex<BTreeSet<u64>>,
    pub(crate) clock: ClockWatch,
    /// What its process does not reach: 1 the provider, 2 the fallback.
    missed: AtomicU8,
}

impl Lease {
    /// A lease for this identity; [`Queue::join`] makes it known.
    #[must_use]
    pub fn new(worker: WorkerId) -> Self {
        Self {
            worker,
            tokens: AtomicU64::new(0),
            unanswered: Mutex::default(),
            clock: ClockWatch::default(),
            missed: AtomicU8::new(0),
        }
    }

    /// By how much Redis's clock was set ahead, where that was more than half a minute: told once. For a minute from then on
    /// no job that this lease claims is expired.
    pub fn clock_step(&self) -> Option<Duration> {
        self.clock.take_step()
    }

    /// The identity.
    #[must_use]
    pub fn worker(&self) -> &WorkerId {
        &self.worker
    }

    /// The process that holds it: the same in all queues.
    #[must_use]
    pub fn process(&self) -> &str {
        let id = self.worker.as_str();
        id.rsplit_once('-').map_or(id, |(process, _)| process)
    }

    /// From now on, claims leave to others what the process does not reach: the queue's provider, or its fallback.
    pub fn misses(&self, provider: bool, fallback: bool) {
        let missed = u8::from(provider) | (u8::from(fallback) << 1);
        self.missed.store(missed, Ordering::Relaxed);
    }

    /// As `claim.lua` takes it.
    pub(crate) fn missed(&self) -> &'static str {
        match self.missed.load(Ordering::Relaxed) {
            0 => "",
            1 => "p",
            2 => "f",
            _ => "pf",
        }
    }

    /// A token that no other claim has. A claim that is made again has another one.
    pub(crate) fn next_token(&self) -> Arc<str> {
        let n = self.tokens.fetch_add(1, Ordering::Relaxed);
        let mut unanswered = self.unanswered();
        unanswered.insert(n);
        if unanswered.len() > MAX_UNANSWERED {
            unanswered.pop_first();
        }
        format!("{}:{n}", self.worker).into()
    }

    /// The claim with this token was answered: whoever made it knows its jobs.
    pub(crate) fn answered(&self, token: &str) {
        if let Some(n) = number_of(token) {
            self.unanswered().remove(&n);
        }
    }

    /// The claim with this token was never answered, so its jobs were never run.
    #[must_use]
    pub fn is_unanswered(&self, token: &str) -> bool {
        worker_of(token) == self.worker.as_str()
            && number_of(token).is_some_and(|n| self.unanswered().contains(&n))
    }

    /// The jobs of a claim that was never answered were given back. If they are this worker's once more, Redis forgot
    /// that, and what became of them since is not known.
    pub fn gave_back(&self, token: &str) {
        self.answered(token);
    }

    fn unanswered(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A token for what is taken over from lost workers: it never passes for a claim of ours.
    pub(crate) fn rescue_token(&self) -> Arc<str> {
        let n = self.tokens.fetch_add(1, Ordering::Relaxed);
        format!("{}:r{n}", self.worker).into()
    }
}

/// The number of a claim, by its token.
fn number_of(token: &str) -> Option<u64> {
    let (_, claim) = token.rsplit_once(':')?;
    claim.trim_end_matches('f').parse().ok()
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// The lease holds. If not, what the worker runs may run elsewhere, and it must join under a new identity.
    pub held: bool,
    /// How long ago the stalest other worker beat.
    pub stalest_other: Option<Duration>,
    /// There is no other worker (or one), and no job here: then an idle worker looks itself for jobs that run nowhere
    /// ([`Queue::peek`]).
    pub alone: bool,
    /// All running jobs are to be looked through ([`Queue::sweep`]): once a minute somebody is asked to, and where a rescuer was
    /// lost.
    pub sweep: bool,
    /// A replay operation is to be carried on; not asked for a worker that has no jobs, which finds it by its next look
    /// for work ([`Queue::peek`]).
    pub replays: bool,
    /// The application is to be told of jobs ([`Queue::notices`]); asked as `replays` is.
    pub notices: bool,
    /// Redis forgot, or another timeline has begun since it did: what the process remembers must be told.
    pub forgot: bool,
    /// Jobs are parked: somebody has to look through them now and then ([`Queue::bury_parked`]). Not said for a minute after
    /// Redis's clock was set ahead, so that none dies of that.
    pub parked: bool,
    /// How often running jobs of the queue were asked to stop: where it has changed, some of the worker's own may be among them
    /// ([`Queue::asked_to_stop`]).
    pub asks: u64,
    /// No job of the queue runs, as far as Redis knows.
    pub none_runs: bool,
}

impl Queue {
    /// Makes a worker known. `stale` is after how long without a beat from anybody all leases are renewed, since
    /// then Redis itself was away.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn join(&self, lease: &Lease, stale: Duration) -> Result<Beat, QueueError> {
        let beat = self.send_beat(lease, "join", stale, [0, 0]).await?;
        self.timeline.join(lease.worker().as_str());
        self.register().await;
        Ok(beat)
    }

    /// Renews a worker's lease on everything it runs: `jobs`, as far as it knows. `running` of them run, and ran when a beat was sent
    /// that found [none](Beat::none_runs): somebody has removed them from Redis.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn beat(
        &self,
        lease: &Lease,
        stale: Duration,
        jobs: usize,
        running: usize,
    ) -> Result<Beat, QueueError> {
        self.send_beat(lease, "beat", stale, [jobs, running]).await
    }

    async fn send_beat(
        &self,
        lease: &Lease,
        mode: &str,
        stale: Duration,
        [jobs, running]: [usize; 2],
    ) -> Result<Beat, QueueError> {
        let at = self.link.at(&self.keys.timeline).await?;
        let call = |mode| {
            script::BEAT
                .on(&[
                    &self.keys.workers,
                    &self.keys.inflight,
                    &self.keys.open_replays,
                    &self.keys.timeline,
                    &self.keys.parked,
                    &self.keys.notices,
                ])
                .arg(lease.worker().as_str())
                .arg(mode)
                .arg(millis(stale))
                .arg(jobs)
                .arg(self.timeline.to_arg(lease.worker().as_str(), &at))
                .arg(millis(self.lost_after))
                .arg(running)
        };
        let answer = call(mode).run_over(&self.link, &at.connection).await;
        // What another program wrote over is set right by a beat that looks for it.
        let value: Value = match answer {
            Err(error) if error.is_wrong_type() => {
                call("check").run_over(&self.link, &at.connection).await?
            }
            answer => answer?,
        };
        let mut answer = Reply::new(value)?;
        let state = answer.next::<String>()?;
        let held = state == "ok";
        let (now, stalest): (u64, u64) = (answer.next()?, answer.next()?);
        let judged = lease.clock.see(now, Instant::now());
        let alone = answer.next::<u8>()? == 1;
        let replays = answer.next::<Option<u8>>()? == Some(1);
        let at = stamp(&mut answer)?;
        if state == "layout" {
            return Err(self.laid_out(at.nonce()));
        }
        // It may have been told while this was on its way.
        let forgot =
            answer.next::<Option<u8>>()? == Some(1) && self.timeline.newest().nonce() != at.nonce();
        let parked = answer.next::<u8>()? == 1 && judged > 0;
        let sweep = answer.next::<u8>()? == 1;
        let asks = answer.next()?;
        let notices = answer.next::<Option<u8>>()? == Some(1);
        let none_runs = answer.next::<u8>()? == 1;
        if !forgot {
            self.timeline.advance(&at, None);
        }
        Ok(Beat {
            held,
            stalest_other: (stalest > 0)
                .then(|| Duration::from_millis(now.saturating_sub(stalest))),
            alone,
            sweep,
            replays,
            forgot,
            parked,
            asks,
            notices,
            none_runs,
        })
    }

    /// Ends a worker's lease. What it still owned is found by the others' next sweep.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn leave(&self, lease: &Lease) -> Result<(), QueueError> {
        script::LEAVE
            .on(&[
                &self.keys.workers,
                &self.keys.idle,
                &self.keys.worker_facts,
                &self.keys.timeline,
            ])
            .arg(lease.worker().as_str())
            .run::<u8>(&self.link)
            .await
            .map(drop)
    }
}
