//! What producers and operators do, by the commands of their build.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use longshore_client::JobId;
use longshore_client::kinds::SendEmail;
use longshore_tests::{Caller, Said, email, gone_by};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// How often a producer enqueues a batch.
const EVERY: Duration = Duration::from_millis(200);

/// Plain mails of a batch.
const PLAIN: usize = 12;

/// The tag of mails that are due in an hour, and cancelled before.
pub(crate) const LATER: &str = "later";

/// What became of everybody's calls.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    pub(crate) accepted: Vec<JobId>,
    /// Those that are due in an hour.
    pub(crate) later: Vec<JobId>,
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

    /// A command that must have gone well.
    fn expect_well(&self, args: &[&str], said: &Said) {
        if said.code != Some(0) {
            let problem = format!("`{}`: {said:?}", args.join(" "));
            self.with(|noted| noted.problems.push(problem));
        }
    }
}

/// What a line of a batch is about.
enum Line {
    Plain,
    Later,
    Keyed(String),
}

/// One batch: mails that go at once, with priorities and tenants, one that the provider refuses at first, one with a key that
/// the other build uses, too, and one that is due in an hour.
fn batch(number: usize) -> Vec<(Line, Value)> {
    let args = |mail: SendEmail| serde_json::to_value(mail).expect("JSON");
    let plain = (0..PLAIN).map(|n| {
        let priority = ["high", "normal", "low"][n % 3];
        let tenant = format!("shop-{}", n % 4);
        let mail = args(email(number * PLAIN + n));
        let line = json!({ "args": mail, "priority": priority, "tenant": tenant });
        (Line::Plain, line)
    });
    let refused = SendEmail::new("invoice", format!("refused{number}@example.com"));
    let keyed = format!("order-{number}");
    let others = [
        (Line::Plain, json!({ "args": args(refused) })),
        (
            Line::Keyed(keyed.clone()),
            json!({ "args": args(email(number)), "key": keyed }),
        ),
        (
            Line::Later,
            json!({ "args": args(email(number)), "in": "1h", "tags": [LATER] }),
        ),
    ];
    plain.chain(others).collect()
}

/// Enqueues batches until it is over.
pub(crate) fn produce(caller: Caller, notes: Notes, over: Arc<AtomicBool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut number = 0;
        while !over.load(Ordering::Acquire) {
            let since = Instant::now();
            let lines = batch(number);
            number += 1;
            let stdin: Vec<_> = lines.iter().map(|(_, line)| line.to_string()).collect();
            let said = caller
                .call(&["enqueue", "send_email", "-"], &stdin.join("\n"))
                .await;
            let ids: Vec<JobId> = said
                .stdout
                .lines()
                .filter_map(|id| id.parse().ok())
                .collect();
            notes.with(|noted| noted.take(lines, ids, &said));
            gone_by(EVERY, since).await;
        }
    })
}

impl Noted {
    fn take(&mut self, lines: Vec<(Line, Value)>, ids: Vec<JobId>, said: &Said) {
        self.accepted.extend(&ids);
        if said.code != Some(0) || ids.len() != lines.len() {
            // While Redis is away it may be refused. What was accepted before that is said.
            if !said.stderr.contains("Redis") {
                self.problems.push(format!("`enqueue`: {said:?}"));
            }
            return;
        }
        for ((line, _), id) in lines.into_iter().zip(ids) {
            match line {
                Line::Plain => {}
                Line::Later => self.later.push(id),
                Line::Keyed(key) => {
                    let holder = *self.keys.entry(key.clone()).or_insert(id);
                    if holder != id {
                        let problem = format!("the key {key} stands for {holder} and {id}");
                        self.problems.push(problem);
                    }
                }
            }
        }
    }
}

/// One round of an operator: looks at everything, pauses and resumes, and cancels a job. Returns which.
pub(crate) async fn operate(caller: &Caller, notes: &Notes) -> Option<JobId> {
    let looks: [&[&str]; 4] = [
        &["queues", "--json"],
        &["workers", "--json"],
        &["dead", "groups", "--json"],
        &["audit", "--json"],
    ];
    let acts: [&[&str]; 2] = [
        &["pause", "email", "--reason", "a deploy"],
        &["resume", "email"],
    ];
    for args in looks.into_iter().chain(acts) {
        notes.expect_well(args, &caller.call(args, "").await);
    }
    let later = notes.with(|noted| noted.later.pop())?;
    let id = later.to_string();
    let shown = ["job", &id];
    notes.expect_well(&shown, &caller.call(&shown, "").await);
    let args = ["jobs", "cancel", &id, "--reason", "not wanted any more"];
    notes.expect_well(&args, &caller.call(&args, "").await);
    Some(later)
}

/// Has every dead letter of the queue replayed, by the fleet.
pub(crate) async fn replay(caller: &Caller, notes: &Notes) {
    let args = [
        "dead", "replay", "--queue", "email", "--rate", "500", "--yes", "--detach",
    ];
    notes.expect_well(&args, &caller.call(&args, "").await);
}

/// Cancels all that is due in an hour, as one operation.
pub(crate) async fn cancel_all(caller: &Caller, notes: &Notes) {
    let args = [
        "jobs", "cancel", "--queue", "email", "--tag", LATER, "--reason", "over", "--yes",
    ];
    notes.expect_well(&args, &caller.call(&args, "").await);
}
