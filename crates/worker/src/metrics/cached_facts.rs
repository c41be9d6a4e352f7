//! What is asked of Redis for `/metrics` no more than every few seconds, however often that is read: it costs more than
//! counting does. Nobody reads, nobody asks.

use std::fmt;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use longshore_queue::{DeadGroup, Queue, ServerFacts};
use prometheus_client::encoding::EncodeLabelSet;
use tokio::time::timeout;

use super::gauges::Gauges;
use crate::overview::Overview;

/// How long an answer is good.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// How many groups of dead letters are shown of a queue, the biggest first: causes have no bound, and labels need one.
const MAX_GROUPS: usize = 20;

/// The last answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct CachedFacts {
    asked: Option<Instant>,
    groups: Vec<(String, DeadGroup)>,
    server: Option<ServerFacts>,
}

impl CachedFacts {
    /// Asks again, if the last answers are too old. What is not answered within `wait` is left out, as all else that
    /// Redis says is while it is away.
    pub(crate) async fn refresh(&mut self, queues: &[Queue], overview: &Overview, wait: Duration) {
        if self.asked.is_some_and(|asked| asked.elapsed() < GOOD_FOR) {
            return;
        }
        self.groups.clear();
        let asking = queues.iter();
        let asking = asking.map(|queue| timeout(wait, queue.dead_groups()));
        for (queue, groups) in queues.iter().zip(join_all(asking).await) {
            let Ok(Ok(mut groups)) = groups else {
                continue;
            };
            groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.id.cmp(&b.id)));
            let shown = groups.into_iter().take(MAX_GROUPS);
            self.groups
                .extend(shown.map(|group| (queue.name().to_owned(), group)));
        }
        self.server = None;
        if let Some(queue) = queues.first()
            && let Ok(Ok(facts)) = timeout(wait, queue.link().server_facts()).await
        {
            overview.judge(&facts);
            self.server = Some(facts);
        }
        self.asked = Some(Instant::now());
    }

    #[cfg(test)]
    pub(super) fn answered(groups: Vec<(String, DeadGroup)>, server: ServerFacts) -> Self {
        Self {
            asked: None,
            groups,
            server: Some(server),
        }
    }

    pub(super) fn gauges(&self, gauges: &mut Gauges<'_>) -> fmt::Result {
        gauges.family(
            "dead_letters",
            "Dead letters by group, the 20 biggest groups of each queue",
            self.groups
                .iter()
                .map(|(queue, group)| (LetterLabels::of(queue, group), group.count)),
        )?;
        match &self.server {
            Some(server) => of_server(gauges, server),
            None => Ok(()),
        }
    }
}

/// What is known of the server. What it does not say is left out.
fn of_server(gauges: &mut Gauges<'_>, facts: &ServerFacts) -> fmt::Result {
    let yes = |value: bool| u64::from(u8::from(value));
    let rows = [
        (
            "redis_may_evict",
            "1 while Redis may drop jobs when its memory is full",
            facts.may_evict().map(yes),
        ),
        (
            "redis_append_only",
            "1 while Redis writes an append-only file",
            facts.append_only.map(yes),
        ),
        (
            "redis_persists",
            "1 while the last write to the append-only file, or the last snapshot, went well",
            facts.persists.map(yes),
        ),
        (
            "redis_replicas",
            "Replicas of Redis that keep up",
            facts.replicas,
        ),
        (
            "redis_evicted_keys",
            "Keys that Redis has dropped since it was started",
            facts.evicted,
        ),
        (
            "redis_memory_used_bytes",
            "Memory that Redis uses",
            facts.used_memory,
        ),
        (
            "redis_memory_max_bytes",
            "Memory that Redis may use; absent where it has no limit",
            facts.max_memory.filter(|most| *most > 0),
        ),
    ];
    for (name, help, value) in rows {
        gauges.one(name, help, value)?;
    }
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LetterLabels {
    queue: String,
    group: String,
    kind: String,
    provider: String,
    class: &'static str,
}

impl LetterLabels {
    fn of(queue: &str, group: &DeadGroup) -> Self {
        let cause = group.cause.as_ref();
        let provider = cause.and_then(|cause| cause.provider.as_deref());
        Self {
            queue: queue.to_owned(),
            group: group.id.clone(),
            kind: group.kind.clone().unwrap_or_default(),
            provider: provider.unwrap_or_default().to_owned(),
            class: cause.map_or("broken", |cause| cause.class.as_str()),
        }
    }
}
