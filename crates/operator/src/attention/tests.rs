//! Each concern, from the least that brings it about; and what brings none.

use std::collections::BTreeMap;

use longshore_job::Class;
use longshore_queue::{BreakerState, HoldCause, ServerFacts};

use super::*;
use crate::dead::GrowthRow;
use crate::providers::ProviderRow;
use crate::queues::{BreakerRow, HoldRow, ParkedRow, PauseRow, PerMinute};
use crate::time::rfc3339;

const NOW: u64 = 1_763_912_345_678;
const MINUTE: u64 = 60_000;

fn ago(ms: u64) -> String {
    rfc3339(NOW - ms)
}

fn well(queue: &str) -> QueueRow {
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
        latency_seconds: Some(1.5),
        broken: None,
    }
}

fn worker(name: &str, version: &str, started: u64) -> WorkerRow {
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

fn entry() -> CronRow {
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
        looked_at: Some(ago(MINUTE)),
        broken: None,
    }
}

fn group(class: Class, first: u64, last_hour: u64) -> GroupRow {
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
        broken: None,
    }
}

fn replay(state: &'static str, begun: u64) -> ReplayRow {
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
        failed: 20,
        again: 20,
        otherwise: 0,
        begun_at: ago(begun),
        ended_at: Some(ago(begun / 2)),
        cause: Some("failed at sendgrid: 503".to_owned()),
        broken: None,
    }
}

fn pause(by: &str) -> PauseRow {
    PauseRow {
        by: by.to_owned(),
        reason: "they are down".to_owned(),
        since: ago(MINUTE),
    }
}

fn hold(cause: HoldCause, provider: &str) -> HoldRow {
    HoldRow {
        cause,
        provider: provider.to_owned(),
        until: Some(rfc3339(NOW + MINUTE)),
    }
}

/// A fleet in which all is well, with this changed.
fn facts(change: impl FnOnce(&mut AttentionFacts)) -> AttentionFacts {
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

fn queue(change: impl FnOnce(&mut QueueRow)) -> AttentionFacts {
    facts(|facts| change(&mut facts.queues[0]))
}

fn server(change: impl FnOnce(&mut ServerFacts)) -> AttentionFacts {
    facts(|facts| change(facts.server.as_mut().expect("it says")))
}

fn provider(answered: u64, failed: u64) -> ProviderRow {
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

#[test]
fn where_all_is_well_nothing_needs_anybody() {
    assert_eq!(attention(&facts(|_| {})), []);
    for quiet in [
        queue(|row| row.latency_seconds = Some(120.0)),
        queue(|row| row.holds = vec![hold(HoldCause::Limiter, "sendgrid")]),
        queue(|row| row.providers = vec![provider(900, 90)]),
        facts(|facts| facts.groups = vec![group(Class::Refused, 0, 100)]),
        facts(|facts| facts.workers[0].version = Some("1.1".to_owned())),
        facts(|facts| facts.replays = vec![replay("stopped", 9000), replay("running", 10)]),
        facts(|facts| facts.cron[0].overdue_since = Some(ago(MINUTE))),
        facts(|facts| facts.cron[0].inactive = Some("it is switched off".to_owned())),
        facts(|facts| {
            facts.configured.queues.clear();
            facts.queues[0] = QueueRow {
                workers: 0,
                pending: 0,
                running: 0,
                ..well("email")
            };
        }),
    ] {
        let mut quiet = quiet;
        if let Some(worker) = quiet
            .workers
            .first_mut()
            .filter(|w| w.version.as_deref() == Some("1.1"))
        {
            worker.started_at = Some(ago(10 * MINUTE));
        }
        assert_eq!(attention(&quiet), []);
    }
}

#[test]
fn each_concern_has_its_line() {
    let cases: Vec<(Concern, Urgency, AttentionFacts)> = vec![
        (
            Concern::RedisMayEvict,
            Urgency::Now,
            server(|s| s.eviction_policy = Some("allkeys-lru".to_owned())),
        ),
        (
            Concern::RedisPersistsLess,
            Urgency::Now,
            server(|s| s.persists = Some(false)),
        ),
        (
            Concern::RedisMemory,
            Urgency::Now,
            server(|s| s.used_memory = Some(71 << 20)),
        ),
        (
            Concern::RedisForgot,
            Urgency::Now,
            queue(|row| row.holds = vec![hold(HoldCause::RedisForgot, "sendgrid")]),
        ),
        (
            Concern::KeysOverwritten,
            Urgency::Now,
            queue(|row| row.broken = Some("stats is of another type".to_owned())),
        ),
        (
            Concern::NoWorkers,
            Urgency::Now,
            queue(|row| row.workers = 0),
        ),
        (
            Concern::JobsWithoutWorkers,
            Urgency::Soon,
            facts(|facts| {
                facts.configured.queues.clear();
                facts.queues[0].workers = 0;
            }),
        ),
        (
            Concern::PausedItself,
            Urgency::Now,
            queue(|row| {
                row.paused = Some(pause("longshore"));
                row.holds = vec![hold(HoldCause::Credentials, "sendgrid")];
            }),
        ),
        (
            Concern::FallbackRefused,
            Urgency::Soon,
            queue(|row| row.breakers[0].refused = Some(pause("longshore"))),
        ),
        (
            Concern::BreakerOpen,
            Urgency::Now,
            queue(|row| row.breakers[0].state = BreakerState::HalfOpen),
        ),
        (
            Concern::TickMissed,
            Urgency::Soon,
            facts(|facts| facts.cron[0].overdue_since = Some(ago(6 * MINUTE))),
        ),
        (
            Concern::TickMissed,
            Urgency::Soon,
            facts(|facts| facts.cron[0].looked_at = Some(ago(4 * MINUTE))),
        ),
        (
            Concern::TickMissed,
            Urgency::Soon,
            facts(|facts| facts.cron[0].looked_at = None),
        ),
        (
            Concern::FirstDeadLetter,
            Urgency::Now,
            facts(|facts| facts.groups = vec![group(Class::Failed, MINUTE, 1)]),
        ),
        (
            Concern::DeadLettersGrow,
            Urgency::Now,
            facts(|facts| facts.groups = vec![group(Class::Expired, 0, 11)]),
        ),
        (
            Concern::JobsParked,
            Urgency::Soon,
            queue(|row| {
                row.parked = vec![ParkedRow {
                    kind: "send_fax".to_owned(),
                    jobs: 7,
                    since: ago(MINUTE),
                }];
            }),
        ),
        (
            Concern::OldestPending,
            Urgency::Now,
            queue(|row| row.latency_seconds = Some(121.0)),
        ),
        (
            Concern::ReplayStopped,
            Urgency::Soon,
            facts(|facts| facts.replays = vec![replay("stopped", MINUTE)]),
        ),
        (
            Concern::ProviderBelowSla,
            Urgency::Later,
            queue(|row| row.providers = vec![provider(990, 10)]),
        ),
        (
            Concern::WorkerUnfit,
            Urgency::Later,
            facts(|facts| facts.workers[0].fit = false),
        ),
        (
            Concern::RefusalsGrow,
            Urgency::Later,
            facts(|facts| facts.groups = vec![group(Class::Refused, 0, 101)]),
        ),
        (
            Concern::RetryAfter,
            Urgency::Later,
            queue(|row| row.holds = vec![hold(HoldCause::RetryAfter, "sendgrid")]),
        ),
        (
            Concern::Paused,
            Urgency::Later,
            queue(|row| row.paused = Some(pause("kari"))),
        ),
        (
            Concern::LimitInForce,
            Urgency::Later,
            queue(|row| row.holds = vec![hold(HoldCause::Limit, "sendgrid")]),
        ),
        (
            Concern::EntryPaused,
            Urgency::Later,
            facts(|facts| facts.cron[0].paused = Some(pause("kari"))),
        ),
        (
            Concern::KindsDiffer,
            Urgency::Later,
            facts(|facts| {
                facts.kinds_differ = vec![KindsDiffer {
                    queue: "email".to_owned(),
                    kinds: vec!["send_fax".to_owned()],
                    workers: vec!["w1".to_owned()],
                }];
            }),
        ),
        (
            Concern::VersionsDiffer,
            Urgency::Later,
            facts(|facts| facts.workers[0].version = Some("1.1".to_owned())),
        ),
    ];
    for (concern, urgency, facts) in &cases {
        let rows = attention(facts);
        let told: Vec<_> = rows.iter().map(|row| (row.concern, row.urgency)).collect();
        assert_eq!(told, [(*concern, *urgency)], "{rows:#?}");
        let row = &rows[0];
        for text in [&row.what, &row.next, &row.runbook] {
            assert!(!text.is_empty() && !text.contains("  "), "{row:?}");
        }
        assert!(
            !row.means.is_empty() || *concern == Concern::WorkerUnfit,
            "{row:?}"
        );
    }
    for concern in Concern::ALL {
        assert!(
            cases.iter().any(|(of, ..)| of == concern),
            "{concern:?} has no case"
        );
    }
}

#[test]
fn the_worst_comes_first_and_says_what_it_means_in_numbers() {
    let rows = attention(&facts(|facts| {
        facts
            .configured
            .queues
            .insert("sms".to_owned(), "medium".to_owned());
        facts.queues[0].pending = 2_412;
        facts.queues[0].latency_seconds = Some(540.0);
        facts.queues.push(QueueRow {
            workers: 0,
            ..well("sms")
        });
    }));
    let told: Vec<_> = rows.iter().map(|row| (&*row.what, &*row.means)).collect();
    assert_eq!(
        told,
        [
            (
                "the oldest pending job of email waits for 9 min",
                "2,412 jobs wait, the oldest for 9 min, 9 are done a minute"
            ),
            ("nobody works sms", "3 jobs wait, the oldest for 1 s"),
        ]
    );
    assert_eq!(rows[0].runbook, "longshoreoldestpending");
}

#[test]
fn what_holds_a_queue_back_is_told_instead_of_how_long_its_jobs_wait() {
    let rows = attention(&queue(|row| {
        row.latency_seconds = Some(900.0);
        row.paused = Some(pause("kari"));
    }));
    let told: Vec<_> = rows.iter().map(|row| row.concern).collect();
    assert_eq!(told, [Concern::Paused]);
    assert_eq!(rows[0].means, "3 jobs wait, the oldest for 15 min");
}
