//! `dead edit` and `dead export`.

use std::fs;

use serde_json::{Value, json};

use super::{Bench, NOBODY, WELCOME};

const MENDED: &str = r#"{"template":"welcome","to":{"email":"ada@example.org"},"data":{}}"#;

fn edit<'a>(id: &'a str, args: &'a str) -> [&'a str; 7] {
    ["dead", "edit", id, "--args", args, "--reason", "a slip"]
}

#[test]
fn args_are_corrected_and_the_old_ones_kept() {
    let bench = Bench::new();
    let id = bench.bury(1, "400 to.email").remove(0);
    let ran = bench.run(&edit(&id, MENDED)).ok();
    assert!(ran.stdout.contains(&format!("dead replay {id}")), "{ran:?}");
    assert!(
        !ran.stdout.contains("ada") && !ran.stderr.contains("ada"),
        "{ran:?}"
    );
    // (Redis may write the same record in another order now, so this is not compared byte by byte.)
    let again = bench.run(&[&edit(&id, MENDED)[..], &["--json"]].concat());
    assert_eq!(
        again.done(),
        json!({ "id": id, "edited": true, "changed": false })
    );

    let letter = bench
        .run(&["dead", "show", &id, "--reveal", "--json"])
        .json();
    assert_eq!(letter["args"]["to"]["email"], "ada@example.org");
    let entry = &letter["history"][1];
    assert_eq!(
        (&entry["outcome"], &entry["worker"], &entry["reason"]),
        (&json!("edited"), &json!("kari"), &json!("a slip"))
    );
    assert_eq!(entry["old_args"]["to"]["email"], "ada@example.com");
    let shown = bench.run(&["dead", "show", &id]).ok().stdout;
    assert!(
        shown.contains("before: ") && !shown.contains("ada"),
        "{shown}"
    );

    let file = bench.dir.path().join("args.json");
    fs::write(&file, WELCOME).expect("writes");
    bench.run(&edit(&id, "@args.json")).ok();
    bench.run(&["dead", "replay", &id]).ok();
    let claimed = bench.claim().remove(0);
    assert_eq!(claimed.run.generation, 2, "each edit is a new key");
    let payload: Value = serde_json::from_slice(&claimed.payload.expect("is there")).expect("JSON");
    assert_eq!(payload["args"]["data"]["code"], "s3cret");
}

#[test]
fn wrong_args_are_refused_and_nothing_is_changed() {
    let bench = Bench::new();
    let id = bench.bury(1, "400").remove(0);
    for wrong in [
        "{",
        "{}",
        r#"{"template":"x","to":{"email":"ada"},"data":{}}"#,
        "@nowhere",
    ] {
        let ran = bench.unchanged(&edit(&id, wrong));
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(!ran.stderr.contains("ada"), "{ran:?}");
    }
    bench
        .unchanged(&["dead", "edit", &id, "--args", MENDED])
        .fails(2, "--reason");
    bench.unchanged(&edit(NOBODY, MENDED)).fails(1, NOBODY);
    let pending = bench.enqueue(1).remove(0);
    bench
        .unchanged(&edit(&pending, MENDED))
        .fails(1, "is pending, not dead");

    bench.record(&id, &[("run", b"1 0 0 1 1")]);
    bench.unchanged(&edit(&id, MENDED)).fails(2, "--force");
    bench
        .run(&[&edit(&id, MENDED)[..], &["--force"]].concat())
        .ok();
}

#[test]
fn an_export_is_whole_before_anything_is_discarded() {
    let bench = Bench::new();
    let mut ids = bench.bury(3, "413");
    let group = bench.group();
    bench.bury(2, "400");
    let export = ["dead", "export", "--group", &group, "--to", "letters.jsonl"];
    let exported = bench.run(&[&export[..], &["--json"]].concat()).done();
    assert_eq!(
        exported,
        json!({ "exported": 3, "discarded": 0, "left_out": 0 })
    );
    let file = bench.dir.path().join("letters.jsonl");
    let lines = fs::read_to_string(&file).expect("reads");
    let mut written: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|line| line["id"].as_str().expect("a text").to_owned())
        .collect();
    written.sort();
    ids.sort();
    assert_eq!(written, ids);
    assert_eq!(bench.row()["dead"], 5);

    let discard = ["--discard", "--reason", "sent by hand"];
    let there = [&export[..], &discard, &["--yes"]].concat();
    bench.unchanged(&there).fails(2, "exists already");
    fs::remove_file(&file).expect("is removed");
    bench
        .unchanged(&[&export[..], &["--discard"]].concat())
        .fails(2, "--reason");
    bench
        .unchanged(&[&export[..], &discard].concat())
        .fails(2, "3 dead letters: add --yes");
    let ran = bench.run(&there).ok();
    assert!(ran.stdout.starts_with("3 dead letters written"), "{ran:?}");
    assert_eq!(bench.row()["dead"], 2);
    let nowhere = [
        "dead",
        "export",
        "--queue",
        "email",
        "--to",
        "no/where",
        "--discard",
    ];
    let nowhere = [&nowhere[..], &["--yes", "--reason", "r"]].concat();
    let ran = bench.run(&nowhere);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("no dead letter was touched"), "{ran:?}");
    assert_eq!(bench.row()["dead"], 2);
    let gone = ["dead", "export", "--group", &group, "--to", "other.jsonl"];
    bench.unchanged(&gone).fails(1, "longshore dead groups");
}
