//! `dead replay` with `--dry-run`, `--rate` and `--detach`, and `dead replays`.

use std::time::Duration;

use longshore_queue::Fate;
use serde_json::json;

use super::{Bench, NOBODY};
use crate::bench::{dead, text};

#[test]
fn a_rehearsal_says_what_would_happen() {
    let bench = Bench::new();
    bench.bury(3, "413");
    bench.bury_raw(b"01JD2Z5V9GQ8X0T6M3K7W4R1YC", b"garbage");
    let rehearse = [
        "dead",
        "replay",
        "--queue",
        "email",
        "--rate",
        "1",
        "--dry-run",
    ];
    let told = bench
        .unchanged(&[&rehearse[..], &["--json"]].concat())
        .json();
    for (name, count) in [
        ("letters", 4),
        ("would_run", 3),
        ("undecodable", 1),
        ("seconds", 4),
    ] {
        assert_eq!(told[name], count, "{name} in {told}");
    }
    assert_eq!(told["queues"][0]["breakers"][0]["state"], "closed");
    bench.run(&["pause", "email"]).ok();
    let told = bench.unchanged(&rehearse).ok().stdout;
    for words in [
        "4 dead letters would be pending again, 3 of them would run; nothing was changed",
        "1 would die again: they cannot be decoded",
        "email was paused by kari",
        "At 1 a second it takes 4s",
    ] {
        assert!(told.contains(words), "no {words:?} in {told}");
    }
    bench
        .unchanged(&["dead", "replay", NOBODY, "--dry-run"])
        .ok();
    bench
        .unchanged(&[&rehearse[..], &["--detach"]].concat())
        .fails(2, "--detach");
}

#[test]
fn a_drip_needs_no_worker_to_move_and_waits_for_its_end() {
    let bench = Bench::new();
    bench.bury(3, "413");
    let group = bench.group();
    let drip = ["dead", "replay", "--group", &group, "--rate", "100000"];
    bench.unchanged(&drip).fails(2, "3 dead letters: add --yes");
    bench
        .unchanged(&["dead", "replay", "--group", &group, "--rate", "0"])
        .fails(2, "--rate");
    let mut waiting = bench.command(&[&drip[..], &["--yes", "--json"]].concat());
    let waiting = waiting
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    // It is over when their first runs are.
    let mut ran = 0;
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while ran < 3 && std::time::Instant::now() < end {
        let claimed = bench.claim();
        ran += claimed.len();
        bench.settle(&claimed, &Fate::Completed { result: None });
    }
    let said = waiting.wait_with_output().expect("ends");
    assert!(said.status.success(), "{said:?}");
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).expect("JSON");
    assert_eq!(
        (&said["replayed"], &said["skipped"]),
        (&json!(3), &json!([]))
    );
    let row = &said["replays"][0];
    assert_eq!(
        (&row["state"], &row["completed"]),
        (&json!("done"), &json!(3))
    );
}

/// Each dies of another cause, so that the drip goes on to its end.
#[test]
fn a_drip_of_which_nothing_completes_is_a_failure() {
    let bench = Bench::new();
    bench.bury(9, "413");
    let drip = [
        "dead", "replay", "--queue", "email", "--rate", "100000", "--yes",
    ];
    let mut waiting = bench.command(&drip);
    let waiting = waiting
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    let mut ran = 0;
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while ran < 9 && std::time::Instant::now() < end {
        for claimed in bench.claim() {
            bench.settle(&[claimed], &dead(&format!("5{ran:02}")));
            ran += 1;
        }
    }
    let said = waiting.wait_with_output().expect("ends");
    let stderr = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("none of them completed. 9 dead letters replayed: 9 dead again"),
        "{stderr}"
    );
}

#[test]
fn a_detached_one_is_listed_cancelled_and_resumed() {
    let bench = Bench::new();
    let ids = bench.bury(3, "413");
    let drip = [
        "dead", "replay", "--queue", "email", "--rate", "1", "--yes", "--detach",
    ];
    let ran = bench
        .run(&[&drip[..], &["--reason", "they are up"]].concat())
        .ok();
    assert!(ran.stdout.contains("runs in the fleet"), "{ran:?}");
    // Once more is the same one; at another rate it is refused.
    let again = bench.run(&[&drip[..], &["--json"]].concat()).json();
    let rows = bench.run(&["dead", "replays", "--json"]).json();
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    let id = text(&rows[0]["id"]);
    assert_eq!(again["replays"][0]["id"], json!(id));
    let other = [
        "dead", "replay", "--queue", "email", "--rate", "2", "--yes", "--detach",
    ];
    bench
        .unchanged(&other)
        .fails(2, "is running at another rate");
    bench
        .unchanged(&["dead", "replay", "--queue", "email", "--yes"])
        .fails(2, &id);
    let row = &rows[0];
    for (name, value) in [
        ("queue", json!("email")),
        ("target", json!("email")),
        ("state", json!("running")),
        ("rate", json!(1)),
        ("total", json!(3)),
        ("by", json!("kari")),
        ("reason", json!("they are up")),
    ] {
        assert_eq!(row[name], value, "{name}");
    }
    let table = bench.run(&["dead", "replays"]).ok();
    assert!(table.lines()[1].starts_with(&id), "{table:?}");

    let cancel = ["dead", "replays", "cancel", &id];
    let ran = bench
        .run(&[&cancel[..], &["--reason", "not yet"]].concat())
        .ok();
    assert!(ran.stdout.contains("is cancelled"), "{ran:?}");
    bench.unchanged(&cancel).ok();
    bench
        .run(&["dead", "replays", "resume", &id, "--detach"])
        .ok();
    let told = bench.run(&["audit", "--json"]).json();
    let told: Vec<_> = told
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| text(&row["action"]))
        .collect();
    assert_eq!(told, ["replay", "replay_cancel", "replay_resume"]);
    for change in ["cancel", "resume"] {
        bench
            .unchanged(&["dead", "replays", change, NOBODY])
            .fails(1, "longshore dead replays");
    }
    bench.run(&cancel).ok();
    // Named ones, too.
    let named = [
        "dead", "replay", &ids[0], "--rate", "5", "--detach", "--json",
    ];
    let begun = bench.run(&named).json();
    assert_eq!(begun["replays"][0]["target"], "named jobs");
}

/// It stops itself in the middle of its first runs; those that are out then count, too, and everybody tells the same.
#[test]
fn one_that_stops_itself_is_a_failure_that_names_the_cause() {
    let bench = Bench::new();
    bench.bury(30, "413");
    let drip = [
        "dead", "replay", "--queue", "email", "--rate", "1000", "--yes",
    ];
    let mut waiting = bench.command(&drip);
    let waiting = waiting
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    let end = std::time::Instant::now() + Duration::from_secs(30);
    let mut out = Vec::new();
    while out.len() < 30 {
        assert!(std::time::Instant::now() < end, "they are not replayed");
        out.extend(bench.claim());
    }
    bench.settle(&out[..21], &dead("413"));
    let row = || bench.run(&["dead", "replays", "--json"]).json()[0].clone();
    let stopped = row();
    assert_eq!(
        (&stopped["state"], &stopped["failed"]),
        (&json!("stopped"), &json!(21))
    );
    bench.settle(&out[21..], &dead("413"));
    let said = waiting.wait_with_output().expect("ends");
    assert_eq!(said.status.code(), Some(1));
    let stderr = String::from_utf8(said.stderr).expect("UTF-8");
    assert!(stderr.contains("refused by sendgrid: 413"), "{stderr}");
    assert!(stderr.contains("longshore dead replays resume"), "{stderr}");

    let numbers = "30 dead letters replayed: 30 dead again.";
    assert!(stderr.contains(numbers), "{stderr}");
    let over = row();
    assert_eq!((&over["moved"], &over["failed"]), (&json!(30), &json!(30)));
    let table = bench.run(&["dead", "replays"]).ok().stdout;
    let cells: Vec<_> = table
        .lines()
        .nth(1)
        .expect("a row")
        .split_whitespace()
        .collect();
    assert_eq!(cells[1..5], ["stopped", "30/30", "1000/s", "30"], "{table}");
}
