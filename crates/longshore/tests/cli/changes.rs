//! What changes something names its target, in JSON, too, and asks in production.

use super::{Bench, NOBODY, Ran, WELCOME};

/// Every command that changes something in Redis, as somebody without a terminal would give it.
fn changes(id: &str) -> Vec<Vec<&str>> {
    let reason = ["--reason", "r"];
    let with_reason = |args: &[&'static str]| [args, &reason].concat();
    let mut all: Vec<Vec<&str>> = vec![
        vec!["enqueue", "send_email", WELCOME],
        vec!["pause", "email"],
        vec!["resume", "email"],
        vec!["resume", "email", "--holds"],
        with_reason(&["limit", "email", "1/s", "--for", "1h"]),
        vec!["limit", "email", "--lift"],
        vec!["cron", "run", "sweep-exports"],
        with_reason(&["cron", "pause", "sweep-exports"]),
        with_reason(&["cron", "resume", "sweep-exports"]),
        vec!["dead", "replays", "cancel", NOBODY],
        vec!["dead", "replays", "resume", NOBODY],
        with_reason(&["dead", "discard", "--queue", "email"]),
        with_reason(&[
            "dead",
            "export",
            "--queue",
            "email",
            "--to",
            "f",
            "--discard",
        ]),
        with_reason(&["jobs", "cancel", "--queue", "email"]),
        with_reason(&["forget", "ada@example.com"]),
        vec!["operations", "cancel", NOBODY],
        vec!["operations", "resume", NOBODY],
        vec!["mappings", "import", "-"],
        with_reason(&["suppressions", "remove", "2b1c3f7a9d0e4c55"]),
    ];
    all.push(vec!["dead", "replay", id]);
    all.push(vec!["dead", "replay", id, "--rate", "1"]);
    all.push(vec!["dead", "edit", id, "--args", WELCOME, "--reason", "r"]);
    all.push(vec!["jobs", "cancel", id, "--reason", "r"]);
    all.push(vec!["jobs", "reschedule", id, "--in", "1h"]);
    all.push(vec!["jobs", "run", id]);
    all.push(vec!["jobs", "edit", id, "--args", WELCOME, "--reason", "r"]);
    all
}

/// In production, with a configuration that has only what the cron entry needs.
fn in_production(bench: &Bench, args: &[&str]) -> Ran {
    let file = bench.dir.path().join("config/production.toml");
    std::fs::create_dir_all(file.parent().expect("a directory")).expect("made");
    std::fs::write(&file, "").expect("written");
    Ran::of(
        args,
        bench.command(args).env("LONGSHORE_PROFILE", "production"),
    )
}

#[test]
fn nothing_is_changed_in_production_without_a_yes() {
    let bench = Bench::new();
    let id = bench.bury(1, "400 to.email").remove(0);
    let before = bench.state();
    for args in changes(&id) {
        let ran = in_production(&bench, &args).fails(2, "add --yes");
        assert!(ran.stderr.contains("profile production"), "{ran:?}");
        assert_eq!(bench.state(), before, "{args:?}");
    }
    // What only looks, or rehearses, need not be asked about.
    for args in [
        &["queues"][..],
        &["dead", "replay", &id, "--dry-run"],
        &["jobs", "cancel", &id, "--dry-run"],
        &["forget", "ada@example.com", "--dry-run"],
        &["cron", "list"],
    ] {
        in_production(&bench, args).ok();
    }
    let paused = in_production(&bench, &["pause", "email", "--yes", "--json"]).json();
    let target = paused["target"].as_str().expect("a text");
    assert!(
        target.ends_with("namespace longshore, profile production"),
        "{target}"
    );
    in_production(&bench, &["dead", "replay", &id, "--yes"]).ok();
    assert_eq!(bench.row()["pending"], 1);
}

#[test]
fn elsewhere_one_job_is_changed_without_a_question_and_json_says_where() {
    let bench = Bench::new();
    let mut ids = bench.bury(2, "400 to.email");
    let (id, other) = (ids.remove(0), ids.remove(0));
    let answers = [
        &["pause", "email", "--json"][..],
        &["resume", "email", "--json"],
        &[
            "limit", "email", "1/s", "--for", "1h", "--reason", "r", "--json",
        ],
        &["limit", "email", "--lift", "--json"],
        &["cron", "run", "sweep-exports", "--json"],
        &["cron", "pause", "sweep-exports", "--reason", "r", "--json"],
        &["cron", "resume", "sweep-exports", "--reason", "r", "--json"],
        &[
            "dead", "edit", &id, "--args", WELCOME, "--reason", "r", "--json",
        ],
        &[
            "dead", "export", "--queue", "email", "--to", "letters", "--json",
        ],
        &["dead", "replay", &id, "--json"],
        &[
            "dead", "discard", &other, "--yes", "--reason", "r", "--json",
        ],
        &["mappings", "import", "-", "--json"],
    ];
    for args in answers {
        let answer = bench.run(args).json();
        let target = answer["target"].as_str().unwrap_or_default();
        assert!(
            target.ends_with("namespace longshore, no profile"),
            "{args:?}: {answer}"
        );
    }
}
