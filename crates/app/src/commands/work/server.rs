//! What `work` wants to know of Redis before it trusts jobs to it.

use longshore_queue::{Caller, Link, Queue, QueueError};
use longshore_worker::FleetError;

use crate::config::RedisSettings;
use crate::failure::Failure;
use crate::redis_cure::cure;

/// A Redis that drops keys when it is full would lose jobs; one that writes nothing down loses them when it stops. What it
/// does not say is told, and stops nothing.
pub(super) async fn check(link: &Link, redis: &RedisSettings) -> Result<(), Failure> {
    let facts = match link.server_facts().await {
        Ok(facts) => facts,
        Err(error) => {
            tracing::warn!(%error, "Redis does not show its settings: see `longshore doctor`");
            return Ok(());
        }
    };
    if let (Some(true), Some(product), Some(version)) =
        (facts.too_old(), facts.product, &facts.version)
    {
        return Err(Failure::failed(format!(
            "{product} {version} is too old: use Redis 7.0 or newer, or Valkey"
        )));
    }
    match (facts.may_evict(), &facts.eviction_policy) {
        (Some(true), Some(policy)) => {
            return Err(Failure::failed(format!(
                "Redis would drop jobs when it is full (maxmemory-policy {policy}): set `maxmemory-policy noeviction`"
            )));
        }
        (None, _) if !redis.allow_eviction_unknown => tracing::warn!(
            "Redis does not say whether it drops keys when it is full: check yourself that it does not, then set {} = true",
            RedisSettings::ALLOW_EVICTION_UNKNOWN
        ),
        _ => {}
    }
    if facts.append_only == Some(false) {
        tracing::warn!(
            "Redis writes no append-only file: what was enqueued since its last snapshot is lost if it stops; set `appendonly yes`"
        );
    }
    Ok(())
}

/// Says which commands Redis does not let us use: what needs them would fail later, one by one.
pub(super) async fn prove(queues: &[Queue]) {
    for queue in queues {
        match queue.prove(Caller::Worker).await {
            Ok(denied) if denied.is_empty() => {}
            Ok(denied) => tracing::error!(
                queue = queue.name(),
                commands = denied.join(" "),
                "Redis does not let us use these commands: see `longshore doctor`"
            ),
            // A server that passes through such a state is waited for; if it does not, the start says so.
            Err(error) => tracing::warn!(queue = queue.name(), %error, "Redis takes no jobs yet"),
        }
    }
}

/// Why no queue was joined within the time for it: the words of Redis's, where it answers.
pub(super) async fn why_not(queues: &[Queue], error: &FleetError) -> Failure {
    for queue in queues {
        let says = |server: &str, reason: &str| {
            let cure = cure(reason).replace("NAMESPACE", queue.keys().namespace());
            format!(
                "Redis at {server} takes no jobs of {}: {reason}; {cure}",
                queue.name()
            )
        };
        match queue.prove(Caller::Worker).await {
            Err(QueueError::Refused { server, reason }) => {
                return Failure::failed(says(&server, &reason));
            }
            Err(QueueError::Passing { server, reason }) => {
                return Failure::Redis(says(&server, &reason));
            }
            _ => {}
        }
    }
    Failure::Redis(error.to_string())
}
