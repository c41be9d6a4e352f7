//! `config check`, and a wrong configuration under every other command.

use serde_json::json;

use super::{Bench, NOBODY, Ran, WELCOME};
use crate::bench::fields;

/// The binary with two mistakes and a secret in its environment.
fn run_wrong(bench: &Bench, args: &[&str]) -> Ran {
    let mut command = bench.command(args);
    command
        .env("LONGSHORE_WORKER__DRAIN_SECONDS", "-4")
        .env("LONGSHORE_WORKER__DRIAN_SECONDS", "4")
        .env("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.s3cret");
    Ran::of(args, &mut command)
}

#[test]
fn a_wrong_configuration_is_told_whole_whatever_was_asked() {
    let bench = Bench::new();
    let before = bench.state();
    for args in [
        &["config", "check"][..],
        &["config", "check", "--json"],
        &["queues"],
        &["enqueue", "send_email", WELCOME],
        &["job", NOBODY],
        &["pause", "email"],
        &["resume", "email"],
        &["dead", "groups"],
        &["dead", "list"],
        &["dead", "show", NOBODY],
        &["dead", "replay", NOBODY],
        &["dead", "discard", NOBODY, "--yes", "--reason", "r"],
        &["work"],
    ] {
        let ran = run_wrong(&bench, args);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        for finding in ["worker.drain_seconds", "drian_seconds", "email.from.email"] {
            assert!(said.contains(finding), "no {finding} in {ran:?}");
        }
        assert!(!said.contains("s3cret"), "{ran:?}");
    }
    assert_eq!(bench.state(), before);
}

#[test]
fn findings_are_json_too() {
    let bench = Bench::new();
    let ran = run_wrong(&bench, &["config", "check", "--json"]);
    let findings: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let finding = &findings[0];
    assert_eq!(
        fields(finding),
        ["cure", "key", "origin", "problem", "severity"]
    );
    assert_eq!(finding["severity"], "error");
    assert_eq!(bench.run(&["config", "check", "--json"]).json(), json!([]));
}

#[test]
fn a_good_one_is_called_good_and_needs_no_redis() {
    let mut bench = Bench::new();
    bench.redis.kill();
    let ran = bench.run(&["config", "check"]).ok();
    assert!(ran.stdout.contains("good"), "{ran:?}");
    assert!(
        ran.stdout.contains("providers.sendgrid.api_key"),
        "it says what is off: {ran:?}"
    );
}

#[test]
fn a_secret_that_leads_nowhere_is_found_before_it_is_needed() {
    let bench = Bench::new();
    let check = ["config", "check"];
    let mut command = bench.command(&check);
    command
        .env(
            "LONGSHORE_PROVIDERS__SENDGRID__API_KEY",
            "env:NOBODY_SETS_THIS",
        )
        .env("LONGSHORE_EMAIL__FROM__EMAIL", "no-reply@example.com")
        .env("LONGSHORE_EMAIL__TEMPLATES__WELCOME", "d-1");
    let ran = Ran::of(&check, &mut command);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stdout.contains("NOBODY_SETS_THIS"), "{ran:?}");
}

#[test]
fn a_profile_or_a_directory_that_is_not_there_is_wrong() {
    let bench = Bench::new();
    bench
        .run(&["--profile", "staging", "queues"])
        .fails(2, "staging");
    bench
        .run(&["--config", "nowhere", "queues"])
        .fails(2, "nowhere");
    bench
        .run(&["queues", "--profile", "../x"])
        .fails(2, "profile");
}
