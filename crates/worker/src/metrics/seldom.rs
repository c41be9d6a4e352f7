//! What is asked of Redis for `/metrics` no more than every few seconds, however often that is read: it costs more than
//! counting does. Nobody reads, nobody asks.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use longshore_queue::{DeadGroup, Queue};
use tokio::time::timeout;

use super::inventory::escaped;

/// How long an answer is good.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// How many groups of dead letters are shown of a queue, the biggest first: causes have no bound, and labels need one.
const MAX_GROUPS: usize = 20;

/// The last answers.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    asked: Option<Instant>,
    groups: Vec<(String, DeadGroup)>,
    memory: Option<Memory>,
}

/// Redis's memory, in bytes.
#[derive(Debug, Clone, Copy)]
struct Memory {
    used: u64,
    /// `None` = as much as there is.
    most: Option<u64>,
}

impl Seldom {
    /// Asks again, if the last answers are too old. What is not answered within `wait` is left out, as all else that
    /// Redis says is while it is away.
    pub(crate) async fn refresh(&mut self, queues: &[Queue], wait: Duration) {
        if self.asked.is_some_and(|asked| asked.elapsed() < GOOD_FOR) {
            return;
        }
        self.groups.clear();
        for queue in queues {
            let Ok(Ok(mut groups)) = timeout(wait, queue.dead_groups()).await else {
                // The next one would not be answered either, and somebody waits for what is known.
                break;
            };
            groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.id.cmp(&b.id)));
            let shown = groups.into_iter().take(MAX_GROUPS);
            self.groups
                .extend(shown.map(|group| (queue.name().to_owned(), group)));
        }
        self.memory = None;
        if let Some(queue) = queues.first()
            && let Ok(Ok(facts)) = timeout(wait, queue.link().server_facts()).await
        {
            self.memory = facts.used_memory.map(|used| Memory {
                used,
                most: facts.max_memory.filter(|most| *most > 0),
            });
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
                escaped(group.cause.provider.as_deref().unwrap_or_default()),
                group.cause.class.as_str(),
                group.count,
            );
        }
        let Some(memory) = self.memory else {
            return;
        };
        let mut gauge = |name: &str, help: &str, value: u64| {
            let _ = writeln!(
                text,
                "# HELP longshore_{name} {help}.\n# TYPE longshore_{name} gauge\nlongshore_{name} {value}"
            );
        };
        gauge(
            "redis_memory_used_bytes",
            "Memory that Redis uses",
            memory.used,
        );
        if let Some(most) = memory.most {
            gauge(
                "redis_memory_max_bytes",
                "Memory that Redis may use; absent where it has no limit",
                most,
            );
        }
    }
}
