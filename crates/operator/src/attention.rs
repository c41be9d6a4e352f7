//! What needs somebody, worst first: pure rules over facts that were gathered before.
//!
//! Each line says what is wrong, since when, what it means in numbers, and the next step. Where an alert of
//! `deploy/prometheus` has the same cause, the line has its section of the runbook, and its threshold.

mod fleet;
mod letters;
mod queues;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use longshore_cron::ScheduledEntry;
use longshore_queue::ServerFacts;
use serde::Serialize;

use crate::cron::CronRow;
use crate::dead::GroupRow;
use crate::program::ThisProgram;
use crate::queues::QueueRow;
use crate::replays::ReplayRow;
use crate::workers::WorkerRow;

/// How soon somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Users are harmed, or jobs are in danger.
    Now,
    /// Before it becomes that.
    Soon,
    /// When there is time. It may be meant.
    Later,
}

impl Urgency {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Soon => "soon",
            Self::Later => "later",
        }
    }

    /// How soon trouble at a provider of this criticality is looked at.
    fn of(criticality: &str) -> Self {
        match criticality {
            "critical" => Self::Now,
            "high" => Self::Soon,
            _ => Self::Later,
        }
    }
}

/// Declares the concerns with the section of the runbook that each has.
macro_rules! concerns {
    ($($(#[$doc:meta])+ $concern:ident: $section:literal,)+) => {
        /// What kind of trouble a line is about. What comes first here is worse where it is as urgent.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Concern { $($(#[$doc])+ $concern,)+ }

        impl Concern {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$concern,)+];

            /// Its section of docs/runbook.md: the name of the alert with the same cause, where there is one.
            #[must_use]
            pub fn section(self) -> &'static str {
                match self { $(Self::$concern => $section,)+ }
            }
        }
    };
}

concerns! {
    /// Redis may drop jobs when its memory is full.
    RedisMayEvict: "LongshoreRedisMayEvict",
    /// Redis does not write to its disk.
    RedisPersistsLess: "LongshoreRedisPersistsLess",
    /// Redis's memory is nearly full.
    RedisMemory: "LongshoreRedisMemory",
    /// Redis has forgotten writes: claims wait until living workers have told what they remember.
    RedisForgot: "LongshoreRedisForgot",
    /// The primary of a queue is away, and others of the cluster are there.
    PrimaryAway: "A primary of a cluster that is away",
    /// Another program has written over keys of a queue.
    KeysOverwritten: "Keys that another program has overwritten",
    /// A configured queue has no workers.
    NoWorkers: "LongshoreNoWorkers",
    /// Jobs wait in a queue that nobody is configured to work.
    JobsWithoutWorkers: "LongshoreJobsWithoutWorkers",
    /// A queue has paused itself: its provider refuses our credentials.
    PausedItself: "LongshoreQueuePausedItself",
    /// A provider that stands in refuses our credentials.
    FallbackRefused: "LongshoreQueuePausedItself",
    /// A provider's breaker is open.
    BreakerOpen: "LongshoreBreakerOpen",
    /// A cron entry has not ticked in time, or no process ticks it.
    TickMissed: "LongshoreTickMissed",
    /// A critical queue has the first dead letters of a cause.
    FirstDeadLetter: "LongshoreFirstDeadLetter",
    /// Many jobs have died of one cause lately.
    DeadLettersGrow: "LongshoreDeadLettersGrow",
    /// A worker was lost while it ran jobs: some may have been carried out twice.
    WorkerLost: "A worker that was lost",
    /// Jobs wait for a worker that knows their kind.
    JobsParked: "LongshoreJobsParked",
    /// Jobs wait for long, and nothing says why.
    OldestPending: "LongshoreOldestPending",
    /// The application is not told what becomes of jobs.
    NoticesWait: "LongshoreEventsLag",
    /// A replay has stopped itself.
    ReplayStopped: "A replay that stopped itself",
    /// A provider answers less than it promises.
    ProviderBelowSla: "LongshoreProviderBelowSla",
    /// A worker leaves jobs to others: it does not reach something.
    WorkerUnfit: "LongshoreProviderLeft",
    /// Many jobs were refused for one cause lately.
    RefusalsGrow: "LongshoreRefusalsGrow",
    /// A provider has said when to come back.
    RetryAfter: "LongshoreOldestPending",
    /// An operator has paused a queue.
    Paused: "LongshorePausedForLong",
    /// An operator has slowed a queue.
    LimitInForce: "LongshoreLimitInForce",
    /// An operator has paused a cron entry.
    EntryPaused: "LongshoreTickMissed",
    /// Workers of a queue know different kinds.
    KindsDiffer: "Workers that differ",
    /// Workers are of different versions.
    VersionsDiffer: "Workers that differ",
}

impl Concern {
    /// The anchor of its section.
    #[must_use]
    pub fn anchor(self) -> String {
        self.section().to_lowercase().replace(' ', "-")
    }
}

/// Where the next step is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NextStep {
    /// Look at the queue.
    Queue(String),
    /// End an operator's pause of the queue.
    Resume(String),
    /// Lift what the fleet itself holds back in the queue.
    LiftHolds(String),
    /// End an operator's limit of the queue.
    LiftLimit(String),
    /// Look at a group of dead letters: a queue, and the group.
    Letters(String, String),
    /// Look at an operation.
    Operation(String),
    /// Look at a cron entry.
    Entry(String),
    /// Look at the workers.
    Workers,
    /// Ask `longshore doctor`.
    Doctor,
}

/// A line of what needs somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttentionRow {
    /// How soon.
    pub urgency: Urgency,
    /// What kind of trouble.
    pub concern: Concern,
    /// The queue it is in.
    pub queue: Option<String>,
    /// What is wrong, in a sentence.
    pub what: String,
    /// Since when, RFC 3339, where that is known.
    pub since: Option<String>,
    /// What it means in numbers.
    pub means: String,
    /// What to do, in a sentence.
    pub next: String,
    /// Where that is done.
    pub step: NextStep,
    /// The anchor of its section in docs/runbook.md.
    pub runbook: String,
}

impl AttentionRow {
    fn new(urgency: Urgency, concern: Concern, what: String, step: NextStep) -> Self {
        Self {
            urgency,
            concern,
            queue: None,
            what,
            since: None,
            means: String::new(),
            next: String::new(),
            step,
            runbook: concern.anchor(),
        }
    }

    fn of_queue(self, queue: &str) -> Self {
        Self {
            queue: Some(queue.to_owned()),
            ..self
        }
    }

    fn since(self, since: Option<&String>) -> Self {
        Self {
            since: since.cloned(),
            ..self
        }
    }

    fn means(self, means: impl Into<String>) -> Self {
        Self {
            means: means.into(),
            ..self
        }
    }

    fn next(self, next: impl Into<String>) -> Self {
        Self {
            next: ThisProgram::get().commands(&next.into()).into_owned(),
            ..self
        }
    }
}

/// What this program's configuration says of the fleet.
#[derive(Debug, Clone, Default)]
pub struct ConfiguredFleet {
    /// How critical each queue is whose provider is configured here: `critical`, `high`, `medium` or `low`.
    pub queues: BTreeMap<String, String>,
    /// The share of calls that providers promise to answer, 0 to 1.
    pub promised: BTreeMap<String, f64>,
    /// The cron entries, each with why it does not tick by its configuration, if it does not.
    pub cron: Vec<(ScheduledEntry, Option<String>)>,
}

/// Workers of one queue that know different kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindsDiffer {
    /// The queue.
    pub queue: String,
    /// What some of its workers know and others do not.
    pub kinds: Vec<String>,
    /// The workers that lack some of these.
    pub workers: Vec<String>,
}

/// What the rules look at.
#[derive(Debug, Clone, Default)]
pub struct AttentionFacts {
    /// When it was looked, in ms since the epoch by Redis's clock.
    pub now_ms: u64,
    /// What is configured.
    pub configured: ConfiguredFleet,
    /// The queues, with their providers' calls.
    pub queues: Vec<QueueRow>,
    /// The workers.
    pub workers: Vec<WorkerRow>,
    /// Queues whose workers know different kinds.
    pub kinds_differ: Vec<KindsDiffer>,
    /// The dead letters, by their causes.
    pub groups: Vec<GroupRow>,
    /// The replays that are remembered.
    pub replays: Vec<ReplayRow>,
    /// The cron entries.
    pub cron: Vec<CronRow>,
    /// How Redis is set up; `None` where it does not say.
    pub server: Option<ServerFacts>,
}

impl AttentionFacts {
    /// How critical a queue is: one that is not configured here is `high`, as its alert is.
    fn criticality(&self, queue: &str) -> &str {
        self.configured
            .queues
            .get(queue)
            .map_or("high", String::as_str)
    }

    fn urgency(&self, queue: &str) -> Urgency {
        Urgency::of(self.criticality(queue))
    }
}

/// What needs somebody, worst first. Nothing: all is well, as far as Redis tells.
#[must_use]
pub fn attention(facts: &AttentionFacts) -> Vec<AttentionRow> {
    let mut rows = fleet::rows(facts);
    for queue in &facts.queues {
        rows.extend(queues::rows(facts, queue));
    }
    rows.extend(letters::rows(facts));
    rows.sort_by(|a, b| {
        let key = |row: &AttentionRow| (row.urgency, row.concern);
        key(a).cmp(&key(b)).then_with(|| a.what.cmp(&b.what))
    });
    rows
}
