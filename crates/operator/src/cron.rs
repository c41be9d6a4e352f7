//! Cron entries: when each has ticked and will, and running one by hand.

use futures_util::future::try_join_all;
use longshore_cron::{EntryError, ScheduledEntry};
use longshore_job::JobId;
use longshore_queue::{
    CronBook, JobState, LastTick, Note, Queue, QueueError, RawId, Signed, TickJob,
};
use serde::Serialize;

use crate::away::{ANSWERED_WITHIN, why_apart};
use crate::error::OperatorError;
use crate::operator::Operator;
use crate::queues::PauseRow;
use crate::time::rfc3339;

/// How many ticks to come are shown.
const NEXT_TICKS: usize = 5;

/// How often a call is made that may be repeated, while Redis breaks off.
const TRIES: usize = 3;

/// One cron entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CronRow {
    /// Its name.
    pub name: String,
    /// Its expression.
    pub schedule: String,
    /// The same in English words, by the clock of its time zone.
    pub words: String,
    /// Its time zone.
    pub timezone: String,
    /// The kind of its jobs.
    pub kind: String,
    /// The queue that they go to.
    pub queue: String,
    /// What becomes of ticks that nobody was there for: `none`, `once` or `all`.
    pub catch_up: String,
    /// Its last tick that was enqueued, RFC 3339.
    pub last_tick: Option<String>,
    /// Its next tick, RFC 3339; `None` while it does not tick.
    pub next_tick: Option<String>,
    /// Its next five ticks, RFC 3339; none while it does not tick.
    pub next_ticks: Vec<String>,
    /// Since when a tick is due that nobody has made, RFC 3339, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overdue_since: Option<String>,
    /// The job of its last tick.
    pub last_job: Option<String>,
    /// What became of its last five ticks, the newest first.
    pub ticks: Vec<TickRow>,
    /// Who has stopped it for the whole fleet, if somebody has.
    pub paused: Option<PauseRow>,
    /// Why it does not tick by its configuration; `None` = it does.
    pub inactive: Option<String>,
    /// It does not tick by the configuration of this program, and its latest tick was made all the same: workers have another
    /// configuration.
    pub ticks_anyway: bool,
    /// When a `work` process noted last that it ticks the entries of this queue, RFC 3339; once a minute.
    pub looked_at: Option<String>,
    /// Why it cannot be read as a whole, if it cannot: somebody else has written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

/// A tick, and what became of its job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TickRow {
    /// When, RFC 3339.
    pub tick: String,
    /// Its job.
    pub job: String,
    /// Where that is now; `None` = it ended so long ago that it is forgotten, or it was discarded.
    pub state: Option<JobState>,
}

/// What became of these ticks.
async fn ticks(queue: &Queue, last: Vec<LastTick>) -> Result<Vec<TickRow>, QueueError> {
    let row = async |last: LastTick| {
        let job = queue.job(&RawId::unescape(&last.job)).await?;
        Ok(TickRow {
            tick: rfc3339(last.tick_ms),
            job: last.job,
            state: job.map(|job| job.state),
        })
    };
    try_join_all(last.into_iter().map(row)).await
}

impl Operator {
    /// One row for each entry, given with why it does not tick, if it does not.
    ///
    /// # Errors
    /// When an entry's queue is unknown, or Redis cannot be reached.
    pub async fn cron(
        &self,
        entries: &[(ScheduledEntry, Option<String>)],
    ) -> Result<Vec<CronRow>, OperatorError> {
        let rows = entries
            .iter()
            .map(|(entry, inactive)| self.row(entry, inactive.as_ref()));
        try_join_all(rows).await
    }

    /// One entry, with why it does not tick, if it does not.
    async fn row(
        &self,
        entry: &ScheduledEntry,
        inactive: Option<&String>,
    ) -> Result<CronRow, OperatorError> {
        let (_, queue) = self.queue(entry.queue())?;
        let asking = queue.answer_within(ANSWERED_WITHIN, queue.cron_book());
        let (book, mut broken) = match asking.await {
            Ok(book) => (book, None),
            Err(error) => {
                let why = why_apart(queue, error).await?;
                (CronBook::empty(queue.link().now_ms().await?), Some(why))
            }
        };
        let is_read = broken.is_none();
        if book.is_broken(entry.name()) {
            broken = Some("its last tick cannot be read".to_owned());
        }
        let mut last = Vec::new();
        if is_read {
            match ticks(queue, book.last_ticks(entry.name())).await {
                Ok(rows) => last = rows,
                Err(error) => broken = Some(why_apart(queue, error).await?),
            }
        }
        let paused = book.paused(entry.name());
        let schedule = entry.schedule();
        let ticks = inactive.is_none() && paused.is_none();
        let next: Vec<_> = match ticks {
            true => schedule.next_few(book.now_ms, NEXT_TICKS),
            false => Vec::new(),
        };
        // What its mark does not know of yet is made in the next seconds.
        let mark = book.mark(entry.name(), &schedule.id()).filter(|_| ticks);
        let due = mark.and_then(|mark| schedule.next(mark.until_ms));
        let overdue = due.filter(|due| *due < book.now_ms);
        let next: Vec<_> = next.into_iter().map(rfc3339).collect();
        let is_latest = |last: &LastTick| {
            schedule
                .next(last.tick_ms)
                .is_none_or(|next| next > book.now_ms)
        };
        let made = book.last_ticks(entry.name()).first().is_some_and(is_latest);
        Ok(CronRow {
            name: entry.name().to_owned(),
            schedule: schedule.expression().to_owned(),
            words: schedule.words(),
            timezone: schedule.zone().name().to_owned(),
            kind: entry.kind().to_owned(),
            queue: entry.queue().to_owned(),
            catch_up: entry.catch_up().to_string(),
            last_tick: last.first().map(|last| last.tick.clone()),
            next_tick: next.first().cloned(),
            next_ticks: next,
            overdue_since: overdue.map(rfc3339),
            last_job: last.first().map(|last| last.job.clone()),
            ticks: last,
            paused: paused.map(PauseRow::from),
            inactive: inactive.cloned(),
            ticks_anyway: inactive.is_some() && made,
            looked_at: book.looked_at_ms().map(rfc3339),
            broken,
        })
    }

    /// Stops an entry for the whole fleet: its ticks make no jobs, and are not made up for. Returns whether that changed
    /// anything: an earlier pause stays as it is.
    ///
    /// # Errors
    /// When its queue is unknown, or Redis cannot be reached.
    pub async fn cron_pause(
        &self,
        entry: &ScheduledEntry,
        signed: &Signed,
    ) -> Result<bool, OperatorError> {
        let (_, queue) = self.queue(entry.queue())?;
        Ok(queue.cron_pause(entry.name(), signed).await?)
    }

    /// Lets an entry tick again, from now on. Returns whether it was paused.
    ///
    /// # Errors
    /// When its queue is unknown, or Redis cannot be reached.
    pub async fn cron_resume(
        &self,
        entry: &ScheduledEntry,
        signed: &Signed,
    ) -> Result<bool, OperatorError> {
        let (_, queue) = self.queue(entry.queue())?;
        Ok(queue.cron_resume(entry.name(), signed).await?)
    }

    /// Enqueues an entry's job now, as if it ticked at this second, once it is written down who wants that. Its schedule
    /// goes on as if nothing had been.
    ///
    /// # Errors
    /// When its args are refused with this time in them, or Redis cannot be reached.
    pub async fn cron_run(
        &self,
        entry: &ScheduledEntry,
        signed: &Signed,
    ) -> Result<JobId, OperatorError> {
        let (_, queue) = self.queue(entry.queue())?;
        let now = queue.now_ms().await?;
        let tick_ms = now - now % 1000;
        let job = entry
            .job(tick_ms)
            .map_err(|error: EntryError| OperatorError::Entry {
                name: entry.name().to_owned(),
                reason: error.to_string(),
            })?;
        let id = JobId::generate();
        let job = TickJob {
            tick_ms,
            id,
            payload: job.payload,
            expires_in: job.expires_in,
            priority: job.priority,
        };
        let note = Note {
            action: "cron_run",
            target: entry.name(),
            result: &id.to_string(),
            ..Note::default()
        };
        queue.note(signed, &note).await?;
        let mut answer = queue.cron_run(entry.name(), &job).await;
        for _ in 1..TRIES {
            // Known ids are left as they are.
            if !answer.as_ref().is_err_and(QueueError::may_pass) {
                break;
            }
            answer = queue.cron_run(entry.name(), &job).await;
        }
        answer?;
        Ok(id)
    }
}
