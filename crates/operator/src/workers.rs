//! Worker processes as rows.

use std::collections::BTreeMap;

use longshore_queue::LivingWorker;
use serde::Serialize;

use crate::dead::UNREADABLE;
use crate::time::rfc3339;

/// One worker process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkerRow {
    /// Its name, the first part of its identities in histories.
    pub worker: String,
    /// The machine, or container; `None` when it has not said.
    pub host: Option<String>,
    /// The process's number there.
    pub pid: Option<u32>,
    /// Which Longshore it is.
    pub version: Option<String>,
    /// When it began, by its own clock, RFC 3339.
    pub started_at: Option<String>,
    /// How long ago it beat, in the queue where that is longest.
    pub beat_age_seconds: f64,
    /// The queues that it works.
    pub queues: Vec<String>,
    /// The kinds that it can carry out.
    pub kinds: Vec<String>,
    /// How many jobs it runs.
    pub running: u64,
    /// How many it runs at a time, in all of its queues; 0 = it does not say.
    pub slots: u64,
    /// Nothing is wrong with it, as far as it knows.
    pub fit: bool,
    /// What is: the hosts that it does not reach, with the cause.
    pub note: Option<String>,
}

impl WorkerRow {
    /// Who works this queue cannot be told.
    pub(crate) fn broken(queue: &str, why: String) -> Self {
        Self {
            worker: UNREADABLE.to_owned(),
            host: None,
            pid: None,
            version: None,
            started_at: None,
            beat_age_seconds: 0.0,
            queues: vec![queue.to_owned()],
            kinds: Vec::new(),
            running: 0,
            slots: 0,
            fit: false,
            note: Some(why),
        }
    }
}

/// Puts the workers of several queues together, by process.
pub(crate) fn rows(found: Vec<(String, Vec<LivingWorker>)>) -> Vec<WorkerRow> {
    let mut rows: BTreeMap<(String, u64), WorkerRow> = BTreeMap::new();
    for (queue, workers) in found {
        for worker in workers {
            // One that says nothing of itself is known by its lease alone.
            let key = worker.facts.as_ref().map_or_else(
                || (worker.worker.clone(), 0),
                |facts| (facts.process.clone(), facts.started_at_ms),
            );
            let row = rows.entry(key).or_insert_with(|| new(&worker));
            add(row, &queue, worker);
        }
    }
    rows.into_values().collect()
}

fn new(worker: &LivingWorker) -> WorkerRow {
    let facts = worker.facts.as_ref();
    WorkerRow {
        worker: facts.map_or_else(|| worker.worker.clone(), |facts| facts.process.clone()),
        host: facts.map(|facts| facts.host.clone()),
        pid: facts.map(|facts| facts.pid),
        version: facts.map(|facts| facts.version.clone()),
        started_at: facts.map(|facts| rfc3339(facts.started_at_ms)),
        beat_age_seconds: 0.0,
        queues: Vec::new(),
        kinds: Vec::new(),
        running: 0,
        slots: 0,
        fit: true,
        note: None,
    }
}

fn add(row: &mut WorkerRow, queue: &str, worker: LivingWorker) {
    row.queues.push(queue.to_owned());
    row.running += worker.running;
    row.beat_age_seconds = row.beat_age_seconds.max(worker.beat_age.as_secs_f64());
    let Some(facts) = worker.facts else { return };
    row.slots += u64::from(facts.slots);
    row.kinds.extend(facts.kinds);
    for trouble in facts.trouble {
        row.fit = false;
        let note = row.note.get_or_insert_default();
        // The same host may be missed by several queues.
        if !note.contains(&trouble) {
            if !note.is_empty() {
                note.push_str("; ");
            }
            note.push_str(&trouble);
        }
    }
}
