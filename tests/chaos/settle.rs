//! The end of a leg: everything comes to its end, and what became of it is looked up.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use longshore_client::{JobId, JobState};
use longshore_queue::{HistoryEntry, JobInfo, Queue, Recorded, Selection, Signed, Stats};
use longshore_tests::{Act, contact_path, gone_by};

use crate::facts::{Accepted, Facts, Found, JobRun};
use crate::leg::{ACTS, Leg};
use crate::rows::came_to;
use crate::sort::Sort;

/// How long everything may take to end once all is well: a verified text message waits for a minute.
const DRAIN: Duration = Duration::from_secs(150);

impl Leg {
    /// Lets everything end, and finds out what became of it. Returns what was done to it, and the facts.
    pub(crate) async fn settle(mut self) -> (BTreeMap<&'static str, usize>, Facts) {
        let queues = self.queues();
        let give_up = Instant::now() + DRAIN;
        let waiting = "SELECT count(*) FROM longshore_outbox WHERE held_at IS NULL";
        while self.postgres.sql(waiting) != "0" && Instant::now() < give_up {
            gone_by(Duration::from_secs(1), Instant::now()).await;
        }
        let events = self.stage.queue.sibling("events").expect("a valid name");
        let all = [&queues[..], std::slice::from_ref(&events)].concat();
        while !ended(&all).await && Instant::now() < give_up {
            for queue in &all {
                back_date(queue).await;
            }
            replay(&events).await;
            gone_by(Duration::from_secs(1), Instant::now()).await;
        }
        for queue in &all {
            let stats = queue.stats().await.expect("Redis answers");
            let under_way = under_way(queue, &stats);
            if under_way > 0 {
                self.facts
                    .unsettled
                    .push(format!("{}: {stats:?}", queue.name()));
            }
        }
        self.look_at_rows(&queues).await;
        for Accepted { id, sort, .. } in self.facts.accepted.clone() {
            if let Some(found) = find(&queues, id, sort.act()).await {
                self.facts.found.insert(id, found);
            }
        }
        let plain = self.plain_calls();
        for act in ACTS {
            for effect in self.stage.ledger_of(act).accepted() {
                let by_path = || plain.get(&effect.recipient).cloned();
                if let Some(job) = effect.job.clone().or_else(by_path) {
                    let effects = self.facts.effects.entry(job).or_default();
                    effects.push(effect.at_ms);
                }
            }
        }
        self.facts.told = self.app.told();
        (self.counts, self.facts)
    }

    /// What transactions came to: mails that were committed are accepted like others.
    async fn look_at_rows(&mut self, queues: &[Queue]) {
        let rows = came_to(&self.postgres, &self.tried, self.mails());
        self.counts.insert("mails committed", rows.carried.len());
        self.counts
            .insert("mails rolled back", rows.rolled_back.len());
        for id in &rows.rolled_back {
            if let Some(found) = find(queues, *id, Act::Email).await {
                self.facts.found.insert(*id, found);
            }
        }
        let left = rows.left.iter().map(|row| format!("row {row}"));
        self.facts.unsettled.extend(left);
        self.facts.accepted.extend(rows.carried);
        self.facts.rolled_back = rows.rolled_back;
    }

    /// Whose requests carry no key, by what the ledger knows them by.
    fn plain_calls(&self) -> HashMap<String, String> {
        let accepted = self.facts.accepted.iter();
        let plain = accepted.filter(|job| job.sort == Sort::PlainCall);
        plain
            .map(|job| (contact_path(job.number), job.id.to_string()))
            .collect()
    }

    fn queues(&self) -> Vec<Queue> {
        let sibling = |act: &Act| self.stage.queue.sibling(act.queue());
        let queues = ACTS.iter().map(sibling);
        queues.map(|queue| queue.expect("a valid name")).collect()
    }
}

async fn ended(queues: &[Queue]) -> bool {
    for queue in queues {
        match queue.stats().await {
            Ok(stats) if under_way(queue, &stats) == 0 => {}
            _ => return false,
        }
    }
    true
}

/// What has not come to its end: jobs, what is to be told of them, and what could not be told yet.
fn under_way(queue: &Queue, stats: &Stats) -> u64 {
    let untold = match queue.name() {
        "events" => stats.dead,
        _ => stats.notices,
    };
    stats.pending + stats.scheduled + stats.running + stats.retryable + untold
}

/// Has events delivered after all that the app did not take in four attempts, as an operator does.
async fn replay(events: &Queue) {
    // Redis may not answer yet: the next look tries again.
    if events.stats().await.is_ok_and(|stats| stats.dead > 0) {
        let signed = Signed::new("chaos", "the app is well again");
        let replay = events.begin_replay(JobId::generate(), &Selection::All, None, &signed);
        let _ = replay.await;
    }
}

/// Makes everything due now: the shipped schedule is an hour of waiting.
async fn back_date(queue: &Queue) {
    let scheduled = &queue.keys().scheduled;
    let mut into = redis::cmd("ZUNIONSTORE");
    into.arg(scheduled)
        .arg(1)
        .arg(scheduled)
        .arg("WEIGHTS")
        .arg(0);
    // A Redis that was just restarted may not answer yet: the next look tries again.
    let _: Result<u64, _> = queue.link().command(&into).await;
}

async fn find(queues: &[Queue], id: JobId, act: Act) -> Option<Found> {
    let queue = queues.iter().find(|queue| queue.name() == act.queue())?;
    let job = queue.job(&id.into()).await.expect("Redis answers")?;
    Some(found(act.queue(), job))
}

fn found(queue: &'static str, job: JobInfo) -> Found {
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
    let last = job.history.last().map(|recorded| &recorded.entry);
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
        forgotten: job.forgotten.is_some(),
    }
}

/// Its provider's status or code.
fn answer(entry: &HistoryEntry) -> Option<String> {
    let status = entry.answer.status.map(|status| status.to_string());
    status.or_else(|| entry.answer.code.clone())
}
