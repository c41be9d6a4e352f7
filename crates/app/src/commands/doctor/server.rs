//! How Redis is set up. What it does not say is a finding, and never the end of the examination.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use longshore_queue::{Link, Node, QueueError, ServerFacts};
use tokio::time::Instant;

use super::finding::{Finding, error, ok, warning};
use super::topology;
use crate::config::{Config, RedisSettings, with_variable};
use crate::output::plain;

/// From this share of its memory on, Redis needs looking after.
const MEMORY_SHARE: f64 = 0.7;
/// A round trip that takes longer slows every worker down.
const SLOW: Duration = Duration::from_millis(10);
/// Beyond this, times in logs of one machine and in Redis no longer fit together.
const CLOCKS_APART: Duration = Duration::from_secs(2);
/// How many round trips are timed.
const TRIPS: usize = 21;

/// Settings that only CONFIG says.
const SETTINGS: &[&str] = &[
    "appendfsync",
    "save",
    "min-replicas-to-write",
    "maxmemory-policy",
];

pub(super) async fn all(link: &Link, config: &Config) -> Vec<Finding> {
    let mut findings = match link.each_server().await {
        Ok(servers) if servers.len() > 1 => of_each(link, config, servers).await,
        servers => {
            let facts = servers.and_then(|mut servers| match servers.pop() {
                Some((_, facts)) => facts,
                None => Ok(ServerFacts::default()),
            });
            let settings = link.server_settings(SETTINGS).await;
            let is_said = facts.is_ok();
            let mut findings = of_one(&facts, settings.as_ref(), config);
            let facts = facts.unwrap_or_default();
            let topology = topology::of(&facts, link, config).await;
            // After the version, and after what is said of a server that tells nothing.
            findings.insert(if is_said { 1 } else { 2 }, topology);
            findings
        }
    };
    let latency = latency(link).await;
    findings.push(latency.unwrap_or_else(|error| unmade("latency", &error)));
    let clock = clock(link).await;
    findings.push(clock.unwrap_or_else(|error| unmade("clock", &error)));
    findings
}

/// Each primary of a cluster. What is found of all of them is said once.
async fn of_each(
    link: &Link,
    config: &Config,
    servers: Vec<(Node, Result<ServerFacts, QueueError>)>,
) -> Vec<Finding> {
    let count = servers.len();
    let each = servers.into_iter().map(async |(node, facts)| {
        let settings = match &facts {
            Err(error) if error.is_outage() => None,
            _ => Some(link.settings_of(&node, SETTINGS).await),
        };
        (node, facts, settings)
    });
    let (mut findings, mut cluster) = (Vec::new(), None);
    let mut found: Vec<(Finding, Vec<String>)> = Vec::new();
    for (node, facts, settings) in join_all(each).await {
        let node = node.as_str().to_owned();
        let Some(settings) = settings else {
            let why = facts.err().map(|error| error.to_string());
            let text = format!("a primary is away: {}", why.unwrap_or_default());
            let cure = "start it again, or put its replica in its place: `CLUSTER FAILOVER TAKEOVER` there";
            findings.push(error("server", plain(&text), cure));
            continue;
        };
        for finding in of_one(&facts, settings.as_ref(), config) {
            match found.iter_mut().find(|(known, _)| *known == finding) {
                Some((_, nodes)) => nodes.push(node.clone()),
                None => found.push((finding, vec![node.clone()])),
            }
        }
        cluster = cluster.or(facts.ok());
    }
    let topology = topology::of(&cluster.unwrap_or_default(), link, config).await;
    findings.insert(0, topology);
    findings.extend(found.into_iter().map(|(finding, nodes)| {
        let whose = match nodes.len() == count {
            true => "each primary".to_owned(),
            false => nodes.join(", "),
        };
        Finding {
            finding: format!("{whose}: {}", finding.finding),
            ..finding
        }
    }));
    findings
}

/// One server.
fn of_one(
    facts: &Result<ServerFacts, QueueError>,
    settings: Result<&HashMap<String, String>, &QueueError>,
    config: &Config,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut facts = facts.clone().unwrap_or_else(|refused| {
        let text = format!("Redis does not show its settings: {refused}");
        let cure =
            "allow INFO to its ACL user, or check yourself that Redis persists and does not evict";
        findings.push(warning("info", text, cure));
        ServerFacts::default()
    });
    if let Ok(settings) = &settings
        && facts.eviction_policy.is_none()
    {
        let policy = settings.get("maxmemory-policy");
        facts.eviction_policy = policy.filter(|policy| !policy.is_empty()).cloned();
    }
    let production = config.profile.as_deref() == Some("production");
    let allowed = config.redis.allow_eviction_unknown;
    findings.extend([version(&facts), eviction(&facts, allowed)]);
    findings.extend(persistence(&facts, settings));
    let waited_for = config.redis.wait_replicas;
    findings.push(replicas(&facts, settings.ok(), production, waited_for));
    findings.push(memory(&facts));
    findings
}

/// A check that could not be made.
fn unmade(check: &str, why: &QueueError) -> Finding {
    let text = format!("it is not known: {why}");
    warning(check, text, crate::redis_cure::cure(&why.to_string()))
}

fn version(facts: &ServerFacts) -> Finding {
    let (Some(product), Some(version)) = (facts.product, &facts.version) else {
        let cure = "check yourself that it is Redis 7.0 or newer, or Valkey";
        return warning("version", "it does not say", cure);
    };
    let text = format!("{product} {version}");
    match facts.too_old() {
        Some(true) => error(
            "version",
            format!("{text} is too old"),
            "use Redis 7.0 or newer, or Valkey",
        ),
        _ => ok("version", text),
    }
}

fn eviction(facts: &ServerFacts, unknown_allowed: bool) -> Finding {
    match facts.eviction_policy.as_deref() {
        Some("noeviction") => ok("eviction", "noeviction"),
        Some(policy) => error(
            "eviction",
            format!("{policy}: it drops jobs when memory is full"),
            "set `maxmemory-policy noeviction`",
        ),
        None if unknown_allowed => ok(
            "eviction",
            "it does not say, which the configuration allows",
        ),
        None => warning(
            "eviction",
            "it does not say whether it drops keys when memory is full",
            format!(
                "check yourself that it does not, then set {} to true",
                with_variable(RedisSettings::ALLOW_EVICTION_UNKNOWN)
            ),
        ),
    }
}

/// Whether it persists at all, and when that reaches the disk.
fn persistence(
    facts: &ServerFacts,
    settings: Result<&HashMap<String, String>, &QueueError>,
) -> Vec<Finding> {
    let saves = settings.ok().and_then(|settings| settings.get("save"));
    let persistence = match (facts.append_only, facts.persists) {
        (_, Some(false)) => error(
            "persistence",
            "the last write to disk failed",
            "check Redis's log and the free space of its disk",
        ),
        (Some(true), _) => ok("persistence", "append-only file"),
        (Some(false), _) if saves.is_some_and(String::is_empty) => warning(
            "persistence",
            "nothing is written to disk: all jobs are lost if it stops",
            "set `appendonly yes`",
        ),
        (Some(false), _) => warning(
            "persistence",
            "no append-only file: what was enqueued since the last snapshot is lost if it stops",
            "set `appendonly yes`",
        ),
        (None, _) => warning(
            "persistence",
            "it does not say whether it writes to disk",
            "check yourself that it has an append-only file",
        ),
    };
    if facts.append_only != Some(true) {
        return vec![persistence];
    }
    let fsync = match settings.map(|settings| settings.get("appendfsync").map(String::as_str)) {
        Ok(Some("always")) => ok(
            "fsync",
            "always: nothing that was accepted is lost in a crash",
        ),
        Ok(Some("everysec")) => ok(
            "fsync",
            "everysec: a crash of its machine loses up to the last second",
        ),
        Ok(Some(other)) => warning(
            "fsync",
            format!("{other}: a crash of its machine loses what the system had not written yet"),
            "set `appendfsync everysec`, or `always`",
        ),
        Ok(None) => warning("fsync", "it does not say", "check yourself: `appendfsync`"),
        Err(refused) => warning(
            "fsync",
            format!("it does not say: {refused}"),
            "check yourself that `appendfsync` is everysec or always",
        ),
    };
    vec![persistence, fsync]
}

fn replicas(
    facts: &ServerFacts,
    settings: Option<&HashMap<String, String>>,
    production: bool,
    waited_for: u32,
) -> Finding {
    if let Some(n) = facts.replicas.filter(|n| *n < u64::from(waited_for)) {
        return error(
            "replicas",
            format!(
                "{n}, but {} is {waited_for}: enqueues fail, and requests that must not be sent twice wait",
                RedisSettings::WAIT_REPLICAS
            ),
            format!(
                "bring its replicas back, or lower {}",
                with_variable(RedisSettings::WAIT_REPLICAS)
            ),
        );
    }
    let needed = settings.and_then(|settings| settings.get("min-replicas-to-write"));
    let needed: Option<u64> = needed.and_then(|needed| needed.parse().ok());
    match (facts.replicas, needed) {
        (None, _) => warning(
            "replicas",
            "it does not say how many it has",
            "check yourself what remains if its machine fails",
        ),
        (Some(0), _) if production => warning(
            "replicas",
            "none: if its machine fails, its jobs are lost",
            "add a replica, and set `min-replicas-to-write 1`",
        ),
        (Some(0), _) => ok("replicas", "none"),
        (Some(n), _) if waited_for > 0 => ok(
            "replicas",
            format!("{n}; {waited_for} must have a job before it is accepted"),
        ),
        (Some(n), Some(0)) => warning(
            "replicas",
            format!(
                "{n}, but a write needs none of them: a failover may lose jobs that are not copied yet"
            ),
            format!(
                "set {} to 1, and `min-replicas-to-write 1` there",
                with_variable(RedisSettings::WAIT_REPLICAS)
            ),
        ),
        (Some(n), Some(needed)) => ok(
            "replicas",
            format!(
                "{n}; a write needs {needed}; a failover may lose jobs that are not copied yet ({} is 0)",
                RedisSettings::WAIT_REPLICAS
            ),
        ),
        (Some(n), None) => ok("replicas", n.to_string()),
    }
}

fn memory(facts: &ServerFacts) -> Finding {
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    let Some(used) = facts.used_memory else {
        let cure = "watch it yourself: a full Redis takes no jobs";
        return warning("memory", "it does not say", cure);
    };
    match facts.max_memory {
        Some(most) if most > 0 => {
            let share = used as f64 / most as f64;
            let text = format!("{} of {} ({:.0} %)", mib(used), mib(most), share * 100.0);
            if share < MEMORY_SHARE {
                ok("memory", text)
            } else {
                warning(
                    "memory",
                    text,
                    "raise `maxmemory`, lower completed_bytes, or find out why jobs wait: `longshore queues`",
                )
            }
        }
        _ => ok("memory", format!("{}, no limit set", mib(used))),
    }
}

/// The middle one of some round trips. A PING would be refused by a server that cannot write to its disk.
async fn latency(link: &Link) -> Result<Finding, QueueError> {
    let mut trips = Vec::new();
    for _ in 0..TRIPS {
        let sent = Instant::now();
        link.now_ms().await?;
        trips.push(sent.elapsed());
    }
    trips.sort();
    let middle = trips[trips.len() / 2];
    let text = format!("{:.2} ms a round trip", middle.as_secs_f64() * 1000.0);
    Ok(if middle < SLOW {
        ok("latency", text)
    } else {
        let cure = "run the workers nearer to Redis, and look at its SLOWLOG";
        warning("latency", text, cure)
    })
}

/// Workers' clocks do not matter to jobs; they do to whoever reads the logs.
async fn clock(link: &Link) -> Result<Finding, QueueError> {
    let sent = Instant::now();
    let theirs = Duration::from_millis(link.now_ms().await?);
    let ours = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let apart = ours.abs_diff(theirs).saturating_sub(sent.elapsed());
    let text = format!("{:.1} s apart from Redis's", apart.as_secs_f64());
    Ok(if apart < CLOCKS_APART {
        ok("clock", text)
    } else {
        let cure = "set the clocks by NTP; jobs use Redis's clock, so they are not affected";
        warning("clock", text, cure)
    })
}

#[cfg(test)]
mod tests;
