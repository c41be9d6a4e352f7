//! `limit`, and how many jobs may wait.

use serde_json::json;

use super::{Bench, WELCOME};

#[test]
fn a_limit_slows_a_queue_is_shown_and_is_lifted() {
    let bench = Bench::new();
    bench.enqueue(3);
    let limit = [
        "limit",
        "email",
        "0.5/s",
        "--for",
        "2h",
        "--reason",
        "they asked",
    ];
    let ran = bench.run(&limit).ok();
    assert!(
        ran.stdout.contains("email is limited to 0.5/s for 2h"),
        "{ran:?}"
    );
    assert_eq!(bench.claim().len(), 1);
    assert_eq!(bench.row()["holds"][0]["cause"], "limit");
    let table = bench.run(&["queues"]).ok().stdout;
    assert!(
        table.contains("an operator has limited calls of sendgrid until 20"),
        "{table}"
    );
    let audit = bench.run(&["audit", "--json"]).json();
    let newest = audit
        .as_array()
        .and_then(|rows| rows.last())
        .expect("a row");
    assert_eq!(
        (&newest["action"], &newest["reason"]),
        (&json!("limit"), &json!("they asked"))
    );
    assert!(
        newest["result"]
            .as_str()
            .is_some_and(|text| text.starts_with("0.5/s")),
        "{newest}"
    );

    let lifted = bench.run(&["limit", "email", "--lift", "--json"]).done();
    assert_eq!(lifted, json!({ "queue": "email", "lifted": true }));
    assert_eq!(bench.row()["holds"], json!([]));
    assert_eq!(bench.claim().len(), 2);
    let lifted = bench.run(&["limit", "email", "--lift"]).ok();
    assert!(lifted.stdout.contains("was not limited"), "{lifted:?}");
}

#[test]
fn a_limit_that_cannot_be_is_refused() {
    let bench = Bench::new();
    let because = ["--reason", "x"];
    for (args, why) in [
        (&["email", "10", "--for", "1h"][..], "10/s or 0.5/s"),
        (&["email", "0/s", "--for", "1h"], "10/s or 0.5/s"),
        (&["email", "NaN/s", "--for", "1h"], "10/s or 0.5/s"),
        (&["email", "10/s"], "--for"),
        (&["email", "10/s", "--for", "8d"], "at most 7d"),
        (&["email", "10/s", "--for", "0s"], "at most 7d"),
        (&["email", "10/s", "--for", "1h", "--lift"], "--lift"),
        (&["emial", "10/s", "--for", "1h"], "email"),
    ] {
        let args = [&["limit"], args, &because].concat();
        bench.unchanged(&args).fails(2, why);
    }
    bench
        .unchanged(&["limit", "email", "10/s", "--for", "1h"])
        .fails(2, "--reason");
}

/// What does not fit is refused, and how many of a bulk were enqueued is said.
#[test]
fn a_bulk_for_which_there_is_no_room_ends_and_says_how_far_it_came() {
    let bench = Bench::new();
    // As the queue's workers write it.
    let timeline = bench.queue.keys().timeline.clone();
    bench.redis(&[b"HSET", timeline.as_bytes(), b"max_waiting", b"700"]);
    let lines = format!("{WELCOME}\n").repeat(1_200);
    let ran = bench.pipe(&["enqueue", "send_email", "-"], lines.as_bytes());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let why = "the queue email is full: 500 jobs wait, and queues.email.max_waiting allows 700";
    assert!(ran.stderr.contains(why), "{ran:?}");
    assert!(
        ran.stderr.contains("500 of 1200 jobs were enqueued"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("not known"), "{ran:?}");
    assert_eq!(ran.lines().len(), 500);
    assert_eq!(bench.row()["pending"], 500);
    bench.redis(&[b"HSET", timeline.as_bytes(), b"max_waiting", b"500"]);
    bench
        .run(&["enqueue", "send_email", WELCOME])
        .fails(1, "is full");
}
