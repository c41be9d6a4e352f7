//! Cron entries: when each has ticked and will, and running one by hand.

use longshore_cron::{EntryError, ScheduledEntry};
use longshore_job::JobId;
use longshore_queue::{CronBook, Note, QueueError, Signed, TickJob};
use serde::Serialize;

use crate::error::OperatorError;
use crate::operator::Operator;
use crate::time::rfc3339;

/// How often a call is made that may be repeated, while Redis breaks off.
const TRIES: usize = 3;

/// One cron entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CronRow {
    /// Its name.
    pub name: String,
    /// Its expression.
    pub schedule: String,
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
    /// The job of its last tick.
    pub last_job: Option<String>,
    /// Why it does not tick; `None` = it does.
    pub inactive: Option<String>,
    /// When a `work` process noted last that it ticks the entries of this queue, RFC 3339; once a minute.
    pub looked_at: Option<String>,
    /// Why it cannot be read as a whole, if it cannot: somebody else has written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
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
        let mut rows = Vec::with_capacity(entries.len());
        for (entry, inactive) in entries {
            let (_, queue) = self.queue(entry.queue())?;
            let (book, mut broken) = match queue.cron_book().await {
                Ok(book) => (book, None),
                Err(error) => match error.of_one_queue() {
                    Some(why) => (CronBook::empty(queue.now_ms().await?), Some(why)),
                    None => return Err(error.into()),
                },
            };
            if book.is_broken(entry.name()) {
                broken = Some("its last tick cannot be read".to_owned());
            }
            let last = book.last_tick(entry.name());
            let schedule = entry.schedule();
            let next = match inactive {
                None => schedule.next(book.now_ms),
                Some(_) => None,
            };
            rows.push(CronRow {
                name: entry.name().to_owned(),
                schedule: schedule.expression().to_owned(),
                timezone: schedule.zone().name().to_owned(),
                kind: entry.kind().to_owned(),
                queue: entry.queue().to_owned(),
                catch_up: entry.catch_up().to_string(),
                last_tick: last.as_ref().map(|last| rfc3339(last.tick_ms)),
                next_tick: next.map(rfc3339),
                last_job: last.map(|last| last.job),
                inactive: inactive.clone(),
                looked_at: book.looked_at_ms().map(rfc3339),
                broken,
            });
        }
        Ok(rows)
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
