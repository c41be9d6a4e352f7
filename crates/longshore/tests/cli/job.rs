//! `job`.

use std::time::Duration;

use longshore_queue::Fate;
use serde_json::{Value, json};

use super::{Bench, NOBODY, WELCOME};
use crate::bench::{fields, text};

#[test]
fn a_job_has_the_fields_of_the_contract() {
    let bench = Bench::new();
    let id = bench.bury(1, "400 to.email").remove(0);
    let job = bench.run(&["job", &id, "--json"]).json();
    for name in [
        "id",
        "queue",
        "kind",
        "state",
        "attempt",
        "max_attempts",
        "enqueued_at",
        "next_run_at",
        "result",
        "args",
        "history",
    ] {
        assert!(fields(&job).contains(&name), "no {name} in {job}");
    }
    assert_eq!(job["id"], json!(id));
    assert_eq!(job["queue"], "email");
    assert_eq!(job["kind"], "send_email");
    assert_eq!(job["attempt"], 1);
    assert_eq!(job["max_attempts"], 4);
    let entry = &job["history"][0];
    for name in [
        "time",
        "worker",
        "outcome",
        "provider",
        "status",
        "request_id",
        "reason",
    ] {
        assert!(fields(entry).contains(&name), "no {name} in {entry}");
    }
    assert_eq!(entry["reason"], "SendGrid did not like it");
    text(&entry["time"])
        .parse::<jiff::Timestamp>()
        .expect("RFC 3339");
}

#[test]
fn the_six_words() {
    let bench = Bench::new();
    let state = |id: &str| text(&bench.run(&["job", id, "--json"]).json()["state"]);
    let scheduled = bench
        .run(&["enqueue", "send_email", WELCOME, "--in", "1h"])
        .ok();
    assert_eq!(state(scheduled.lines()[0]), "scheduled");

    let first = |ids: Vec<String>| ids.into_iter().next().expect("one");
    let retryable = first(bench.enqueue(1));
    let hour = Duration::from_secs(3600);
    bench.settle(&bench.claim(), &Fate::Retry { after: hour });
    assert_eq!(state(&retryable), "retryable");

    let completed = first(bench.enqueue(1));
    let done = Fate::Completed {
        result: Some(json!({ "message_id": "m-1", "to": "ada@example.com" })),
    };
    bench.settle(&bench.claim(), &done);
    assert_eq!(state(&completed), "completed");
    let job = bench.run(&["job", &completed, "--json"]).json();
    assert_eq!(
        job["result"],
        json!({ "message_id": "m-1", "[redacted 1]": "[redacted]" })
    );

    assert_eq!(state(&bench.bury(1, "413")[0]), "dead");

    let running = first(bench.enqueue(1));
    let claimed = bench.claim();
    assert_eq!(state(&running), "running");
    let job = bench.run(&["job", &running, "--json"]).json();
    assert_eq!((&job["attempt"], claimed.len()), (&json!(1), 1));
    assert_eq!(state(&first(bench.enqueue(1))), "pending");

    let row = bench.row();
    for word in [
        "pending",
        "scheduled",
        "running",
        "retryable",
        "dead",
        "completed",
    ] {
        assert_eq!(row[word], 1, "{word} in {row}");
    }
}

#[test]
fn args_are_shown_to_who_asks() {
    let bench = Bench::new();
    let ran = bench
        .run(&["enqueue", "send_email", WELCOME, "--key", "mail of ada"])
        .ok();
    let id = ran.lines()[0];
    for args in [&["job", id][..], &["job", id, "--json"]] {
        let ran = bench.run(args).ok();
        assert!(ran.stdout.contains("welcome"), "{ran:?}");
        for personal in ["ada", "Ada", "s3cret"] {
            assert!(!ran.stdout.contains(personal), "{personal} in {ran:?}");
        }
        let ran = bench.run(&[args, &["--reveal"]].concat()).ok();
        for personal in ["ada@example.com", "Ada", "s3cret", "mail of ada"] {
            assert!(ran.stdout.contains(personal), "no {personal} in {ran:?}");
        }
    }
}

#[test]
fn bytes_that_do_not_decode_are_kept_and_shown() {
    let bench = Bench::new();
    let id = bench.bury_raw(b"01JD2Z5V9GQ8X0T6M3K7W4R1YC", b"\xff\xfeada");
    let job = bench.run(&["job", &id, "--json"]).json();
    assert_eq!(job["payload_base64"], "[redacted]");
    let job = bench.run(&["job", &id, "--json", "--reveal"]).json();
    assert_eq!(job["payload_base64"], "//5hZGE=");
    assert_eq!(job["args"], Value::Null);
    assert_eq!(job["state"], "dead");

    let shown = bench.run(&["job", &id]).ok().stdout;
    assert!(
        shown.contains("--reveal") && !shown.contains("//5hZGE="),
        "{shown}"
    );
    let shown = bench.run(&["job", &id, "--reveal"]).ok().stdout;
    assert!(shown.contains("//5hZGE="), "{shown}");
}

#[test]
fn results_and_progress_are_shown_to_who_asks_and_that_is_written_down() {
    let bench = Bench::new();
    let id = bench.enqueue(1).remove(0);
    let done = Fate::Completed {
        result: Some(
            json!({ "message_id": "m-1", "to": {"email": "ada@example.com"}, "n": 59.91 }),
        ),
    };
    bench.settle(&bench.claim(), &done);
    bench.record(&id, &[("chk", br#"{"cursor":"uploads/ada/1"}"#)]);
    for verb in ["job", "dead"] {
        let args = match verb {
            "job" => vec!["job", id.as_str()],
            _ => {
                let dead = [
                    b"ZADD".as_slice(),
                    b"{longshore:email}:dead",
                    b"1",
                    id.as_bytes(),
                ];
                bench.redis(&dead);
                vec!["dead", "show", id.as_str()]
            }
        };
        for form in [&[][..], &["--json"]] {
            let args = [&args[..], form].concat();
            let shown = bench.run(&args).ok().stdout;
            assert!(shown.contains("m-1"), "{shown}");
            for private in ["ada", "59.91"] {
                assert!(!shown.contains(private), "{private} in {shown}");
            }
            assert_eq!(reveals(&bench), 0, "{args:?}");
            let shown = bench.run(&[&args[..], &["--reveal"]].concat()).ok().stdout;
            for private in ["ada@example.com", "uploads/ada/1", "59.91"] {
                assert!(shown.contains(private), "no {private} in {shown}");
            }
            assert_eq!(reveals(&bench), 1, "{args:?}");
            bench.redis(&[b"DEL", b"{longshore:email}:audit"]);
        }
    }
}

/// How often it was written down that somebody was shown something.
fn reveals(bench: &Bench) -> usize {
    let audit = bench.run(&["audit", "--json"]).json();
    let rows = audit.as_array().expect("rows").iter();
    rows.filter(|row| row["action"] == "reveal").count()
}

#[test]
fn why_a_job_is_put_back_is_said_and_a_probe_is_called_one() {
    let bench = Bench::new();
    let id = bench.enqueue(1).remove(0);
    let put_back = r#"1700000000000 {"attempt":1,"worker":"w-1","outcome":"throttled","provider":"sendgrid","status":429,"reason":"too many requests"}"#;
    let probe = r#"1700000000000 {"attempt":1,"worker":"w-1","outcome":"failed","probe":true,"provider":"sendgrid","status":503}"#;
    let replayed = r#"1700000000001 {"attempt":1,"worker":"kari","outcome":"replayed","operation":"01JD2Z5V9GQ8X0T6M3K7W4R1YB","reason":"mended"}"#;
    let fields = [
        ("back", put_back.as_bytes()),
        ("waits", b"3"),
        ("h1", probe.as_bytes()),
        ("h2", replayed.as_bytes()),
    ];
    bench.record(&id, &fields);
    let job = bench.run(&["job", &id, "--json"]).json();
    assert_eq!(job["waits"], 3);
    assert_eq!(job["put_back"]["reason"], "too many requests");
    assert_eq!(job["history"][0]["probe"], true);
    assert_eq!(job["history"][1]["operation"], "01JD2Z5V9GQ8X0T6M3K7W4R1YB");
    let shown = bench.run(&["job", &id]).ok();
    let put_back =
        "3 times, last 2023-11-14T22:13:20.000Z: throttled by sendgrid 429: too many requests";
    assert!(shown.stdout.contains(put_back), "{shown:?}");
    let line = |word: &str| {
        let found = shown.stdout.lines().find(|line| line.contains(word));
        let words = found.unwrap_or_else(|| panic!("no {word} in {shown:?}"));
        words
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(line(" failed ")[1], "probe");
    assert_eq!(line(" replayed ").last().map(String::as_str), Some("kari"));
    assert!(shown.stdout.contains("mended"), "{shown:?}");
}

#[test]
fn an_id_that_is_none_is_wrong_and_one_that_nobody_has_is_not_found() {
    let bench = Bench::new();
    let id = bench.enqueue(1).remove(0);
    let (longer, lower) = (format!("{NOBODY}0"), id.to_lowercase());
    for command in [&["job"][..], &["dead", "show"]] {
        let with = |id| [command, &[id]].concat();
        for wrong in ["", "x", "../etc", &longer, &lower] {
            bench.unchanged(&with(wrong)).fails(2, "is not a job id");
        }
        bench.run(&with(NOBODY)).fails(1, NOBODY);
        bench.run(command).fails(2, "<ID>");
    }
    bench
        .run(&["dead", "show", &id])
        .fails(1, "is pending, not dead");
}

#[test]
fn a_job_says_who_enqueued_it_and_which_trace_it_belongs_to() {
    let bench = Bench::new();
    let id = bench.run(&["enqueue", "send_email", WELCOME]).ok().stdout;
    let job = bench.run(&["job", id.trim(), "--json"]).json();
    assert_eq!(
        job["enqueued_by"],
        json!({ "by": "operator", "name": "kari" })
    );
    assert_eq!(job["trace_id"], Value::Null);
    let told = bench.run(&["job", id.trim()]).ok().stdout;
    assert!(told.contains("enqueued by  operator kari"), "{told}");

    // Nobody said so.
    let id = bench.enqueue(1).remove(0);
    let job = bench.run(&["job", &id, "--json"]).json();
    assert_eq!(job["enqueued_by"], Value::Null);
}

/// A job that waits is asked after since it does not run.
#[test]
fn a_job_that_waits_says_what_holds_its_queue_back() {
    let bench = Bench::new();
    bench.serve();
    let id = bench.enqueue(1).remove(0);
    let quiet = bench.run(&["job", &id]).ok().stderr;
    assert!(!quiet.contains("email"), "{quiet}");
    bench
        .run(&["pause", "email", "--reason", "wrong text"])
        .ok();
    let told = bench.run(&["job", &id]).ok().stderr;
    assert!(told.contains("email was paused by"), "{told}");
    assert!(told.contains("wrong text"), "{told}");
}
