//! A queue in numbers, and what holds it back.

mod breaker;

use std::collections::HashMap;

use redis::Value;

use crate::answers::{is_answers, last_answers, limits_per_minute};
use crate::enqueue::millis;
use crate::inspect::Broken;
use crate::lost::TOLD_FOR;
use crate::minutes::last_minute;
use crate::notices::noticed_at_ms;
use crate::value::{Fields, Reply, shown};
use crate::{
    Hold, HoldCause, LastAnswer, LostLately, Minute, Paused, Queue, QueueError, RawId, script,
};

use breaker::breakers;
pub use breaker::{Breaker, BreakerState};

/// A queue in numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// Waiting for a worker, the parked ones among them.
    pub pending: u64,
    /// Those of the pending ones that stand apart, since the worker that claimed them does not know their kind.
    pub parked: u64,
    /// The kinds of parked jobs, in order, a hundred or so at the most.
    pub parked_kinds: Vec<ParkedKind>,
    /// Waiting for their time.
    pub scheduled: u64,
    /// With a worker.
    pub running: u64,
    /// Waiting for their next attempt.
    pub retryable: u64,
    /// Dead letters.
    pub dead: u64,
    /// How many workers have beaten lately. A lease that nobody ended stays behind when the last worker is lost: it
    /// does not count.
    pub workers: u64,
    /// An operator's pause, or else the queue's own: its provider refuses our credentials.
    pub paused: Option<Paused>,
    /// All that the fleet itself holds back now.
    pub holds: Vec<Hold>,
    /// Until when the provider told us to stay away, in ms since the epoch, if that is to come.
    pub held_until_ms: Option<u64>,
    /// The breakers of its providers.
    pub breakers: Vec<Breaker>,
    /// How long the oldest pending job has waited for this run, in milliseconds: a retry and a replay begin anew.
    pub latency_ms: Option<u64>,
    /// Since the start of counting: `enqueued`, `completed`, `retried`, `given_back`, `died`, `replayed`, `discarded`,
    /// `cancelled`, `notices_dropped`.
    pub counters: HashMap<String, u64>,
    /// The last whole minute, without how many were enqueued in it.
    pub last_minute: Minute,
    /// What the last calls of its own provider came to, the newest first.
    pub answers: Vec<LastAnswer>,
    /// The same of its fallback.
    pub fallback_answers: Vec<LastAnswer>,
    /// How many calls each limiter lets through a minute, as of the last call that took a place in it: `<provider>`, or one
    /// `<provider>:reads` and one `<provider>:writes`.
    pub limits: HashMap<String, f64>,
    /// How many notices wait to be handed on ([`Queue::notices`]).
    pub notices: u64,
    /// Age of the notice that has waited longest, in milliseconds.
    pub notices_ms: Option<u64>,
    /// The jobs of the last hour whose worker was lost, if there are any.
    pub lost: Option<LostLately>,
    /// What of it cannot be read, if anything: the rest is as it says.
    pub broken: Option<String>,
}

/// The parked jobs of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedKind {
    /// The kind, as payloads name it: it may be anything.
    pub kind: String,
    /// How many jobs.
    pub jobs: u64,
    /// When the first of them was parked, in ms since the epoch.
    pub since_ms: u64,
}

impl Stats {
    /// How many jobs are to be carried out yet: all but the dead.
    #[must_use]
    pub fn to_do(&self) -> u64 {
        self.pending + self.scheduled + self.running + self.retryable
    }

    /// How many calls of a provider its limit lets through a minute, as of the last call that took a place in it; `None` = it has
    /// none, or was not called.
    #[must_use]
    pub fn limit_per_minute(&self, provider: &str) -> Option<f64> {
        let of_provider = self.limits.iter().filter(|(name, _)| {
            let rest = name.strip_prefix(provider);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        });
        of_provider.fold(None, |sum, (_, rate)| Some(sum.unwrap_or(0.0) + rate))
    }

    /// A counter; 0 before its first event.
    #[must_use]
    pub fn counter(&self, name: &str) -> u64 {
        self.counters.get(name).copied().unwrap_or(0)
    }
}

impl Queue {
    /// Counts the queue.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn stats(&self) -> Result<Stats, QueueError> {
        let k = &self.keys;
        let value: Value = script::STATS
            .on(&[
                &k.active,
                &k.scheduled,
                &k.retryable,
                &k.inflight,
                &k.dead,
                &k.stats,
                &k.gate,
                &k.data,
                &k.workers,
                &k.breakers,
                &k.limits,
                &k.timeline,
                &k.parked,
                &k.kinds,
                &k.records,
                &k.completions,
                &k.lanes,
                &k.minutes,
                &k.parked_kinds,
                &k.notices,
                &k.lost,
            ])
            .arg(millis(self.lost_after))
            .arg(millis(TOLD_FOR))
            .run(&self.link)
            .await?;
        read(Reply::new(value)?)
    }
}

/// Reads what `stats.lua` answers.
fn read(mut answer: Reply) -> Result<Stats, QueueError> {
    let now: u64 = answer.next()?;
    let (pending, later, retryable): (u64, u64, u64) =
        (answer.next()?, answer.next()?, answer.next()?);
    let (running, dead) = (answer.next()?, answer.next()?);
    let counted: Fields = answer.next()?;
    let gate: Fields = answer.next()?;
    let head = waits_since(&mut answer)?;
    let workers = answer.next()?;
    let states: Fields = answer.next()?;
    let holds = Hold::list(answer.list()?)?;
    let elsewhere: Option<u64> = answer.number()?;
    let mut broken = Broken::default();
    let mut types = answer.list()?;
    while !types.is_empty() {
        broken.add(format!("{} is of another type", types.shown()?));
    }
    for (name, fields) in [("stats", &counted), ("gate", &gate), ("breakers", &states)] {
        if fields.has_unreadable() {
            broken.add(format!("{name} has a field whose name is not UTF-8"));
        }
    }
    let parked: u64 = answer.next()?;
    let first_parked: Option<u64> = answer.number()?;
    let parked_kinds = parked_kinds(answer.list()?)?;
    let minute: Option<Vec<u8>> = answer.next()?;
    let limits: Fields = answer.next()?;
    let notices = answer.next()?;
    let oldest_notice: Option<Vec<u8>> = answer.next()?;
    let lost = LostLately::new(answer.next()?, answer.number()?);
    let noticed_at = oldest_notice.and_then(|row| noticed_at_ms(&row));
    // What waits longest may be parked.
    let oldest = head.into_iter().chain(first_parked).min();
    let counters = counters(&counted, &mut broken);
    let breakers = breakers(&states, &gate, &holds, now, &mut broken);
    let held = holds
        .iter()
        .find(|hold| hold.cause == HoldCause::RetryAfter && hold.provider.is_none())
        .and_then(|hold| hold.until_ms);
    Ok(Stats {
        pending: pending.saturating_sub(elsewhere.unwrap_or(0)) + parked,
        parked,
        parked_kinds,
        scheduled: later.saturating_sub(retryable),
        running,
        retryable,
        dead,
        workers,
        paused: pause(&gate, "paused").or_else(|| pause(&gate, "refused")),
        holds,
        held_until_ms: held,
        breakers,
        latency_ms: oldest.map(|at| now.saturating_sub(at)),
        counters,
        last_minute: last_minute(minute.as_deref(), now),
        answers: last_answers(&counted, false),
        fallback_answers: last_answers(&counted, true),
        limits: limits_per_minute(&limits),
        notices,
        notices_ms: noticed_at.map(|at| now.saturating_sub(at)),
        lost,
        broken: broken.text(),
    })
}

/// Since when the job at the head of the queue waits: what stands of it says so, or else its id.
fn waits_since(answer: &mut Reply) -> Result<Option<u64>, QueueError> {
    let head: Option<Vec<u8>> = answer.next()?;
    let written: Option<u64> = answer.number()?;
    let by_id = || Some(RawId::from(head?).job_id()?.timestamp_ms());
    Ok(written.or_else(by_id))
}

/// Reads the counters; one that is no number is left out.
fn counters(counted: &Fields, broken: &mut Broken) -> HashMap<String, u64> {
    let mut counters = HashMap::new();
    for (name, value) in counted.iter().filter(|(name, _)| !is_answers(name)) {
        match counted.number(name) {
            Some(count) => drop(counters.insert(name.to_owned(), count)),
            None => broken.add(format!(
                "the counter {name} is no number: {}",
                shown(value.to_vec())
            )),
        }
    }
    counters
}

/// A pause in the gate. Claims look only whether there is one, so what cannot be read is one, too.
fn pause(gate: &Fields, field: &str) -> Option<Paused> {
    let read = |bytes| serde_json::from_slice::<Paused>(bytes).ok();
    gate.get(field)
        .map(|bytes| read(bytes).unwrap_or_else(Paused::unreadable))
}

/// Reads `kind, how many, since when in ms, …`.
fn parked_kinds(mut rows: Reply) -> Result<Vec<ParkedKind>, QueueError> {
    let mut kinds = Vec::new();
    while !rows.is_empty() {
        let (kind, jobs) = (rows.shown()?, rows.next()?);
        let since = rows.number::<f64>()?.unwrap_or_default();
        kinds.push(ParkedKind {
            kind,
            jobs,
            since_ms: since as u64,
        });
    }
    kinds.sort_by(|a, b| a.kind.cmp(&b.kind));
    Ok(kinds)
}
