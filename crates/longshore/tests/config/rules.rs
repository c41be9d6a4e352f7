//! Each rule, by something that breaks it.

mod calls;
mod cron;
mod email;
mod events;
mod inventory;
mod kinds;
mod payments;
mod postmark;
mod queues;
mod redis;
mod sentry;
mod services;
mod storage;
mod twilio;
mod vault;
mod webhooks;
mod worker;

use longshore_app::config::Severity;

use crate::{SENDGRID_ON, finding, findings, load_as};

/// TOML that breaks one rule; the key, and parts of the problem and of the cure that are found.
type Rule = (&'static str, &'static str, &'static str, &'static str);

#[track_caller]
fn check(rules: &[Rule], base: &str) {
    for (toml, key, problem, cure) in rules {
        let finding = finding(&format!("{base}\n{toml}"), &[]);
        assert_eq!(finding.key, *key, "{finding}");
        assert_eq!(finding.severity, Severity::Error);
        assert!(finding.problem.contains(problem), "{problem:?}: {finding}");
        assert!(finding.cure.contains(cure), "{cure:?}: {finding}");
        assert!(!finding.to_string().contains("hunter2"), "{finding}");
    }
}

#[test]
fn unknown_keys_are_answered_with_the_nearest() {
    check(
        &[
            (
                "redis.uri = ''",
                "redis.uri",
                "not a key",
                "did you mean `redis.url`?",
            ),
            (
                "[wroker]\ndrain_seconds = 1\nhttp_addr = 'x'",
                "wroker",
                "not a key",
                "did you mean `worker`?",
            ),
            (
                "worker.heartbeat = 1",
                "worker.heartbeat",
                "not a key",
                "`worker.heartbeat_seconds`?",
            ),
            (
                "namespace = 'x'",
                "namespace",
                "not a key",
                "did you mean `redis.namespace`?",
            ),
            (
                "paypal.secret_key = 'hunter2'",
                "paypal",
                "not a key",
                "known here: api, app, buckets, console, cron, email, events, kinds, log, outbox, payments, providers, queues, redis, retry, services, telemetry, trusted_proxies, webhooks, worker",
            ),
        ],
        "",
    );
}

#[test]
fn production_reaches_real_services_only() {
    for (toml, key, cure) in [
        (
            "providers.sendgrid.sandbox = true",
            "providers.sendgrid.sandbox",
            "set false",
        ),
        (
            "providers.sendgrid.base_url = 'http://127.0.0.1:9480'",
            "providers.sendgrid.base_url",
            "use https",
        ),
    ] {
        let toml = format!("{SENDGRID_ON}\n{toml}");
        assert!(load_as(Some("staging"), &toml, &[]).is_ok(), "{toml}");
        let findings = load_as(Some("production"), &toml, &[]).unwrap_err();
        let findings: Vec<_> = findings.iter().collect();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].key, key);
        assert!(
            findings[0].problem.contains("production") || findings[0].cure.contains("production")
        );
        assert!(findings[0].cure.contains(cure), "{}", findings[0]);
    }
}

#[test]
fn all_mistakes_are_found_at_once() {
    let found = findings(
        r#"
        redis.url = "http://localhost"
        worker = { drain_seconds = "40s", heartbeat_seconds = 10 }
        queues.email = { concurrency = 0, on_unknown = "verify" }
        providers.sendgrid = { api_key = "SG.key", base_url = "api.sendgrid.com" }
        email.template.welcome = "d-1"
        "#,
        &[("LONGSHORE_QUEUES__SMS__TIMEOUT_SECONDS", "-1")],
    );
    let mut errors: Vec<_> = found
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.key.as_str())
        .collect();
    errors.sort_unstable();
    assert_eq!(
        errors,
        [
            "email.from.email",
            "email.template",
            "providers.sendgrid.base_url",
            "queues.email.concurrency",
            "queues.email.on_unknown",
            "queues.sms.timeout_seconds",
            "redis.url",
            "worker.drain_seconds",
            "worker.lost_after_seconds",
        ]
    );
}

#[test]
fn a_finding_reads_as_one_line() {
    let finding = finding("redis.namespace = ''", &[]);
    let origin = finding.origin.as_deref().unwrap();
    assert!(origin.ends_with("default.toml:1"), "{origin}");
    assert_eq!(
        finding.to_string(),
        format!(
            "error: redis.namespace ({origin}): cannot be part of a Redis key; \
             use 1 to 64 characters of a-z, 0-9, _ and -"
        )
    );
}
