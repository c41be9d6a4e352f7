//! Two processes that look after the same entry: none of its ticks is made twice, as far back as their names are known.

use std::collections::BTreeSet;

use longshore_email::SendEmail;
use longshore_job::{JobId, Prepared, Priority};
use longshore_queue::{CronBook, CronMove, NewJob, RawId, TickJob};

use crate::step::Tick;
use crate::world::{Taken, World};

const ENTRY: &str = "nightly";
const SCHEDULE: &str = "UTC * * * * *";
const MINUTE_MS: u64 = 60_000;
/// The first tick that anybody looks at.
const FIRST: u64 = 20;
/// So many are known by name.
const KNOWN: usize = 100;

/// What Redis knows of the entry; a tick is its minute.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cron {
    mark: Option<u64>,
    made: BTreeSet<u64>,
}

impl World {
    /// A process looks, or goes by what it saw before, and has the ticks made from the mark up to now by its clock.
    pub(crate) async fn tick(&mut self, step: Tick) -> Taken {
        let process = usize::from(step.process);
        if step.look || self.books[process].is_none() {
            let book = self.queue.cron_look().await;
            self.books[process] = Some(book.map_err(|error| error.to_string())?);
        }
        let book = self.books[process].clone().expect("it has looked");
        let seen = book.mark(ENTRY, SCHEDULE);
        let seen = seen.map(|mark| mark.until_ms / MINUTE_MS);
        let from = seen.unwrap_or(FIRST);
        let until = (from + u64::from(step.to)).saturating_sub(3);
        let mut again = step.lost;
        loop {
            let moves = self.model.cron.mark == seen;
            let made = self.move_mark(&book, seen, until).await?;
            if made != moves {
                return Err(format!("{seen:?} was seen, moved: {made}"));
            }
            // Whoever did not hear that it was made asks again, with other ids.
            if !std::mem::take(&mut again) {
                return Ok(());
            }
        }
    }

    async fn move_mark(
        &mut self,
        book: &CronBook,
        seen: Option<u64>,
        until: u64,
    ) -> Result<bool, String> {
        let ticks = seen.map_or(0..0, |seen| seen + 1..until + 1);
        let job = SendEmail::new("report", "ada@example.com");
        let payload = Prepared::new(&job).expect("good").payload;
        let jobs: Vec<TickJob> = ticks
            .map(|tick| TickJob {
                tick_ms: tick * MINUTE_MS,
                id: JobId::generate(),
                payload: payload.clone(),
                expires_in: None,
                priority: Priority::Normal,
            })
            .collect();
        let to = CronMove {
            entry: ENTRY,
            schedule: SCHEDULE,
            seen_ms: seen.map(|seen| seen * MINUTE_MS),
            until_ms: until * MINUTE_MS,
            jobs: &jobs,
        };
        let moved = self.queue.cron_move(book, to).await;
        let moved = moved.map_err(|error| error.to_string())?.is_some();
        if moved {
            self.model.cron.mark = Some(until);
        }
        for job in jobs {
            let id = RawId::from(job.id);
            let found = self.queue.job(&id).await;
            let is_there = found.map_err(|error| error.to_string())?.is_some();
            self.ticked(job, moved, is_there)?;
        }
        Ok(moved)
    }

    fn ticked(&mut self, job: TickJob, moved: bool, is_there: bool) -> Taken {
        let tick = job.tick_ms / MINUTE_MS;
        let cron = &mut self.model.cron;
        let is_known = cron.made.iter().rev().take(KNOWN).any(|made| *made == tick);
        let is_next = cron.made.last().is_none_or(|last| tick > *last);
        match (moved, is_there) {
            (false, true) => return Err(format!("tick {tick} was made, and no mark was moved")),
            (true, true) if is_known => return Err(format!("tick {tick} was made twice")),
            (true, false) if is_next => return Err(format!("tick {tick} was not made")),
            (_, false) => return Ok(()),
            (true, true) => {}
        }
        cron.made.insert(tick);
        self.model.put(self.jobs.len(), 0, None, None);
        self.args.push(None);
        let new = self.new_job(0, false, None);
        self.jobs.push(NewJob {
            id: job.id,
            payload: job.payload,
            ..new
        });
        Ok(())
    }
}
