use std::collections::HashMap;
use std::time::Duration;

use longshore_job::{Cause, Class};
use longshore_listener::{Bounds, Listener};
use longshore_queue::{
    Breaker, BreakerState, CallReport, DeadGroup, Hold, HoldCause, Minute, Paused, ServerFacts,
};

use super::*;

/// What Redis says of a queue that has something of everything.
fn stats() -> Stats {
    Stats {
        parked: 0,
        parked_kinds: Vec::new(),
        broken: None,
        pending: 3,
        scheduled: 0,
        running: 1,
        retryable: 2,
        dead: 4,
        workers: 5,
        paused: Some(Paused {
            by: "ada".to_owned(),
            reason: String::new(),
            since_ms: 0,
        }),
        held_until_ms: None,
        holds: vec![Hold {
            cause: HoldCause::Credentials,
            provider: None,
            until_ms: None,
        }],
        breakers: vec![Breaker {
            provider: "sendgrid".to_owned(),
            state: BreakerState::Open,
            until_ms: Some(1),
            refused: None,
        }],
        latency_ms: Some(1500),
        counters: HashMap::new(),
        last_minute: Minute::default(),
        answers: Vec::new(),
        fallback_answers: Vec::new(),
        limits: std::collections::HashMap::new(),
        notices: 0,
        notices_ms: None,
        lost: None,
    }
}

/// Counters of a process that knows one provider.
fn metrics() -> Arc<Metrics> {
    let facts = ProviderFacts {
        provider: "sendgrid".to_owned(),
        queue: "email".to_owned(),
        own: true,
        criticality: "high".to_owned(),
        sla_percent: Some(99.95),
        owner: Some("Back \"end\"".to_owned()),
    };
    Metrics::new(vec![facts], Vec::new())
}

#[test]
fn what_redis_says_of_the_queues_is_valid_openmetrics_beside_our_own_counters() {
    let metrics = metrics();
    let email = metrics.of("email");
    email.ran(Some("send_email"), "completed", None);
    email.called("sendgrid", &CallReport::Well);
    email.called("sendgrid", &CallReport::Hold(Duration::from_secs(1)));
    email.called("sendgrid", &CallReport::Nothing);
    email.billed("sendgrid", "mail", 3);
    let text = metrics.text(
        vec![("email".to_owned(), stats())],
        &["sms".to_owned()],
        CachedFacts::default(),
    );
    for line in [
        r#"longshore_queue_away{queue="email"} 0"#,
        r#"longshore_queue_away{queue="sms"} 1"#,
        r#"longshore_runs_total{queue="email",kind="send_email",outcome="completed"} 1"#,
        r#"longshore_jobs{queue="email",state="retryable"} 2"#,
        r#"longshore_latency_seconds{queue="email"} 1.5"#,
        r#"longshore_paused{queue="email"} 1"#,
        r#"longshore_paused_itself{queue="email"} 1"#,
        r#"longshore_hold{queue="email",cause="credentials",provider=""} 1"#,
        r#"longshore_held{queue="email"} 0"#,
        r#"longshore_breaker_state{queue="email",provider="sendgrid"} 2"#,
        r#"longshore_provider_calls_total{provider="sendgrid",outcome="answered"} 1"#,
        r#"longshore_provider_calls_total{provider="sendgrid",outcome="throttled"} 1"#,
        r#"longshore_provider_billable_units_total{provider="sendgrid",unit="mail"} 3"#,
        r#"longshore_provider_info{provider="sendgrid",criticality="high",owner="Back \"end\"",sla="99.95"} 1"#,
        r#"longshore_provider_sla_ratio{provider="sendgrid"} 0.9995"#,
        r#"longshore_queue_info{queue="email",provider="sendgrid",criticality="high",owner="Back \"end\""} 1"#,
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
    assert_eq!(text.matches("# EOF").count(), 1);
    assert!(text.ends_with("# EOF\n"));
}

/// Alerts and dashboards know these by name. Values are left out: only what a name is, and which labels it has.
#[test]
fn names_types_help_and_labels_are_those_that_alerts_know() {
    let group = DeadGroup {
        id: "0123456789ab".to_owned(),
        kind: Some("send_email".to_owned()),
        cause: Some(Cause::without_provider(Class::Undecodable, "\"quoted\"")),
        count: 4,
        first_at_ms: 1,
        last_at_ms: 2,
        growth: None,
        broken: None,
    };
    let server = ServerFacts {
        eviction_policy: Some("noeviction".to_owned()),
        evicted: Some(0),
        append_only: Some(true),
        persists: Some(true),
        replicas: Some(1),
        used_memory: Some(1 << 20),
        max_memory: Some(1 << 30),
        ..ServerFacts::default()
    };
    let metrics = metrics();
    let email = metrics.of("email");
    email.ran(
        Some("send_email"),
        "completed",
        Some(Duration::from_secs(1)),
    );
    email.claim_seconds(Duration::from_secs(1));
    email.settle_seconds(Duration::from_secs(1));
    email.rescued(1);
    email.not_ours();
    email.newer();
    email.clock_step();
    email.called("sendgrid", &CallReport::Well);
    email.billed("sendgrid", "mail", 3);
    email.has_providers(["sendgrid"].into_iter());
    metrics.ticks("nightly", 1);
    metrics.skipped_ticks("nightly", 1);
    metrics.last_tick("nightly", 1);
    metrics.next_tick("nightly", Some(1));
    let _listener = Listener::new(Bounds::private("health"), &metrics.listeners);
    let cached = CachedFacts::answered(vec![("email".to_owned(), group)], server);
    let text = metrics.text(vec![("email".to_owned(), stats())], &[], cached);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/metrics/names.txt");
    longshore_tests::metrics::names_are_as_in(&text, file.as_ref());
}

#[test]
fn what_redis_does_not_say_of_itself_is_left_out() {
    let server = ServerFacts {
        eviction_policy: Some("allkeys-lru".to_owned()),
        persists: Some(false),
        ..ServerFacts::default()
    };
    let text = metrics().text(Vec::new(), &[], CachedFacts::answered(Vec::new(), server));
    assert!(text.contains("longshore_redis_may_evict 1\n"), "{text}");
    assert!(!text.contains("longshore_redis_replicas"), "{text}");
}
