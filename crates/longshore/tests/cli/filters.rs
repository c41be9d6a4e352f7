//! Dead letters that are meant by several of their marks at once.

use serde_json::{Value, json};

use super::{Bench, WELCOME};
use crate::bench::{dead, text};

/// Dead letters, each with this tenant and tag, the first ones first.
fn bury(bench: &Bench, marks: &[(&str, &str)], code: &str) -> Vec<String> {
    let ids = marks.iter().map(|(tenant, tag)| {
        let enqueue = ["enqueue", "send_email", WELCOME];
        let marks = ["--tenant", tenant, "--tag", tag];
        let ran = bench.run(&[&enqueue[..], &marks].concat()).ok();
        bench.settle(&bench.claim(), &dead(code));
        ran.lines()[0].to_owned()
    });
    ids.collect()
}

fn ids(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().expect("a list").iter();
    let mut ids: Vec<_> = rows.map(|row| text(&row["id"])).collect();
    ids.sort();
    ids
}

const SPRING: (&str, &str) = ("acme", "spring");
const AUTUMN: (&str, &str) = ("acme", "autumn");
const OTHERS: (&str, &str) = ("umbrella", "spring");

/// Whatever is done to many letters is done to those of which all is true that was asked for, and to no other.
#[test]
fn filters_narrow_each_other_in_every_act_on_letters() {
    let bench = Bench::new();
    let marks = [SPRING, AUTUMN, OTHERS, SPRING, SPRING];
    let letters = bury(&bench, &marks, "413");
    let group = bench.group();
    bury(&bench, &[SPRING], "400");
    let which = [
        "--queue",
        "email",
        "--group",
        &group,
        "--kind",
        "send_email",
    ];
    let marked = ["--tenant", "acme", "--tag", "spring", "--since", "1h"];
    let which = [&which[..], &marked].concat();
    let list = || {
        let list = [&["dead", "list", "--json"][..], &which].concat();
        ids(&bench.run(&list).json())
    };
    let spring = [&letters[0], &letters[3], &letters[4]];
    assert_eq!(list(), spring.map(String::clone));
    let none = ["dead", "list", "--json", "--tag", "sprin"];
    assert_eq!(bench.run(&none).json(), json!([]));

    let rehearse = [&["dead", "replay", "--dry-run", "--json"][..], &which].concat();
    assert_eq!(bench.unchanged(&rehearse).json()["letters"], 3);
    let two = [&rehearse[..], &["--limit", "2"]].concat();
    assert_eq!(bench.unchanged(&two).json()["letters"], 2);

    let replay = [&["dead", "replay", "--limit", "1"][..], &which].concat();
    let ran = bench.run(&replay).ok();
    assert_eq!(ran.stdout, "1 dead letter is pending again\n");
    assert_eq!(list(), [letters[3].clone(), letters[4].clone()]);
    let operation = bench.run(&["operations", "--json"]).json()[0].clone();
    let filter = text(&operation["filter"]);
    assert!(
        filter.starts_with(&format!(
            "group {group}, kind send_email, tenant acme, tag spring, died since 2"
        )) && filter.ends_with("Z, at most 1"),
        "{operation}"
    );
    assert_eq!(
        (&operation["total"], &operation["done"]),
        (&json!(1), &json!(1))
    );
    let audit = bench.run(&["audit", "--json"]).json();
    assert_eq!(audit[0]["target"], operation["filter"], "{audit}");

    let file = ["--to", "letters.jsonl", "--limit", "1", "--json"];
    let export = [&["dead", "export"][..], &file, &which].concat();
    let exported = bench.run(&export).done();
    assert_eq!(exported["exported"], 1, "{exported}");
    let written = std::fs::read_to_string(bench.dir.path().join("letters.jsonl"));
    assert!(written.expect("reads").contains(&letters[3]));

    let why = ["--yes", "--reason", "wrong campaign"];
    let discard = [&["dead", "discard"][..], &why, &which].concat();
    let ran = bench.run(&discard).ok();
    assert_eq!(ran.stdout, "2 dead letters are gone\n");
    assert!(list().is_empty());
    assert_eq!(
        bench.row()["dead"],
        3,
        "the other campaigns are where they were"
    );
    let by_id = ["dead", "replay", &letters[1], "--tag", "spring"];
    bench.unchanged(&by_id).fails(2, "cannot be used with");
    let everywhere = ["dead", "replay", "--tag", "spring", "--yes"];
    bench.unchanged(&everywhere).fails(2, "required");
}

/// The rate is of letters that are moved, however many are looked at between them, and the fleet comes to the end of all.
#[test]
fn a_drip_of_a_filter_looks_past_what_is_not_meant() {
    let bench = Bench::new();
    let ids = bench.bury(700, "413");
    let of_spring = ["--queue", "email", "--tag", "spring"];
    for id in [&ids[10], &ids[650], &ids[699]] {
        bench.record(id, &[("tags", b"news\nspring")]);
    }
    let drip = ["dead", "replay", "--rate", "1000", "--detach", "--yes"];
    bench.run(&[&drip[..], &of_spring].concat()).ok();
    let running = bench.run(&["operations", "--json"]).json();
    assert_eq!(running[0]["filter"], "tag spring");
    assert_eq!(running[0]["total"], 3);
    let moved = || {
        let step = bench.runtime.block_on(bench.queue.advance_operations());
        step.expect("steps");
        bench.run(&["operations", "--json"]).json()[0]["done"].clone()
    };
    assert!(
        (0..50).any(|_| moved() == 3),
        "three letters among 700 are moved in a few steps"
    );
    let row = bench.row();
    assert_eq!((&row["pending"], &row["dead"]), (&json!(3), &json!(697)));
}

/// What is done to letters cannot be taken back, so a group that does not say which queue is meant is refused.
#[test]
fn a_group_that_two_queues_have_names_its_queue() {
    let bench = Bench::new();
    bench.bury(1, "413");
    let group = bench.group();
    for key in bench.state().into_keys() {
        let key = String::from_utf8(key).expect("our keys are text");
        let there = key.replace("{longshore:email}", "{longshore:sms}");
        if there != key {
            bench.redis(&[b"COPY", key.as_bytes(), there.as_bytes()]);
        }
    }
    let of_group = ["--group", &*group];
    let why = ["--yes", "--reason", "r"];
    for act in [&["dead", "replay"][..], &["dead", "discard"]] {
        bench
            .unchanged(&[act, &of_group, &why].concat())
            .fails(2, "email and sms: name one with --queue");
    }
    let export = ["dead", "export", "--to", "x.jsonl", "--group", &*group];
    bench.unchanged(&export).fails(2, "--queue");
    let export = ["dead", "export", "--to", "x.jsonl", "--tag", "spring"];
    bench.unchanged(&export).fails(2, "--group");
    let replay = ["dead", "replay", "--queue", "sms", "--yes"];
    let ran = bench.run(&[&replay[..], &of_group].concat()).ok();
    assert_eq!(ran.stdout, "1 dead letter is pending again\n");
    assert_eq!(
        bench.row()["dead"],
        1,
        "that of the other queue is untouched"
    );
}
