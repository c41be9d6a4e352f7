//! `audit`, and whom it names.

use serde_json::json;

use super::Bench;
use crate::bench::{fields, text};

#[test]
fn it_tells_who_did_what_when_and_why() {
    let bench = Bench::new();
    assert_eq!(bench.run(&["audit", "--json"]).json(), json!([]));
    let id = bench.bury(2, "413").remove(0);
    bench
        .run(&["pause", "email", "--reason", "they are down"])
        .ok();
    bench
        .run(&["resume", "email", "--as", "ola", "--reason", "they are up"])
        .ok();
    bench
        .run(&["dead", "show", &id, "--reveal", "--reason", "she asked"])
        .ok();
    bench.run(&["job", &id]).ok();
    bench.run(&["dead", "replay", &id]).ok();
    let discard = [
        "dead", "discard", "--queue", "email", "--yes", "--reason", "tests",
    ];
    bench.run(&discard).ok();
    let rows = bench.run(&["audit", "--json"]).json();
    let rows = rows.as_array().expect("a list");
    for name in ["at", "queue", "by", "action", "target", "reason", "result"] {
        assert!(fields(&rows[0]).contains(&name), "no {name} in {}", rows[0]);
    }
    text(&rows[0]["at"])
        .parse::<jiff::Timestamp>()
        .expect("RFC 3339");
    let told: Vec<_> = rows
        .iter()
        .map(|row| json!([row["by"], row["action"], row["target"], row["reason"]]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["kari", "pause", "email", "they are down"]),
            json!(["ola", "resume", "email", "they are up"]),
            json!(["kari", "reveal", id, "she asked"]),
            json!(["kari", "replay", id, null]),
            json!(["kari", "discard", "email", "tests"]),
            json!(["longshore", "discard_done", "email", null]),
        ]
    );
    let table = bench.run(&["audit"]).ok();
    assert_eq!(table.lines().len(), 7);
    assert!(table.stdout.contains("she asked"), "{table:?}");
    let listed = |args: &[&str]| {
        let rows = bench.run(&[&["audit", "--json"], args].concat()).json();
        rows.as_array().map(Vec::len)
    };
    assert_eq!(listed(&["--limit", "2"]), Some(2));
    assert_eq!(listed(&["--since", "1h"]), Some(6));
    assert_eq!(listed(&["--since", "0s"]), Some(0));
    assert_eq!(listed(&["--queue", "sms"]), Some(0));
    bench
        .unchanged(&["audit", "--queue", "mail"])
        .fails(2, "the queues are email");
}

#[test]
fn without_a_name_it_is_the_user_on_this_machine() {
    let bench = Bench::new();
    let mut command = bench.command(&["pause", "email", "--json"]);
    command.env_remove("LONGSHORE_OPERATOR").env("USER", "per");
    assert!(command.status().expect("runs").success());
    let by = text(&bench.run(&["audit", "--json"]).json()[0]["by"]);
    assert!(by == "per" || by.starts_with("per@"), "{by}");
    bench
        .unchanged(&["pause", "email", "--as", " "])
        .fails(2, "--as");
}
