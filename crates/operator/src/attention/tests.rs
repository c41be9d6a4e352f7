//! Each concern, from the least that brings it about; and what brings none.

mod example;

use longshore_job::Class;
use longshore_queue::{BreakerState, HoldCause};

use self::example::{
    MINUTE, ago, facts, group, hold, pause, provider, queue, replay, server, well,
};
use super::*;
use crate::away::AwayRow;
use crate::deliveries::DeliveriesRow;
use crate::lost_lately::LostRow;
use crate::queues::{FallbackRow, ParkedRow};

#[test]
fn where_all_is_well_nothing_needs_anybody() {
    assert_eq!(attention(&facts(|_| {})), []);
    for quiet in [
        queue(|row| row.latency_seconds = Some(120.0)),
        queue(|row| row.notices = Some(999)),
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

type ConcernCase = (Concern, Urgency, AttentionFacts);

fn of_redis() -> Vec<ConcernCase> {
    vec![
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
            Concern::PrimaryAway,
            Urgency::Now,
            queue(|row| {
                row.away = Some(AwayRow {
                    server: "10.0.0.1:6379".to_owned(),
                    since: Some(ago(MINUTE)),
                    reason: "Connection refused".to_owned(),
                    cure: "start it again".to_owned(),
                });
            }),
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
    ]
}

fn of_queues() -> Vec<ConcernCase> {
    vec![
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
    ]
}

fn of_jobs() -> Vec<ConcernCase> {
    vec![
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
            Concern::NoticesWait,
            Urgency::Soon,
            queue(|row| row.notices = Some(1000)),
        ),
        (
            Concern::WorkerLost,
            Urgency::Soon,
            queue(|row| {
                row.lost = Some(LostRow {
                    jobs: 20,
                    last_at: ago(MINUTE),
                });
            }),
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
    ]
}

fn of_little() -> Vec<ConcernCase> {
    vec![
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
    ]
}

#[test]
fn each_concern_has_its_line() {
    let cases = [of_redis(), of_queues(), of_jobs(), of_little()].concat();
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

/// A replay of what was delivered would send it a second time.
#[test]
fn letters_of_an_unknown_outcome_are_not_to_be_replayed_without_a_look() {
    let told = |class, delivered| {
        let mut group = group(class, 0, 11);
        group.count = 20;
        group.deliveries = Some(DeliveriesRow {
            looked: 20,
            delivered,
            ..DeliveriesRow::default()
        });
        let rows = attention(&facts(|facts| facts.groups = vec![group]));
        let row = rows
            .into_iter()
            .find(|row| row.concern == Concern::DeadLettersGrow);
        row.map(|row| (row.means, row.next)).expect("they grow")
    };
    let (means, next) = told(Class::OutcomeUnknown, 20);
    assert_eq!(
        means,
        "11 more in the last hour, 20 letters: all 20 were delivered"
    );
    assert!(next.starts_with("Do not replay all of them"), "{next}");
    let (means, next) = told(Class::OutcomeUnknown, 0);
    assert_eq!(means, "11 more in the last hour, 20 letters");
    assert!(next.starts_with("They may have been carried out"), "{next}");
    let (_, next) = told(Class::Failed, 0);
    assert_eq!(next, "Fix the cause, then rehearse and replay them.");
}

/// Another provider stands in: nothing fails for the jobs.
#[test]
fn an_open_breaker_with_a_fallback_says_where_jobs_go() {
    let open = |fallback: Option<FallbackRow>| {
        let rows = attention(&queue(|row| {
            row.breakers[0].state = BreakerState::Open;
            row.fallback = fallback;
        }));
        let row = rows
            .into_iter()
            .find(|row| row.concern == Concern::BreakerOpen);
        row.map(|row| row.what).expect("it is open")
    };
    assert_eq!(open(None), "the breaker of sendgrid is open: calls fail");
    let stands_in = FallbackRow {
        provider: "postmark".to_owned(),
        active: true,
        jobs: 3,
    };
    assert_eq!(
        open(Some(stands_in)),
        "the breaker of sendgrid is open: jobs go to postmark"
    );
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
