//! Ticks the cron entries, in every process and without a leader: whoever sees a tick first enqueues it, and the others
//! find it done. The time is Redis's.
//!
//! It goes on while the process drains: what it enqueues is for others to run, and a single process that is replaced
//! is away for a shorter time.

use std::sync::Arc;
use std::time::Duration;

use longshore_cron::ScheduledEntry;
use longshore_job::JobId;
use longshore_queue::{CronBook, CronMove, Queue, QueueError, TickJob};
use tokio::time::{Instant, sleep_until};

use crate::metrics::Metrics;
use crate::progress::Progress;

/// It looks at least this often, also without a tick: Redis's clock may be set, and what entries there are is noted.
const LOOK: Duration = Duration::from_secs(15);

/// How soon it looks again when Redis is away.
const RETRY: Duration = Duration::from_millis(500);

/// How often it looks anew at once when others were faster.
const OVERTAKEN: usize = 10;

/// The cron entries whose jobs go to one queue. Without entries, too, it is looked at: so it is known that those that
/// were here once have been taken out.
#[derive(Debug)]
pub(crate) struct Timetable {
    pub(crate) queue: Queue,
    pub(crate) entries: Vec<ScheduledEntry>,
    /// Redis refused or was away at the last look.
    failing: bool,
}

/// All of them, in one process.
pub(crate) struct Ticker {
    pub(crate) progress: Progress,
    metrics: Arc<Metrics>,
}

impl Timetable {
    pub(crate) fn new(queue: Queue, entries: Vec<ScheduledEntry>) -> Self {
        Self {
            queue,
            entries,
            failing: false,
        }
    }
}

impl Ticker {
    pub(crate) fn new(metrics: &Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            progress: Progress::new(),
            metrics: Arc::clone(metrics),
        })
    }

    /// Ticks until it is aborted, which may be at any time.
    pub(crate) async fn run(self: Arc<Self>, mut tables: Vec<Timetable>) {
        loop {
            let mut next = Instant::now() + LOOK;
            for table in &mut tables {
                self.progress.mark();
                match self.look(table).await {
                    Ok(again) => {
                        if std::mem::take(&mut table.failing) {
                            tracing::info!(queue = table.queue.name(), "cron entries tick again");
                        }
                        next = next.min(again);
                    }
                    Err(error) => {
                        if !std::mem::replace(&mut table.failing, true) {
                            tracing::warn!(queue = table.queue.name(), %error, "no cron entry ticks: waiting for Redis");
                        }
                        next = next.min(Instant::now() + RETRY);
                    }
                }
            }
            self.progress.mark();
            sleep_until(next).await;
        }
    }

    /// Looks, does what is due, and says when to look again.
    async fn look(&self, table: &Timetable) -> Result<Instant, QueueError> {
        let mut again = Instant::now() + RETRY;
        for _ in 0..OVERTAKEN {
            self.progress.mark();
            let book = table.queue.cron_look().await?;
            // Redis's time is at least that of the look by now: no tick is looked for too early.
            let looked = Instant::now();
            let mut next = None;
            let mut overtaken = false;
            let mut failed = Ok(());
            for entry in &table.entries {
                match self.tick(&table.queue, entry, &book, book.now_ms).await {
                    Ok(done) => overtaken |= !done,
                    // One entry's trouble is not the others'.
                    // Where the queue is full, its ticks come again.
                    Err(error @ (QueueError::Refused { .. } | QueueError::Full { .. })) => {
                        failed = Err(error);
                    }
                    Err(error) => return Err(error),
                }
                let coming = entry.schedule().next(book.now_ms);
                self.metrics.next_tick(entry.name(), coming);
                next = next.into_iter().chain(coming).min();
            }
            failed?;
            if !overtaken {
                let wait = next.map(|tick: u64| Duration::from_millis(tick - book.now_ms));
                return Ok(looked + wait.unwrap_or(LOOK).min(LOOK));
            }
            again = looked;
        }
        Ok(again)
    }

    /// What is due of one entry at a time. `false` when somebody else has moved its mark since the look.
    pub(crate) async fn tick(
        &self,
        queue: &Queue,
        entry: &ScheduledEntry,
        book: &CronBook,
        now_ms: u64,
    ) -> Result<bool, QueueError> {
        let name = entry.name();
        let schedule = entry.schedule().id();
        let mark = book.mark(name, &schedule);
        let seen_ms = mark.map(|mark| mark.until_ms);
        let plan = entry.plan(seen_ms, now_ms);
        if let Some(last) = book.last_tick(name) {
            self.metrics.last_tick(name, last.tick_ms);
        }
        let dealt_with = plan.run.is_empty() && plan.skipped == 0 && !plan.set_back;
        if dealt_with && mark.is_some_and(|mark| mark.fresh) {
            return Ok(true);
        }
        let mut jobs = Vec::with_capacity(plan.run.len());
        for &tick_ms in &plan.run {
            match entry.job(tick_ms) {
                Ok(job) => jobs.push(TickJob {
                    tick_ms,
                    id: JobId::generate(),
                    payload: job.payload,
                    expires_in: job.expires_in,
                    priority: job.priority,
                }),
                // They were tried when the configuration was read.
                Err(error) => {
                    tracing::error!(entry = name, tick_ms, %error, "no job can be made of this tick");
                }
            }
        }
        let refused = (plan.run.len() - jobs.len()) as u64;
        let to = CronMove {
            entry: name,
            schedule: &schedule,
            seen_ms,
            until_ms: plan.until,
            jobs: &jobs,
        };
        self.progress.mark();
        let Some(made) = queue.cron_move(book, to).await? else {
            return Ok(false);
        };
        if plan.set_back {
            let ahead_ms = seen_ms.map(|mark| mark.saturating_sub(now_ms));
            tracing::warn!(
                entry = name,
                ahead_ms,
                "Redis's clock was set back: ticks that were made before are not made again"
            );
        }
        self.log_ticks(entry, mark.is_none(), &made, plan.skipped, now_ms);
        self.metrics.skipped_ticks(name, plan.skipped + refused);
        self.metrics.ticks(name, made.len() as u64);
        if let Some(last) = jobs.last().filter(|_| !made.is_empty()) {
            self.metrics.last_tick(name, last.tick_ms);
        }
        Ok(true)
    }

    fn log_ticks(
        &self,
        entry: &ScheduledEntry,
        new: bool,
        made: &[String],
        skipped: u64,
        now_ms: u64,
    ) {
        let name = entry.name();
        if new {
            let schedule = entry.schedule().id();
            tracing::info!(entry = name, schedule, "a new cron entry: it begins now");
        }
        for job in made {
            tracing::debug!(entry = name, job, "a tick");
        }
        if skipped > 0 {
            let catch_up = entry.catch_up().as_str();
            tracing::warn!(
                entry = name,
                skipped,
                run = made.len(),
                catch_up,
                "ticks were missed"
            );
        } else if made.len() > 1 {
            tracing::info!(
                entry = name,
                run = made.len(),
                now_ms,
                "caught up with ticks"
            );
        }
    }
}

#[cfg(test)]
mod tests;
