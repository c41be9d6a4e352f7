//! What producers and operators do, by the commands of their build.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use longshore_client::JobId;
use longshore_tests::{Caller, Said, gone_by};
use tokio::task::JoinHandle;

use crate::sort::{LATER, Line, Sort, mails, others};

/// How often a producer enqueues a batch.
const EVERY: Duration = Duration::from_millis(200);

/// What became of everybody's calls.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    pub(crate) accepted: Vec<(JobId, Sort)>,
    /// Those that are due in an hour, and that no operator has taken up.
    pub(crate) later: Vec<JobId>,
    /// Those of them that an operator has run at once.
    pub(crate) run: Vec<JobId>,
    /// The job that each key stands for.
    keys: BTreeMap<String, JobId>,
    pub(crate) problems: Vec<String>,
}

/// The same, shared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Noted>>);

impl Notes {
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Noted) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn problem(&self, problem: String) {
        self.with(|noted| noted.problems.push(problem));
    }

    /// A command that must have gone well.
    async fn do_well(&self, caller: &Caller, args: &[&str]) {
        let said = caller.call(args, "").await;
        if said.code != Some(0) {
            self.problem(format!("`{}`: {said:?}", args.join(" ")));
        }
    }
}

/// A producer, of how many, and what all builds know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) number: usize,
    pub(crate) of: usize,
    pub(crate) services: bool,
}

/// Enqueues batches until it is over.
pub(crate) fn produce(
    caller: Caller,
    place: Place,
    notes: Notes,
    over: Arc<AtomicBool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut number = 0;
        while !over.load(Ordering::Acquire) {
            let since = Instant::now();
            let own = number * place.of + place.number;
            let mut batch = vec![("send_email", mails(number))];
            batch.extend(others(number, own, place.services));
            number += 1;
            for (kind, lines) in batch {
                let stdin: Vec<_> = lines.iter().map(|line| line.json.to_string()).collect();
                let args = ["enqueue", kind, "-"];
                let said = caller.call(&args, &stdin.join("\n")).await;
                notes.with(|noted| noted.take(lines, &said));
            }
            gone_by(EVERY, since).await;
        }
    })
}

impl Noted {
    fn take(&mut self, lines: Vec<Line>, said: &Said) {
        let ids = said.stdout.lines().filter_map(|id| id.parse().ok());
        let ids: Vec<JobId> = ids.collect();
        let is_whole = said.code == Some(0) && ids.len() == lines.len();
        // While Redis is away it may be refused. What was accepted before that is said.
        if !is_whole && !said.stderr.contains("Redis") {
            self.problems.push(format!("`enqueue`: {said:?}"));
        }
        for (line, id) in lines.into_iter().zip(ids) {
            self.accepted.push((id, line.sort));
            if line.sort == Sort::Later {
                self.later.push(id);
            }
            if let Some(key) = line.key {
                let holder = *self.keys.entry(key.clone()).or_insert(id);
                if holder != id {
                    let problem = format!("the key {key} stands for {holder} and {id}");
                    self.problems.push(problem);
                }
            }
        }
    }
}

/// One round of an operator, on whatever jobs there are: looks at everything, pauses and resumes queues, takes back one job that is
/// due later, and runs another at once. Returns the one that was taken back.
pub(crate) async fn operate(caller: &Caller, notes: &Notes) -> Option<JobId> {
    let looks: [&[&str]; 5] = [
        &["queues", "--json"],
        &["workers", "--json"],
        &["dead", "groups", "--json"],
        &["audit", "--json"],
        &["cron", "list", "--json"],
    ];
    for args in looks {
        notes.do_well(caller, args).await;
    }
    for queue in ["email", "payment-reconcile"] {
        let pause = ["pause", queue, "--reason", "a deploy"];
        notes.do_well(caller, &pause).await;
        notes.do_well(caller, &["resume", queue]).await;
    }
    if let Some(now) = notes.with(|noted| noted.later.pop()) {
        notes.with(|noted| noted.run.push(now));
        let id = now.to_string();
        notes.do_well(caller, &["jobs", "run", &id, "--yes"]).await;
    }
    let back = notes.with(|noted| noted.later.pop())?;
    let id = back.to_string();
    notes.do_well(caller, &["job", &id]).await;
    let args = ["jobs", "cancel", &id, "--reason", "not wanted any more"];
    notes.do_well(caller, &args).await;
    Some(back)
}

/// Has every dead letter of the queue replayed, by the fleet.
pub(crate) async fn replay(caller: &Caller, notes: &Notes) {
    let args = [
        "dead", "replay", "--queue", "email", "--rate", "500", "--yes", "--detach",
    ];
    notes.do_well(caller, &args).await;
}

/// Cancels all that is due in an hour, as one operation, and stops what ticks.
pub(crate) async fn end(caller: &Caller, notes: &Notes) {
    let args = [
        "jobs", "cancel", "--queue", "email", "--tag", LATER, "--reason", "over", "--yes",
    ];
    notes.do_well(caller, &args).await;
    let args = ["cron", "pause", TICK, "--reason", "over"];
    notes.do_well(caller, &args).await;
}

/// The cron entry, and whom it writes to.
pub(crate) const TICK: &str = "tick";
pub(crate) const TICK_TO: &str = "tick@example.com";
