//! `doctor`, and `config show`.

use serde_json::Value;

use super::Bench;
use crate::bench::{Ran, fields};

fn found<'a>(findings: &'a Value, check: &str) -> &'a Value {
    let all = findings.as_array().expect("an array");
    all.iter()
        .find(|finding| finding["check"] == check)
        .unwrap_or_else(|| panic!("{check} is not looked at: {findings}"))
}

#[test]
fn it_looks_at_redis_and_at_what_is_configured_and_knows_the_cures() {
    let bench = Bench::new();
    let findings = bench.run(&["doctor", "--json"]).json();
    assert_eq!(fields(&findings[0]), ["check", "cure", "finding", "status"]);
    for check in ["version", "role", "eviction", "memory", "latency", "clock"] {
        assert_eq!(found(&findings, check)["status"], "ok", "{check}");
    }
    bench.redis(&[b"CONFIG", b"SET", b"maxmemory-policy", b"allkeys-lru"]);
    let args = ["doctor", "--json"];
    let mut command = bench.command(&args);
    command
        .env(
            "LONGSHORE_PROVIDERS__SENDGRID__API_KEY",
            "env:LONGSHORE_TEST_NOT_SET",
        )
        .env(
            "LONGSHORE_PROVIDERS__SENDGRID__BASE_URL",
            "http://127.0.0.1:1",
        )
        .env("LONGSHORE_EMAIL__FROM__EMAIL", "no-reply@example.com")
        .env("LONGSHORE_EMAIL__TEMPLATES__WELCOME", "d-1");
    let ran = Ran::of(&args, &mut command);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let findings: Value = serde_json::from_str(&ran.stdout).expect("is JSON");
    for check in ["eviction", "secrets", "sendgrid"] {
        let finding = found(&findings, check);
        assert_eq!(finding["status"], "error", "{finding}");
        assert!(finding["cure"].is_string(), "{finding}");
    }
    let said = found(&findings, "sendgrid")["finding"].as_str();
    assert!(
        said.is_some_and(|said| said.contains("high, SLA 99.95 %, owner Backend")),
        "how much depends on it: {said:?}"
    );
}

#[test]
fn every_value_is_shown_with_its_origin_and_no_secret() {
    let bench = Bench::new();
    let args = ["config", "show", "--json"];
    let mut command = bench.command(&args);
    command
        .env("LONGSHORE_REDIS__URL", "redis://user:hunter2@127.0.0.1:1")
        .env("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.hunter2")
        .env("LONGSHORE_EMAIL__FROM__EMAIL", "no-reply@example.com")
        .env("LONGSHORE_EMAIL__TEMPLATES__WELCOME", "d-1")
        .env("LONGSHORE_WORKER__DRAIN_SECONDS", "7");
    let ran = Ran::of(&args, &mut command);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.stdout.contains("hunter2"), "{ran:?}");
    let values: Value = serde_json::from_str(&ran.stdout).expect("is JSON");
    assert_eq!(fields(&values[0]), ["key", "origin", "value"]);
    let of = |key: &str| {
        let all = values.as_array().expect("an array");
        let shown = all.iter().find(|shown| shown["key"] == key);
        let shown = shown.unwrap_or_else(|| panic!("{key} is not shown"));
        (shown["value"].clone(), shown["origin"].clone())
    };
    assert_eq!(
        of("worker.drain_seconds"),
        (7.into(), "LONGSHORE_WORKER__DRAIN_SECONDS".into())
    );
    assert_eq!(
        of("worker.heartbeat_seconds"),
        (5.into(), "built-in".into())
    );
    assert_eq!(of("providers.sendgrid.api_key").0, "***");
    assert_eq!(
        of("providers.sendgrid.rate_per_second"),
        (100.into(), "built-in".into())
    );
    assert_eq!(of("redis.url").0, "redis://user:***@127.0.0.1:1");
}
