//! What producers without our client have written wrongly, and Redis could not refuse: jobs that nothing will ever run.

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_queue::{KeyScan, Link, Queue, ScanFor};

use super::finding::{Finding, warning};
use crate::config::RedisSettings;
use crate::failure::Failure;
use crate::output::{counted, plain};
use crate::session::Session;

/// How long the payloads of one queue, and the keys of other namespaces, may be looked through.
const LOOK_FOR: Duration = Duration::from_secs(2);

/// What cannot be asked was said before, by the proof and by the walk over the keys.
pub(super) async fn all(
    session: &Session,
    link: &Link,
    found: &BTreeSet<String>,
) -> Result<Vec<Finding>, Failure> {
    let namespace = &session.config.redis.namespace;
    let mut findings = Vec::new();
    for name in found {
        let queue = Queue::new(link.clone(), namespace, name).map_err(Failure::input)?;
        findings.extend(never_due(&queue).await);
        findings.extend(unlisted(&queue).await);
    }
    findings.extend(mistyped(session, link).await);
    Ok(findings)
}

async fn never_due(queue: &Queue) -> Option<Finding> {
    let jobs = queue.never_due().await.ok().filter(|jobs| *jobs > 0)?;
    let name = queue.name();
    let text = format!(
        "{name}: {} will never be due: what `scheduled` has as the time is no date in unix seconds",
        counted(jobs, "scheduled job")
    );
    let cure = format!(
        "make the producer write seconds, not milliseconds; `longshore jobs list --queue {name} --state scheduled` names the \
         jobs, `longshore jobs reschedule` and `longshore jobs cancel` mend them"
    );
    Some(warning("producers", text, cure))
}

async fn unlisted(queue: &Queue) -> Option<Finding> {
    let ids = queue.unlisted(LOOK_FOR).await.ok()?;
    let first = ids.first()?;
    let name = queue.name();
    let (jobs, were) = match ids.len() {
        1 => ("1 job".to_owned(), "was"),
        100 => ("100 jobs or more".to_owned(), "were"),
        n => (format!("{n} jobs"), "were"),
    };
    let text = format!(
        "{name}: {jobs} {were} written into `data` and never pushed, so nothing will run them: {first}"
    );
    let cure = "make the producer write and push in one MULTI; push the ids to `active` if they may still run, or cancel them \
                with `longshore jobs cancel`";
    Some(warning("producers", plain(&text), cure))
}

/// Jobs that wait in queues of our names, in a namespace that no worker has ever worked.
async fn mistyped(session: &Session, link: &Link) -> Vec<Finding> {
    let ours = &session.config.redis.namespace;
    let mut scan = KeyScan::new(ours, ScanFor::OtherNamespaces);
    // Half a walk does not say that no worker was there.
    if scan.walk(link, LOOK_FOR).await.is_err() || !scan.ended() {
        return Vec::new();
    }
    let known = session.config.queue_names();
    let mut findings = Vec::new();
    for ((namespace, name), (waits, worked)) in &scan.others {
        if !waits || *worked || !known.contains(&name.as_str()) {
            continue;
        }
        let text = format!(
            "jobs wait in {{{namespace}:{name}}}:active, and no worker has ever worked that namespace"
        );
        let cure = format!(
            "this program's namespace is `{ours}` ({}): if its producer meant that one, correct it there",
            RedisSettings::NAMESPACE
        );
        findings.push(warning("producers", text, cure));
    }
    findings
}
