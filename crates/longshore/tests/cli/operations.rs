//! `operations`, and what becomes of one that nobody continues.

use std::time::{Duration, Instant};

use longshore_queue::Fate;
use serde_json::json;

use super::jobs::{WHY, states, tagged};
use super::{Bench, NOBODY, WELCOME};

/// Left to the fleet, of which there is none: what it is can be looked at, stopped and taken up again.
#[test]
fn a_campaign_is_cancelled_as_an_operation() {
    let bench = Bench::new();
    let wrong = tagged(&bench, 400, "wrong");
    let good = tagged(&bench, 2, "good");
    let of = ["jobs", "cancel", "--queue", "email", "--tag", "wrong"];
    let begun = bench
        .run(&[&of[..], &["--yes", "--detach", "--json"], &WHY].concat())
        .ok();
    let nobody = "email: NO WORKER serves it, so nothing continues";
    assert!(begun.stderr.contains(nobody), "{begun:?}");
    let begun = begun.json();
    let id = begun["operation"]["id"].as_str().expect("an id").to_owned();
    let show = |id: &str| {
        bench
            .unchanged(&["operations", "show", id, "--json"])
            .json()
    };
    let row = show(&id);
    for (name, value) in [
        ("act", json!("cancel")),
        ("queue", json!("email")),
        ("filter", json!("tag wrong")),
        ("by", json!("kari")),
        ("reason", json!("wrong campaign")),
        ("state", json!("running")),
        ("total", json!(400)),
        ("done", json!(0)),
        ("asked", json!(0)),
        ("failed", json!(0)),
        ("missed", json!(0)),
    ] {
        assert_eq!(row[name], value, "{name} of {row}");
    }
    bench.run(&["operations", "cancel", &id]).ok();
    assert_eq!(show(&id)["state"], "cancelled");
    let late = tagged(&bench, 1, "wrong");
    let ran = bench.run(&["operations", "resume", &id]).ok();
    assert!(ran.stdout.contains("400 jobs cancelled"), "{ran:?}");
    assert_eq!(show(&id)["state"], "done");
    let audit = bench.unchanged(&["audit", "--json"]).json();
    let results: Vec<_> = audit
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["result"].clone())
        .collect();
    assert!(results.contains(&json!("400 jobs")), "{audit}");
    bench
        .unchanged(&["operations", "resume", &id])
        .fails(1, "is done");
    bench
        .unchanged(&["operations", "show", NOBODY])
        .fails(1, "no operation");
    assert_eq!(states(&bench, &wrong[398..]), ["cancelled", "cancelled"]);
    assert_eq!(states(&bench, &good), ["pending", "pending"]);
    assert_eq!(states(&bench, &late), ["pending"], "it came later");
    let listed = bench.unchanged(&["operations", "--json"]).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    let table = bench.unchanged(&["operations", "list"]).ok().stdout;
    assert!(table.contains("400/400"), "{table}");
    assert!(
        bench.unchanged(&["dead", "replays"]).ok().stdout.is_empty(),
        "it is no replay"
    );
    let none = bench
        .run(&[&of[..], &["--since", "0s", "--yes"], &WHY].concat())
        .ok();
    assert!(none.stdout.contains("no jobs to cancel"), "{none:?}");
}

/// Its terminal is killed half-way: somebody else brings it to its end, and counts right.
#[test]
fn an_operation_whose_process_is_killed_is_resumed() {
    let bench = Bench::new();
    let lines = format!("{WELCOME}\n").repeat(20_000);
    bench
        .pipe(&["enqueue", "send_email", "-"], lines.as_bytes())
        .ok();
    let args = [&["jobs", "cancel", "--queue", "email", "--yes"], &WHY[..]].concat();
    let mut killed = bench.command(&args).spawn().expect("it starts");
    let deadline = Instant::now() + Duration::from_secs(30);
    let row = || bench.run(&["operations", "--json"]).json()[0].clone();
    while row()["done"].as_u64().unwrap_or(0) == 0 {
        assert!(Instant::now() < deadline, "it never begins");
    }
    killed.kill().expect("is killed");
    killed.wait().expect("is gone");
    let half = row();
    assert_eq!(half["total"], 20_000);
    let id = half["id"].as_str().expect("an id").to_owned();
    bench.run(&["operations", "resume", &id]).ok();
    let row = row();
    assert_eq!(
        (&row["state"], &row["done"], &row["failed"]),
        (&json!("done"), &json!(20_000), &json!(0))
    );
    assert_eq!(bench.row()["cancelled"], 20_000);
    assert_eq!(bench.row()["pending"], 0);
}

/// What ends while it waits for its turn is told apart from what it cancels.
#[test]
fn what_had_ended_before_it_came_to_them_is_counted() {
    let bench = Bench::new();
    tagged(&bench, 5, "wrong");
    let of = ["jobs", "cancel", "--queue", "email", "--tag", "wrong"];
    let begun = bench.run(&[&of[..], &["--yes", "--detach", "--json"], &WHY].concat());
    let begun = begun.ok().json();
    let id = begun["operation"]["id"].as_str().expect("an id").to_owned();
    bench.settle(&bench.claim()[..3], &Fate::Completed { result: None });
    let ran = bench.run(&["operations", "resume", &id]).ok();
    assert!(
        ran.stdout.contains(
            "0 jobs cancelled, 2 that run asked to stop, 3 had ended before it came to them"
        ),
        "{ran:?}"
    );
}

/// Many get another time: rehearsed, refused where it cannot be meant, begun, killed half-way and continued.
#[test]
fn a_campaign_is_rescheduled_as_an_operation() {
    let bench = Bench::new();
    let meant = tagged(&bench, 400, "spring");
    let other = tagged(&bench, 2, "other");
    let of = ["jobs", "reschedule", "--queue", "email", "--tag", "spring"];
    let when = ["--at", "2099-12-24T08:00:00Z"];
    let with = |more: &[&'static str]| [&of[..], &when, more].concat();
    let rehearsed = bench.unchanged(&with(&["--dry-run"])).ok();
    let said = "400 jobs of email (tag spring): 400 pending, 0 scheduled, 0 retryable";
    assert!(rehearsed.stdout.contains(said), "{rehearsed:?}");
    let rehearsed = bench.unchanged(&with(&["--dry-run", "--json"])).json();
    assert_eq!(rehearsed["jobs"], 400);
    bench.unchanged(&with(&["--yes"])).fails(2, "--reason");
    bench.unchanged(&with(&WHY)).fails(2, "--yes");
    let states = [&["--state", "running", "--yes"], &WHY[..]].concat();
    bench
        .unchanged(&with(&states))
        .fails(2, "jobs that are running cannot be rescheduled");
    let begun = bench
        .run(&with(
            &[&["--yes", "--detach", "--json"], &WHY[..]].concat(),
        ))
        .ok()
        .json();
    let row = &begun["operation"];
    for (name, value) in [
        ("act", json!("reschedule")),
        ("filter", json!("tag spring")),
        ("state", json!("running")),
        ("total", json!(400)),
        ("due_at", json!("2099-12-24T08:00:00.000Z")),
    ] {
        assert_eq!(row[name], value, "{name} of {row}");
    }
    let id = row["id"].as_str().expect("an id").to_owned();
    bench.run(&["operations", "cancel", &id]).ok();
    let ran = bench.run(&["operations", "resume", &id]).ok();
    assert!(ran.stdout.contains("400 jobs rescheduled"), "{ran:?}");
    assert_eq!(states_of(&bench, &meant), ["scheduled", "scheduled"]);
    assert_eq!(states_of(&bench, &other), ["pending", "pending"]);
    let again = bench.run(&with(&[&["--yes"], &WHY[..]].concat())).ok();
    let said = "0 jobs rescheduled, 400 were due then already";
    assert!(again.stdout.contains(said), "{again:?}");
    let none = ["--since", "0s", "--yes"];
    let none = bench.run(&with(&[&none[..], &WHY].concat())).ok();
    assert!(none.stdout.contains("no jobs to reschedule"), "{none:?}");
}

fn states_of(bench: &Bench, ids: &[String]) -> Vec<String> {
    states(bench, &ids[ids.len() - 2..])
}

/// A discard of many is left to the fleet, stopped, and taken up again.
#[test]
fn a_discard_of_many_is_an_operation() {
    let bench = Bench::new();
    bench.bury(30, "413");
    let discard = ["dead", "discard", "--queue", "email", "--yes"];
    let begun = bench
        .run(&[&discard[..], &["--detach", "--json"], &WHY].concat())
        .ok()
        .json();
    let row = &begun["operation"];
    assert_eq!(
        (&row["act"], &row["total"], &row["done"]),
        (&json!("discard"), &json!(30), &json!(0))
    );
    let id = row["id"].as_str().expect("an id").to_owned();
    bench.run(&["operations", "cancel", &id]).ok();
    let ran = bench.run(&["operations", "resume", &id]).ok();
    assert!(ran.stdout.contains("30 dead letters discarded"), "{ran:?}");
    assert_eq!(bench.row()["dead"], 0);
    let none = bench
        .run(&[&discard[..], &["--detach"], &WHY].concat())
        .ok();
    assert!(none.stdout.contains("no dead letters"), "{none:?}");
}
