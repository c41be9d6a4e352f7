//! What is asked of Redis for `/metrics` no more than every few seconds, however often that is read: it costs more than
//! counting does. Nobody reads, nobody asks.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use longshore_queue::{DeadGroup, Queue, QueueError, ServerFacts};
use tokio::time::timeout;

use super::inventory::escaped;
use crate::overview::{self, Overview};

/// How long an answer is good.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// How many groups of dead letters are shown of a queue, the biggest first: causes have no bound, and labels need one.
const MAX_GROUPS: usize = 20;

/// The last answers.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    asked: Option<Instant>,
    groups: Vec<(String, DeadGroup)>,
    server: Option<ServerFacts>,
}

impl Seldom {
    /// Asks again, if the last answers are too old. What is not answered within `wait` is left out, as all else that
    /// Redis says is while it is away.
    pub(crate) async fn refresh(&mut self, queues: &[Queue], overview: &Overview, wait: Duration) {
        if self.asked.is_some_and(|asked| asked.elapsed() < GOOD_FOR) {
            return;
        }
        self.groups.clear();
        for queue in queues {
            let mut groups = match timeout(wait, queue.dead_groups()).await {
                Ok(Ok(groups)) => groups,
                // That is about this queue alone.
                Ok(Err(QueueError::Refused { .. } | QueueError::Unexpected(_))) => continue,
                // The next one would not be answered either, and somebody waits for what is known.
                _ => break,
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

    /// Writes them.
    pub(super) fn gauges(&self, text: &mut String) {
        // Writing to a String does not fail.
        let mut head = |name: &str, help: &str| {
            let _ = writeln!(
                text,
                "# HELP longshore_{name} {help}.\n# TYPE longshore_{name} gauge"
            );
        };
        head(
            "dead_letters",
            "Dead letters by group, the 20 biggest groups of each queue",
        );
        for (queue, group) in &self.groups {
            let _ = writeln!(
                text,
                "longshore_dead_letters{{queue=\"{queue}\",group=\"{}\",kind=\"{}\",provider=\"{}\",class=\"{}\"}} {}",
                escaped(&group.id),
                escaped(group.kind.as_deref().unwrap_or_default()),
                escaped(
                    group
                        .cause
                        .as_ref()
                        .and_then(|cause| cause.provider.as_deref())
                        .unwrap_or_default()
                ),
                group
                    .cause
                    .as_ref()
                    .map_or("broken", |cause| cause.class.as_str()),
                group.count,
            );
        }
        let Some(server) = &self.server else {
            return;
        };
        overview::gauges(text, server);
        let mut gauge = |name: &str, help: &str, value: u64| {
            let _ = writeln!(
                text,
                "# HELP longshore_{name} {help}.\n# TYPE longshore_{name} gauge\nlongshore_{name} {value}"
            );
        };
        if let Some(used) = server.used_memory {
            gauge("redis_memory_used_bytes", "Memory that Redis uses", used);
        }
        if let Some(most) = server.max_memory.filter(|most| *most > 0) {
            gauge(
                "redis_memory_max_bytes",
                "Memory that Redis may use; absent where it has no limit",
                most,
            );
        }
    }
}
