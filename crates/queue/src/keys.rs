//! Every key name there is, with its Redis type.
//!
//! The first nine are the ones of `apalis_redis::Config` for the queue name `{namespace:queue}`, so that plain
//! apalis programs can push; the worker crate pins that. The braces put a queue into one Redis Cluster slot.

/// The keys of one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    namespace: String,
    queue: String,
    /// LIST of ids that wait to run, oldest first. (apalis says `active` for waiting.)
    pub active: String,
    /// ZSET id → due time in unix seconds: scheduled and retryable jobs alike.
    pub scheduled: String,
    /// HASH id → payload.
    pub data: String,
    /// Prefix: HASH `<meta>:<id>`, the job's record.
    ///
    /// | field | |
    /// |---|---|
    /// | `at` | enqueued, ms since the epoch |
    /// | `due` | first due, ms since the epoch, if that was later than `at`; retries do not move it, a fresh expiry does |
    /// | `exp` | expires, ms since the epoch |
    /// | `key` | the idempotency key it was enqueued with, `<kind>:<key>` |
    /// | `cron` | the cron entry and tick that it comes from, `<entry> <ms>`; ` by hand` after it if it was asked for |
    /// | `traceparent`, `tracestate` | W3C trace context of the producer |
    /// | `run` | [`RunState`](crate::RunState): `<used> <lost> <generation> <may have been sent> <history entries>` |
    /// | `h<n>` | history entry n: `<ms> <JSON>`; the last ten are kept |
    /// | `end` | `d<group>` dead |
    /// | `parked` | `<ms>.<n> <digest>`: when it was parked first, and its place among those of that call, and the digest of its kind; it is parked only while it is in `parked` |
    /// | `waits` | how often it was throttled or put back |
    /// | `back` | why it was put back last: `<ms> <JSON>`, of the form of a history entry |
    /// | `chk` | how far a long job has come, JSON |
    /// | `msg` | the provider's id of the message that was sent for it |
    /// | `op` | `<operation> <group it died in>`, from a throttled replay until its first run has ended |
    /// | `attempts`, … | what apalis-redis writes at push; only its presence matters here |
    pub meta: String,
    /// ZSET id → time of death in unix seconds. `<dead>:<group>` is the same for the letters of one group.
    pub dead: String,
    /// LIST with at most one element: there is work, one idle process should look.
    pub signal: String,
    /// Prefix: STRING `<idempotency>:<kind>:<key>` → `<id> <enqueued ms> <holds ms> <digest of the args, or ->`. It has a
    /// TTL once its job has ended (`lua/part/key.lua`).
    pub idempotency: String,
    /// HASH id → claim token: what is running, and for whom. `<worker>:<n>` for a claim, `<worker>:r<n>` for what was
    /// taken over from a lost worker and is about to be settled.
    pub inflight: String,
    /// ZSET worker → last heartbeat in ms since the epoch: the leases.
    pub workers: String,
    /// HASH worker → what it says of itself, JSON: [`WorkerFacts`](crate::WorkerFacts), with the `kinds` that it can
    /// carry out. Only a worker with a lease counts; others are forgotten now and then.
    pub worker_facts: String,
    /// HASH of who reaches which provider, by process: `away <provider> <process>` → `<since ms> <last ms>`,
    /// `here <provider> <process>` → `<ms>`. What is older than a minute, or ten for `here`, is forgotten.
    pub reach: String,
    /// SET of the ids in `scheduled` that wait for a retry.
    pub retryable: String,
    /// ZSET id → since when, ms since the epoch: pending jobs of a kind that the worker that claimed them does not know. No
    /// claim takes them but that of a worker that knows their kind. `<parked>:<digest of the kind>` is the same for the
    /// jobs of one kind (`lua/part/parked.lua`).
    pub parked: String,
    /// HASH of what is known of kinds.
    ///
    /// | field | |
    /// |---|---|
    /// | `known <kind>` | when a worker said last that it can carry it out, ms since the epoch |
    /// | `parked <kind>` | there are parked jobs of it |
    /// | `looked` | when the parked jobs were looked through last, ms since the epoch |
    pub kinds: String,
    /// SET of kinds that have parked jobs, and that a worker has said lately to know: only while there is one do claims look
    /// for parked jobs.
    pub sought: String,
    /// HASH of what holds claims back.
    ///
    /// | field | |
    /// |---|---|
    /// | `paused` | an operator's pause, `{"by","reason","since"}` |
    /// | `refused` | the queue's own pause, since its credentials are refused; the same form |
    /// | `refused_until`, `refused_version` | a hold until the next probe may go out; the credentials that were refused |
    /// | `held` | a hold until the time that the provider named |
    ///
    /// A hold is `<until ms> <made ms> <cap ms>` (`lua/part/hold.lua`). The fields of another provider than the queue's own
    /// have `:<provider>` behind them.
    pub gate: String,
    /// HASH limiter → `<last> <interval> <made>`: when the call that was given out last goes out, how far calls were apart,
    /// and when that was written; ms since the epoch.
    pub limits: String,
    /// HASH provider → its breaker: `<state> <epoch> <hold> <failures>`.
    pub breakers: String,
    /// HASH group → description in JSON.
    pub groups: String,
    /// LIST of settled batches of completed jobs, oldest first: `<ms> <bytes> <id> <id> …`.
    pub completed: String,
    /// HASH id → how a completed job ended: `<ms> {"history","result"}`, with the last entry of its history. Beside the
    /// records, so that a batch of completions is one command.
    pub completions: String,
    /// HASH of counters since the start of counting.
    pub stats: String,
    /// HASH provider's id of a message → in JSON the `job` it was sent for, and of the last news its `state`, `rank`, `code`
    /// and `at`, ms since the epoch. Its field "" counts the bytes of all of them.
    pub deliveries: String,
    /// ZSET provider's id of a message → when it was last heard of, ms since the epoch.
    pub delivery_ages: String,
    /// Prefix: STRING `<event>:<provider's id of an event>`, with a TTL: the event has put an address onto the list of
    /// those that nothing is sent to.
    pub event: String,
    /// Prefix: STRING `<kept>:<key>`, with a TTL: what jobs of the queue keep for each other.
    pub kept: String,
    /// ZSET `<key>` → when it was kept, ms since the epoch: what is kept only to spare a question, at most 200,000 of it.
    pub cached: String,
    /// Prefix: HASH `<map>:<name>`, for good: which user is which customer, which addresses nothing is sent to.
    pub map: String,
    /// STREAM of what operators have done, at most 100,000 entries and 400 days of them.
    pub audit: String,
    /// ZSET replay operation → when it began, ms since the epoch: the last hundred, and all that are open.
    pub replays: String,
    /// SET of the replay operations that go on.
    pub open_replays: String,
    /// Prefix: HASH `<replay>:<id>`, one replay operation; `lua/part/operation.lua` has its fields.
    pub replay: String,
    /// HASH of what is known of the cron entries whose jobs go to this queue.
    ///
    /// | field | |
    /// |---|---|
    /// | `<entry> <time zone> <expression>` | up to when its ticks are dealt with, and when it was noted last that somebody has it: `<ms> <beats>` |
    /// | `<entry>` | its last tick, `<ms> <job>` |
    /// | `*` | how often it was noted which entries there are, and when last, `<beats> <ms>` |
    pub cron: String,
    /// HASH cron entry → its last hundred ticks, ms since the epoch, the oldest first.
    pub cron_ticks: String,
    /// STRING that is written and removed again by whoever proves that the queue can be written to.
    pub probe: String,
    /// STRING, with a TTL, that is written before replicas are waited for (`lua/copied.lua`).
    pub copied: String,
    /// HASH by which workers notice a Redis that forgot; `lua/part/timeline.lua` has its fields.
    pub timeline: String,
    /// HASH id → `<n> <seq>`, with a TTL: the newest event that a worker has told of a job since Redis forgot.
    pub told: String,
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

/// SET of the names of a namespace's queues. Its braces hold no queue's name, so that it collides with none, and an ACL
/// pattern such as `{longshore:*` covers it.
pub(crate) fn registry(namespace: &str) -> String {
    format!("{{{namespace}:}}:queues")
}

/// STRING, with a TTL: somebody has walked over a namespace's keys lately.
pub(crate) fn walked(namespace: &str) -> String {
    format!("{{{namespace}:}}:walked")
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
        let key = |suffix: &str| format!("{{{namespace}:{queue}}}:{suffix}");
        Ok(Self {
            namespace: namespace.to_owned(),
            queue: queue.to_owned(),
            active: key("active"),
            scheduled: key("scheduled"),
            data: key("data"),
            meta: key("meta"),
            dead: key("dead"),
            signal: key("signal"),
            idempotency: key("idempotency"),
            inflight: key("inflight"),
            workers: key("workers"),
            worker_facts: key("workers:facts"),
            reach: key("reach"),
            retryable: key("retryable"),
            parked: key("parked"),
            kinds: key("kinds"),
            sought: key("kinds:sought"),
            gate: key("gate"),
            limits: key("limits"),
            breakers: key("breakers"),
            groups: key("groups"),
            completed: key("completed"),
            completions: key("completions"),
            stats: key("stats"),
            deliveries: key("deliveries"),
            delivery_ages: key("deliveries:ages"),
            event: key("event"),
            kept: key("kept"),
            cached: key("cached"),
            map: key("map"),
            audit: key("audit"),
            replays: key("replays"),
            open_replays: key("replays:open"),
            replay: key("replay"),
            cron: key("cron"),
            cron_ticks: key("cron:ticks"),
            probe: key("probe"),
            copied: key("copied"),
            timeline: key("timeline"),
            told: key("timeline:told"),
        })
    }

    /// The keys of the queue that this one belongs to.
    pub(crate) fn of(key: &str) -> Option<Self> {
        let (slot, _) = key.strip_prefix('{')?.split_once('}')?;
        let (namespace, queue) = slot.split_once(':')?;
        Self::new(namespace, queue).ok()
    }

    /// Every key of the queue, as scripts are given it. A key that is missing here does not compile.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<KeyName<'_>> {
        let Self {
            namespace: _,
            queue: _,
            active,
            scheduled,
            data,
            meta,
            dead,
            signal,
            idempotency,
            inflight,
            workers,
            worker_facts,
            reach,
            retryable,
            parked,
            kinds,
            sought,
            gate,
            limits,
            breakers,
            groups,
            completed,
            completions,
            stats,
            deliveries,
            delivery_ages,
            event,
            kept,
            cached,
            map,
            audit,
            replays,
            open_replays,
            replay,
            cron,
            cron_ticks,
            copied,
            timeline,
            told,
            probe,
        } = self;
        let prefixes = [meta, dead, parked, idempotency, event, kept, map, replay];
        let exact = [
            (active, "list"),
            (scheduled, "zset"),
            (data, "hash"),
            (signal, "list"),
            (inflight, "hash"),
            (workers, "zset"),
            (worker_facts, "hash"),
            (reach, "hash"),
            (retryable, "set"),
            (kinds, "hash"),
            (sought, "set"),
            (gate, "hash"),
            (limits, "hash"),
            (breakers, "hash"),
            (groups, "hash"),
            (completed, "list"),
            (completions, "hash"),
            (stats, "hash"),
            (deliveries, "hash"),
            (delivery_ages, "zset"),
            (cached, "zset"),
            (audit, "stream"),
            (replays, "zset"),
            (open_replays, "set"),
            (cron, "hash"),
            (cron_ticks, "hash"),
            (copied, "string"),
            (timeline, "hash"),
            (told, "hash"),
            (probe, "string"),
        ];
        // Two prefixes are keys as well.
        let of_prefix = |key| match key == dead || key == parked {
            true => Some("zset"),
            false => None,
        };
        let exact = exact.into_iter().map(|(key, of_type)| KeyName {
            name: key,
            is_prefix: false,
            of_type: Some(of_type),
        });
        let prefixes = prefixes.into_iter().map(|key| KeyName {
            name: key,
            is_prefix: true,
            of_type: of_prefix(key),
        });
        exact.chain(prefixes).collect()
    }

    /// Whether this key is one of the queue's.
    #[must_use]
    pub(crate) fn has(&self, key: &str) -> bool {
        self.all().into_iter().any(|of| {
            key.strip_prefix(of.name)
                .is_some_and(|rest| rest.is_empty() || (of.is_prefix && rest.starts_with(':')))
        })
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

    /// The record of one job.
    #[must_use]
    pub fn record(&self, id: &crate::RawId) -> Vec<u8> {
        [self.meta.as_bytes(), b":", id.as_bytes()].concat()
    }

    /// The same, of a job whose id is one of ours.
    pub(crate) fn record_of(&self, job: longshore_job::JobId) -> String {
        format!("{}:{job}", self.meta)
    }

    /// That one event is known.
    pub(crate) fn event_of(&self, event: &str) -> String {
        format!("{}:{event}", self.event)
    }

    /// What is kept under one key.
    pub(crate) fn kept_under(&self, key: &str) -> String {
        format!("{}:{key}", self.kept)
    }

    /// One map.
    pub(crate) fn map_of(&self, name: &str) -> String {
        format!("{}:{name}", self.map)
    }

    /// One replay operation.
    pub(crate) fn replay_of(&self, id: &str) -> String {
        format!("{}:{id}", self.replay)
    }

    /// The letters of one group.
    #[must_use]
    pub fn letters(&self, group: &str) -> String {
        format!("{}:{group}", self.dead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_queue_is_one_slot() {
        let keys = Keys::new("longshore", "email").expect("valid");
        assert_eq!(keys.active, "{longshore:email}:active");
        assert_eq!(keys.letters("0a1b"), "{longshore:email}:dead:0a1b");
    }

    #[test]
    fn names_that_would_break_the_slot_are_refused() {
        for (namespace, queue) in [
            ("", "email"),
            ("a}b", "email"),
            ("a", "e:f"),
            ("A", "email"),
            ("a", "ø"),
        ] {
            assert!(
                Keys::new(namespace, queue).is_err(),
                "{namespace:?} {queue:?}"
            );
        }
    }
}
