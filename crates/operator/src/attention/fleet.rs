//! What is wrong with Redis, with workers and with cron entries.

use std::collections::BTreeSet;

use super::{AttentionFacts, AttentionRow, Concern, NextStep, Urgency};
use crate::time::{counted, ms_of, span};
use crate::workers::WorkerRow;

/// How full Redis's memory may be, as the alert has it.
const FULL: f64 = 0.7;

/// How late a tick may be, as the alert has it.
const LATE_MS: u64 = 300_000;

/// A process notes once a minute that it ticks the entries of a queue; three times that without one is long.
const SILENT_MS: u64 = 180_000;

/// How long a deploy may take, until workers of several versions are worth a line.
const DEPLOY_MS: u64 = 900_000;

pub(super) fn rows(facts: &AttentionFacts) -> Vec<AttentionRow> {
    let mut rows = server(facts);
    rows.extend(cron(facts));
    rows.extend(unfit(facts));
    rows.extend(versions(facts));
    rows.extend(kinds(facts));
    rows
}

fn server(facts: &AttentionFacts) -> Vec<AttentionRow> {
    let Some(server) = &facts.server else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    let mut add = |concern, what: &str, means: String, next| {
        let row = AttentionRow::new(Urgency::Now, concern, what.to_owned(), NextStep::Doctor);
        rows.push(row.means(means).next(next));
    };
    if server.may_evict() == Some(true) {
        let policy = server.eviction_policy.as_deref().unwrap_or("unknown");
        add(
            Concern::RedisMayEvict,
            "Redis may drop jobs when its memory is full",
            format!("its maxmemory-policy is {policy}"),
            "Set maxmemory-policy to noeviction.",
        );
    }
    if server.persists == Some(false) {
        add(
            Concern::RedisPersistsLess,
            "Redis could not write to its disk",
            "what was accepted since may be lost with its process".to_owned(),
            "Check Redis's log and the free space of its disk.",
        );
    }
    let most = server.max_memory.filter(|most| *most > 0);
    if let (Some(used), Some(most)) = (server.used_memory, most) {
        let share = used as f64 / most as f64;
        if share > FULL {
            add(
                Concern::RedisMemory,
                "Redis's memory is nearly full: then it takes no more jobs",
                format!("{:.0} % of {} MiB are used", share * 100.0, most >> 20),
                "Raise maxmemory; then see which queue grows.",
            );
        }
    }
    rows
}

fn cron(facts: &AttentionFacts) -> Vec<AttentionRow> {
    let mut rows = Vec::new();
    let mut silent = BTreeSet::new();
    let is_away = |queue: &str| {
        let mut queues = facts.queues.iter();
        queues.any(|row| row.queue == queue && row.away.is_some())
    };
    let entries = facts.cron.iter().filter(|entry| entry.inactive.is_none());
    for entry in entries.filter(|entry| !is_away(&entry.queue)) {
        let step = NextStep::Entry(entry.name.clone());
        if let Some(pause) = &entry.paused {
            let what = format!("{} paused the cron entry {}", pause.by, entry.name);
            let means = match pause.reason.as_str() {
                "" => "no reason was given".to_owned(),
                reason => format!("because: {reason}"),
            };
            rows.push(
                AttentionRow::new(Urgency::Later, Concern::EntryPaused, what, step)
                    .of_queue(&entry.queue)
                    .since(Some(&pause.since))
                    .means(means)
                    .next("Resume it when the reason is over: what it skips is not made up for."),
            );
            continue;
        }
        let looked = entry.looked_at.as_deref().and_then(ms_of);
        let is_silent = looked.is_none_or(|at| at + SILENT_MS < facts.now_ms);
        if is_silent {
            // One line for all entries of a queue.
            if silent.insert(&entry.queue) {
                let what = format!("no worker ticks the cron entries of {}", entry.queue);
                rows.push(
                    AttentionRow::new(Urgency::Soon, Concern::TickMissed, what, step)
                        .of_queue(&entry.queue)
                        .since(entry.looked_at.as_ref())
                        .means("its entries make no jobs")
                        .next("Start a worker, of whatever queue."),
                );
            }
            continue;
        }
        let Some(due) = entry.overdue_since.as_deref().and_then(ms_of) else {
            continue;
        };
        let late = facts.now_ms.saturating_sub(due);
        if late > LATE_MS {
            let what = format!("the tick of {} is {} late", entry.name, span(late));
            rows.push(
                AttentionRow::new(Urgency::Soon, Concern::TickMissed, what, step)
                    .of_queue(&entry.queue)
                    .since(entry.overdue_since.as_ref())
                    .means(format!("its job of {} was not made", entry.kind))
                    .next("See why no worker makes it; run it by hand to make up for one."),
            );
        }
    }
    rows
}

fn unfit(facts: &AttentionFacts) -> Vec<AttentionRow> {
    let unfit = facts.workers.iter().filter(|worker| !worker.fit);
    let row = |worker: &WorkerRow| {
        let host = worker.host.as_deref().unwrap_or("an unknown host");
        let what = format!(
            "the worker {} on {host} leaves jobs to others",
            worker.worker
        );
        let step = NextStep::Workers;
        AttentionRow::new(Urgency::Later, Concern::WorkerUnfit, what, step)
            .means(worker.note.clone().unwrap_or_default())
            .next("Fix what it does not reach; it goes on by itself.")
    };
    unfit.map(row).collect()
}

fn versions(facts: &AttentionFacts) -> Option<AttentionRow> {
    let workers = facts.workers.iter();
    let versions: BTreeSet<_> = workers.filter_map(|row| row.version.as_deref()).collect();
    if versions.len() < 2 {
        return None;
    }
    // A deploy is over when the last worker that it brought has run for a while.
    let started = facts.workers.iter().filter_map(|row| {
        let at = row.started_at.as_ref()?;
        Some((ms_of(at)?, at))
    });
    let (last, since) = started.max()?;
    if last + DEPLOY_MS > facts.now_ms {
        return None;
    }
    let each = versions.iter().map(|version| {
        let of = |row: &&WorkerRow| row.version.as_deref() == Some(*version);
        let workers = facts.workers.iter().filter(of).count() as u64;
        format!("{} of {version}", counted(workers, "worker"))
    });
    let means = each.collect::<Vec<_>>().join(", ");
    let what = "workers of different versions run side by side".to_owned();
    let step = NextStep::Workers;
    Some(
        AttentionRow::new(Urgency::Later, Concern::VersionsDiffer, what, step)
            .since(Some(since))
            .means(means)
            .next("Finish the deploy, or roll it back."),
    )
}

fn kinds(facts: &AttentionFacts) -> Vec<AttentionRow> {
    let rows = facts.kinds_differ.iter().map(|differ| {
        let queue = &differ.queue;
        let what = format!(
            "not every worker of {queue} knows {}",
            differ.kinds.join(", ")
        );
        let step = NextStep::Workers;
        let lacking = counted(differ.workers.len() as u64, "worker");
        AttentionRow::new(Urgency::Later, Concern::KindsDiffer, what, step)
            .of_queue(queue)
            .means(format!("{lacking} of it cannot run them"))
            .next("Give all workers of a queue the same program.")
    });
    rows.collect()
}
