//! An entry: when, and which job.

use std::borrow::Cow;
use std::fmt;

use longshore_job::{InvalidArgs, KindSpec, Prepared};

use crate::plan::{CatchUp, Plan};
use crate::schedule::Schedule;
use crate::template::{InvalidTemplate, Template};

/// The largest args of an entry, as JSON: a hundred ticks that are caught up with go to Redis in one call.
pub const MAX_ARGS_BYTES: usize = 16 * 1024;

/// What a process ticks.
#[derive(Clone)]
pub struct ScheduledEntry {
    name: String,
    schedule: Schedule,
    kind: KindSpec,
    queue: Cow<'static, str>,
    args: Template,
    catch_up: CatchUp,
}

/// Why something is no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Its name cannot be used.
    #[error(transparent)]
    Name(#[from] InvalidEntryName),
    /// Its args have a placeholder that is none.
    #[error(transparent)]
    Template(#[from] InvalidTemplate),
    /// Its args are not those of its kind.
    #[error(transparent)]
    Args(#[from] InvalidArgs),
}

/// A name that no entry can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use 1 to 64 characters of a-z, 0-9, _ and -")]
pub struct InvalidEntryName;

impl ScheduledEntry {
    /// An entry that makes a job of this kind at each tick. Its args are tried for the next tick after `now_ms`.
    ///
    /// # Errors
    /// When its name cannot be used, or its args are not those of its kind.
    pub fn new(
        name: &str,
        schedule: Schedule,
        kind: KindSpec,
        args: Template,
        catch_up: CatchUp,
        now_ms: u64,
    ) -> Result<Self, EntryError> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if !(1..=64).contains(&name.len()) || !name.bytes().all(fits) {
            return Err(InvalidEntryName.into());
        }
        let mut entry = Self {
            name: name.to_owned(),
            schedule,
            kind,
            queue: kind.queue.into(),
            args,
            catch_up,
        };
        let prepared = entry.job(entry.schedule.next(now_ms).unwrap_or(now_ms))?;
        let bytes = prepared.payload.len();
        if bytes > MAX_ARGS_BYTES {
            return Err(InvalidArgs(format!(
                "the payload has {bytes} bytes, at most {MAX_ARGS_BYTES} are accepted from an entry"
            ))
            .into());
        }
        entry.queue = prepared.queue;
        Ok(entry)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it ticks.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// What it makes.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind.kind
    }

    /// The queue of what it makes.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// What becomes of late ticks.
    #[must_use]
    pub fn catch_up(&self) -> CatchUp {
        self.catch_up
    }

    /// The job of a tick.
    ///
    /// # Errors
    /// When its args, with this tick in them, are not those of its kind.
    pub fn job(&self, tick_ms: u64) -> Result<Prepared, EntryError> {
        let args = self.args.render(tick_ms, self.schedule.zone())?;
        let job = self.kind.prepare(&args)?;
        // A tick is known in one queue, so that it is made once.
        if job.queue != self.queue && job.queue != self.kind.queue {
            return Err(InvalidArgs(format!(
                "they are for the queue {}, and those of another tick for {}",
                job.queue, self.queue
            ))
            .into());
        }
        Ok(job)
    }

    /// What is to be done about it; see [`CatchUp::plan`].
    #[must_use]
    pub fn plan(&self, mark: Option<u64>, now_ms: u64) -> Plan {
        self.catch_up.plan(&self.schedule, mark, now_ms)
    }
}

/// Not its args: they may be personal.
impl fmt::Debug for ScheduledEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScheduledEntry")
            .field("name", &self.name)
            .field("schedule", &self.schedule)
            .field("kind", &self.kind.kind)
            .field("catch_up", &self.catch_up)
            .finish_non_exhaustive()
    }
}
