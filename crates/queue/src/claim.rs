//! Taking jobs for a worker.

mod claimed;

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Value;

use crate::enqueue::millis;
use crate::script::ScriptCall;
use crate::timeline::stamp;
use crate::value::{Reply, read};
use crate::{
    Channel, ClaimContext, Lease, ProviderPolicy, Queue, QueueError, RawId, Route, RunState, Spare,
    script,
};

pub use claimed::Claimed;

/// How a claim went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimState {
    /// There was what there was.
    Ok,
    /// The worker has no lease (any more): it must join again, and what it runs may run elsewhere.
    Lost,
    /// Redis forgot, or another timeline has begun since it did: what the process remembers must be told before it
    /// claims again.
    Forgot,
    /// Redis forgot, and claims wait until every living worker has told what it remembers.
    Recovering,
    /// Redis was restarted, or another one took its place, and claims wait until every living worker has seen whether it
    /// forgot something.
    Checking,
    /// An operator has paused the queue.
    Paused,
    /// The queue has paused itself: its provider refuses our credentials.
    Refused,
    /// The provider said when to come back.
    Held,
    /// The provider's breaker is open, or a probe is under way.
    Open,
    /// The provider may not be called more often.
    Limited,
    /// Others reach the provider, and this worker does not.
    Away,
    /// Jobs wait, and the slot that is left is kept for one of high priority.
    Kept,
}

impl ClaimState {
    fn parse(word: &str) -> Result<Self, QueueError> {
        Ok(match word {
            "ok" => Self::Ok,
            "lost" => Self::Lost,
            "forgot" => Self::Forgot,
            "recovering" => Self::Recovering,
            "checking" => Self::Checking,
            "paused" => Self::Paused,
            "refused" => Self::Refused,
            "held" => Self::Held,
            "open" => Self::Open,
            "limited" => Self::Limited,
            "away" => Self::Away,
            "kept" => Self::Kept,
            other => return Err(QueueError::unexpected(format!("claim state {other}"))),
        })
    }
}

/// The answer to a claim.
#[derive(Debug)]
pub struct Claim {
    /// How it went.
    pub state: ClaimState,
    /// The jobs, oldest first.
    pub jobs: Vec<Claimed>,
    /// How long until another claim is of use: until the next scheduled job is due, when the waiting list was left
    /// empty, or until what holds claims back is over.
    pub next_due: Option<Duration>,
    /// Jobs come fast: the caller has to claim again after this time, since until then nobody is woken for new ones.
    pub look_in: Option<Duration>,
}

impl Queue {
    /// Takes at most `want` jobs (1,000 at the most); due jobs are promoted first. With `max_running`, no more than
    /// that run in the whole fleet.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses. The claim may have been carried out all the same: what it took is
    /// found by [`Queue::sweep`], as owned in Redis and unknown here ([`Lease::is_unanswered`]).
    pub async fn claim(
        &self,
        lease: &Lease,
        want: usize,
        max_running: Option<u32>,
    ) -> Result<Claim, QueueError> {
        let none = Spare::default();
        self.claim_with(lease, want, max_running, none).await
    }

    /// The same by a worker that says how it learns of work for the slots that stay free.
    ///
    /// # Errors
    /// As [`Queue::claim`].
    pub async fn claim_with(
        &self,
        lease: &Lease,
        want: usize,
        max_running: Option<u32>,
        spare: Spare<'_>,
    ) -> Result<Claim, QueueError> {
        let k = &self.keys;
        let at = self.link.at(&self.keys.timeline).await?;
        let token = lease.next_token();
        let provider = &self.provider;
        let call = script::CLAIM
            .on(&[
                &k.active,
                &k.scheduled,
                &k.retryable,
                &k.data,
                &k.records,
                &k.inflight,
                &k.workers,
                &k.gate,
                &k.idle,
                &k.limits,
                &k.breakers,
                &k.completions,
                &k.stats,
                &k.timeline,
                &k.reach,
                &k.parked,
                &k.kinds,
                &k.sought,
                &k.worker_facts,
                &k.lanes,
                &k.lane,
                &k.tenants,
                &k.turns,
                &k.parked_kinds,
            ])
            .arg(lease.worker().as_str())
            .arg(&*token)
            .arg(want.min(1000))
            .arg(max_running.unwrap_or(0));
        let call = of_provider(call, provider)
            .arg(self.timeline.to_arg(lease.worker().as_str(), &at))
            .arg(millis(self.lost_after))
            .arg(lease.missed())
            .arg(millis(spare.look_in))
            .arg(spare.channel.map_or("", Channel::as_str))
            .arg(if spare.keeps_one { "several" } else { "" });
        let call = match provider.takes_over() {
            None => call.arg(""),
            Some(fallback) => of_provider(call, fallback),
        };
        let value: Value = call.run_over(&self.link, &at.connection).await?;
        let mut claim = self.take(lease, &token, Reply::new(value)?)?;
        for job in &mut claim.jobs {
            if job.header.is_empty() && job.payload.is_some() {
                self.adopt(job).await?;
            }
        }
        // Only now: if one could not be taken in, all of them are found as owned here and unknown, and given back.
        lease.answered(&token);
        Ok(claim)
    }

    /// Takes in a job that another program pushed.
    async fn adopt(&self, job: &mut Claimed) -> Result<(), QueueError> {
        let k = &self.keys;
        let pushed = k.pushed(&job.id);
        let made = job.id.job_id().map(|id| id.timestamp_ms().to_string());
        let mut answer = script::ADOPT
            .on_keys([k.data.as_bytes(), k.inflight.as_bytes(), &pushed].into_iter())
            .arg(job.id.as_bytes())
            .arg(&*job.token)
            .arg(made.unwrap_or_default())
            .run::<Value>(&self.link)
            .await
            .map(|value| Reply::of(vec![value]))?;
        let (value, too_large) = answer.value()?;
        job.too_large = too_large;
        job.set_value(value, job.claimed_at_ms);
        Ok(())
    }

    /// Reads what `claim.lua` answered to the call of this token.
    fn take(
        &self,
        lease: &Lease,
        token: &Arc<str>,
        mut answer: Reply,
    ) -> Result<Claim, QueueError> {
        let state = ClaimState::parse(&answer.next::<String>()?)?;
        let now_ms: u64 = answer.next()?;
        let judged_ms = lease.clock.see(now_ms, Instant::now());
        let next_due = answer.number::<f64>()?.map(|due| until(due, now_ms));
        let (mut ids, mut values, mut records) = (answer.list()?, answer.list()?, answer.list()?);
        let completed: Vec<usize> = answer.next()?;
        let until_ms = answer.next::<u64>()?;
        let over = (until_ms > 0).then(|| Duration::from_millis(until_ms.saturating_sub(now_ms)));
        let context = ClaimContext {
            route: route(&answer.next::<String>()?)?,
            epoch: answer.next()?,
            replayed: None,
            has_lane: false,
            waited: None,
        };
        let at = stamp(&mut answer)?;
        let look_ms: u64 = answer.next()?;
        if state != ClaimState::Forgot {
            let worker = Some(lease.worker().as_str()).filter(|_| state != ClaimState::Lost);
            self.timeline.advance(&at, worker);
        }
        let token = match context.route.is_fallback() {
            true => format!("{token}f").into(),
            false => Arc::clone(token),
        };
        let mut jobs = Vec::with_capacity(ids.len());
        while !ids.is_empty() {
            let (id, (value, too_large)) = (ids.id()?, values.value()?);
            let record = match records.is_empty() {
                true => None,
                false => records.next::<Option<Vec<u8>>>()?,
            };
            let mut job = Claimed {
                id,
                token: Arc::clone(&token),
                payload: None,
                too_large,
                lost_record: false,
                header: Vec::new(),
                has_ended: completed.contains(&(jobs.len() + 1)),
                enqueued_at_ms: None,
                first_due_ms: 0,
                expires_at_ms: None,
                // After a step of the clock ahead nothing has expired, for a minute.
                claimed_at_ms: judged_ms,
                traceparent: None,
                tracestate: None,
                key: None,
                run: RunState::default(),
                context,
                at: at.clone(),
            };
            job.set_value(value, now_ms);
            job.set_record(record.as_deref());
            job.context.waited = job.waited(now_ms);
            jobs.push(job);
        }
        Ok(Claim {
            state,
            jobs,
            // While claims are held back, a job that is due is no reason to claim.
            next_due: over.or(next_due),
            look_in: (look_ms > 0).then(|| Duration::from_millis(look_ms)),
        })
    }
}

/// What the script asks of a provider.
fn of_provider(call: ScriptCall, provider: &ProviderPolicy) -> ScriptCall {
    let (interval_ms, burst) = provider.limiter();
    call.arg(&provider.name)
        .arg(interval_ms)
        .arg(burst)
        .arg(provider.probe_ms())
        .arg(provider.credentials.now())
}

fn route(word: &str) -> Result<Route, QueueError> {
    Ok(match word {
        "primary" => Route::Primary,
        "probe" => Route::Probe,
        "fallback" => Route::Fallback,
        "fallback_probe" => Route::FallbackProbe,
        other => return Err(QueueError::unexpected(format!("route {other}"))),
    })
}

/// How long until `due`, in unix seconds.
pub(crate) fn until(due: f64, now_ms: u64) -> Duration {
    let left = due - now_ms as f64 / 1000.0;
    Duration::try_from_secs_f64(left.max(0.0)).unwrap_or(Duration::MAX)
}

/// Reads a list of ids.
pub(crate) fn ids(value: Value) -> Result<Vec<RawId>, QueueError> {
    let ids: Vec<Vec<u8>> = read(value)?;
    Ok(ids.into_iter().map(RawId::from).collect())
}
