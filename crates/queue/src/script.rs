//! The scripts: their text, put together from `lua/`, and how they are called.

use std::sync::LazyLock;

use redis::{Cmd, FromRedisValue, ToRedisArgs};

use crate::spoiled::named;
use crate::{Link, Open, QueueError};

/// One script.
///
/// Each begins with a shebang, so that Redis refuses it as a whole where a command in the middle would be refused:
/// a script never stops half way. `allow-oom` lets what is there be carried out when Redis is full, so that it drains.
pub(crate) struct Script {
    code: &'static str,
    sha: String,
}

impl Script {
    fn new(code: &'static str) -> Self {
        Self {
            code,
            sha: sha1_smol::Sha1::from(code).digest().to_string(),
        }
    }

    /// Begins a call with these keys.
    pub(crate) fn on(&'static self, keys: &[&str]) -> ScriptCall {
        self.on_keys(keys.iter().map(|key| key.as_bytes()))
    }

    /// The same where a name may be any bytes.
    pub(crate) fn on_keys<'a>(&'static self, keys: impl Iterator<Item = &'a [u8]>) -> ScriptCall {
        let keys: Vec<&[u8]> = keys.collect();
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.sha).arg(keys.len());
        for key in keys {
            command.arg(key);
        }
        ScriptCall {
            script: self,
            command,
        }
    }
}

/// A call in the making.
pub(crate) struct ScriptCall {
    script: &'static Script,
    command: Cmd,
}

impl ScriptCall {
    pub(crate) fn arg(mut self, value: impl ToRedisArgs) -> Self {
        self.command.arg(value);
        self
    }

    pub(crate) async fn run<T: FromRedisValue>(&self, link: &Link) -> Result<T, QueueError> {
        let answer = link.script(self.script.code, &self.command).await;
        self.named(link, answer).await
    }

    /// Over this connection of the link's.
    pub(crate) async fn run_over<T: FromRedisValue>(
        &self,
        link: &Link,
        connection: &Open,
    ) -> Result<T, QueueError> {
        let code = self.script.code;
        let answer = link.script_over(connection, code, &self.command).await;
        self.named(link, answer).await
    }

    /// The answer; where a key was of another type, the error says which.
    async fn named<T>(&self, link: &Link, answer: Result<T, QueueError>) -> Result<T, QueueError> {
        match answer {
            Err(error) if error.is_wrong_type() => Err(named(error, link, &self.command).await),
            answer => answer,
        }
    }
}

/// What tests put before every script.
#[cfg(feature = "seed")]
macro_rules! declared {
    () => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/lua/part/declared.lua"
        ))
    };
}
#[cfg(not(feature = "seed"))]
macro_rules! declared {
    () => {
        ""
    };
}

macro_rules! script {
    ($name:ident = $file:literal, $flags:literal, [$($part:literal),*]) => {
        pub(crate) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(
                "#!lua", $flags, "\n",
                declared!(),
                $(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/lua/part/", $part, ".lua")),)*
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/lua/", $file, ".lua")),
            ))
        });
    };
}

mod deliveries;
mod leases;
mod letters;
mod waiting;

pub(crate) use deliveries::*;
pub(crate) use leases::*;
pub(crate) use letters::*;
pub(crate) use waiting::*;

script!(
    ENQUEUE = "enqueue",
    "",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "header",
        "key",
        "lanes",
        "max_waiting",
        "carried"
    ]
);
script!(
    CLAIM = "claim",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "header",
        "value",
        "lanes",
        "next",
        "promote",
        "hold",
        "timeline",
        "limiter",
        "breaker",
        "reach",
        "call",
        "parked",
        "sought",
        "elsewhere"
    ]
);
script!(
    DUE = "due",
    " flags=allow-oom",
    ["now", "write_or_replace", "wake"]
);
script!(UNLISTED = "unlisted", " flags=no-writes", ["header"]);
script!(ASKED = "asked", " flags=no-writes", ["record"]);
script!(WAIT = "wait", " flags=allow-oom", []);
script!(COPIED = "copied", " flags=allow-oom", []);
script!(CRON_LOOK = "cron_look", "", ["now"]);
script!(
    CRON_PAUSE = "cron_pause",
    " flags=allow-oom",
    ["now", "audit"]
);
script!(
    CRON_TICK = "cron_tick",
    "",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "header",
        "lanes",
        "max_waiting"
    ]
);
script!(
    TOKENS = "tokens",
    " flags=allow-oom",
    ["now", "hold", "limiter"]
);
script!(
    ACQUIRE_CALL = "acquire_call",
    " flags=allow-oom",
    ["now", "hold", "limiter", "breaker", "call"]
);
script!(
    REPORT_CALL = "report_call",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "wake",
        "hold",
        "breaker",
        "reach",
        "call_report",
        "record",
        "minutes",
        "answers"
    ]
);
script!(
    SETTLE = "settle",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "groups",
        "header",
        "value",
        "lanes",
        "parked",
        "park",
        "prune",
        "hold",
        "timeline",
        "breaker",
        "reach",
        "call_report",
        "audit",
        "operation",
        "replay_report",
        "key",
        "growth",
        "minutes",
        "answers",
        "waiters",
        "stop",
        "notices",
        "cancel"
    ]
);
script!(
    ANNOUNCE = "announce",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "minutes",
        "notices"
    ]
);
script!(
    NOTICES = "notices",
    " flags=no-writes",
    ["record", "header", "value"]
);
script!(
    BURY = "bury",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "groups",
        "growth",
        "parked",
        "lanes",
        "relist",
        "notices",
        "audit",
        "operation"
    ]
);
script!(REACHED = "reached", " flags=allow-oom", ["now", "reach"]);
script!(
    RESEND = "resend",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "hold",
        "timeline",
        "record",
        "groups",
        "header",
        "bring_out",
        "parked",
        "stop"
    ]
);
script!(
    PRUNE = "prune",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "record",
        "prune",
        "prune_cancelled"
    ]
);
script!(
    PAUSE = "pause",
    " flags=allow-oom",
    [
        "now",
        "write_or_replace",
        "wake",
        "record",
        "audit",
        "hold",
        "breaker",
        "limiter",
        "holds"
    ]
);
script!(AUDIT = "audit", " flags=allow-oom", ["now", "audit"]);
script!(PROVE = "prove", "", []);
script!(
    SHARES = "shares",
    " flags=no-writes",
    ["now", "write_or_replace", "record", "lanes"]
);
script!(WORKERS = "workers", " flags=no-writes", ["now"]);
script!(
    STATS = "stats",
    " flags=no-writes",
    [
        "now",
        "record",
        "header",
        "value",
        "lanes",
        "hold",
        "breaker",
        "limiter",
        "holds",
        "parked",
        "elsewhere",
        "minutes"
    ]
);
script!(
    JOB = "job",
    " flags=no-writes",
    ["now", "record", "header", "value"]
);
script!(CACHE = "cache", "", ["now"]);
script!(
    SAVE = "save",
    " flags=allow-oom",
    ["now", "record", "header"]
);
script!(KEEP = "keep", " flags=allow-oom", []);
script!(ASSIGN = "assign", " flags=allow-oom", []);
script!(ASSIGN_SIGNED = "assign_signed", "", ["now", "audit"]);
script!(UNASSIGN = "unassign", " flags=allow-oom", ["now", "audit"]);
script!(
    FIRST_LOOKUP = "first_lookup",
    " flags=allow-oom",
    ["record"]
);
script!(
    EARLIER_REQUESTS = "earlier_requests",
    " flags=no-writes",
    ["now", "record", "header"]
);
#[cfg(feature = "seed")]
script!(
    SEED = "seed",
    " flags=allow-oom",
    ["now", "record", "header"]
);
