//! What a replay would do, without doing it.

use longshore_job::{Envelope, Prepared};
use longshore_queue::{JobState, Queue, RawId, Replaying, WholeLetter};
use serde::Serialize;

use crate::dead::Target;
use crate::error::OperatorError;
use crate::operator::Operator;
use crate::queue_info::{QueueInfo, RepeatEffect};
use crate::queues::{BreakerRow, FallbackRow, PauseRow, QueueRow};

/// What a replay would do. A letter may count in several places: one that has expired may not decode either.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rehearsal {
    /// How many dead letters are meant.
    pub letters: u64,
    /// How many of them would be carried out: they decode, their handler is known, and they have not expired.
    pub would_run: u64,
    /// How many would die again, since they do not decode.
    pub undecodable: u64,
    /// How many would die again, since no handler of their queue knows their kind.
    pub unknown_kind: u64,
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
}

impl Operator {
    /// Says what a replay would do. It goes through all letters that are meant, a few hundred a call; `progress` is
    /// told how many it has seen. Changes nothing.
    ///
    /// # Errors
    /// When there is no such queue or group, an id is not of an id's form, or Redis cannot be reached.
    pub async fn rehearse(
        &self,
        target: &Target,
        how: impl Into<Replaying>,
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
        for (info, queue, selection) in self.meant_with(target).await? {
            let now = queue.now_ms().await?;
            let before = rehearsal.letters;
            let mut letters = queue.letters(&selection, now);
            loop {
                let page = letters.page().await?;
                if page.is_empty() {
                    break;
                }
                page.iter()
                    .for_each(|letter| rehearsal.see(info, letter, now));
                progress(rehearsal.letters);
            }
            let of_queue = rehearsal.letters - before;
            rehearsal.add_queue(info, queue, of_queue).await?;
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
            let before = rehearsal.letters;
            for id in &ids {
                let job = queue.job(id).await?;
                if let Some(job) = job.filter(|job| job.state == JobState::Dead) {
                    rehearsal.see(info, &queue.whole(job).await?, now);
                }
            }
            let of_queue = rehearsal.letters - before;
            if of_queue > 0 {
                rehearsal.add_queue(info, queue, of_queue).await?;
            }
        }
        Ok(())
    }
}

impl Rehearsal {
    fn see(&mut self, info: &QueueInfo, letter: &WholeLetter, now_ms: u64) {
        self.letters += 1;
        let (runs, default) = match self.decodes(info, letter) {
            Some(job) => (true, job.expires_in),
            None => (false, None),
        };
        let by_default = || Some(letter.first_due_ms? + u64::try_from(default?.as_millis()).ok()?);
        let expires = letter.expires_at_ms.or_else(by_default);
        let expired = !self.fresh_expiry && expires.is_some_and(|at| at <= now_ms);
        self.expired += u64::from(expired);
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

    fn decodes(&mut self, info: &QueueInfo, letter: &WholeLetter) -> Option<Prepared> {
        let payload = letter.job.payload.as_deref().unwrap_or_default();
        let known = letter.job.id.job_id().is_some();
        let Some(envelope) = Envelope::parse(payload).ok().filter(|_| known) else {
            self.undecodable += 1;
            return None;
        };
        let spec = info.kinds.find(&envelope.kind);
        let Some(spec) = spec else {
            self.unknown_kind += 1;
            return None;
        };
        if envelope.v > spec.version {
            self.newer += 1;
            return None;
        }
        let job = spec.prepare(envelope.args.get()).ok();
        self.undecodable += u64::from(job.is_none());
        job
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
        });
        Ok(())
    }
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
