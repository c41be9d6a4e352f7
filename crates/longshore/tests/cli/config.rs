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

/// A wrong target is likelier than a wrong command.
#[test]
fn whatever_changes_something_says_where_first_and_what_only_looks_does_not() {
    let bench = Bench::new();
    let file = bench.dir.path().join("config/eu.toml");
    std::fs::create_dir_all(file.parent().expect("a directory")).expect("made");
    std::fs::write(&file, "redis.namespace = 'eu'").expect("written");
    let run = |args: &[&str]| {
        let mut command = bench.command(args);
        let url = bench.redis.url().replace("redis://", "redis://:s3cret@");
        command
            .env("LONGSHORE_PROFILE", "eu")
            .env("LONGSHORE_REDIS__URL", url);
        Ran::of(args, &mut command)
    };
    let server = bench.redis.url().replace("redis://", "");
    let target = format!("on Redis at {server}, namespace eu, profile eu");
    for args in [
        &["enqueue", "send_email", WELCOME][..],
        &["pause", "email"],
        &["resume", "email"],
        &["cron", "run", "nightly-reconcile"],
        &["dead", "replay", NOBODY],
        &["dead", "discard", NOBODY, "--yes", "--reason", "r"],
        &["dead", "edit", NOBODY, "--args", "{}", "--reason", "r"],
        &[
            "suppressions",
            "remove",
            "2b1c3f7a9d0e4c55",
            "--reason",
            "r",
            "--yes",
        ],
    ] {
        let ran = run(args);
        assert_eq!(ran.stderr.lines().next(), Some(&*target), "{ran:?}");
        assert!(
            !ran.stdout.contains(&target) && !ran.stderr.contains("s3cret"),
            "{ran:?}"
        );
    }
    for args in [&["queues"][..], &["dead", "list"], &["config", "show"]] {
        let ran = run(args);
        assert!(!ran.stderr.contains(&target), "{ran:?}");
    }
}

#[test]
fn a_flag_wins_over_its_variable() {
    let bench = Bench::new();
    let directory = bench.dir.path().join("elsewhere");
    std::fs::create_dir(&directory).expect("made");
    for name in ["eu", "us"] {
        let text = format!("redis.namespace = '{name}'");
        std::fs::write(directory.join(format!("{name}.toml")), text).expect("written");
    }
    let namespace = |args: &[&str]| {
        let mut command = bench.command(args);
        command
            .env("LONGSHORE_CONFIG", &directory)
            .env("LONGSHORE_PROFILE", "eu");
        let shown = Ran::of(args, &mut command).ok().json();
        let shown = shown.as_array().expect("a list").iter();
        let mut namespace = shown.filter(|shown| shown["key"] == "redis.namespace");
        namespace.next().expect("is shown")["value"].clone()
    };
    let show = ["config", "show", "--json"];
    assert_eq!(namespace(&show), "eu");
    assert_eq!(namespace(&[&["--profile", "us"][..], &show].concat()), "us");
}

#[test]
fn a_variable_with_one_underscore_is_named_once_whatever_the_command() {
    let bench = Bench::new();
    bench.enqueue(1);
    for args in [&["queues"][..], &["pause", "email"], &["config", "check"]] {
        let mut command = bench.command(args);
        command
            .env("LONGSHORE_REDIS_NAMESPACE", "other")
            .env("LONGSHORE_PORT", "tcp://10.0.0.1:80");
        let ran = Ran::of(args, &mut command).ok();
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let meant = said.matches("LONGSHORE_REDIS__NAMESPACE").count();
        assert_eq!(meant, 1, "{ran:?}");
        assert!(!said.contains("LONGSHORE_PORT"), "{ran:?}");
    }
}
