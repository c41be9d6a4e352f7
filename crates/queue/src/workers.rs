//! What workers say of themselves.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use redis::Value;
use serde::{Deserialize, Serialize};

use crate::enqueue::millis;
use crate::notices::{UNWANTED_KEPT, words};
use crate::value::Reply;
use crate::{Lease, Queue, QueueError, script};

/// At most so many workers of a queue are listed.
const MOST_LISTED: usize = 1000;

/// What a worker says of itself. Stored as JSON in [`Keys::worker_facts`](crate::Keys::worker_facts), where scripts read
/// `kinds`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerFacts {
    /// The process: the same in all queues that it works.
    pub process: String,
    /// The machine, or container.
    pub host: String,
    /// The process's number there.
    pub pid: u32,
    /// Which Longshore it is.
    pub version: String,
    /// When the process began, in ms since the epoch, by its own clock.
    pub started_at_ms: u64,
    /// How many jobs of this queue it runs at a time; 0 = it does not say.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub slots: u32,
    /// The kinds that it can carry out in this queue, in order.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// What it cannot do at present, in words: the hosts that it does not reach, with the cause. Empty for a well one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trouble: Vec<String>,
}

fn is_zero(slots: &u32) -> bool {
    *slots == 0
}

/// A worker that has a lease on a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivingWorker {
    /// The identity of its lease.
    pub worker: String,
    /// How long ago it beat.
    pub beat_age: Duration,
    /// What it says of itself; `None` when it has not said anything that can be read.
    pub facts: Option<WorkerFacts>,
    /// How many jobs it runs in this queue.
    pub running: u64,
}

impl Queue {
    /// Makes known what a worker says of itself. Parked jobs of its kinds wait for it from then on. `false` when it has no
    /// lease.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn announce(&self, lease: &Lease, facts: &WorkerFacts) -> Result<bool, QueueError> {
        let k = &self.keys;
        let mut call = script::ANNOUNCE
            .on(&[
                &k.workers,
                &k.worker_facts,
                &k.kinds,
                &k.sought,
                &k.idle,
                &k.timeline,
                &k.stats,
                &k.minutes,
                &k.notices,
            ])
            .arg(lease.worker().as_str())
            .arg(serde_json::to_string(facts).unwrap_or_default())
            .arg(
                self.max_waiting
                    .map(|most| most.to_string())
                    .unwrap_or_default(),
            )
            .arg(words(self.notices.as_deref()))
            .arg(millis(UNWANTED_KEPT));
        for kind in &facts.kinds {
            call = call.arg(kind);
        }
        let held: u8 = call.run(&self.link).await?;
        Ok(held == 1)
    }

    /// The workers of the queue, the stalest first; at most 1,000.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn workers(&self) -> Result<Vec<LivingWorker>, QueueError> {
        let mut workers = self.living().await?;
        let running = self.running_by_worker().await?;
        for found in &mut workers {
            found.running = running.get(&found.worker).copied().unwrap_or(0);
        }
        Ok(workers)
    }

    /// Whether a worker has beaten lately enough to count.
    #[must_use]
    pub fn is_fresh(&self, worker: &LivingWorker) -> bool {
        worker.beat_age < self.lost_after
    }

    /// What is wrong with workers of the queue, as they say: which of them, and what.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn trouble(&self) -> Result<Vec<(String, String)>, QueueError> {
        let living = self.living().await?;
        let facts = living.into_iter().filter_map(|worker| worker.facts);
        Ok(facts
            .flat_map(|facts| {
                let process = facts.process;
                facts
                    .trouble
                    .into_iter()
                    .map(move |trouble| (process.clone(), trouble))
            })
            .collect())
    }

    /// The kinds that living workers of the queue say to know.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn known_kinds(&self) -> Result<BTreeSet<String>, QueueError> {
        let living = self.living().await?.into_iter();
        let living = living.filter(|worker| self.is_fresh(worker));
        let facts = living.filter_map(|worker| worker.facts);
        Ok(facts.flat_map(|facts| facts.kinds).collect())
    }

    /// As [`workers`](Self::workers), without how many jobs each runs: 0.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn living(&self) -> Result<Vec<LivingWorker>, QueueError> {
        let value: Value = script::WORKERS
            .on(&[&self.keys.workers, &self.keys.worker_facts])
            .arg(MOST_LISTED)
            .run(&self.link)
            .await?;
        let mut answer = Reply::new(value)?;
        let now: u64 = answer.next()?;
        let (mut rows, mut facts) = (answer.list()?, answer.list()?);
        let mut workers = Vec::new();
        while !rows.is_empty() {
            let worker = String::from_utf8_lossy(&rows.next::<Vec<u8>>()?).into_owned();
            let beat = rows.number::<f64>()?.unwrap_or_default();
            // Anybody can write there: what cannot be read was not said.
            let facts: Option<Vec<u8>> = facts.next()?;
            workers.push(LivingWorker {
                beat_age: Duration::from_millis(now.saturating_sub(beat as u64)),
                facts: facts.and_then(|facts| serde_json::from_slice(&facts).ok()),
                running: 0,
                worker,
            });
        }
        Ok(workers)
    }

    /// How many jobs each worker runs, counted in chunks, so that Redis serves others meanwhile.
    async fn running_by_worker(&self) -> Result<HashMap<String, u64>, QueueError> {
        let mut running = HashMap::new();
        let mut cursor = "0".to_owned();
        loop {
            let mut command = redis::cmd("HSCAN");
            command
                .arg(&self.keys.inflight)
                .arg(&cursor)
                .arg("COUNT")
                .arg(1000);
            let (next, chunk): (String, Vec<Vec<u8>>) = match self.link.command(&command).await {
                // Another program wrote there: then nobody runs anything that is known.
                Err(error) if error.is_wrong_type() => return Ok(running),
                answer => answer?,
            };
            for token in chunk.iter().skip(1).step_by(2) {
                let token = String::from_utf8_lossy(token);
                let worker = token.rsplit_once(':').map_or(&*token, |(worker, _)| worker);
                *running.entry(worker.to_owned()).or_default() += 1;
            }
            if next == "0" {
                return Ok(running);
            }
            cursor = next;
        }
    }
}
