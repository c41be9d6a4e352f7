//! What can be done to a fleet and to what it stands on.

use std::fmt;
use std::time::Duration;

use longshore_tests::Act;

/// How the Redis of a leg keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// An append-only file, on the disk before each answer: a kill loses nothing.
    Always,
    /// An append-only file, on the disk once a second: a kill may lose the last two seconds.
    EverySecond,
    /// Snapshots: a kill loses what came after the last one.
    Snapshots,
}

impl Persistence {
    /// All, in the order of the legs.
    pub(crate) const ALL: [Self; 3] = [Self::Always, Self::EverySecond, Self::Snapshots];
}

impl fmt::Display for Persistence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "appendfsync always",
            Self::EverySecond => "appendfsync everysec",
            Self::Snapshots => "snapshots (rdb)",
        })
    }
}

/// What a provider does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// It hangs up without reading.
    HangsUpUnread,
    /// It reads, carries out, and hangs up.
    HangsUpAfter,
    /// It reads, does nothing, and hangs up.
    HangsUpBefore,
    /// 503: nothing was done.
    Unavailable,
    /// 500, and it was carried out.
    Failed,
    /// A success in words that nobody understands, and it was carried out.
    Garbage,
    /// 429 with two seconds to wait.
    Throttles,
    /// It takes two seconds.
    Slow,
}

impl Trouble {
    pub(crate) const ALL: [Self; 8] = [
        Self::HangsUpUnread,
        Self::HangsUpAfter,
        Self::HangsUpBefore,
        Self::Unavailable,
        Self::Failed,
        Self::Garbage,
        Self::Throttles,
        Self::Slow,
    ];
}

/// What the app that is told of jobs does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppTrouble {
    /// It takes what it is told, and hangs up.
    Fails,
    /// It answers later than anybody waits.
    Hangs,
    /// It is not there.
    Dies,
}

impl AppTrouble {
    pub(crate) const ALL: [Self; 3] = [Self::Fails, Self::Hangs, Self::Dies];
}

/// One thing that is done at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// SIGKILL to the worker in this place.
    KillWorker(usize),
    /// SIGTERM to it, as a deploy does.
    StopWorker(usize),
    /// A worker in a place that is free.
    StartWorker(usize),
    /// SIGSTOP.
    FreezeWorker(usize),
    /// SIGCONT.
    ThawWorker(usize),
    /// SAVE: the snapshot that a Redis without an append-only file comes back with.
    Save,
    /// SIGKILL to Redis.
    KillRedis,
    /// Redis comes back with the data it has kept.
    StartRedis,
    /// SIGSTOP to Redis.
    FreezeRedis,
    /// SIGCONT to Redis.
    ThawRedis,
    /// CLIENT KILL of every connection.
    CutConnections,
    /// SIGKILL to the carrier in this place.
    KillCarrier(usize),
    /// A carrier in a place that is free.
    StartCarrier(usize),
    /// SIGSTOP.
    FreezeCarrier(usize),
    /// SIGCONT.
    ThawCarrier(usize),
    /// SIGKILL to Postgres.
    KillPostgres,
    /// Postgres comes back with what was committed.
    StartPostgres,
    /// A worker that cannot reach any provider.
    StartSickWorker,
    /// It leaves.
    StopSickWorker,
    /// The app that is told of jobs begins to misbehave.
    BeginApp(AppTrouble),
    /// It is well again.
    MendApp,
    /// A provider begins to misbehave on every third request.
    Begin(Act, Trouble),
    /// It is well again.
    Mend(Act),
}

/// When to do what, from the start of the leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) at: Duration,
    pub(crate) action: Action,
}
