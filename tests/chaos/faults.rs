//! What can be done to a fleet and to what it stands on.

use std::fmt;
use std::time::Duration;

use longshore_tests::{Act, Line};

use crate::operate::Operation;
use crate::roles::RoleAction;

/// What the Redis of a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Topology {
    /// One server.
    Single,
    /// A primary, two replicas, three Sentinels.
    Sentinel,
    /// Three primaries, and a replica of each.
    Cluster,
}

impl Topology {
    /// The legs of a run, in their order.
    pub(crate) fn legs(self) -> &'static [Persistence] {
        match self {
            Self::Single => &Persistence::OF_ONE,
            Self::Sentinel | Self::Cluster => &[Persistence::Replicated, Persistence::Waited],
        }
    }

    /// How many replicas have to have what is accepted, where they are waited for: those that may take the primary's place.
    pub(crate) fn replicas(self) -> u32 {
        match self {
            Self::Single => 0,
            Self::Sentinel => 2,
            Self::Cluster => 1,
        }
    }
}

/// How the Redis of a leg keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// An append-only file, on the disk before each answer: a kill loses nothing.
    Always,
    /// An append-only file, on the disk once a second: a kill may lose the last two seconds.
    EverySecond,
    /// Snapshots: a kill loses what came after the last one.
    Snapshots,
    /// Replicas, which a failover may find behind.
    Replicated,
    /// Replicas, which have what was accepted (`redis.wait_replicas`): a failover may lose what came after.
    Waited,
}

impl Persistence {
    /// Those of one server, in the order of the legs.
    pub(crate) const OF_ONE: [Self; 3] = [Self::Always, Self::EverySecond, Self::Snapshots];
}

impl fmt::Display for Persistence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "appendfsync always",
            Self::EverySecond => "appendfsync everysec",
            Self::Snapshots => "snapshots (rdb)",
            Self::Replicated => "asynchronous replicas",
            Self::Waited => "redis.wait_replicas",
        })
    }
}

/// What a provider does wrong, on some requests or on all. What was carried out and not answered rightly may come twice, by
/// `on_unknown` of its queue. What was surely not carried out costs nothing but an attempt, and what was not called not that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// It hangs up without reading.
    HangsUpUnread,
    /// It hangs up when it has half of the request: nothing was done.
    HangsUpInRequest,
    /// It reads, carries out, and hangs up.
    HangsUpAfter,
    /// It reads, does nothing, and hangs up.
    HangsUpBefore,
    /// It carries out, and hangs up in the first line of its answer.
    HangsUpInHead,
    /// It carries out, and hangs up before the last byte of its answer.
    HangsUpInBody,
    /// 503: nothing was done.
    Unavailable,
    /// 500, and it was carried out.
    Failed,
    /// A success in bytes that are no text, and it was carried out, as where the next five say so.
    Garbage,
    /// A success as a page of HTML.
    Html,
    /// A success whose JSON stops in the middle.
    Truncated,
    /// A success as JSON of another form.
    OtherForm,
    /// A success of 20 MB.
    Huge,
    /// 204 where an answer has a body.
    Empty,
    /// 429 with two seconds to wait.
    Throttles,
    /// It takes two seconds.
    Slow,
    /// 429 to all: nothing was called that counts, so no attempt is used.
    ThrottlesAll,
    /// 500 to all, and nothing was done: the breaker opens, and what it holds back uses no attempt.
    FailsAll,
    /// 503 to all.
    UnavailableAll,
}

impl Trouble {
    pub(crate) const ALL: [Self; 19] = [
        Self::HangsUpUnread,
        Self::HangsUpInRequest,
        Self::HangsUpAfter,
        Self::HangsUpBefore,
        Self::HangsUpInHead,
        Self::HangsUpInBody,
        Self::Unavailable,
        Self::Failed,
        Self::Garbage,
        Self::Html,
        Self::Truncated,
        Self::OtherForm,
        Self::Huge,
        Self::Empty,
        Self::Throttles,
        Self::Slow,
        Self::ThrottlesAll,
        Self::FailsAll,
        Self::UnavailableAll,
    ];
}

/// Why Redis refuses writes. It costs nothing: producers are told so, and what runs is settled later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its memory is full (OOM): what is there is carried out all the same.
    Full,
    /// It is a replica (READONLY), of a primary that is not there.
    ReadOnly,
    /// It has too few replicas (NOREPLICAS).
    NoReplicas,
    /// It cannot write its snapshot (MISCONF).
    NoSnapshot,
    /// Its append-only file cannot grow (MISCONF), as where the disk is full.
    FullDisk,
}

/// Signals that come close together, as where a supervisor and a process group both send them. It costs what a deploy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signals {
    /// TERM five times.
    Terms,
    /// INT, then TERM.
    InterruptThenTerm,
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
    Worker(WorkerAction),
    Redis(RedisAction),
    Servers(ServersAction),
    Rows(RowsAction),
    App(AppAction),
    Provider(ProviderAction),
    /// Something is done to a role that serves others.
    Role(RoleAction),
    /// An operator acts.
    Operate(Operation),
    Link(LinkAction),
    Vault(VaultAction),
}

/// What is done to a worker. The number is its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkerAction {
    /// SIGKILL.
    Kill(usize),
    /// SIGTERM, as a deploy does.
    Stop(usize),
    /// The same by several signals within 50 ms.
    StopBy(usize, Signals),
    /// A worker in a place that is free.
    Start(usize),
    /// SIGSTOP.
    Freeze(usize),
    /// SIGCONT.
    Thaw(usize),
    /// One more, which cannot reach any provider.
    StartSick,
    /// It leaves.
    StopSick,
    /// One more, which may open 64 descriptors.
    StartPoor,
    /// It may open no more than it has open: that costs no attempt, and opens no breaker.
    Starve,
    /// It leaves.
    StopPoor,
    /// What it logs into cannot grow, as where the disk is full. It costs lines of its log.
    FillOutput(usize),
    /// It can grow again.
    EmptyOutput(usize),
}

/// What is done to the one Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedisAction {
    /// SAVE: the snapshot that a Redis without an append-only file comes back with.
    Save,
    /// SIGKILL.
    Kill,
    /// It comes back with the data it has kept.
    Start,
    /// SIGSTOP.
    Freeze,
    /// SIGCONT.
    Thaw,
    /// CLIENT KILL of every connection.
    CutConnections,
    /// It refuses writes. Also where Redis is several servers: all of them do.
    Refuse(Refusal),
    /// It takes them again.
    TakeAgain,
    /// Its clock is so many seconds ahead of the right one. What waits for its time may be early or late; nothing else.
    SetClock(i64),
    /// A snapshot is put aside.
    PutAside,
    /// It comes back with that one, which costs what came since, as a backup does that somebody restores.
    StartFromAside,
}

/// What is done where Redis is several servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServersAction {
    /// SIGSTOP to all that are no primaries.
    FreezeReplicas,
    /// SIGKILL to one of the primaries, by its place among them. After [`FreezeReplicas`](Self::FreezeReplicas) its replicas lack
    /// what it took since, and go on now.
    KillPrimary(usize),
    /// What was killed comes back, as a replica.
    StartKilled,
    /// SIGSTOP to one of the primaries.
    FreezePrimary(usize),
    /// SIGCONT to it.
    ThawPrimary,
    /// A replica takes the place of one of the primaries, as an operator has it.
    FailOver(usize),
    /// The slot of a queue moves to another primary, key by key.
    MoveSlot(usize),
}

/// What is done to Postgres and to those who carry its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowsAction {
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
}

/// What is done to the app that is told of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppAction {
    /// It begins to misbehave.
    Begin(AppTrouble),
    /// It is well again.
    Mend,
}

/// What is done to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProviderAction {
    /// It begins to misbehave, on every third request or on all.
    Begin(Act, Trouble),
    /// It is well again.
    Mend(Act),
}

/// What becomes of a way between processes. Both ends live on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkAction {
    /// Of that between some of the workers and Redis. It costs those what a frozen worker costs.
    Redis(Line),
    /// Of that between all workers and a provider. A request that was out when it was cut may come twice, by `on_unknown`; where
    /// nobody listens, none was out, and no attempt is used.
    Provider(Act, Line),
}

/// What is done to the Vault that has a provider's key. It costs nothing: workers go on with the key that they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VaultAction {
    /// It answers 503 to everything. Logins run out meanwhile.
    Seal,
    /// A worker that starts now ends, and says why.
    StartInVain,
    /// It answers again.
    Unseal,
}

/// When to do what, from the start of the leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) at: Duration,
    pub(crate) action: Action,
}

/// Each subject's actions are actions.
macro_rules! actions {
    ($($subject:ident($action:ident)),* $(,)?) => {$(
        impl From<$action> for Action {
            fn from(action: $action) -> Self {
                Self::$subject(action)
            }
        }
    )*};
}

actions!(
    Worker(WorkerAction),
    Redis(RedisAction),
    Servers(ServersAction),
    Rows(RowsAction),
    App(AppAction),
    Provider(ProviderAction),
    Link(LinkAction),
    Vault(VaultAction),
);
