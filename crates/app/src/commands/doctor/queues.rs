//! Whether each queue can be written to, who works it, and what lies where no queue reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::try_join_all;
use longshore_operator::{AwayRow, QueueRow};
use longshore_queue::{Caller, KeyScan, Link, Queue, QueueError, ScanFor, Spoiled, Stray};

use super::finding::{Finding, error, ok, warning};
use super::producers;
use crate::commands::queues::{lost_line, nobody, parked_line};
use crate::config::WorkerSettings;
use crate::failure::Failure;
use crate::output::{counted, plain};
use crate::redis_cure::cure;
use crate::registry;
use crate::session::Session;

/// How long the keys may be walked over. A million take about a second.
const WALK_FOR: Duration = Duration::from_secs(5);

/// How long a queue of a cluster may take to be written to.
const PROVED_WITHIN: Duration = Duration::from_secs(3);

/// How many strange keys are shown.
const MOST_SHOWN: usize = 10;

/// What to do about jobs whose kind nobody knows.
fn parked_cure() -> String {
    format!(
        "start a worker whose version knows the kind, or correct the producer; the jobs are dead letters when nobody knew it \
         for `{}`",
        WorkerSettings::UNKNOWN_KIND
    )
}

pub(super) async fn all(session: &Session, link: &Link) -> Result<Vec<Finding>, Failure> {
    let namespace = &session.config.redis.namespace;
    let (mut findings, away) = prove(session, link).await?;
    let mut scan = KeyScan::new(namespace, ScanFor::Strays);
    let walked = scan.walk(link, WALK_FOR).await;
    let mut found: BTreeSet<String> = scan.queues.clone();
    match session.registered_queues(link).await {
        Ok(names) => found.extend(names),
        Err(refused) => findings.push(warning(
            "queues",
            format!("the queues that others use cannot be listed: {refused}"),
            named(&cure(&refused.to_string()), namespace),
        )),
    }
    findings.extend(workers(session, link, &found).await?);
    // Of these all was said.
    found.retain(|name| !away.contains(name));
    let known = session.config.queue_names().into_iter();
    let known: Vec<_> = known.filter(|name| !away.contains(*name)).collect();
    findings.extend(layouts(session, link, &found).await);
    findings.extend(spoiled(session, link, &found, &known).await?);
    findings.extend(kinds(session, link, &known).await?);
    findings.extend(producers::all(session, link, &found).await?);
    findings.push(strays(&scan, walked.as_ref().err(), namespace));
    findings.extend(scan.strays.iter().take(MOST_SHOWN).map(|(key, why)| {
        let (text, cure) = stray(key, *why, namespace);
        warning("keys", text, &cure)
    }));
    Ok(findings)
}

/// A cure that speaks of the namespace.
fn named(cure: &str, namespace: &str) -> String {
    cure.replace("NAMESPACE", namespace)
}

/// Queues whose keys another edition has laid out. What else is said of them may be wrong.
async fn layouts(session: &Session, link: &Link, found: &BTreeSet<String>) -> Vec<Finding> {
    let namespace = &session.config.redis.namespace;
    let mut findings = Vec::new();
    for name in found {
        let Ok(queue) = Queue::new(link.clone(), namespace, name) else {
            continue;
        };
        // Whatever else fails is told by those who write to it.
        if let Err(QueueError::Layout { queue, found, .. }) = queue.check_layout().await {
            findings.push(error(
                "layout",
                format!(
                    "{queue}: its keys are {found}, which this program can neither read nor write"
                ),
                "use the edition that wrote it, or another namespace",
            ));
        }
    }
    findings
}

/// Writes to each queue by a script, as workers and producers do: to all at the same time. What several queues have in common is
/// said once. Returns the queues whose primaries are away, too.
async fn prove(
    session: &Session,
    link: &Link,
) -> Result<(Vec<Finding>, BTreeSet<String>), Failure> {
    let namespace = &session.config.redis.namespace;
    let mut refused: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    let mut well: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut away = BTreeSet::new();
    let each = session.config.queue_names().into_iter().map(async |name| {
        let queue = Queue::new(link.clone(), namespace, name).map_err(Failure::input)?;
        let proving = async {
            let proved = proved(&queue).await?;
            let is_spoiled = !queue.spoiled().await.unwrap_or_default().is_empty();
            Ok((proved, is_spoiled))
        };
        let proved = queue.answer_within(PROVED_WITHIN, proving).await;
        Ok::<_, Failure>((name, queue, proved))
    });
    for (name, queue, proved) in try_join_all(each).await? {
        let trouble = match proved {
            Ok((Ok(rights), is_spoiled)) => {
                // A key of another type keeps scripts out all the same: that is said below.
                if !is_spoiled {
                    well.entry(rights).or_default().push(name);
                }
                continue;
            }
            Ok((Err(denied), _)) => (
                format!("Redis does not let us use {}", denied.join(", ")),
                "allow these commands to its ACL user (deploy/redis/users.acl has those of each role), and take \
                 `rename-command` out of its configuration"
                    .to_owned(),
            ),
            Err(error) => {
                if let Some(primary) = queue.primary_away(&error).await {
                    let primary = AwayRow::from(primary);
                    away.insert(name.to_owned());
                    let trouble = (format!("scripts cannot write: {primary}"), primary.cure);
                    refused.entry(trouble).or_default().push(name);
                    continue;
                }
                let reason = match error {
                    QueueError::Refused { reason, .. }
                    | QueueError::Passing { reason, .. }
                    | QueueError::Unreachable { reason, .. } => reason,
                    other => other.to_string(),
                };
                let cure = named(&cure(&reason), namespace);
                (format!("scripts cannot write: {reason}"), cure)
            }
        };
        // MOVED names a slot and a node: it differs from queue to queue.
        refused.entry(trouble).or_default().push(name);
    }
    let mut findings = Vec::new();
    for (rights, queues) in well {
        let text = format!("{}: scripts can write{rights}", queues.join(", "));
        findings.push(ok("writes", text));
    }
    for ((text, cure), queues) in refused {
        let text = format!("{}: {}", queues.join(", "), plain(&text));
        findings.push(error("writes", text, &cure));
    }
    Ok((findings, away))
}

/// With whose rights scripts can write to a queue; or the commands that neither a worker nor an operator can do without, of
/// whom there are fewer.
async fn proved(queue: &Queue) -> Result<Result<String, Vec<String>>, QueueError> {
    let worker = queue.prove(Caller::Worker).await?;
    let operator = queue.prove(Caller::Operator).await?;
    Ok(match (worker.is_empty(), operator.is_empty()) {
        (true, true) => Ok(String::new()),
        (true, false) => Ok(", with a worker's rights".to_owned()),
        (false, true) => Ok(", with an operator's rights".to_owned()),
        (false, false) if worker.len() < operator.len() => Err(worker),
        (false, false) => Err(operator),
    })
}

/// Keys of queues that another program has written over with another type.
async fn spoiled(
    session: &Session,
    link: &Link,
    found: &BTreeSet<String>,
    known: &[&str],
) -> Result<Vec<Finding>, Failure> {
    let names: BTreeSet<&str> = known
        .iter()
        .copied()
        .chain(found.iter().map(String::as_str))
        .collect();
    let mut findings = Vec::new();
    for name in names {
        let queue = Queue::new(link.clone(), &session.config.redis.namespace, name)
            .map_err(Failure::input)?;
        // What cannot be asked was said by the proof.
        for spoiled in queue.spoiled().await.unwrap_or_default() {
            findings.push(error("keys", plain(&spoiled.to_string()), Spoiled::CURE));
        }
    }
    Ok(findings)
}

/// Who works each queue that has jobs, or that is configured here.
async fn workers(
    session: &Session,
    link: &Link,
    found: &BTreeSet<String>,
) -> Result<Vec<Finding>, Failure> {
    let rows = match session.operator_of(link, found)?.queues().await {
        Ok(rows) => rows,
        Err(refused) => {
            let text = format!("queues cannot be counted: {refused}");
            let cure = named(&cure(&refused.to_string()), &session.config.redis.namespace);
            return Ok(vec![error("workers", plain(&text), &cure)]);
        }
    };
    let mut findings = Vec::new();
    // What the proof has said of those that are away is not said again.
    let known = session.config.queue_names();
    let is_said = |row: &QueueRow| row.away.is_some() && known.contains(&row.queue.as_str());
    for row in rows.iter().filter(|row| !is_said(row)) {
        if let Some(away) = &row.away {
            let text = format!("{}: {away}", row.queue);
            findings.push(error("workers", plain(&text), &away.cure));
            continue;
        }
        let integration = session.config.integration_of(&row.queue);
        let configured = integration.filter(|of| registry::is_on(&session.config, of));
        for parked in &row.parked {
            let text = plain(&parked_line(session, &row.queue, parked));
            findings.push(warning("kinds", text, parked_cure()));
        }
        findings.extend(row.lost.as_ref().map(|lost| {
            let text = plain(&lost_line(&row.queue, lost));
            let cure = "see which they are, and why the worker died: its own log, the kernel's log, its memory limit";
            warning("workers", text, cure)
        }));
        findings.extend(
            row.notices
                .and_then(|waiting| untold(session, &row.queue, waiting)),
        );
        if let Some(nobody) = nobody(session, row) {
            findings.push(error("workers", plain(&nobody.what), &nobody.cure));
        } else if row.workers > 0 {
            let workers = counted(row.workers, "worker");
            findings.push(ok("workers", format!("{}: {workers}", row.queue)));
        } else if configured.is_some() {
            let text = format!("{}: no worker serves it, and it has no jobs", row.queue);
            let cure = format!("start `longshore work --queue {}`", row.queue);
            findings.push(warning("workers", text, &cure));
        }
    }
    Ok(findings)
}

/// Notices that wait although the application is told nothing.
fn untold(session: &Session, queue: &str, waiting: u64) -> Option<Finding> {
    if registry::notices(&session.config).is_some() {
        return None;
    }
    let integrations = session.config.integrations().iter();
    let mut tells = integrations.filter(|of| of.notices.is_some());
    let keys = tells.next().map(registry::turned_on_by);
    let text = format!(
        "{queue}: {} what became of jobs, and events are off here",
        match waiting {
            1 => "1 notice waits to tell the application".to_owned(),
            waiting => format!("{waiting} notices wait to tell the application"),
        }
    );
    let cure = format!(
        "set {} for the workers; while events are off, notices are dropped after a day",
        keys.as_deref().unwrap_or("their settings")
    );
    Some(warning("events", text, cure))
}

/// What the living workers of each queue say of themselves: that they carry out different kinds, or that something is wrong
/// with one.
async fn kinds(session: &Session, link: &Link, known: &[&str]) -> Result<Vec<Finding>, Failure> {
    let lost_after = session.config.worker.lost_after;
    let mut findings = Vec::new();
    for name in known {
        let queue = Queue::new(link.clone(), &session.config.redis.namespace, name)
            .map_err(Failure::input)?;
        // What cannot be asked was said by the proof.
        let Ok(workers) = queue.workers().await else {
            continue;
        };
        let living = workers.iter().filter(|worker| worker.beat_age < lost_after);
        let facts: Vec<_> = living.filter_map(|worker| worker.facts.as_ref()).collect();
        let mut known_by: BTreeMap<&str, usize> = BTreeMap::new();
        for kind in facts.iter().flat_map(|facts| &facts.kinds) {
            *known_by.entry(kind).or_default() += 1;
        }
        known_by.retain(|_, workers| *workers < facts.len());
        if !known_by.is_empty() {
            let parts = known_by
                .iter()
                .map(|(kind, workers)| format!("{kind} by {workers} of {}", facts.len()));
            let text = format!(
                "{name}: its workers know different kinds: {}",
                parts.collect::<Vec<_>>().join(", ")
            );
            let cure =
                "deploy one version everywhere: a job waits for a worker that knows its kind";
            findings.push(warning("kinds", plain(&text), cure));
        }
        for facts in facts.iter().filter(|facts| !facts.trouble.is_empty()) {
            let text = format!("{name}: {}: {}", facts.process, facts.trouble.join("; "));
            let cure = "check its machine (route, DNS, certificates, limits); `longshore workers` says more";
            findings.push(warning("workers", plain(&text), cure));
        }
    }
    Ok(findings)
}

fn strays(scan: &KeyScan, failed: Option<&QueueError>, namespace: &str) -> Finding {
    let strange = scan.strays.len();
    if let Some(refused) = failed {
        let text = format!("the search for keys that no queue reads failed: {refused}");
        let cure = named(&cure(&refused.to_string()), namespace);
        return warning("keys", plain(&text), &cure);
    }
    if let [(node, _), ..] = scan.away.as_slice() {
        let text = format!("those of {} were not looked at: it is away", node.as_str());
        return warning("keys", text, "look again when it is back");
    }
    if !scan.ended() {
        return warning(
            "keys",
            format!(
                "only about {} keys were checked in {} s",
                scan.looked_at,
                WALK_FOR.as_secs()
            ),
            "look for others yourself: `redis-cli --scan`, as a user of Redis who may",
        );
    }
    match strange {
        0 => ok("keys", "every key of the namespace is read by a queue"),
        n => warning(
            "keys",
            format!("{} no queue reads", counted(n as u64, "key")),
            "see the next lines",
        ),
    }
}

fn stray(key: &str, why: Stray, namespace: &str) -> (String, String) {
    let what = match why {
        Stray::NoBraces => "has no braces around namespace and queue",
        Stray::NoSuffix => "ends after the braces",
        Stray::UnknownSuffix => "ends in a word that no queue reads",
        Stray::NoName => "has no valid name of a queue",
    };
    (
        format!("{} {what}", plain(key)),
        format!(
            "make its producer write {{{namespace}:<queue>}}:data and then push to {{{namespace}:<queue>}}:active; then remove it"
        ),
    )
}
