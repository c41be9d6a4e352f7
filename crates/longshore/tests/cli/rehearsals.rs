//! What would happen to dead letters, as the configuration, the workers and the letters themselves tell.

use longshore_job::SuppressedFor;
use serde_json::{Value, json};

use super::{Bench, Ran};

const REPLAY: [&str; 5] = ["dead", "replay", "--queue", "email", "--dry-run"];

/// A rehearsal where SendGrid is configured, with one template.
fn configured(bench: &Bench, args: &[&str]) -> Ran {
    let mut command = bench.command(args);
    command
        .env("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.key")
        .env("LONGSHORE_EMAIL__FROM__EMAIL", "noreply@example.com")
        .env("LONGSHORE_EMAIL__TEMPLATES__RECEIPT", "d-1");
    Ran::of(args, &mut command)
}

/// Letters whose template nobody configured are no letters that would be carried out; where nothing is configured, that is said.
#[test]
fn what_the_configuration_would_refuse_would_not_run() {
    let bench = Bench::new();
    bench.bury(2, "413");
    let before = bench.state();
    let told = configured(&bench, &[&REPLAY[..], &["--json"]].concat()).json();
    assert_eq!(told["would_run"], 0, "{told}");
    assert_eq!(told["refused"][0]["letters"], 2, "{told}");
    let text = configured(&bench, &REPLAY).ok().stdout;
    assert!(
        text.contains("0 of them would run")
            && text
                .contains("2 would die again: there is no template `welcome` in email.templates"),
        "{text}"
    );
    assert_eq!(bench.state(), before, "a rehearsal changes nothing");
    let text = bench.unchanged(&REPLAY).ok().stdout;
    let unknown = "its provider is not configured here";
    assert!(
        text.contains(unknown) && text.contains("2 of them would run"),
        "{text}"
    );
}

/// The workers are asked which kinds they know, not this process alone.
#[test]
fn kinds_are_those_that_workers_know() {
    let bench = Bench::new();
    bench.bury(1, "413");
    let fax = br#"{"kind":"send_fax","v":1,"args":{}}"#;
    bench.bury_raw(b"01JD2Z5V9GQ8X0T6M3K7W4R1YC", fax);
    let counts = || {
        let told = bench.unchanged(&[&REPLAY[..], &["--json"]].concat()).json();
        let names = [
            "would_run",
            "unknown_kind",
            "workers_know",
            "no_worker_knows",
        ];
        names.map(|name| told[name].clone())
    };
    assert_eq!(counts(), [1, 1, 0, 0].map(Value::from));
    bench.announce("w-1", &["send_fax"], &[]);
    assert_eq!(counts(), [1, 0, 1, 1].map(Value::from));
    let text = bench.unchanged(&REPLAY).ok().stdout;
    assert!(
        text.contains("no living worker of their queue knows their kind"),
        "{text}"
    );
    bench.announce("w-2", &["send_email"], &[]);
    assert_eq!(counts(), [2, 0, 1, 0].map(Value::from));
}

/// Nothing is sent to an address on the list, and nothing is left of a person who was forgotten.
#[test]
fn the_suppressed_and_the_forgotten_would_not_run() {
    let bench = Bench::new();
    let ids = bench.bury(3, "413");
    let counts = |args: &[&str]| {
        let told = bench.unchanged(args).json();
        ["would_run", "suppressed", "forgotten", "undecodable"].map(|name| told[name].clone())
    };
    let all = [&REPLAY[..], &["--json"]].concat();
    let one = ["dead", "replay", &ids[0], "--dry-run", "--json"];
    assert_eq!(counts(&all), [3, 0, 0, 0].map(Value::from));
    bench.suppress("Ada@example.com", SuppressedFor::Bounce, None);
    assert_eq!(counts(&all), [0, 3, 0, 0].map(Value::from));
    assert_eq!(counts(&one), [0, 1, 0, 0].map(Value::from));
    let text = bench.unchanged(&REPLAY).ok().stdout;
    assert!(
        text.contains("3 would die again: nothing is sent to their address"),
        "{text}"
    );
    bench
        .run(&[
            "forget",
            "ada@example.com",
            "--yes",
            "--reason",
            "request 17",
        ])
        .ok();
    assert_eq!(counts(&all), [0, 0, 3, 0].map(Value::from));
    assert_eq!(counts(&one), [0, 0, 1, 0].map(Value::from));
}

/// What an edit would come to is told before it is made, of a letter and of a job that waits.
#[test]
fn an_edit_is_rehearsed() {
    let bench = Bench::new();
    let id = bench.bury(1, "413").remove(0);
    let waits = bench.enqueue(1).remove(0);
    let args = |template: &str, to: &str| {
        json!({"template": template, "to": {"email": to}, "data": {}}).to_string()
    };
    let known = args("receipt", "eve@example.com");
    let before = bench.state();
    let dry = ["--dry-run", "--json"];
    for (verb, id, state) in [("dead", &id, "dead"), ("jobs", &waits, "pending")] {
        let of = |args: &str| {
            configured(
                &bench,
                &[&[verb, "edit", id, "--args", args], &dry[..]].concat(),
            )
        };
        let told = of(&known).json();
        for (name, value) in [
            ("state", json!(state)),
            ("same", json!(false)),
            ("refused", json!(null)),
            ("suppressed", json!(false)),
            ("no_worker_knows", json!(false)),
            ("may_have_been_sent", json!(false)),
        ] {
            assert_eq!(told[name], value, "{name} of {told}");
        }
        let told = of(&args("nowhere", "eve@example.com")).json();
        let why = told["refused"].as_str().expect("a reason");
        assert!(why.contains("there is no template `nowhere`"), "{why}");
        of(r#"{"template":"receipt"}"#).fails(2, "to");
    }
    assert_eq!(bench.state(), before, "a rehearsal changes nothing");
    bench.suppress("eve@example.com", SuppressedFor::Bounce, None);
    bench.record(&id, &[("run", b"1 0 0 1 1"), ("end", b"dx")]);
    bench.announce("w-1", &["send_fax"], &[]);
    let edit = ["dead", "edit", &id, "--args", &known, "--dry-run"];
    let text = configured(&bench, &edit).ok().stdout;
    for part in [
        "takes --force",
        "nothing is sent to its address",
        "no living worker of its queue knows send_email",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Without a rehearsal it takes a reason.
    bench.unchanged(&edit[..5]).fails(2, "--reason");
}

/// What cannot be taken back is rehearsed, too.
#[test]
fn a_discard_is_rehearsed() {
    let bench = Bench::new();
    let ids = bench.bury(3, "413");
    // All of one moment: which of them come first is not known.
    for id in &ids {
        bench.record(id, &[("run", b"1 0 0 1 1")]);
    }
    let discard = ["dead", "discard", "--queue", "email", "--dry-run"];
    let told = bench.unchanged(&discard).ok().stdout;
    assert_eq!(
        told,
        "3 dead letters would be gone; nothing was changed\n  3 of them may have been carried out already\n"
    );
    let two = [&discard[..], &["--limit", "2", "--json"]].concat();
    assert_eq!(
        bench.unchanged(&two).json(),
        json!({
            "letters": 2, "looked": 2, "outcome_unknown": 2, "delivered": 0, "delivery_failed": 0, "accepted": 0,
            "sample": "all",
        })
    );
}
