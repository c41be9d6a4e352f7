use std::collections::HashMap;
use std::time::Duration;

use longshore_queue::{Breaker, BreakerState, Hold, HoldCause, Paused, Word};

use super::*;

#[test]
fn what_redis_says_of_the_queues_is_valid_openmetrics_beside_our_own_counters() {
    let stats = Stats {
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
    };
    let metrics = Metrics::new(vec![ProviderFacts {
        provider: "sendgrid".to_owned(),
        queue: "email".to_owned(),
        own: true,
        criticality: "high".to_owned(),
        sla_percent: Some(99.95),
        owner: Some("Back \"end\"".to_owned()),
    }]);
    let email = metrics.of("email");
    email.ran(Some("send_email"), "completed", None);
    email.called("sendgrid", &Word::Well);
    email.called("sendgrid", &Word::Hold(Duration::from_secs(1)));
    email.called("sendgrid", &Word::Nothing);
    email.billed("sendgrid", "mail", 3);
    let text = metrics.text(&[("email".to_owned(), stats)], &Seldom::default());
    for line in [
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
