//! What a replay would do, without doing it.

use std::collections::BTreeSet;

use longshore_job::{Envelope, Prepared};
use longshore_queue::{JobState, Queue, RawId, Replaying, WholeLetter};
use serde::Serialize;

use crate::dead::Target;
use crate::error::OperatorError;
use crate::meant::{Meant, MeantLetters};
use crate::operator::Operator;
use crate::queue_info::{QueueInfo, RepeatEffect};
use crate::queues::{BreakerRow, FallbackRow, HoldRow, PauseRow, QueueRow};
use crate::suppressions::suppressed_among;

/// What a replay would do, as far as the fleet, its configuration here and its providers' rules tell. A letter may count in several places: one that has expired may not decode either.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rehearsal {
    /// How many dead letters are meant.
    pub letters: u64,
    /// How many of them were looked at. The numbers below are of these.
    pub looked: u64,
    /// Which of them were looked at.
    pub sample: Sample,
    /// How many of them would be carried out: they decode, their handler is known, they have not expired, and the configuration
    /// refuses them not.
    pub would_run: u64,
    /// How many would die again, since this program's configuration has what they need no more, by the cause: the largest first.
    pub refused: Vec<RefusedRow>,
    /// How many stay dead: their person was forgotten, and their args are gone.
    pub forgotten: u64,
    /// How many would die again: nothing is sent to their address any more.
    pub suppressed: u64,
    /// How many would die again, since they do not decode.
    pub undecodable: u64,
    /// How many would wait apart, and die again after a while: neither this program nor a worker of their queue knows their kind.
    pub unknown_kind: u64,
    /// How many would wait apart as well: this program knows their kind, and no living worker of their queue does.
    pub no_worker_knows: u64,
    /// How many would be carried out as far as can be told: workers know their kind, and this program does not.
    pub workers_know: u64,
    /// How many would be put back until a worker comes that knows their version of the args.
    pub newer: u64,
    /// How many would die again, since they have expired; those of them that may have been carried out as unknown, unless
    /// their provider can be asked.
    pub expired: u64,
    /// Each would get its time again, so that none has expired.
    pub fresh_expiry: bool,
    /// How many may have been carried out already: a request of theirs went out, and no answer came.
    pub outcome_unknown: u64,
    /// How many of those would be carried out without a question: their effect may happen twice.
    pub may_double: u64,
    /// How many of those are so old that the provider may have forgotten their idempotency keys. What they made is
    /// looked for before anything is sent, so they do not double.
    pub key_forgotten: u64,
    /// How long it would take at the rate that was asked for, if nothing holds it up, in seconds.
    pub seconds: Option<u64>,
    /// The queues they would wait in, and what holds those back.
    pub queues: Vec<RehearsedQueue>,
}

/// Which letters a rehearsal has looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sample {
    /// All that are meant.
    #[default]
    All,
    /// Half of them are those that died first, half are those that died last.
    OldestAndNewest,
    /// Those that died first.
    Oldest,
}

impl Sample {
    /// What the numbers of a rehearsal are of, in words: `of them`, `of the oldest 500 and the newest 500`.
    #[must_use]
    pub fn words(self, looked: u64) -> String {
        match self {
            Self::All => "of them".to_owned(),
            Self::OldestAndNewest => {
                let oldest = looked.div_ceil(2);
                format!("of the oldest {oldest} and the newest {}", looked - oldest)
            }
            Self::Oldest => format!("of the oldest {looked}"),
        }
    }
}

/// Letters that the configuration would have refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedRow {
    /// Why. Names no person.
    pub reason: String,
    /// How many.
    pub letters: u64,
}

/// How a queue stands whose letters would be replayed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RehearsedQueue {
    /// Its name.
    pub queue: String,
    /// How many letters are of it.
    pub letters: u64,
    /// How many jobs wait there already.
    pub pending: u64,
    /// How many workers there are. With none, nothing would run.
    pub workers: u64,
    /// Who paused it, if somebody did.
    pub paused: Option<PauseRow>,
    /// The breakers of its providers.
    pub breakers: Vec<BreakerRow>,
    /// Who takes its jobs while the breaker of its own provider is open.
    pub fallback: Option<FallbackRow>,
    /// Until when its provider told us to stay away, RFC 3339, if that is to come.
    pub held_until: Option<String>,
    /// All that the fleet holds back there, that and its breakers among it.
    pub holds: Vec<HoldRow>,
    /// Its provider is not configured here: what its configuration would refuse is not known.
    pub not_configured_here: bool,
}

/// So many letters are looked at, one by one, unless somebody wants fewer.
const MOST_LOOKED_AT: u64 = 10_000;

impl Operator {
    /// Says what a replay would do. Of many letters it looks at 10,000; `progress` is told how many it has seen. Changes nothing.
    ///
    /// # Errors
    /// When there is no such queue or group, an id is not of an id's form, or Redis cannot be reached.
    pub async fn rehearse(
        &self,
        target: &Target,
        how: impl Into<Replaying>,
        progress: impl FnMut(u64),
    ) -> Result<Rehearsal, OperatorError> {
        self.rehearse_some(target, how, MOST_LOOKED_AT, progress)
            .await
    }

    /// The same from at most so many letters, a few hundred a call: what it costs does not depend on how many there are.
    ///
    /// # Errors
    /// As [`rehearse`](Self::rehearse).
    pub async fn rehearse_some(
        &self,
        target: &Target,
        how: impl Into<Replaying>,
        most: u64,
        mut progress: impl FnMut(u64),
    ) -> Result<Rehearsal, OperatorError> {
        let how = how.into();
        let mut rehearsal = Rehearsal {
            fresh_expiry: how.fresh_expiry,
            ..Rehearsal::default()
        };
        if let Target::Ids(ids) = target {
            self.rehearse_named(ids, &mut rehearsal).await?;
        }
        for meant in self.meant(target).await? {
            let left = most.saturating_sub(rehearsal.looked);
            let letters = rehearsal.look(&meant, left, &mut progress).await?;
            rehearsal.letters += letters;
            rehearsal
                .add_queue(meant.info, meant.queue, letters)
                .await?;
        }
        rehearsal.seconds = how
            .rate
            .map(|rate| rehearsal.letters.div_ceil(u64::from(rate.max(1))));
        Ok(rehearsal)
    }

    async fn rehearse_named(
        &self,
        ids: &[String],
        rehearsal: &mut Rehearsal,
    ) -> Result<(), OperatorError> {
        let mut ids: Vec<_> = ids.iter().map(|id| RawId::unescape(id)).collect();
        ids.sort();
        ids.dedup();
        for (info, queue) in &self.queues {
            let now = queue.now_ms().await?;
            let known = known_by_workers(queue).await?;
            let before = rehearsal.looked;
            for id in &ids {
                let job = queue.job(id).await?;
                if let Some(job) = job.filter(|job| job.state == JobState::Dead) {
                    let letter = queue.whole(job).await?;
                    let one = std::slice::from_ref(&letter);
                    let suppressed = suppressed_among(info, queue, one).await? == [true];
                    rehearsal.see(info, known.as_ref(), &letter, suppressed, now);
                }
            }
            let of_queue = rehearsal.looked - before;
            rehearsal.letters += of_queue;
            if of_queue > 0 {
                rehearsal.add_queue(info, queue, of_queue).await?;
            }
        }
        Ok(())
    }
}

impl Rehearsal {
    /// Looks at letters of one queue, at most so many. Returns how many are meant.
    async fn look(
        &mut self,
        meant: &Meant<'_>,
        most: u64,
        progress: &mut impl FnMut(u64),
    ) -> Result<u64, OperatorError> {
        let before = self.looked;
        // A group and a queue know how many they have, and the newest are found at once. What a filter means is known only
        // once all of it was looked through.
        let known = match meant.filter.is_all() {
            true => Some(meant.count().await?).filter(|count| *count > most),
            false => None,
        };
        let newest = known.map_or(0, |_| most / 2);
        let mut letters = meant.letters().await?;
        if self
            .see_pages(meant, &mut letters, most - newest, progress)
            .await?
        {
            return Ok(self.looked - before);
        }
        let Some(count) = known else {
            self.sample = Sample::Oldest;
            return Ok(meant.count().await?);
        };
        if newest > 0 {
            let mut letters = meant.newest(newest).await?;
            self.see_pages(meant, &mut letters, newest, progress)
                .await?;
        }
        self.sample = match self.sample {
            Sample::Oldest => Sample::Oldest,
            _ => Sample::OldestAndNewest,
        };
        Ok(count)
    }

    /// Looks at the next letters, at most so many. Returns whether there are no more.
    async fn see_pages(
        &mut self,
        meant: &Meant<'_>,
        letters: &mut MeantLetters<'_>,
        most: u64,
        progress: &mut impl FnMut(u64),
    ) -> Result<bool, OperatorError> {
        let (info, queue) = (meant.info, meant.queue);
        let now = queue.now_ms().await?;
        let known = known_by_workers(queue).await?;
        let till = self.looked + most;
        while let Some(page) = letters.page().await? {
            let left = usize::try_from(till - self.looked).unwrap_or(0);
            let some = &page[..page.len().min(left)];
            let suppressed = suppressed_among(info, queue, some).await?;
            for (letter, suppressed) in some.iter().zip(suppressed) {
                self.see(info, known.as_ref(), letter, suppressed, now);
            }
            progress(self.looked);
            if some.len() < page.len() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn see(
        &mut self,
        info: &QueueInfo,
        workers: Option<&BTreeSet<String>>,
        letter: &WholeLetter,
        suppressed: bool,
        now_ms: u64,
    ) {
        self.looked += 1;
        if letter.job.forgotten.is_some() {
            self.forgotten += 1;
            return;
        }
        let (runs, default) = match self.decodes(info, workers, letter) {
            Decoded::Not => (false, None),
            Decoded::Elsewhere => (true, None),
            Decoded::Here(job) => (true, job.expires_in),
        };
        let by_default = || Some(letter.first_due_ms? + u64::try_from(default?.as_millis()).ok()?);
        let expires = letter.expires_at_ms.or_else(by_default);
        let expired = !self.fresh_expiry && expires.is_some_and(|at| at <= now_ms);
        self.expired += u64::from(expired);
        let refused = runs && !expired && self.is_refused(info, letter);
        let suppressed = runs && !expired && !refused && suppressed;
        self.suppressed += u64::from(suppressed);
        let runs = runs && !refused && !suppressed;
        self.would_run += u64::from(runs && !expired);
        if !letter.job.run.may_have_been_sent {
            return;
        }
        self.outcome_unknown += 1;
        match info.repeats {
            RepeatEffect::Double => self.may_double += u64::from(runs && !expired),
            RepeatEffect::Verified => {}
            RepeatEffect::Keyed(life) => {
                let age = now_ms.saturating_sub(first_sent_ms(letter));
                self.key_forgotten += u64::from(u128::from(age) > life.as_millis());
            }
        }
    }

    fn decodes(
        &mut self,
        info: &QueueInfo,
        workers: Option<&BTreeSet<String>>,
        letter: &WholeLetter,
    ) -> Decoded {
        let payload = letter.job.payload.as_deref().unwrap_or_default();
        let known = letter.job.id.job_id().is_some();
        let Some(envelope) = Envelope::parse(payload).ok().filter(|_| known) else {
            self.undecodable += 1;
            return Decoded::Not;
        };
        let worked = workers.map(|kinds| kinds.contains(&*envelope.kind));
        let spec = match (info.kinds.find(&envelope.kind), worked) {
            (Some(_), Some(false)) => {
                self.no_worker_knows += 1;
                return Decoded::Not;
            }
            (Some(spec), _) => spec,
            (None, Some(true)) => {
                self.workers_know += 1;
                return Decoded::Elsewhere;
            }
            (None, _) => {
                self.unknown_kind += 1;
                return Decoded::Not;
            }
        };
        if envelope.v > spec.version {
            self.newer += 1;
            return Decoded::Not;
        }
        match spec.prepare(envelope.args.get()) {
            Ok(job) if job.queue == info.name => Decoded::Here(job),
            Ok(_) | Err(_) => {
                self.undecodable += 1;
                Decoded::Not
            }
        }
    }

    /// Whether the configuration refuses it; counts it with its cause.
    fn is_refused(&mut self, info: &QueueInfo, letter: &WholeLetter) -> bool {
        let payload = letter.job.payload.as_deref().unwrap_or_default();
        let why = Envelope::parse(payload).ok().and_then(|envelope| {
            let args = serde_json::from_str(envelope.args.get()).ok()?;
            info.refusal.of(&envelope.kind, &args)
        });
        let Some(reason) = why else { return false };
        match self.refused.iter_mut().find(|row| row.reason == reason) {
            Some(row) => row.letters += 1,
            None => self.refused.push(RefusedRow { reason, letters: 1 }),
        }
        self.refused
            .sort_by_key(|row| std::cmp::Reverse(row.letters));
        true
    }

    async fn add_queue(
        &mut self,
        info: &QueueInfo,
        queue: &Queue,
        letters: u64,
    ) -> Result<(), OperatorError> {
        let stats = queue.stats().await?;
        let workers = stats.workers;
        let row = QueueRow::new(info, stats);
        self.queues.push(RehearsedQueue {
            queue: row.queue,
            letters,
            pending: row.pending,
            workers,
            paused: row.paused,
            breakers: row.breakers,
            fallback: row.fallback,
            held_until: row.held_until,
            holds: row.holds,
            not_configured_here: !info.refusal.is_known(),
        });
        Ok(())
    }
}

/// What a letter's payload comes to.
enum Decoded {
    /// Nothing that would be carried out.
    Not,
    /// A job of a kind that only workers know.
    Elsewhere,
    /// A job.
    Here(Prepared),
}

/// The kinds that living workers of a queue say they know; `None` where none has said anything.
pub(crate) async fn known_by_workers(
    queue: &Queue,
) -> Result<Option<BTreeSet<String>>, OperatorError> {
    let workers = queue.workers().await?.into_iter();
    let facts: Vec<_> = workers.filter_map(|worker| worker.facts).collect();
    let kinds = facts.iter().flat_map(|facts| facts.kinds.iter().cloned());
    Ok((!facts.is_empty()).then(|| kinds.collect()))
}

/// No request of it went out before this, in ms since the epoch.
fn first_sent_ms(letter: &WholeLetter) -> u64 {
    let job = &letter.job;
    let kept_all = u64::from(job.run.entries) == job.history.len() as u64;
    let first = job.history.first().map(|first| {
        // It was written when the attempt had ended.
        first
            .at_ms
            .saturating_sub(first.entry.duration_ms.unwrap_or(0))
    });
    first
        .filter(|_| kept_all)
        .or(job.enqueued_at_ms)
        .unwrap_or_default()
}
