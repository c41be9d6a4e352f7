//! What is known after a leg: what was done, and what was found.

use std::collections::{BTreeMap, HashMap, HashSet};

use longshore_client::{JobId, JobState};

use crate::sort::Sort;

/// A job that was accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepted {
    pub(crate) id: JobId,
    pub(crate) sort: Sort,
    pub(crate) kind: &'static str,
    /// Its place among those that its producer made.
    pub(crate) number: usize,
    /// When somebody asked for it, in ms since the epoch.
    pub(crate) asked_ms: u64,
    /// When the answer came.
    pub(crate) at_ms: u64,
}

/// One entry of a job's history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct JobRun {
    pub(crate) outcome: String,
    pub(crate) worker: String,
    /// Which attempt it was, from 1.
    pub(crate) attempt: u32,
    /// It found out whether a provider is back, at no attempt.
    pub(crate) probe: bool,
    /// When it ended, in ms since the epoch.
    pub(crate) at_ms: u64,
    pub(crate) duration_ms: u64,
    /// Its provider's status or code, where it answered.
    pub(crate) answer: Option<String>,
    pub(crate) reason: Option<String>,
}

/// Where a job was found in the end.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) state: JobState,
    pub(crate) queue: &'static str,
    /// What has happened to it: its last ten entries.
    pub(crate) runs: Vec<JobRun>,
    /// Why it is dead, in the words of its group.
    pub(crate) cause: Option<String>,
    /// When it completed, died or was cancelled.
    pub(crate) ended_ms: Option<u64>,
    /// The cron entry that made it, and of which tick.
    pub(crate) tick: Option<(String, u64)>,
    /// How far its message has come, in its provider's word.
    pub(crate) delivery: Option<String>,
    /// When it was put back last, in ms since the epoch, and why.
    pub(crate) put_back: Option<(u64, String)>,
}

/// A time whose writes Redis has lost, as far as its way of keeping them says that it may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forgotten {
    /// Nothing written before this may be lost.
    pub(crate) from_ms: u64,
    /// When Redis was killed.
    pub(crate) killed_ms: u64,
    /// When it answered again.
    pub(crate) back_ms: u64,
    /// What was accepted is not among them: replicas had it.
    pub(crate) keeps_accepted: bool,
}

/// What the application was told of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TakenEvent {
    /// `job.completed`, `job.dead`, …
    pub(crate) what: String,
    /// The job's queue.
    pub(crate) queue: String,
}

/// A key, and what enqueues under it were answered.
#[derive(Debug, Clone)]
pub(crate) struct KeyUse {
    pub(crate) key: String,
    /// The jobs that answers named, in their order, and when.
    pub(crate) answers: Vec<(JobId, u64)>,
    /// The job that holds it in the end.
    pub(crate) holder: Option<JobId>,
    /// Whether Redis ends it by itself one day.
    pub(crate) has_limit: bool,
}

/// What a command says with its success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Promise {
    /// The job is cancelled, and was never sent.
    NeverSent(JobId),
    /// It is cancelled, though it may have been sent.
    Cancelled(JobId),
    /// From now on it is for this recipient.
    SentTo(JobId, String),
    /// Whatever these are, they are not sent from now on, and nothing holds this text any more.
    PersonForgotten(Vec<JobId>, String),
    /// A dead letter is gone.
    Discarded(JobId),
    /// No job of the queue begins between these times.
    Still(&'static str, u64, u64),
    /// The queue's provider gets at most so many requests a second between these times.
    Slow(&'static str, u64, u64, u64),
    /// The cron entry makes no job between these times.
    NoTick(&'static str, u64, u64),
    /// It may have been paused between these times: not a promise, but what excuses a missing tick.
    MayNotTick(&'static str, u64, u64),
    /// Dead letters were replayed.
    Replayed,
}

/// One command of an operator.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// Unlike that of any other.
    pub(crate) reason: String,
    pub(crate) asked_ms: u64,
    pub(crate) at_ms: u64,
    /// Whether it said that it has changed something.
    pub(crate) changed: bool,
    /// The jobs that it was about.
    pub(crate) of: Vec<JobId>,
    pub(crate) promises: Vec<Promise>,
}

/// An entry of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditNote {
    pub(crate) queue: &'static str,
    pub(crate) action: String,
    pub(crate) by: String,
    pub(crate) reason: String,
}

/// What stands in a queue's keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sets {
    pub(crate) queue: &'static str,
    /// Each id that has a payload, and in which state it is.
    pub(crate) jobs: HashMap<String, JobState>,
    /// The ids of each set, by its name.
    pub(crate) members: BTreeMap<&'static str, HashSet<String>>,
}

/// Something a provider told, and was answered 2xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TakenPost {
    /// The message of this job has come so far.
    Delivery(JobId, String),
    /// A payment's event, which the app has to hear of.
    Payment(String, String),
}

/// A cron entry, and since when somebody has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CronEntry {
    pub(crate) name: &'static str,
    pub(crate) every_ms: u64,
    pub(crate) from_ms: u64,
    pub(crate) until_ms: u64,
}

/// A fault was over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mend {
    /// Of which sort.
    pub(crate) fault: &'static str,
    /// The queue that it was about; all where none is named.
    pub(crate) queue: Option<&'static str>,
    pub(crate) at_ms: u64,
}

/// What one process held in memory.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    pub(crate) role: &'static str,
    /// After a fifth of the leg, and at its end.
    pub(crate) early_bytes: u64,
    pub(crate) late_bytes: u64,
}

/// All that is known after a leg.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) accepted: Vec<Accepted>,
    /// Every job that there is, those that nobody in this program has enqueued among them.
    pub(crate) found: HashMap<JobId, Found>,
    /// When each job had its effects, in ms since the epoch.
    pub(crate) effects: HashMap<String, Vec<u64>>,
    /// Whom each effect was for.
    pub(crate) recipients: HashMap<String, Vec<String>>,
    pub(crate) forgotten: Vec<Forgotten>,
    /// The queues are not all of one server.
    pub(crate) several_nodes: bool,
    /// Jobs of transactions that were rolled back.
    pub(crate) rolled_back: Vec<JobId>,
    /// What the application was told, by job.
    pub(crate) told: HashMap<String, Vec<TakenEvent>>,
    /// When workers were killed, stopped, or frozen for longer than a lease.
    pub(crate) deaths_ms: Vec<u64>,
    /// Names of workers that reach no provider.
    pub(crate) sick: Vec<String>,
    /// Jobs that a queue still counts as under way.
    pub(crate) unsettled: Vec<String>,
    pub(crate) keys: Vec<KeyUse>,
    pub(crate) commands: Vec<Command>,
    pub(crate) audit: Vec<AuditNote>,
    pub(crate) sets: Vec<Sets>,
    pub(crate) taken: Vec<TakenPost>,
    /// The events of payments that the app has applied.
    pub(crate) applied: HashSet<String>,
    /// The payments whose money the app knows to be given back: it is not told any more that they are paid.
    pub(crate) refunded: HashSet<String>,
    pub(crate) cron: Vec<CronEntry>,
    /// Texts of forgotten people that stand in Redis all the same.
    pub(crate) still_there: HashSet<String>,
    pub(crate) mends: Vec<Mend>,
    pub(crate) memory: Vec<Memory>,
    /// What Redis uses after all has ended.
    pub(crate) redis_bytes: u64,
    pub(crate) wrong_clocks: Vec<WrongClock>,
    /// What a role did that it must not, in words.
    pub(crate) misbehaved: Vec<String>,
}

/// So late a tick still counts as on time.
pub(crate) const LATE_MS: u64 = 60_000;

/// When Redis's clock was wrong, by this machine's, and by how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrongClock {
    pub(crate) from_ms: u64,
    pub(crate) until_ms: u64,
    pub(crate) off_ms: i64,
}

impl WrongClock {
    /// Whether it may have had a tick of this time made: those that were due then by Redis's clock, as late as one still counts. Where
    /// it went back, an entry begins anew then, and makes up for the last minute once the clock is right again.
    pub(crate) fn may_have_made(&self, tick: u64) -> bool {
        let then = |at: u64| at.saturating_add_signed(self.off_ms);
        let late = |at: u64| at.saturating_sub(LATE_MS);
        let made_up = match self.off_ms < 0 {
            true => late(self.until_ms),
            false => self.from_ms,
        };
        (late(then(self.from_ms))..=then(self.until_ms)).contains(&tick)
            || (made_up..=self.until_ms).contains(&tick)
    }
}

impl Facts {
    /// Whether Redis's clock was wrong at a time between these. A hold that was made in what is then a time to come is void.
    pub(crate) fn clock_was_wrong(&self, from_ms: u64, until_ms: u64) -> bool {
        let mut wrong = self.wrong_clocks.iter();
        wrong.any(|wrong| wrong.from_ms <= until_ms && wrong.until_ms >= from_ms)
    }

    /// Whether Redis may have lost what was written between these times.
    pub(crate) fn may_be_lost(&self, asked_ms: u64, at_ms: u64) -> bool {
        let mut forgotten = self.forgotten.iter();
        forgotten.any(|f| asked_ms <= f.killed_ms && at_ms >= f.from_ms)
    }

    /// The same of what was accepted, which replicas may have had.
    pub(crate) fn may_be_gone(&self, job: &Accepted) -> bool {
        let mut forgotten = self.forgotten.iter().filter(|f| !f.keeps_accepted);
        forgotten.any(|f| job.asked_ms <= f.killed_ms && job.at_ms >= f.from_ms)
    }

    /// The commands that were about a job.
    pub(crate) fn commands_of(&self, id: JobId) -> impl Iterator<Item = &Command> {
        self.commands.iter().filter(move |c| c.of.contains(&id))
    }
}
