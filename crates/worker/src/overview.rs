//! What every process sees of the whole fleet, whatever it works itself: which queues there are, and how their Redis is
//! set up. A provider that lost its key in a deploy must not take its queue out of sight, and a Redis that was told to drop
//! keys must not be noticed by the loss.
//!
//! Looked at at a slow beat, on the keeper's thread, and by whoever reads `/metrics`, which show it. What changes is told to
//! the log once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use longshore_queue::{KeyScan, Link, LinkOptions, Queue, QueueError, ScanFor, ServerFacts};
use tokio::time::{sleep, timeout};

use crate::lock::lock;
use crate::station::Station;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How often the keys themselves are walked over, by one process of the fleet, for queues that nobody has noted.
const WALK_EVERY: Duration = Duration::from_secs(600);

/// What a walk waits between two steps of a thousand keys, so that Redis has time for others.
const STEP_PAUSE: Duration = Duration::from_millis(20);

/// How many calls, of a thousand deliveries each, may forget deliveries in one look.
const FORGET_CALLS: usize = 100;

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_millis(1500);

/// The most queues that are counted beside those that this program knows.
const MOST_OTHERS: usize = 100;

/// The queues of a namespace, and what is known of their server.
#[derive(Debug)]
pub(crate) struct Overview {
    /// Those that this process works, first; then all others that this program knows.
    known: Vec<Queue>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Queues that were found in Redis and that this program does not know.
    others: Vec<Queue>,
    faults: Vec<&'static str>,
    deserted: BTreeSet<String>,
}

impl Overview {
    /// Of the queues that this process works, and of others that this program knows; each once, and counted over the connection
    /// of the keepers.
    pub(crate) fn of(stations: &[Arc<Station>], others: &[Queue]) -> Arc<Self> {
        let mut known: Vec<Queue> = Vec::new();
        let worked = stations
            .iter()
            .map(|station| (&station.queue, station.settings.lost_after));
        let lost_after = stations.first().map(|station| station.settings.lost_after);
        let others = others.iter().filter_map(|queue| Some((queue, lost_after?)));
        for (queue, lost_after) in worked.chain(others) {
            if known.iter().any(|one| one.name() == queue.name()) {
                continue;
            }
            // What one connection leads to, one connection counts.
            let same = |one: &&Queue| one.link().server() == queue.link().server();
            let link = known.iter().find(same).map(|one| one.link().clone());
            let link = link.unwrap_or_else(|| {
                let options = LinkOptions {
                    connect_timeout: Duration::from_secs(1),
                    response_timeout: ANSWER_WITHIN,
                };
                queue.link().another(options).called("keeper")
            });
            known.push(queue.over(link).with_lost_after(lost_after));
        }
        Arc::new(Self {
            known,
            seen: Mutex::default(),
        })
    }

    /// The connection of the keeper of a queue that this process works. It is opened on the keepers' thread.
    pub(crate) fn link_of(&self, queue: &Queue) -> Option<&Link> {
        let mut known = self.known.iter();
        known
            .find(|known| known.name() == queue.name())
            .map(Queue::link)
    }

    /// Every queue that is to be counted.
    pub(crate) fn queues(&self) -> Vec<Queue> {
        let others = lock(&self.seen).others.clone();
        self.known.iter().cloned().chain(others).collect()
    }

    /// What is wrong with how Redis is set up, a line each, for `/readyz`. It makes no process unready: taking all of them
    /// out of service would help nobody.
    pub(crate) fn faults(&self) -> String {
        let mut text = String::new();
        for fault in &lock(&self.seen).faults {
            let _ = writeln!(text, "warning: {fault}");
        }
        text
    }

    /// The loop. Ends by being aborted.
    pub(crate) async fn keep(self: Arc<Self>) {
        let Some(first) = self.known.first().cloned() else {
            return;
        };
        loop {
            // Whatever fails is looked at again a minute later: the loops that need Redis say that it is away.
            let _ = self.look(&first).await;
            sleep(LOOK_EVERY).await;
        }
    }

    /// One look.
    async fn look(&self, first: &Queue) -> Result<(), QueueError> {
        let link = first.link();
        if let Ok(Ok(facts)) = timeout(ANSWER_WITHIN, link.server_facts()).await {
            self.judge(&facts);
        }
        for queue in &self.known {
            // One whose primary is away keeps nothing of the others.
            let _ = self.forget(queue).await;
        }
        self.find(first, link).await?;
        self.desert().await;
        Ok(())
    }

    /// Forgets deliveries whose time is over. Whoever notes one forgets some; this is for queues that have become silent, and
    /// for a budget that was lowered.
    async fn forget(&self, queue: &Queue) -> Result<(), QueueError> {
        for _ in 0..FORGET_CALLS {
            if queue.forget_deliveries().await? < 1000 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Finds the queues that this program does not know.
    async fn find(&self, first: &Queue, link: &Link) -> Result<(), QueueError> {
        let namespace = first.keys().namespace();
        if link.first_to_walk(namespace, WALK_EVERY).await? {
            let mut scan = KeyScan::new(namespace, ScanFor::Queues);
            while !scan.ended() {
                scan.step(link).await?;
                sleep(STEP_PAUSE).await;
            }
            link.register_queues(namespace, &scan.queues).await?;
        }
        let names = link.registered_queues(namespace).await?;
        let others = names
            .iter()
            .filter(|name| !self.known.iter().any(|queue| queue.name() == **name));
        let others = others
            .take(MOST_OTHERS)
            .filter_map(|name| first.sibling(name).ok());
        lock(&self.seen).others = others.collect();
        Ok(())
    }

    /// Says once that jobs wait in a queue that nobody works.
    async fn desert(&self) {
        let mut deserted = BTreeMap::new();
        let queues = self.queues();
        let asking = queues.iter();
        let asking = asking.map(|queue| timeout(ANSWER_WITHIN, queue.stats()));
        for (queue, answer) in queues.iter().zip(join_all(asking).await) {
            match answer {
                Ok(Ok(stats)) if stats.workers == 0 && stats.to_do() > 0 => {
                    deserted.insert(queue.name().to_owned(), stats.to_do());
                }
                Ok(Ok(_) | Err(QueueError::Refused { .. } | QueueError::Unexpected(_))) => {}
                // What was said of it before stands.
                _ => {
                    let name = queue.name();
                    if lock(&self.seen).deserted.contains(name) {
                        deserted.insert(name.to_owned(), 0);
                    }
                }
            }
        }
        let before = std::mem::replace(
            &mut lock(&self.seen).deserted,
            deserted.keys().cloned().collect(),
        );
        for (queue, jobs) in deserted
            .iter()
            .filter(|(queue, _)| !before.contains(*queue))
        {
            tracing::error!(
                queue,
                jobs,
                "no worker serves this queue: its jobs wait until one does"
            );
        }
        for queue in before.iter().filter(|queue| !deserted.contains_key(*queue)) {
            tracing::info!(
                queue,
                "a worker serves this queue again, or its jobs are gone"
            );
        }
    }

    /// Says once what has become wrong with how Redis is set up, and what has become right again.
    pub(crate) fn judge(&self, facts: &ServerFacts) {
        let faults = faults(facts);
        let before = std::mem::replace(&mut lock(&self.seen).faults, faults.clone());
        for fault in faults.iter().filter(|fault| !before.contains(fault)) {
            let policy = facts.eviction_policy.as_deref();
            tracing::error!(
                maxmemory_policy = policy,
                replicas = facts.replicas,
                "{fault}"
            );
        }
        for fault in before.iter().filter(|fault| !faults.contains(fault)) {
            tracing::info!("no longer so: {fault}");
        }
    }
}

/// What would lose jobs. What it does not say is `doctor`'s to tell.
fn faults(facts: &ServerFacts) -> Vec<&'static str> {
    let mut faults = Vec::new();
    if facts.may_evict() == Some(true) {
        faults.push(
            "Redis may drop jobs when its memory is full: set `maxmemory-policy noeviction` there",
        );
    }
    if facts.persists == Some(false) {
        faults
            .push("Redis could not write to its disk: look at its log and at the free space there");
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_lose_jobs_is_a_fault_and_what_is_not_known_is_none() {
        let well = ServerFacts {
            eviction_policy: Some("noeviction".to_owned()),
            persists: Some(true),
            ..ServerFacts::default()
        };
        assert_eq!(faults(&well).len(), 0);
        assert_eq!(faults(&ServerFacts::default()).len(), 0);
        let ill = ServerFacts {
            eviction_policy: Some("allkeys-lru".to_owned()),
            persists: Some(false),
            ..ServerFacts::default()
        };
        assert_eq!(faults(&ill).len(), 2);
    }
}
