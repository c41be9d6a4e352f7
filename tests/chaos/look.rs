//! What stands in Redis of a queue: its jobs, its sets, its keys and its audit.

use std::collections::{HashMap, HashSet};

use longshore_client::kinds::SendEmail;
use longshore_client::{Client, Job, JobId, JobState};
use longshore_queue::{HistoryEntry, JobInfo, Key, Queue, RawId, Recorded};
use longshore_tests::NAMESPACE;

use crate::facts::{AuditNote, Facts, Found, JobRun, KeyUse, Promise, Sets};

/// Every job of a queue, and what each of its keys holds.
pub(crate) async fn look_at(queue: &Queue, name: &'static str) -> (Sets, HashMap<JobId, Found>) {
    let keys = queue.keys();
    let mut sets = Sets {
        queue: name,
        ..Sets::default()
    };
    for (set, command, key) in [
        ("data", "HKEYS", &keys.data),
        ("records", "HKEYS", &keys.records),
        ("active", "LRANGE", &keys.active),
        ("lanes", "ZRANGE", &keys.lanes),
        ("lane", "HKEYS", &keys.lane),
        ("scheduled", "ZRANGE", &keys.scheduled),
        ("retryable", "SMEMBERS", &keys.retryable),
        ("inflight", "HKEYS", &keys.inflight),
        ("parked", "ZRANGE", &keys.parked),
        ("dead", "ZRANGE", &keys.dead),
        ("letters", "ZRANGE", &keys.letters),
        ("completed", "LRANGE", &keys.completed),
        ("completions", "HKEYS", &keys.completions),
        ("cancelled", "LRANGE", &keys.cancelled),
    ] {
        let mut read = redis::cmd(command);
        read.arg(key);
        if command.ends_with("RANGE") {
            read.arg(0).arg(-1);
        }
        let entries: Vec<String> = queue.link().command(&read).await.expect("Redis answers");
        // A batch is `<ms> <bytes> <id> <id> …`, a letter `<group> <ms> <id>`.
        let ids = entries.iter().flat_map(|entry| match set {
            "completed" | "cancelled" => entry.split(' ').skip(2).collect(),
            "letters" => entry.split(' ').skip(2).collect::<Vec<_>>(),
            _ => vec![entry.as_str()],
        });
        let ids: Vec<_> = ids.map(str::to_owned).collect();
        sets.members.insert(set, ids.into_iter().collect());
    }
    let all: HashSet<_> = sets.members.values().flatten().cloned().collect();
    let mut found = HashMap::new();
    for id in all {
        let job = queue.job(&RawId::unescape(&id)).await;
        let Some(job) = job.expect("Redis answers") else {
            continue;
        };
        sets.jobs.insert(id.clone(), job.state);
        if let Ok(id) = id.parse() {
            found.insert(id, found_as(name, job));
        }
    }
    (sets, found)
}

fn found_as(queue: &'static str, job: JobInfo) -> Found {
    let runs = job.history.iter().map(|Recorded { at_ms, entry }| JobRun {
        outcome: entry.outcome.clone(),
        worker: entry.worker.clone(),
        attempt: entry.attempt,
        probe: entry.probe,
        at_ms: *at_ms,
        duration_ms: entry.duration_ms.unwrap_or_default(),
        answer: answer(entry),
        reason: entry.reason.clone(),
    });
    let mut history = job.history.iter().rev().map(|recorded| &recorded.entry);
    let last = history.find(|entry| entry.outcome != "edited");
    let cause = last.map(|entry| match &entry.answer.code {
        Some(code) => format!("{}: {code}", entry.outcome),
        None => entry.outcome.clone(),
    });
    Found {
        state: job.state,
        queue,
        runs: runs.collect(),
        cause: cause.filter(|_| job.state == JobState::Dead),
        ended_ms: job.ended_at_ms,
        tick: job
            .cron
            .filter(|cron| !cron.by_hand)
            .map(|cron| (cron.entry, cron.tick_ms)),
        delivery: job.delivery.and_then(|delivery| delivery.state),
        put_back: job.put_back.map(|Recorded { at_ms, entry }| {
            let reason = entry.reason.unwrap_or_default();
            (at_ms, format!("{}: {reason}", entry.outcome))
        }),
    }
}

/// Its provider's status or code.
fn answer(entry: &HistoryEntry) -> Option<String> {
    let status = entry.answer.status.map(|status| status.to_string());
    status.or_else(|| entry.answer.code.clone())
}

/// What operators have done in a queue.
pub(crate) async fn audit_of(queue: &Queue, name: &'static str) -> Vec<AuditNote> {
    let entries = queue.audit(None, 100_000).await.expect("Redis answers");
    let note = |entry: longshore_queue::AuditEntry| AuditNote {
        queue: name,
        action: entry.action,
        by: entry.by,
        reason: entry.reason,
    };
    entries.into_iter().map(note).collect()
}

/// Which job holds a key in the end, and whether it has a time limit.
pub(crate) async fn look_up(client: &Client, queue: &Queue, used: &mut KeyUse) {
    let holder = client.find_by_name(SendEmail::KIND, &used.key).await;
    used.holder = holder.expect("Redis answers");
    let key = Key::new(SendEmail::KIND, &used.key);
    let name = format!("{{{NAMESPACE}:email}}:idempotency:{}", key.full_name());
    let mut limit = redis::cmd("PTTL");
    let left: i64 = queue
        .link()
        .command(limit.arg(name))
        .await
        .expect("Redis answers");
    used.has_limit = left > 0;
}

/// Whether a text stands in what is stored of any job.
pub(crate) async fn stands_in(queue: &Queue, text: &str) -> bool {
    let keys = queue.keys();
    for hash in [
        &keys.data,
        &keys.records,
        &keys.completions,
        &keys.deliveries,
    ] {
        let mut read = redis::cmd("HVALS");
        let values: Vec<Vec<u8>> = queue
            .link()
            .command(read.arg(hash))
            .await
            .expect("Redis answers");
        let has = |value: &Vec<u8>| {
            value
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        if values.iter().any(has) {
            return true;
        }
    }
    false
}

/// Who was forgotten.
pub(crate) fn people(facts: &Facts) -> HashSet<String> {
    let promises = facts.commands.iter().flat_map(|command| &command.promises);
    let people = promises.filter_map(|promise| match promise {
        Promise::PersonForgotten(_, person) => Some(person.clone()),
        _ => None,
    });
    people.collect()
}

/// What Redis's data take, of the server that has this queue.
pub(crate) async fn used_memory(queue: &Queue) -> u64 {
    let mut info = redis::cmd("INFO");
    let said: String = match queue.link().command_anywhere(info.arg("memory")).await {
        Ok(said) => said,
        Err(_) => return 0,
    };
    let mut lines = said.lines();
    let used = lines.find_map(|line| line.strip_prefix("used_memory:"));
    used.and_then(|bytes| bytes.trim().parse().ok())
        .unwrap_or_default()
}
