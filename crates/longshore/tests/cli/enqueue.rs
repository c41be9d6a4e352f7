//! `enqueue`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Bench, WELCOME};
use crate::bench::{Ran, text};

#[test]
fn one_job_is_a_bare_id_or_an_object() {
    let bench = Bench::new();
    bench.serve();
    let ran = bench.run(&["enqueue", "send_email", WELCOME]).ok();
    let [id] = ran.lines()[..] else {
        panic!("{ran:?}")
    };
    assert_eq!(bench.run(&["job", id, "--json"]).json()["state"], "pending");
    let server = bench.redis.url().replace("redis://", "");
    let target = format!("on Redis at {server}, namespace longshore, no profile\n");
    assert_eq!(ran.stderr, target);

    let ran = bench
        .run(&["enqueue", "send_email", WELCOME, "--json"])
        .ok();
    let id = text(&serde_json::from_str::<Value>(&ran.stdout).expect("JSON")["id"]);
    assert_eq!(
        ran.stdout,
        format!("{{\"id\":\"{id}\",\"duplicate\":false}}\n")
    );
    assert_eq!(bench.row()["pending"], 2);
}

/// Redis has it and no replica does, although one was asked for: that is not called accepted, and no second job comes of it.
#[test]
fn what_too_few_replicas_have_is_not_accepted_and_says_which_job_it_is() {
    let bench = Bench::new();
    let args = ["enqueue", "send_email", WELCOME, "--key", "order-1"];
    let waiting = || {
        let mut command = bench.command(&args);
        command.env("LONGSHORE_REDIS__WAIT_REPLICAS", "1");
        Ran::of(&args, &mut command)
    };
    let ran = waiting().fails(1, "may be lost");
    assert_eq!(ran.stdout, "");
    for said in [
        "0 of the 1 replicas that redis.wait_replicas asks for",
        "unless it has a key",
        "longshore doctor",
    ] {
        assert!(ran.stderr.contains(said), "{said}: {ran:?}");
    }
    assert_eq!(bench.row()["pending"], 1);
    let _replica = bench.redis.replica().expect("a replica");
    let ran = waiting().ok();
    let [id] = ran.lines()[..] else {
        panic!("{ran:?}")
    };
    assert_eq!(bench.row()["pending"], 1, "it is the same job");
    assert_eq!(bench.run(&["job", id, "--json"]).json()["state"], "pending");
}

#[test]
fn args_come_from_a_file_too() {
    let bench = Bench::new();
    let with_mark = format!("\u{feff}{WELCOME}\n");
    std::fs::write(bench.dir.path().join("mail.json"), with_mark).expect("it is written");
    let ran = bench.run(&["enqueue", "send_email", "@mail.json"]).ok();
    let id = ran.lines()[0].to_owned();
    let job = bench.run(&["job", &id, "--json", "--reveal"]).json();
    assert_eq!(
        job["args"],
        serde_json::from_str::<Value>(WELCOME).expect("JSON")
    );
}

#[test]
fn what_is_wrong_is_refused_and_changes_nothing() {
    let bench = Bench::new();
    std::fs::write(bench.dir.path().join("half.json"), "{\"template\":").expect("it is written");
    let not_an_address =
        r#"{"template":"welcome","to":{"email":"ada.lovelace"},"data":{"code":"s3cret"}}"#;
    let of_another_type =
        r#"{"template":"welcome","to":"ada@example.com","data":{"code":"s3cret"}}"#;
    for (args, why) in [
        (&["send_mail", WELCOME][..], "did you mean `send_email`?"),
        (&["fax", WELCOME], "the kinds are send_email"),
        (&["send_email", "{"], "not the args of send_email"),
        (
            &["send_email", r#"{"template":"welcome"}"#],
            "missing field `to`",
        ),
        (&["send_email", not_an_address], "to.email"),
        (&["send_email", of_another_type], "line 1, column"),
        (
            &["send_email", "@nowhere.json"],
            "nowhere.json cannot be read",
        ),
        (&["send_email", "@half.json"], "half.json"),
        (&["send_sms", r#"{"to":"90000000","body":"hi"}"#], "E.164"),
        (&["send_sms", r#"{"to":"+4790000000","body":""}"#], "body"),
        (&["geocode_address", r#"{"address":" "}"#], "address"),
        (
            &["geocode_address", r#"{"address":"Oslo","region":"NOR"}"#],
            "region",
        ),
        (&["send_email"], "<ARGS>"),
        (&["send_email", WELCOME, "--in", "90"], "90s, 15m, 2h or 1d"),
        (&["send_email", WELCOME, "--in", "9000y"], "hundred years"),
        (&["send_email", WELCOME, "--at", "tomorrow"], "RFC 3339"),
        (
            &[
                "send_email",
                WELCOME,
                "--in",
                "9s",
                "--at",
                "2030-01-01T00:00:00Z",
            ],
            "--at",
        ),
        (&["send_email", WELCOME, "--expires-in", "0s"], "expires_in"),
        (
            &["send_email", WELCOME, "--in", "1h", "--expires-in", "1m"],
            "expires_in: is over before the job is due",
        ),
        (
            &[
                "send_email",
                WELCOME,
                "--at",
                "2099-01-01T00:00:00Z",
                "--expires-in",
                "1m",
            ],
            "expires_in: is over before the job is due",
        ),
        (&["send_email", WELCOME, "--key", ""], "key"),
        (&["send_email", WELCOME, "--key", &"k".repeat(257)], "key"),
        (&["send_email", "-", "--key", "k"], "--key"),
        (&["send_email", WELCOME, "--colour"], "--colour"),
    ] {
        let args = [&["enqueue"], args].concat();
        let ran = bench.unchanged(&args).fails(2, why);
        for personal in ["ada", "s3cret"] {
            assert!(!ran.stderr.contains(personal), "{personal} in {ran:?}");
        }
    }
}

#[test]
fn bulk_answers_a_line_for_each_line_in_order() {
    let bench = Bench::new();
    let lines = format!("{WELCOME}\r\n\n  \n{WELCOME}");
    let ran = bench.pipe(&["enqueue", "send_email", "-", "--json"], lines.as_bytes());
    let ran = ran.ok();
    assert_eq!(ran.lines().len(), 2);
    for line in ran.lines() {
        let row: Value = serde_json::from_str(line).expect("each line is JSON");
        assert_eq!(row["duplicate"], false);
        let job = bench.run(&["job", &text(&row["id"]), "--json"]).json();
        assert_eq!(job["state"], "pending");
    }
    let ran = bench
        .pipe(&["enqueue", "send_email", "-"], WELCOME.as_bytes())
        .ok();
    assert_eq!(ran.lines()[0].len(), 26);

    let ran = bench.pipe(&["enqueue", "send_email", "-"], b"\n").ok();
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("nothing was enqueued"), "{ran:?}");
    assert_eq!(bench.row()["pending"], 3);
}

#[test]
fn one_wrong_line_in_bulk_keeps_all_others_out() {
    let bench = Bench::new();
    // More than go into one call, so that a call for the good ones before it would show.
    let mut lines = format!("{WELCOME}\n").repeat(1200).into_bytes();
    lines.extend(b"{\"template\":\"welcome\"}\n\xff\n");
    let before = bench.state();
    let ran = bench.pipe(&["enqueue", "send_email", "-"], &lines);
    let ran = ran.fails(2, "2 lines");
    assert!(
        ran.stderr.contains("line 1201: missing field `to`"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("line 1202: not UTF-8"), "{ran:?}");
    assert_eq!(bench.state(), before);
}

#[test]
fn a_key_enqueues_once() {
    let bench = Bench::new();
    let enqueue = [
        "enqueue",
        "send_email",
        WELCOME,
        "--key",
        "order 1",
        "--json",
    ];
    let first = bench.run(&enqueue).json();
    let second = bench.run(&enqueue).json();
    assert_eq!(second, json!({ "id": first["id"], "duplicate": true }));
    assert_eq!(bench.row()["pending"], 1);

    // The same args written otherwise are the same job; other args are refused, and it says what holds the key.
    let spaced = WELCOME.replace(':', " : ");
    let again = [
        "enqueue",
        "send_email",
        &spaced,
        "--key",
        "order 1",
        "--json",
    ];
    assert_eq!(bench.run(&again).json()["duplicate"], true);
    let other = WELCOME.replace("ada", "bob");
    let refused = bench.unchanged(&["enqueue", "send_email", &other, "--key", "order 1"]);
    let refused = refused.fails(2, &text(&first["id"]));
    for said in [
        "nothing was enqueued",
        "`order 1`",
        " since 20",
        "other args",
    ] {
        assert!(refused.stderr.contains(said), "{said}: {refused:?}");
    }
    // A key is a name within its kind.
    let sms = r#"{"to":"+4790000000","body":"hi"}"#;
    let sms = bench.run(&["enqueue", "send_sms", sms, "--key", "order 1", "--json"]);
    assert_eq!(sms.json()["duplicate"], false);
}

#[test]
fn a_discarded_letter_gives_its_key_back() {
    let bench = Bench::new();
    let enqueue = ["enqueue", "send_email", WELCOME, "--key", "k", "--json"];
    let first = text(&bench.run(&enqueue).json()["id"]);
    bench.settle(&bench.claim(), &super::bench::dead("x"));
    assert_eq!(bench.run(&enqueue).json()["duplicate"], true);
    let discard = ["dead", "discard", &first, "--yes", "--reason", "r"];
    bench.run(&discard).ok();
    let anew = bench.run(&enqueue).json();
    assert_eq!(anew["duplicate"], false);
    let job = bench.run(&["job", &text(&anew["id"]), "--json"]).json();
    assert_eq!(job["state"], "pending", "a job that exists");

    // Later than a day from now, and its key is there all the while.
    let later = [
        "enqueue",
        "send_email",
        WELCOME,
        "--key",
        "later",
        "--in",
        "48h",
    ];
    bench.run(&later).ok();
    let key = format!("{}:send_email:later", bench.queue.keys().idempotency);
    let ttl = bench.runtime.block_on(async {
        let mut ask = redis::cmd("PTTL");
        bench.queue.link().command::<i64>(ask.arg(key)).await
    });
    assert_eq!(ttl.expect("asks"), -1);
}

#[test]
fn times_are_kept() {
    let bench = Bench::new();
    let state = |more: &[&str]| {
        let ran = bench.run(&[&["enqueue", "send_email", WELCOME], more].concat());
        let id = ran.ok().lines()[0].to_owned();
        bench.run(&["job", &id, "--json"]).json()
    };
    let later = state(&["--in", "90s"]);
    assert_eq!(later["state"], "scheduled");
    let at = |job: &Value, name| {
        text(&job[name])
            .parse::<jiff::Timestamp>()
            .expect("RFC 3339")
    };
    let wait = at(&later, "next_run_at").duration_since(at(&later, "enqueued_at"));
    assert_eq!(wait.as_secs(), 90);

    let then = state(&["--at", "2100-01-01T01:00:00.5+01:00"]);
    assert_eq!(then["next_run_at"], "2100-01-01T00:00:00.500Z");
    let past = state(&["--at", "2020-01-01T00:00:00Z"]);
    assert_eq!(past["state"], "pending");
    assert_eq!(past["next_run_at"], Value::Null);
}

#[test]
fn an_expiry_is_kept() {
    let bench = Bench::new();
    let mut expiring = ["enqueue", "send_email", WELCOME, "--expires-in", "1h"];
    bench.run(&expiring).ok();
    assert!(!bench.claim()[0].has_expired(None));
    expiring[4] = "1ms";
    bench.run(&expiring).ok();
    let now = || {
        let now = bench.runtime.block_on(bench.queue.now_ms());
        now.expect("Redis has a clock")
    };
    let enqueued = now();
    while now() <= enqueued + 1 {}
    assert!(bench.claim()[0].has_expired(None));
}

#[test]
fn what_will_come_to_nothing_is_warned_of() {
    let bench = Bench::new();
    bench.serve();
    let enqueue = |args: &[&str]| -> Ran {
        let args = [&["enqueue", "send_email"], args].concat();
        let mut command = bench.command(&args);
        command
            .env("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.key")
            .env("LONGSHORE_EMAIL__FROM__EMAIL", "no-reply@example.com")
            .env("LONGSHORE_EMAIL__TEMPLATES__WELCOME", "d-1");
        Ran::of(&args, &mut command).ok()
    };
    assert_eq!(enqueue(&[WELCOME]).stderr.lines().count(), 1, "its target");
    let misspelt = enqueue(&[&WELCOME.replace("welcome", "wellcome")]);
    assert!(misspelt.stderr.contains("wellcome"), "{misspelt:?}");
    assert_eq!(bench.row()["pending"], 2);
}

/// Its stdout is full, its reader goes away, or somebody stops it: what was enqueued is said.
#[test]
fn a_bulk_that_ends_half_way_says_how_much_was_enqueued() {
    let bench = Bench::new();
    let lines = format!("{WELCOME}\n").repeat(600);
    let mut stdin = tempfile::tempfile().expect("there is room");
    stdin.write_all(lines.as_bytes()).expect("it is written");
    let mut enqueue = |stdout: Stdio, code: i32, enqueued: usize| {
        stdin.rewind().expect("it is read from its start");
        let args = ["enqueue", "send_email", "-"];
        let mut command = bench.command(&args);
        command.stdin(stdin.try_clone().expect("there is one more"));
        let command = command.stdout(stdout).stderr(Stdio::piped());
        let output = command.output().expect("the binary starts");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        for said in [
            format!("{enqueued} of 600 jobs were enqueued"),
            format!("the ids of the last {enqueued} of them could not be printed"),
        ] {
            assert!(stderr.contains(&said), "{stderr}");
        }
    };
    let full = File::options().write(true).open("/dev/full");
    enqueue(full.expect("this is Linux").into(), 1, 500);
    let (reader, gone) = std::io::pipe().expect("a pipe");
    drop(reader);
    // What is asked for is done all the same.
    enqueue(gone.into(), 0, 600);
    assert_eq!(bench.row()["pending"], 1_100);
}

#[test]
fn a_bulk_that_is_stopped_has_printed_every_id() {
    let bench = Bench::new();
    let lines = format!("{WELCOME}\n").repeat(20_000);
    let mut stdin = tempfile::tempfile().expect("there is room");
    stdin.write_all(lines.as_bytes()).expect("it is written");
    stdin.rewind().expect("it is read from its start");
    let mut command = bench.command(&["enqueue", "send_email", "-"]);
    let command = command.stdin(stdin).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut printed = String::new();
    // Ids come as soon as they are accepted, not at the end.
    stdout.read_line(&mut printed).expect("an id");
    let pid = child.id().to_string();
    let stopped = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(stopped.expect("kill is there").success());
    stdout.read_to_string(&mut printed).expect("UTF-8");
    let output = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    let enqueued = printed.lines().count();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let said = format!("{enqueued} of 20000 jobs were enqueued");
    assert!(stderr.contains(&said) && enqueued < 20_000, "{stderr}");
    assert!(stderr.contains("stopped by a signal"), "{stderr}");
    assert_eq!(bench.row()["pending"], enqueued);
}
