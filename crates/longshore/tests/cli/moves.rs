//! `dead replay` and `dead discard`.

use serde_json::json;

use super::{Bench, NOBODY};
use crate::bench::less_target;

#[test]
fn one_letter_is_replayed_by_its_id() {
    let bench = Bench::new();
    let id = bench.bury(1, "413").remove(0);
    let ran = bench
        .run(&["dead", "replay", &id, "--reason", "it was our fault"])
        .ok();
    assert_eq!(ran.stdout, "1 dead letter is pending again\n");
    assert!(
        ran.stderr.contains("kari") && ran.stderr.contains("it was our fault"),
        "{ran:?}"
    );
    let job = bench.run(&["job", &id, "--json"]).json();
    assert_eq!(job["state"], "pending");
    assert_eq!(
        job["history"].as_array().map(Vec::len),
        Some(2),
        "the history is kept, with a line for the replay"
    );
    assert_eq!(
        bench.claim()[0].run.used,
        0,
        "it has all its attempts again"
    );
}

#[test]
fn a_replay_can_be_repeated() {
    let bench = Bench::new();
    let id = bench.bury(1, "413").remove(0);
    bench.run(&["dead", "replay", &id]).ok();
    let again = bench.unchanged(&["dead", "replay", &id, "--json"]).done();
    assert_eq!(
        again,
        json!({ "replayed": 0, "skipped": [id], "not_found": [], "forgotten": [] })
    );
    bench
        .unchanged(&["dead", "replay", "--queue", "email", "--yes"])
        .ok();
}

#[test]
fn more_than_one_takes_a_yes_where_nobody_can_be_asked() {
    let bench = Bench::new();
    let ids = bench.bury(2, "413");
    let group = bench.group();
    let both = [ids[0].as_str(), ids[1].as_str()];
    for which in [&["--queue", "email"][..], &["--group", &group], &both] {
        let replay = [&["dead", "replay"], which].concat();
        bench
            .unchanged(&replay)
            .fails(2, "2 dead letters: add --yes");
        let discard = [&["dead", "discard", "--reason", "r"], which].concat();
        bench
            .unchanged(&discard)
            .fails(2, "2 dead letters: add --yes");
    }
    // One of them named twice is one.
    bench.run(&["dead", "replay", &ids[0], &ids[0]]).ok();
    assert_eq!(bench.row()["pending"], 1);
    let ran = bench
        .run(&["dead", "replay", "--group", &group, "--yes"])
        .ok();
    assert_eq!(ran.stdout, "1 dead letter is pending again\n");
}

#[test]
fn a_discard_takes_a_yes_and_a_reason() {
    let bench = Bench::new();
    let id = bench.bury(1, "413").remove(0);
    bench
        .unchanged(&["dead", "discard", &id, "--reason", "r"])
        .fails(2, "add --yes");
    bench
        .unchanged(&["dead", "discard", &id, "--yes"])
        .fails(2, "--reason");
    bench
        .unchanged(&["dead", "discard", &id, "--yes", "--reason", " "])
        .fails(2, "say why");
    let ran = bench
        .run(&["dead", "discard", &id, "--yes", "--reason", "tests only"])
        .ok();
    assert_eq!(ran.stdout, "1 dead letter is gone\n");
    assert!(ran.stderr.contains("tests only"), "{ran:?}");
    bench.run(&["job", &id]).fails(1, &id);
    assert_eq!(bench.row()["dead"], 0);
}

#[test]
fn all_of_a_group_or_a_queue_are_moved_and_no_others() {
    let bench = Bench::new();
    bench.bury(5, "413");
    let group = bench.group();
    bench.bury(1200, "400 to.email");
    let ran = bench.run(&["dead", "replay", "--group", &group, "--yes", "--json"]);
    assert_eq!(
        ran.done(),
        json!({ "replayed": 5, "skipped": [], "not_found": [], "forgotten": [] })
    );
    assert_eq!(bench.row()["dead"], 1200);
    let ran = bench
        .run(&["dead", "replay", "--queue", "email", "--yes"])
        .ok();
    assert_eq!(ran.stdout, "1200 dead letters are pending again\n");
    let row = bench.row();
    assert_eq!((&row["dead"], &row["pending"]), (&json!(0), &json!(1205)));
}

#[test]
fn an_id_that_is_none_keeps_the_others_where_they_are() {
    let bench = Bench::new();
    let id = bench.bury(1, "413").remove(0);
    for command in [
        &["dead", "replay"][..],
        &["dead", "discard", "--reason", "r"],
    ] {
        let args = [command, &["--yes", &id, "not-an-id"]].concat();
        bench
            .unchanged(&args)
            .fails(2, "`not-an-id` is not a job id");
        bench.unchanged(command).fails(2, "--group");
        let two = [command, &["--yes", "--group", "g", "--queue", "email"]].concat();
        bench.unchanged(&two).fails(1, "there is no group `g`");
    }
}

#[test]
fn what_is_not_found_is_said_and_the_others_are_moved() {
    let bench = Bench::new();
    let id = bench.bury(1, "413").remove(0);
    bench.unchanged(&["dead", "replay", NOBODY, "--yes"]);
    let ran = bench.run(&["dead", "replay", NOBODY, &id, "--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let moved: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(
        less_target(moved),
        json!({ "replayed": 1, "skipped": [], "not_found": [NOBODY], "forgotten": [] })
    );
    assert!(ran.stderr.contains(NOBODY), "{ran:?}");
}

/// What lives is no dead letter, and whoever discards it means something else.
#[test]
fn what_is_not_dead_is_not_discarded_and_that_is_no_success() {
    let bench = Bench::new();
    let dead = bench.bury(1, "413").remove(0);
    let waits = bench.enqueue(1).remove(0);
    let both = ["dead", "discard", &waits, &dead, "--yes", "--reason", "x"];
    let ran = bench.run(&both);
    assert_eq!(
        (ran.code, &*ran.stdout),
        (Some(1), "1 dead letter is gone\n")
    );
    let why = "nothing was done to 1 job that is not dead";
    assert!(ran.stderr.contains(why), "{ran:?}");
    let job = bench.run(&["job", &waits, "--json"]).json();
    assert_eq!(job["state"], "pending");
}
