//! What is in Redis, by the names of its keys.

use std::collections::BTreeMap;

use longshore_tests::NAMESPACE;

use crate::fleet::Fleet;

/// A key that stays on purpose.
struct Stays {
    name: &'static str,
    /// How much it may be at the most, in bytes; it grows with the jobs where that is not set.
    most: Option<u64>,
    /// By which rule.
    rule: &'static str,
}

const fn small(name: &'static str, rule: &'static str) -> Stays {
    Stays {
        name,
        most: Some(64 << 10),
        rule,
    }
}

const fn grows(name: &'static str, rule: &'static str) -> Stays {
    Stays {
        name,
        most: None,
        rule,
    }
}

/// The last jobs of the schedule, which goes on to the end.
const TICKS: &str = "jobs of the last ticks of the schedule";

const STAYS: &[Stays] = &[
    grows(
        "carried:*",
        "a row or an event is carried once: its id is known for 25 hours",
    ),
    grows(
        "deliveries",
        "what became of a message is known for seven days",
    ),
    grows(
        "deliveries:*",
        "what became of a message is known for seven days",
    ),
    grows(
        "idempotency:*",
        "a key is known for a day after its job has ended",
    ),
    grows(
        "kept:*",
        "a place is kept for 30 days, its id for up to a year",
    ),
    grows(
        "cached",
        "a place is kept for 30 days, its id for up to a year",
    ),
    grows("map:*", "which user is which customer is known for good"),
    small("data", TICKS),
    small("records", TICKS),
    small("completed", TICKS),
    small("completions", TICKS),
    small("active", TICKS),
    small("running", TICKS),
    small("scheduled", TICKS),
    small("retrying", TICKS),
    small("breakers", "one for each provider"),
    small("cron", "one for each entry of the schedule"),
    small("cron:*", "a hundred ticks of each entry"),
    small("idle", "workers that wait for jobs"),
    small("kinds", "one for each kind"),
    small("limits", "one for each provider"),
    grows("lost", "jobs whose worker was lost are known for a day"),
    Stays {
        name: "minutes",
        // A ring of 1,440 minutes, and what Redis allocates beyond it.
        most: Some(512 << 10),
        rule: "what happened in each minute of the last day",
    },
    small("queues", "one for each queue"),
    small("reach", "which worker reaches which provider"),
    small("stats", "the counters"),
    small("timeline", "by which workers notice a Redis that forgot"),
    small("walked", "when leases were looked through"),
    small("workers", "one for each worker"),
    small("workers:*", "one for each worker"),
];

/// All keys, those that differ by an id only taken as one.
#[derive(Debug, Default)]
pub(crate) struct Keys(BTreeMap<String, Kept>);

/// What is under such a name.
#[derive(Debug, Default, Clone, Copy)]
struct Kept {
    keys: u64,
    bytes: u64,
}

impl Keys {
    pub(crate) async fn of(fleet: &Fleet) -> Self {
        let mut connection = connection(fleet).await;
        let mut all = BTreeMap::<String, Kept>::new();
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("COUNT").arg(1000);
            let (next, names): (u64, Vec<String>) =
                scan.query_async(&mut connection).await.expect("it answers");
            for name in names {
                let mut usage = redis::cmd("MEMORY");
                usage.arg("USAGE").arg(&name).arg("SAMPLES").arg(50);
                let bytes: Option<u64> = usage
                    .query_async(&mut connection)
                    .await
                    .expect("it answers");
                let kept = all.entry(pattern(&name)).or_default();
                kept.keys += 1;
                kept.bytes += bytes.unwrap_or(0);
            }
            cursor = next;
            if cursor == 0 {
                return Self(all);
            }
        }
    }

    /// Prints what has grown by more than a MiB. Returns how much of that is kept on purpose, in bytes.
    pub(crate) fn grown_since(&self, earlier: &Self) -> u64 {
        let mut on_purpose = 0;
        for (name, kept) in &self.0 {
            let before = earlier.0.get(name).copied().unwrap_or_default();
            let more = kept.bytes.saturating_sub(before.bytes);
            let rule = rule_of(name, *kept);
            if rule.is_some() {
                on_purpose += more;
            }
            if more > 1 << 20 {
                let rule = rule.unwrap_or(NO_RULE);
                println!("  {name}: {} KiB more: {rule}", more >> 10);
            }
        }
        on_purpose
    }
}

/// Prints what is there. Returns what nothing keeps on purpose.
pub(crate) fn left_over(keys: &Keys) -> Vec<String> {
    let mut left = Vec::new();
    for (name, kept) in &keys.0 {
        let rule = rule_of(name, *kept);
        println!(
            "  {name}: {} keys, {} KiB: {}",
            kept.keys,
            kept.bytes.div_ceil(1024),
            rule.unwrap_or(NO_RULE)
        );
        if rule.is_none() {
            left.push(format!("{} keys {name} are left", kept.keys));
        }
    }
    left
}

/// What is said of a key that is not among those that stay.
const NO_RULE: &str = "nothing keeps it on purpose";

fn rule_of(name: &str, kept: Kept) -> Option<&'static str> {
    let (_, last) = name.split_once("}:").unwrap_or(("", name));
    let stays = STAYS.iter().find(|stays| stays.name == last)?;
    let fits = stays.most.is_none_or(|most| kept.bytes <= most);
    fits.then_some(stays.rule)
}

/// The name of a key without what differs: `{flow:email}:key:send_email:soak-7` is `{email}:key:*`.
fn pattern(name: &str) -> String {
    let short = name.replacen(&format!("{{{NAMESPACE}:"), "{", 1);
    let Some((queue, key)) = short.split_once("}:") else {
        return short;
    };
    match key.split_once(':') {
        Some((first, _)) => format!("{queue}}}:{first}:*"),
        None => format!("{queue}}}:{key}"),
    }
}

async fn connection(fleet: &Fleet) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(fleet.stage.redis.url()).expect("a URL");
    let connected = client.get_multiplexed_async_connection().await;
    connected.expect("Redis is well")
}

/// How much Redis has in memory, in KiB.
pub(crate) async fn memory(fleet: &Fleet) -> u64 {
    let mut connection = connection(fleet).await;
    let mut info = redis::cmd("INFO");
    info.arg("memory");
    let info: String = info.query_async(&mut connection).await.expect("it answers");
    let line = info.lines().find_map(|l| l.strip_prefix("used_memory:"));
    line.and_then(|n| n.trim().parse::<u64>().ok()).unwrap_or(0) >> 10
}
