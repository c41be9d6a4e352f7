//! `dead groups`, `dead list`, `dead show`.

use serde_json::json;

use super::Bench;
use crate::bench::{fields, text};

#[test]
fn groups_have_the_fields_of_the_contract() {
    let bench = Bench::new();
    assert_eq!(bench.run(&["dead", "groups", "--json"]).json(), json!([]));
    bench.bury(3, "400 to.email");
    bench.bury(1, "413");
    let groups = bench.run(&["dead", "groups", "--json"]).json();
    let names = [
        "group",
        "queue",
        "kind",
        "provider",
        "reason",
        "count",
        "first_at",
        "last_at",
        "grew",
        "first_version",
    ];
    for name in names {
        assert!(fields(&groups[0]).contains(&name), "no {name} in {groups}");
    }
    let counts: Vec<_> = groups
        .as_array()
        .expect("an array")
        .iter()
        .map(|row| &row["count"])
        .collect();
    assert_eq!(counts, [&json!(3), &json!(1)]);
    assert_eq!(groups[0]["reason"], "refused by sendgrid: 400 to.email");
    assert_eq!(groups[0]["provider"], "sendgrid");
    assert_eq!(
        bench.run(&["dead", "groups", "email", "--json"]).json(),
        groups
    );

    assert_eq!(groups[0]["grew"]["last_hour"], 3);
    assert_eq!(groups[0]["grew"]["last_day"], 3);
    assert_eq!(groups[0]["grew"]["at"], groups[0]["last_at"]);

    let table = bench.run(&["dead", "groups"]).ok();
    assert!(
        table.lines()[1].starts_with(&text(&groups[0]["group"])),
        "{table:?}"
    );
}

#[test]
fn a_list_is_narrowed_by_queue_group_age_and_number() {
    let bench = Bench::new();
    let mut ids = bench.bury(2, "400 to.email");
    let group = bench.group();
    bench.bury(3, "413");
    let listed = |more: &[&str]| {
        let args = [&["dead", "list", "--json"], more].concat();
        let letters = bench.run(&args).json();
        let letters = letters.as_array().expect("an array");
        letters
            .iter()
            .map(|letter| text(&letter["id"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&[]).len(), 5);
    let mut of_group = listed(&["--group", &group]);
    of_group.sort();
    ids.sort();
    assert_eq!(of_group, ids);
    assert_eq!(listed(&["--queue", "email", "--limit", "4"]).len(), 4);
    assert_eq!(listed(&["--since", "1h"]).len(), 5);

    // What died long ago is not among the last hour's.
    let dead = bench.queue.keys().dead.as_bytes();
    bench.redis(&[b"ZADD", dead, b"1000", ids[0].as_bytes()]);
    assert_eq!(listed(&["--since", "1h"]).len(), 4);
    assert_eq!(listed(&[]).last(), Some(&ids[0]), "the newest comes first");

    let letter = &bench
        .run(&["dead", "list", "--json", "--limit", "1"])
        .json()[0];
    for name in [
        "id", "queue", "kind", "group", "died_at", "attempt", "reason",
    ] {
        assert!(fields(letter).contains(&name), "no {name} in {letter}");
    }
    let cut = bench.run(&["dead", "list", "--limit", "2"]).ok();
    assert_eq!(cut.lines().len(), 3);
    assert!(
        cut.stderr.contains("--limit"),
        "it says that there may be more: {cut:?}"
    );
}

#[test]
fn nothing_is_an_empty_array_or_a_word_on_stderr() {
    let bench = Bench::new();
    bench.enqueue(1);
    for list in ["groups", "list"] {
        assert_eq!(bench.run(&["dead", list, "--json"]).json(), json!([]));
        let ran = bench.run(&["dead", list]).ok();
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.as_str()),
            ("", "no dead letters\n")
        );
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let bench = Bench::new();
    bench.bury(1, "413");
    for (args, code, why) in [
        (&["dead"][..], 2, "Usage: longshore dead"),
        (&["dead", "bury"], 2, "bury"),
        (&["dead", "list", "--limit", "0"], 2, "--limit"),
        (&["dead", "list", "--limit", "all"], 2, "--limit"),
        (
            &["dead", "list", "--since", "yesterday"],
            2,
            "90s, 15m, 2h or 1d",
        ),
        (
            &["dead", "list", "--group", "0123456789ab"],
            1,
            "longshore dead groups",
        ),
        (
            &["dead", "replay", "--group", "0123456789ab", "--yes"],
            1,
            "longshore dead groups",
        ),
    ] {
        let ran = bench.unchanged(args);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert_eq!(ran.stdout, "", "{ran:?}");
        assert!(ran.stderr.contains(why), "no {why:?} in {ran:?}");
    }
}

#[test]
fn ids_that_are_garbage_are_listed_and_can_be_named() {
    let bench = Bench::new();
    for raw in [
        &b"\xff\x00 \n"[..],
        b"back\\slash",
        b"not-a-ulid",
        "smørbrød".as_bytes(),
    ] {
        let shown = bench.bury_raw(raw, b"{}");
        let listed = bench
            .run(&["dead", "list", "--json", "--limit", "1"])
            .json();
        assert_eq!(listed[0]["id"], json!(shown));
        assert!(bench.run(&["dead", "list"]).ok().stdout.contains(&shown));
        let letter = bench.run(&["dead", "show", &shown, "--json"]).json();
        assert_eq!(
            (&letter["id"], &letter["state"]),
            (&json!(shown), &json!("dead"))
        );

        let replayed = bench.run(&["dead", "replay", &shown, "--json"]).json();
        assert_eq!(replayed["replayed"], 1);
        assert_eq!(
            bench.run(&["job", &shown, "--json"]).json()["state"],
            "pending"
        );
        assert_eq!(bench.claim()[0].id.as_bytes(), raw);
        bench.redis(&[b"DEL", bench.queue.keys().inflight.as_bytes()]);

        let shown = bench.bury_raw(raw, b"{}");
        let discard = [
            "dead", "discard", &shown, "--yes", "--reason", "garbage", "--json",
        ];
        assert_eq!(bench.run(&discard).json()["discarded"], 1);
        bench
            .run(&["dead", "show", &shown])
            .fails(2, "is not a job id");
    }
}
