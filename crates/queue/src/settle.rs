//! Writing what became of jobs.

mod noted;
mod report;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::answers::Told;
use crate::decide::Fate;
use crate::enqueue::millis;
use crate::group::Group;
use crate::minutes::times;
use crate::record::Completion;
use crate::script::ScriptCall;
use crate::timeline::{stamp, worker_of};
use crate::value::Reply;
use crate::{
    CallReport, ClaimContext, HistoryEntry, ProviderPolicy, Queue, QueueError, RawId, RunState,
    Stamp, script,
};
use report::replay_report;

/// At most so many verdicts go into one call: Redis serves nobody else meanwhile.
pub const MAX_VERDICTS: usize = 256;

/// So often jobs of one call may be asked to stop while it is made.
const MOST_CALLS: usize = 20;

/// A job with its idempotency key, `<kind>:<key>`.
type KeyOfJob<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// Several of these.
type Keyed<'a> = Vec<KeyOfJob<'a>>;

/// How long a job waits that cannot be parked, since somebody else has written where parked jobs stand.
const CANNOT_PARK_WAIT: Duration = Duration::from_secs(60);

/// How long completed jobs are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// For how long.
    pub keep: Duration,
    /// Up to how many bytes of payloads and completions, the oldest going first; `None` = any. What completed in the
    /// last ten seconds always stays.
    pub max_bytes: Option<u64>,
}

/// What is to be written of one job.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The job.
    pub id: RawId,
    /// The token of its claim.
    pub token: Arc<str>,
    /// Its kind as its payload names it, if it could be read. Only failures are asked for it: dead letters are grouped by
    /// it.
    pub kind: Option<String>,
    /// Where it goes.
    pub fate: Fate,
    /// Its run state from then on; `entries` counts the history entry below.
    pub state: RunState,
    /// What is added to its history.
    pub history: Option<HistoryEntry>,
    /// The idempotency key that its claim found, `<kind>:<key>`. When it has completed, the key gets its time limit.
    pub key: Option<Arc<str>>,
    /// Why it is put back, where the history does not say: only how often and the last of these is kept.
    pub put_back: Option<HistoryEntry>,
    /// The size of its payload.
    pub payload_bytes: usize,
    /// What its call says of the provider.
    pub report: CallReport,
    /// What its claim said.
    pub context: ClaimContext,
}

impl Verdict {
    /// The group of the dead letter that it makes of its job, as [`Queue::dead_groups`] names it.
    #[must_use]
    pub fn group(&self) -> Option<String> {
        let group = self.dead_group()?;
        Some(group.id())
    }

    fn dead_group(&self) -> Option<Group> {
        match &self.fate {
            Fate::Dead { cause } => Some(Group {
                kind: self.kind.clone(),
                cause: cause.clone(),
            }),
            _ => None,
        }
    }
}

/// The answer to [`Queue::settle`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// One for each verdict: written, or refused since the token no longer owned the job. A verdict that is
    /// repeated because its answer was lost is refused too, and counts as done.
    pub written: Vec<bool>,
    /// When they were written. `None`: nothing was, since Redis forgot, or another timeline has begun since it did.
    /// What the process remembers must be told first; then the verdicts are to be settled again.
    pub at: Option<Stamp>,
    /// When completed jobs are next due to be pruned, in ms since the epoch; `None` = nothing new to prune.
    pub prune_at_ms: Option<u64>,
}

impl Queue {
    /// Writes verdicts, at most 256, each only while its token owns the job.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses; then it is to be repeated.
    pub async fn settle(
        &self,
        verdicts: &[Verdict],
        retention: Retention,
    ) -> Result<Settled, QueueError> {
        debug_assert!((1..=MAX_VERDICTS).contains(&verdicts.len()));
        let at = self.link.at(&self.keys.timeline).await?;
        // A process that joined anew settles what it has from before, too: all counts as of the worker that it is now.
        let now = self.timeline.worker();
        let worker = match verdicts.first() {
            Some(verdict) if now.is_empty() => worker_of(&verdict.token),
            _ => &now,
        };
        let told = self.timeline.to_arg(worker, &at);
        let calls = Told::of_verdicts(verdicts).encode();
        let mut keyed: Keyed<'_> = verdicts.iter().filter_map(ended_key).collect();
        for _ in 0..MOST_CALLS {
            let call = self.settle_call(retention, &told, &keyed);
            let call = call.arg(times(verdicts)).arg(&calls);
            let call = noted::with_notices(call, verdicts, self.notices.as_deref());
            let call = with_verdicts(call, verdicts, &keyed, &self.version);
            let answer = call.run_over(&self.link, &at.connection).await?;
            let settled = match settled(Reply::new(answer)?, verdicts.len())? {
                Answer::Settled(settled) => settled,
                Answer::Missing(more) => {
                    keyed.extend(more);
                    continue;
                }
            };
            if let Some(at) = &settled.at {
                self.timeline.advance(at, Some(worker));
            }
            return Ok(settled);
        }
        Err(QueueError::unexpected("it wants other keys each time"))
    }

    /// A call up to what it says of the timeline. `told`: what the caller remembers of that.
    fn settle_call(&self, retention: Retention, told: &str, keyed: &Keyed<'_>) -> ScriptCall {
        let (k, provider) = (&self.keys, &*self.provider);
        let held = keyed.iter().map(|(_, key)| k.held_under(key));
        let held: Vec<Vec<u8>> = held.collect();
        let of_queue = [
            &k.inflight,
            &k.active,
            &k.scheduled,
            &k.retryable,
            &k.records,
            &k.data,
            &k.dead,
            &k.groups,
            &k.completed,
            &k.completions,
            &k.stats,
            &k.idle,
            &k.gate,
            &k.breakers,
            &k.operations,
            &k.open_replays,
            &k.audit,
            &k.letters,
            &k.timeline,
            &k.workers,
            &k.reach,
            &k.parked,
            &k.kinds,
            &k.sought,
            &k.waiters,
            &k.lanes,
            &k.lane,
            &k.tenants,
            &k.turns,
            &k.minutes,
            &k.parked_kinds,
            &k.cancelled,
            &k.notices,
        ];
        let of_queue = of_queue.iter().map(|key| key.as_bytes());
        let mut call = script::SETTLE
            .on_keys(of_queue.chain(held.iter().map(Vec::as_slice)))
            .arg(millis(retention.keep))
            .arg(retention.max_bytes.unwrap_or(0));
        let none = ProviderPolicy::default();
        for provider in [provider, provider.takes_over().unwrap_or(&none)] {
            let (failures, window, open) = provider.breaker_spec();
            call = call
                .arg(&provider.name)
                .arg(failures)
                .arg(window)
                .arg(open)
                .arg(provider.credentials.now());
        }
        call.arg(told).arg(millis(self.lost_after))
    }

    /// Forgets completed and cancelled jobs whose time is over, a bounded number a call. Returns when to call next, in ms since
    /// the epoch (now or earlier: at once), or `None` when none is left.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn prune(&self, retention: Retention) -> Result<Option<u64>, QueueError> {
        let k = &self.keys;
        let next: u64 = script::PRUNE
            .on(&[
                &k.completed,
                &k.completions,
                &k.stats,
                &k.data,
                &k.records,
                &k.cancelled,
            ])
            .arg(millis(retention.keep))
            .arg(retention.max_bytes.unwrap_or(0))
            .arg(self.cancelled_bytes)
            .run(&self.link)
            .await?;
        Ok((next > 0).then_some(next))
    }
}

/// Verdicts as the script takes them: what operations and keys learn of them, then each one.
fn with_verdicts(
    mut call: ScriptCall,
    verdicts: &[Verdict],
    keyed: &Keyed<'_>,
    version: &str,
) -> ScriptCall {
    let reports: Vec<_> = verdicts.iter().filter_map(replay_report).collect();
    call = call.arg(reports.len());
    for report in reports {
        call = call
            .arg(report.job)
            .arg(report.operation)
            .arg(report.word)
            .arg(report.cause);
    }
    call = call.arg(keyed.len());
    for (id, _) in keyed {
        call = call.arg(&**id);
    }
    for verdict in verdicts {
        call = call
            .arg(verdict.id.as_bytes())
            .arg(&*verdict.token)
            .arg(verdict.context.encode(&verdict.report));
        call = carry_out(call, verdict, version);
    }
    call
}

/// What `settle.lua` answers.
enum Answer {
    Settled(Settled),
    /// Nothing was written: these jobs' keys have to be passed.
    Missing(Keyed<'static>),
}

/// Reads what `settle.lua` answered to so many verdicts.
fn settled(mut answer: Reply, verdicts: usize) -> Result<Answer, QueueError> {
    let prune_at_ms = answer.next::<u64>()?;
    let state: String = answer.next()?;
    let at = stamp(&mut answer)?;
    if state == "forgot" {
        return Ok(Answer::Settled(Settled {
            written: vec![false; verdicts],
            at: None,
            prune_at_ms: None,
        }));
    }
    if state == "keys" {
        let mut missing = Vec::new();
        while !answer.is_empty() {
            let (job, key): (Vec<u8>, Vec<u8>) = (answer.next()?, answer.next()?);
            missing.push((job.into(), key.into()));
        }
        return Ok(Answer::Missing(missing));
    }
    let mut written = vec![true; verdicts];
    while !answer.is_empty() {
        let place: usize = answer.next()?;
        *place
            .checked_sub(1)
            .and_then(|i| written.get_mut(i))
            .ok_or_else(|| QueueError::unexpected(format!("verdict {place}")))? = false;
    }
    Ok(Answer::Settled(Settled {
        written,
        at: Some(at),
        prune_at_ms: (prune_at_ms > 0).then_some(prune_at_ms),
    }))
}

/// The key of a job that has completed.
fn ended_key(verdict: &Verdict) -> Option<KeyOfJob<'_>> {
    let key = verdict.key.as_deref()?.as_bytes();
    let is_completed = matches!(verdict.fate, Fate::Completed { .. });
    is_completed.then(|| (verdict.id.as_bytes().into(), key.into()))
}

/// A verdict as the script takes it, from its word on. The version is that of the worker.
fn carry_out(call: ScriptCall, verdict: &Verdict, version: &str) -> ScriptCall {
    let (word, wait) = match &verdict.fate {
        Fate::Completed { result } => {
            let completion = Completion {
                history: verdict.history.as_ref().map(Cow::Borrowed),
                result: result.as_ref().map(Cow::Borrowed),
            };
            let completion = json(&completion);
            return call
                .arg(if verdict.context.has_lane { "C" } else { "c" })
                .arg(verdict.payload_bytes + completion.len())
                .arg(completion);
        }
        Fate::Retry { after } => ("r", *after),
        // A job that has failed before still waits for its retry.
        Fate::Later { after } if verdict.state.used > 0 => ("r", *after),
        Fate::Parked { .. } => ("k", CANNOT_PARK_WAIT),
        Fate::Later { after } => ("s", *after),
        Fate::Back | Fate::Untouched => ("b", Duration::ZERO),
        Fate::Dead { .. } => ("d", Duration::ZERO),
        Fate::Cancelled => ("a", Duration::ZERO),
        Fate::Forget => ("x", Duration::ZERO),
    };
    let state = match &verdict.fate {
        Fate::Untouched | Fate::Forget => String::new(),
        _ => verdict.state.to_string(),
    };
    let (number, history) = match &verdict.history {
        Some(entry) => (verdict.state.entries, json(entry)),
        None => (0, String::new()),
    };
    let (id, description) = match (&verdict.fate, verdict.dead_group()) {
        (Fate::Parked { kind }, _) => (kind.clone(), String::new()),
        (_, Some(group)) => (group.id(), group.described(version)),
        _ => Default::default(),
    };
    call.arg(word)
        .arg(millis(wait))
        .arg(state)
        .arg(number)
        .arg(history)
        .arg(id)
        .arg(description)
        .arg(verdict.put_back.as_ref().map(json).unwrap_or_default())
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
