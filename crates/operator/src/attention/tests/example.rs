//! A fleet in which all is well, and what may be wrong in it.

use std::collections::BTreeMap;

use longshore_job::Class;
use longshore_queue::{BreakerState, HoldCause, ServerFacts};

use super::super::*;
use crate::dead::GrowthRow;
use crate::providers::ProviderRow;
use crate::queues::{BreakerRow, HoldRow, PauseRow, PerMinute};
use crate::time::rfc3339;

pub(super) const NOW: u64 = 1_763_912_345_678;
pub(super) const MINUTE: u64 = 60_000;

pub(super) fn ago(ms: u64) -> String {
    rfc3339(NOW - ms)
}

pub(super) fn well(queue: &str) -> QueueRow {
    QueueRow {
        queue: queue.to_owned(),
        pending: 3,
        scheduled: 0,
        running: 1,
        retryable: 0,
        dead: 0,
        completed: 9,
        cancelled: 0,
        per_minute: PerMinute {
            completed: 9,
            failed: 0,
            dead: 0,
        },
        paused: None,
        breakers: vec![BreakerRow {
            provider: "sendgrid".to_owned(),
            state: BreakerState::Closed,
            until: None,
            refused: None,
        }],
        providers: Vec::new(),
        fallback: None,
        parked: Vec::new(),
        holds: Vec::new(),
        held_until: None,
        workers: 2,
        trouble: Vec::new(),
        notices: None,
        lost: None,
        latency_seconds: Some(1.5),
        broken: None,
        away: None,
    }
}

pub(super) fn worker(name: &str, version: &str, started: u64) -> WorkerRow {
    WorkerRow {
        worker: name.to_owned(),
        host: Some("a".to_owned()),
        pid: Some(1),
        version: Some(version.to_owned()),
        started_at: Some(ago(started)),
        beat_age_seconds: 1.0,
        queues: vec!["email".to_owned()],
        kinds: vec!["send_email".to_owned()],
        running: 0,
        slots: 20,
        fit: true,
        note: None,
    }
}

pub(super) fn entry() -> CronRow {
    CronRow {
        name: "nightly".to_owned(),
        schedule: "30 2 * * *".to_owned(),
        words: "At 02:30".to_owned(),
        timezone: "UTC".to_owned(),
        kind: "send_email".to_owned(),
        queue: "email".to_owned(),
        catch_up: "none".to_owned(),
        last_tick: None,
        next_tick: None,
        next_ticks: Vec::new(),
        overdue_since: None,
        last_job: None,
        ticks: Vec::new(),
        paused: None,
        inactive: None,
        ticks_anyway: false,
        looked_at: Some(ago(MINUTE)),
        broken: None,
    }
}

pub(super) fn group(class: Class, first: u64, last_hour: u64) -> GroupRow {
    GroupRow {
        group: "0123456789ab".to_owned(),
        queue: "email".to_owned(),
        kind: Some("send_email".to_owned()),
        provider: Some("sendgrid".to_owned()),
        reason: "failed at sendgrid: 503".to_owned(),
        class: Some(class),
        count: 412,
        first_at: ago(first),
        last_at: ago(0),
        grew: Some(GrowthRow {
            at: ago(0),
            last_hour,
            last_day: last_hour,
            hours: vec![0; 24],
        }),
        first_version: None,
        deliveries: None,
        broken: None,
    }
}

pub(super) fn replay(state: &'static str, begun: u64) -> ReplayRow {
    ReplayRow {
        id: "01JD2Z5V9GQ8X0T6M3K7W4R1YB".to_owned(),
        queue: "email".to_owned(),
        target: "group 0123456789ab".to_owned(),
        group: Some("0123456789ab".to_owned()),
        state,
        rate: Some(10),
        by: "kari".to_owned(),
        reason: None,
        total: 100,
        moved: 20,
        completed: 0,
        dead_again: 20,
        cancelled: 0,
        first_completed: 0,
        failed: 20,
        again: 20,
        otherwise: 0,
        begun_at: ago(begun),
        ended_at: Some(ago(begun / 2)),
        cause: Some("failed at sendgrid: 503".to_owned()),
        broken: None,
    }
}

pub(super) fn pause(by: &str) -> PauseRow {
    PauseRow {
        by: by.to_owned(),
        reason: "they are down".to_owned(),
        since: ago(MINUTE),
    }
}

pub(super) fn hold(cause: HoldCause, provider: &str) -> HoldRow {
    HoldRow {
        cause,
        provider: provider.to_owned(),
        until: Some(rfc3339(NOW + MINUTE)),
    }
}

/// A fleet in which all is well, with this changed.
pub(super) fn facts(change: impl FnOnce(&mut AttentionFacts)) -> AttentionFacts {
    let mut facts = AttentionFacts {
        now_ms: NOW,
        configured: ConfiguredFleet {
            queues: BTreeMap::from([("email".to_owned(), "critical".to_owned())]),
            promised: BTreeMap::from([("sendgrid".to_owned(), 0.9995)]),
            cron: Vec::new(),
        },
        queues: vec![well("email")],
        workers: vec![
            worker("w1", "1.0", 90 * MINUTE),
            worker("w2", "1.0", 80 * MINUTE),
        ],
        cron: vec![entry()],
        groups: vec![group(Class::Failed, 48 * 60 * MINUTE, 10)],
        server: Some(ServerFacts {
            eviction_policy: Some("noeviction".to_owned()),
            persists: Some(true),
            used_memory: Some(1 << 20),
            max_memory: Some(100 << 20),
            ..ServerFacts::default()
        }),
        ..AttentionFacts::default()
    };
    change(&mut facts);
    facts
}

pub(super) fn queue(change: impl FnOnce(&mut QueueRow)) -> AttentionFacts {
    facts(|facts| change(&mut facts.queues[0]))
}

pub(super) fn server(change: impl FnOnce(&mut ServerFacts)) -> AttentionFacts {
    facts(|facts| change(facts.server.as_mut().expect("it says")))
}

pub(super) fn provider(answered: u64, failed: u64) -> ProviderRow {
    ProviderRow {
        provider: "sendgrid".to_owned(),
        calls_per_minute: 1,
        limit_per_minute: None,
        limit_used: None,
        answered,
        failed,
        answered_share: Some(answered as f64 / (answered + failed) as f64),
        answers: Vec::new(),
    }
}
