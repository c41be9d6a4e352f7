//! Letters whose outcome is unknown, of which the provider has told since what became of their messages; and jobs whose worker was lost.

use std::time::{SystemTime, UNIX_EPOCH};

use longshore_job::{Cause, Class};
use longshore_queue::Fate;
use serde_json::json;

use super::Bench;
use crate::bench::text;

/// Four letters of an unknown outcome: two were delivered, one bounced, of one nothing is known.
fn four(bench: &Bench) -> Vec<String> {
    let mut ids = bench.enqueue(4);
    ids.sort();
    let cause = Cause::without_provider(Class::OutcomeUnknown, "worker lost");
    bench.settle(&bench.claim(), &Fate::Dead { cause });
    for (n, state) in ["delivered", "delivered", "bounce"].iter().enumerate() {
        let message = format!("m-{n}");
        let known = json!({"job": ids[n], "state": state, "rank": 3, "at": 1}).to_string();
        let key = &bench.queue.keys().deliveries;
        bench.redis(&[
            b"HSET",
            key.as_bytes(),
            message.as_bytes(),
            known.as_bytes(),
        ]);
        bench.record(
            &ids[n],
            &[("msg", message.as_bytes()), ("run", b"1 0 0 1 1")],
        );
    }
    bench.record(&ids[3], &[("run", b"1 0 0 1 1")]);
    ids
}

#[test]
fn what_was_delivered_is_told_and_can_be_left_out_or_discarded() {
    let bench = Bench::new();
    let ids = four(&bench);
    let groups = bench.run(&["dead", "groups", "--json"]).json();
    let counted = json!({"looked": 4, "delivered": 2, "failed": 1, "accepted": 0});
    assert_eq!(groups[0]["deliveries"], counted);
    let table = bench.run(&["dead", "groups"]).ok().stdout;
    assert!(table.contains("2 of 4 were delivered"), "{table}");
    let listed = bench.run(&["dead", "list", "--json"]).json();
    let of = |id: &String| {
        let mut rows = listed.as_array().expect("rows").iter();
        rows.find(|row| row["id"] == **id).expect("is listed")["delivery"].clone()
    };
    let each: Vec<_> = ids.iter().map(of).collect();
    let expected = [
        json!("delivered"),
        json!("delivered"),
        json!("failed"),
        json!(null),
    ];
    assert_eq!(each, expected);
    let table = bench
        .run(&["dead", "list", "--delivery", "failed"])
        .ok()
        .stdout;
    assert!(
        table.contains(&ids[2]) && !table.contains(&ids[0]),
        "{table}"
    );
    assert!(table.contains("message: failed"), "{table}");

    let rehearsal = ["dead", "replay", "--queue", "email", "--dry-run"];
    let told = bench.unchanged(&rehearsal).ok().stdout;
    for line in [
        "2 were delivered, by what their provider has said since",
        "a replay would send 2 of the delivered ones a second time",
        "1 were taken on by their provider, and did not arrive",
    ] {
        assert!(told.contains(line), "no `{line}` in {told}");
    }
    let discard = ["dead", "discard", "--queue", "email", "--dry-run"];
    let told = bench.unchanged(&discard).ok().stdout;
    assert!(told.contains("2 were delivered"), "{told}");

    let discard = [
        "dead",
        "discard",
        "--queue",
        "email",
        "--delivery",
        "delivered",
        "--yes",
        "--reason",
        "r",
    ];
    assert_eq!(
        bench.run(&[&discard[..], &["--json"]].concat()).done()["discarded"],
        2
    );
    let replay = [
        "dead",
        "replay",
        "--queue",
        "email",
        "--delivery",
        "unknown",
        "--yes",
        "--json",
    ];
    assert_eq!(bench.run(&replay).done()["replayed"], 1);
    let left = bench.run(&["dead", "list", "--json"]).json();
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
    assert_eq!(text(&left[0]["id"]), ids[2]);
    let nothing = ["dead", "list", "--delivery", "arrived"];
    bench
        .run(&nothing)
        .fails(2, "delivered, failed, accepted, unknown");
}

#[test]
fn a_lost_worker_is_told_of_and_its_jobs_are_listed() {
    let bench = Bench::new();
    bench.serve();
    assert!(bench.row().get("lost").is_none());
    let id = bench.enqueue(1).remove(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let at = now.expect("a clock").as_millis().to_string();
    let (key, member) = (&bench.queue.keys().lost, format!("host-1 {id}"));
    bench.redis(&[b"ZADD", key.as_bytes(), at.as_bytes(), member.as_bytes()]);
    assert_eq!(bench.row()["lost"]["jobs"], 1);
    let told = bench.run(&["queues"]).ok().stdout;
    let line = "email: a worker was lost while it ran jobs, 1 job in the last hour";
    assert!(told.contains(line), "{told}");
    let found = bench.run(&["doctor", "--json"]).json();
    let mut found = found.as_array().expect("findings").iter();
    assert!(found.any(|row| text(&row["finding"]).contains(line)));
    let rows = bench.run(&["jobs", "lost", "--json"]).json();
    assert_eq!(
        (text(&rows[0]["id"]), &rows[0]["state"]),
        (id, &json!("pending"))
    );
    assert_eq!(rows[0]["worker"], "host-1");
    let table = bench.run(&["jobs", "lost", "--queue", "email"]).ok().stdout;
    assert!(
        table.contains("send_email") && table.contains("pending"),
        "{table}"
    );
}
