//! Every key name there is, with its Redis type.
//!
//! The first nine are the ones of `apalis_redis::Config` for the queue name `{namespace:queue}`, so that plain
//! apalis programs can push; the worker crate pins that. The braces put a queue into one Redis Cluster slot.

#[cfg(test)]
mod tests;

/// What one key is to Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One key of exactly this name, and of this type in Redis's words.
    Key(&'static str),
    /// The first part of many keys' names. No script completes one: whoever calls it passes whole names, since a cluster
    /// knows by them where a call belongs.
    Prefix,
}

/// The struct and its lists from one table: what a key is, its shape, and its name in the queue's slot.
macro_rules! keys {
    ($($(#[$doc:meta])+ $key:ident: $shape:ident $(($of:literal))? $name:literal,)+) => {
        /// The keys of one queue.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Keys {
            namespace: String,
            queue: String,
            $($(#[$doc])+ pub $key: String,)+
        }

        impl Keys {
            /// All of them, in the queue's slot.
            fn named(namespace: &str, queue: &str) -> Self {
                let name = |name: &str| format!("{{{namespace}:{queue}}}:{name}");
                Self {
                    namespace: namespace.to_owned(),
                    queue: queue.to_owned(),
                    $($key: name($name),)+
                }
            }

            /// Every key of the queue, as scripts are given it.
            pub(crate) fn all(&self) -> Vec<KeyName<'_>> {
                vec![$(KeyName::new(&self.$key, Shape::$shape $(($of))?),)+]
            }
        }
    };
}

keys! {
    /// LIST of ids that wait to run, oldest first. (apalis says `active` for waiting.)
    active: Key("list") "active",
    /// ZSET id → band and virtual time: the jobs that wait to run and have a priority or a tenant (`lua/part/lanes.lua`). None
    /// of them is in `active`.
    lanes: Key("zset") "lanes",
    /// HASH id → `<h, n or l for its priority><tenant>`: of each job that has a lane, wherever it is, until it has ended for
    /// good.
    lane: Key("hash") "lane",
    /// ZSET `<h, n or l><tenant>` → band and virtual time of the last job that waits in that lane.
    tenants: Key("zset") "tenants",
    /// HASH of whose turn it is; gone when no job waits in a lane, and none of high priority was enqueued for a day.
    ///
    /// | field | |
    /// |---|---|
    /// | `h`, `n`, `l` | up to which virtual time the band has been claimed |
    /// | `list` | the virtual time of what was claimed from `active` last |
    /// | `turn` | which of ten places is next |
    /// | `high` | when a job of high priority was enqueued last, ms since the epoch |
    turns: Key("hash") "turns",
    /// ZSET id → due time in unix seconds: scheduled and retryable jobs alike.
    scheduled: Key("zset") "scheduled",
    /// HASH id → a header and the payload: when it was enqueued, and what its producer said (`lua/part/header.lua`). A payload
    /// alone is a job that another program pushed.
    data: Key("hash") "data",
    /// HASH id → the job's record: what has happened to it since it was enqueued, a map of text to text in MessagePack. A
    /// fresh job has none.
    ///
    /// | field | |
    /// |---|---|
    /// | `run` | [`RunState`](crate::RunState): `<used> <lost> <generation> <may have been sent> <history entries>` |
    /// | `h<n>` | history entry n: `<ms> <JSON>`; the last ten are kept |
    /// | `end` | `d<group>` dead; `x<ms>` cancelled, with ` sent` behind it where a request may have been carried out |
    /// | `parked` | `<ms>.<n> <digest>`: when it was parked first, and its place among those of that call, and the digest of its kind; it is parked only while it is in `parked` |
    /// | `next` | since when it waits for its next run, or will: ms since the epoch. Without it, since it was due first |
    /// | `waits` | how often it was throttled or put back |
    /// | `back` | why it was put back last: `<ms> <JSON>`, of the form of a history entry |
    /// | `chk` | how far a long job has come, JSON |
    /// | `msg` | the provider's id of the message that was sent for it |
    /// | `asked` | when its provider was first asked what became of it, where Redis forgot the run |
    /// | `stop` | that it runs and is asked to stop, `<ms> <1 by force, else 0> <by whom and why, JSON>` (`lua/part/stop.lua`) |
    /// | `stop_was` | the same of an earlier run that went on, or died: it is only shown |
    /// | `forgotten` | that its person was forgotten, `<ms> <by whom and why, JSON>`: its args are gone (`lua/part/forget.lua`) |
    /// | `op` | `<operation> <group it died in>`, from a throttled replay until its first run has ended; `<operation> !` from then on, and from other replays on, until it ends |
    records: Key("hash") "records",
    /// Prefix: HASH `<meta>:<id>`, what another program wrote of a job beside its payload: `at`, `due`, `exp`, `key`,
    /// `traceparent`, `tracestate` as in a header, or what apalis-redis writes. Its first claim puts it into a header.
    meta: Prefix "meta",
    /// ZSET id → time of death in unix seconds.
    dead: Key("zset") "dead",
    /// ZSET of `<group> <time of death in ms, 13 digits> <id>`, all of one score: the same by group (`lua/part/groups.lua`).
    letters: Key("zset") "dead:letters",
    /// LIST that apalis wakes its own workers by. Ours neither read nor write it: they are woken by `idle`.
    signal: Key("list") "signal",
    /// Prefix: STRING `<idempotency>:<kind>:<key>` → `<id> <enqueued ms> <holds ms> <digest of the args, or ->`. It has a
    /// TTL once its job has ended (`lua/part/key.lua`).
    idempotency: Prefix "idempotency",
    /// Prefix: SET `<carried>:<hour>` of ids that a carrier brought, by the hour in which they were made, with a TTL
    /// (`lua/part/carried.lua`).
    carried: Prefix "carried",
    /// ZSET of the channels that idle workers listen on, `<idle>:<ULID>` → how many slots were free. Whoever brings work takes
    /// out the one with the most, and publishes to it (`lua/part/wake.lua`).
    idle: Key("zset") "idle",
    /// HASH id → the channels of those who wait for the job's end; `k<id>` → of each the public key for private results, with a TTL
    /// (`lua/wait.lua`, `lua/part/waiters.lua`).
    waiters: Key("hash") "waiters",
    /// HASH id → claim token: what is running, and for whom. `<worker>:<n>` for a claim, `<worker>:r<n>` for what was
    /// taken over from a lost worker and is about to be settled.
    inflight: Key("hash") "inflight",
    /// ZSET `<worker> <id>` → when it was found that the worker was lost with this job, ms since the epoch: the last 10,000 of a
    /// day (`lua/part/lost.lua`).
    lost: Key("zset") "lost",
    /// ZSET worker → last heartbeat in ms since the epoch: the leases.
    workers: Key("zset") "workers",
    /// HASH worker → what it says of itself, JSON: [`WorkerFacts`](crate::WorkerFacts), with the `kinds` that it can
    /// carry out. Only a worker with a lease counts; others are forgotten now and then.
    worker_facts: Key("hash") "workers:facts",
    /// HASH of who reaches which provider, by process: `away <provider> <process>` → `<since ms> <last ms>`,
    /// `here <provider> <process>` → `<ms>`. What is older than a minute, or ten for `here`, is forgotten.
    reach: Key("hash") "reach",
    /// SET of the ids in `scheduled` that wait for a retry.
    retryable: Key("set") "retryable",
    /// ZSET id → since when, ms since the epoch: pending jobs of a kind that the worker that claimed them does not know. No
    /// claim takes them but that of a worker that knows their kind.
    parked: Key("zset") "parked",
    /// ZSET of `<digest of the kind> <since when> <id>`, all of one score: the same by kind (`lua/part/parked.lua`).
    parked_kinds: Key("zset") "parked:kinds",
    /// HASH of what is known of kinds.
    ///
    /// | field | |
    /// |---|---|
    /// | `known <kind>` | when a worker said last that it can carry it out, ms since the epoch |
    /// | `parked <kind>` | there are parked jobs of it |
    /// | `looked` | when the parked jobs were looked through last, ms since the epoch |
    /// | `relisted` | up to which of the parked jobs was seen that they stand in `parked:kinds` (`lua/part/relist.lua`) |
    kinds: Key("hash") "kinds",
    /// SET of kinds that have parked jobs, and that a worker has said lately to know: only while there is one do claims look
    /// for parked jobs.
    sought: Key("set") "kinds:sought",
    /// HASH of what holds claims back.
    ///
    /// | field | |
    /// |---|---|
    /// | `paused` | an operator's pause, `{"by","reason","since"}` |
    /// | `refused` | the queue's own pause, since its credentials are refused; the same form |
    /// | `limit` | an operator's limit, `<hold> <ms between calls>` |
    /// | `refused_until`, `refused_version` | a hold until the next probe may go out; the credentials that were refused |
    /// | `held` | a hold until the time that the provider named |
    ///
    /// A hold is `<until ms> <made ms> <cap ms>` (`lua/part/hold.lua`). The fields of another provider than the queue's own
    /// have `:<provider>` behind them.
    gate: Key("hash") "gate",
    /// HASH limiter → `<last> <interval> <made>`: when the call that was given out last goes out, how far calls were apart,
    /// and when that was written; ms since the epoch.
    limits: Key("hash") "limits",
    /// HASH provider → its breaker: `<state> <epoch> <hold> <failures>`.
    breakers: Key("hash") "breakers",
    /// HASH group → what its letters have in common, when it grew, and with which version of a worker it appeared
    /// (`lua/part/growth.lua`).
    groups: Key("hash") "groups",
    /// LIST of settled batches of completed jobs, oldest first: `<ms> <bytes> <id> <id> …`.
    completed: Key("list") "completed",
    /// LIST of batches of cancelled jobs, oldest first: `<ms> <bytes> <id> <id> …`.
    cancelled: Key("list") "cancelled",
    /// HASH id → how a completed job ended: `<ms> {"history","result"}`, with the last entry of its history. Beside the
    /// records, so that a batch of completions is one command.
    completions: Key("hash") "completions",
    /// STRING of what happened in each minute of the last day (`lua/part/minutes.lua`).
    minutes: Key("string") "minutes",
    /// HASH of counters since the start of counting.
    stats: Key("hash") "stats",
    /// HASH provider's id of a message → in JSON the `job` it was sent for, and of the last update its `state`, `rank`, `code`
    /// and `at`, ms since the epoch. Its field "" counts the bytes of all of them.
    deliveries: Key("hash") "deliveries",
    /// ZSET provider's id of a message → when it was last heard of, ms since the epoch.
    delivery_ages: Key("zset") "deliveries:ages",
    /// Prefix: STRING `<event>:<provider's id of an event>`, with a TTL: the event has put an address onto the list of
    /// those that nothing is sent to.
    event: Prefix "event",
    /// Prefix: STRING `<kept>:<key>`, with a TTL: what jobs of the queue keep for each other.
    kept: Prefix "kept",
    /// ZSET `<key>` → when it was kept, ms since the epoch: what is kept only to spare a question, at most 200,000 of it.
    cached: Key("zset") "cached",
    /// Prefix: HASH `<map>:<name>`, for good: which user is which customer, which addresses nothing is sent to.
    map: Prefix "map",
    /// STREAM of what operators have done, at most 100,000 entries and 400 days of them.
    audit: Key("stream") "audit",
    /// ZSET operation → when it began, ms since the epoch: the last hundred, and all that are open.
    replays: Key("zset") "replays",
    /// SET of the operations that go on.
    open_replays: Key("set") "replays:open",
    /// HASH `<operation>:<field>` → value: all of them; `lua/part/operation.lua` has the fields.
    operations: Key("hash") "operations",
    /// HASH replay operation → how many of the jobs that it replayed were cancelled since.
    cancelled_replays: Key("hash") "replays:cancelled",
    /// ZSET of what the application is to be told of jobs, in the order in which it happened (`lua/part/notices.lua`).
    notices: Key("zset") "notices",
    /// HASH of what is known of the cron entries whose jobs go to this queue.
    ///
    /// | field | |
    /// |---|---|
    /// | `<entry> <time zone> <expression>` | up to when its ticks are dealt with, and when it was noted last that somebody has it: `<ms> <beats>` |
    /// | `<entry>` | its last five ticks, the newest first: `<ms> <job> <ms> <job> …` |
    /// | `*` | how often it was noted which entries there are, and when last, `<beats> <ms>` |
    cron: Key("hash") "cron",
    /// HASH cron entry → its last hundred ticks, ms since the epoch, the oldest first.
    cron_ticks: Key("hash") "cron:ticks",
    /// HASH cron entry that an operator has stopped → `<rounds, as "*" of cron had it> {"by","reason","since"}`.
    cron_paused: Key("hash") "cron:paused",
    /// STRING that is written and removed again by whoever proves that the queue can be written to.
    probe: Key("string") "probe",
    /// STRING, with a TTL, that is written before replicas are waited for (`lua/copied.lua`).
    copied: Key("string") "copied",
    /// HASH by which workers notice a Redis that forgot; `lua/part/timeline.lua` has its fields.
    timeline: Key("hash") "timeline",
    /// HASH id → `<n> <seq>`, with a TTL: the newest event that a worker has told of a job since Redis forgot.
    told: Key("hash") "timeline:told",
}

/// One of a queue's keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyName<'a> {
    pub(crate) name: &'a str,
    /// It is the first part of many keys' names.
    pub(crate) is_prefix: bool,
    /// What Redis calls the type of the key of exactly this name, if there is one.
    pub(crate) of_type: Option<&'static str>,
}

impl<'a> KeyName<'a> {
    /// The key, or one whose name begins so.
    pub(crate) fn example(&self) -> String {
        match self.is_prefix {
            true => format!("{}:example", self.name),
            false => self.name.to_owned(),
        }
    }

    fn new(name: &'a str, shape: Shape) -> Self {
        Self {
            name,
            is_prefix: matches!(shape, Shape::Prefix),
            of_type: match shape {
                Shape::Key(of) => Some(of),
                Shape::Prefix => None,
            },
        }
    }
}

/// SET of the names of a namespace's queues. Its braces hold no queue's name, so that it collides with none, and an ACL
/// pattern such as `{longshore:*` covers it.
pub(crate) fn registry(namespace: &str) -> String {
    format!("{{{namespace}:}}:queues")
}

/// STRING, with a TTL: a session of the console was ended before its time.
pub(crate) fn ended_session(namespace: &str, session: &str) -> String {
    format!("{{{namespace}:}}:console:ended:{session}")
}

/// STRING, with a TTL: somebody has walked over a namespace's keys lately.
pub(crate) fn walked(namespace: &str) -> String {
    format!("{{{namespace}:}}:walked")
}

/// STRING `<form>:<id>`, with a TTL: an operator's form was sent (`forms.rs`). It belongs to no queue: a form may be about several.
pub(crate) fn form(namespace: &str, id: &str) -> String {
    format!("{}{id}", forms(namespace))
}

/// How the names of those begin.
pub(crate) fn forms(namespace: &str) -> String {
    format!("{{{namespace}:}}:form:")
}

/// A namespace or queue name that key names cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be used in a key name: use 1 to 64 characters of a-z, 0-9, _ and -")]
pub struct InvalidName(String);

fn fits(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

impl Keys {
    pub(crate) fn new(namespace: &str, queue: &str) -> Result<Self, InvalidName> {
        for name in [namespace, queue] {
            if !fits(name) {
                return Err(InvalidName(name.to_owned()));
            }
        }
        Ok(Self::named(namespace, queue))
    }

    /// The keys of the queue that this one belongs to.
    pub(crate) fn of(key: &str) -> Option<Self> {
        let (slot, _) = key.strip_prefix('{')?.split_once('}')?;
        let (namespace, queue) = slot.split_once(':')?;
        Self::new(namespace, queue).ok()
    }

    /// Whether this key is one of the queue's.
    #[must_use]
    pub(crate) fn has(&self, key: &str) -> bool {
        self.all().into_iter().any(|of| {
            key.strip_prefix(of.name)
                .is_some_and(|rest| match of.is_prefix {
                    true => rest.starts_with(':'),
                    false => rest.is_empty(),
                })
        })
    }

    /// What scripts need that take waiting jobs out of where they wait (`lua/part/homes.lua`), and write that down.
    pub(crate) fn of_waiting(&self) -> [&str; 25] {
        [
            &self.active,
            &self.scheduled,
            &self.retryable,
            &self.parked,
            &self.kinds,
            &self.sought,
            &self.inflight,
            &self.data,
            &self.records,
            &self.dead,
            &self.completions,
            &self.timeline,
            &self.cancelled,
            &self.stats,
            &self.idle,
            &self.audit,
            &self.waiters,
            &self.lanes,
            &self.lane,
            &self.tenants,
            &self.turns,
            &self.minutes,
            &self.parked_kinds,
            &self.notices,
            &self.cancelled_replays,
        ]
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The queue's name, without its namespace.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// What another program wrote of a job beside its payload.
    #[must_use]
    pub fn pushed(&self, id: &crate::RawId) -> Vec<u8> {
        [self.meta.as_bytes(), b":", id.as_bytes()].concat()
    }

    /// That one event is known.
    pub(crate) fn event_of(&self, event: &str) -> String {
        format!("{}:{event}", self.event)
    }

    /// What is kept under one key.
    pub(crate) fn kept_under(&self, key: &str) -> String {
        format!("{}:{key}", self.kept)
    }

    /// The carried ids of the hour in which this one was made.
    pub(crate) fn carried_like(&self, id: longshore_job::JobId) -> String {
        format!("{}:{}", self.carried, crate::carry::hour_of(id))
    }

    /// One map.
    pub(crate) fn map_of(&self, name: &str) -> String {
        format!("{}:{name}", self.map)
    }

    /// An idempotency key, by `<kind>:<key>` as headers have it.
    pub(crate) fn held_under(&self, key: &[u8]) -> Vec<u8> {
        [self.idempotency.as_bytes(), b":", key].concat()
    }
}
