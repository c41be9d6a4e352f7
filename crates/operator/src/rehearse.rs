//! What a replay would do, without doing it.

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_job::{Envelope, Prepared};
use longshore_queue::{DeliveryResult, JobState, Queue, RawId, Replaying, WholeLetter};

use crate::dead::Target;
use crate::error::OperatorError;
use crate::meant::{Meant, MeantLetters};
use crate::operator::Operator;
use crate::queue_info::{QueueInfo, RepeatEffect};
use crate::queues::QueueRow;
use crate::rehearsal::{RefusedRow, Rehearsal, RehearsedQueue, Sample};
use crate::suppressions::suppressed_among;

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
        let result = DeliveryResult::of(letter.job.delivery.as_ref());
        match result {
            DeliveryResult::Delivered => self.delivered += 1,
            DeliveryResult::Failed => self.delivery_failed += 1,
            DeliveryResult::Accepted => self.accepted += 1,
            DeliveryResult::Unknown => {}
        }
        self.would_run += u64::from(runs && !expired);
        if !letter.job.run.may_have_been_sent {
            return;
        }
        self.outcome_unknown += 1;
        let is_forgotten = |life: Duration| {
            let age = now_ms.saturating_sub(first_sent_ms(letter));
            u128::from(age) > life.as_millis()
        };
        let payload = letter.job.payload.as_deref().unwrap_or_default();
        let may_double = match info.repeats.of(payload) {
            RepeatEffect::Double => true,
            RepeatEffect::Verified => false,
            RepeatEffect::Keyed(life) => {
                self.key_forgotten += u64::from(is_forgotten(life));
                false
            }
            RepeatEffect::KeyedOnly(life) => is_forgotten(life) || letter.job.run.generation > 0,
            // None says so of single args.
            RepeatEffect::ByArgs(_) => true,
        };
        let may_double = may_double && runs && !expired;
        self.may_double += u64::from(may_double);
        self.delivered_again += u64::from(may_double && result == DeliveryResult::Delivered);
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
