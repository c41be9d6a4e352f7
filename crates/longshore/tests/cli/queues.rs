//! `queues`, `pause`, `resume`.

use longshore_queue::{ClaimState, Fate, Lease, Queue, WorkerId};
use serde_json::{Value, json};

use super::{Bench, Ran, WELCOME};
use crate::bench::fields;

#[test]
fn every_queue_is_a_row_with_the_fields_of_the_contract() {
    let bench = Bench::new();
    let rows = bench.run(&["queues", "--json"]).json();
    let row = |queue: &str, provider: &str| {
        json!({
            "queue": queue, "pending": 0, "scheduled": 0, "running": 0, "retryable": 0, "dead": 0, "completed": 0,
            "cancelled": 0, "per_minute": { "completed": 0, "failed": 0, "dead": 0 },
            "paused": null, "holds": [], "held_until": null, "parked": [], "workers": 0, "latency_seconds": null,
            "breakers": [{ "provider": provider, "state": "closed", "until": null }],
            "providers": [{
                "provider": provider, "calls_per_minute": 0, "limit_per_minute": null, "limit_used": null, "answered": 0,
                "failed": 0, "answered_share": null, "answers": [],
            }],
        })
    };
    assert_eq!(
        rows,
        json!([
            row("email", "sendgrid"),
            row("sms", "twilio"),
            row("geocode", "google_maps"),
            row("payment-reconcile", "stripe"),
            row("export-cleanup", "s3"),
            row("events", "events"),
        ])
    );
    bench.enqueue(3);
    let row = bench.row();
    assert_eq!(row["pending"], 3);
    let latency = row["latency_seconds"].as_f64().expect("a number");
    assert!((0.0..60.0).contains(&latency), "{latency}");
    let table = bench.run(&["queues"]).ok();
    assert!(table.lines()[0].starts_with("QUEUE"), "{table:?}");
    assert!(table.lines()[1].starts_with("email"), "{table:?}");
}

#[test]
fn jobs_that_nobody_works_are_said_loudly_wherever_one_looks() {
    let bench = Bench::new();
    let cure = "NO WORKER serves it, 1 job waits: start `longshore work --queue email`";
    let enqueued = bench.run(&["enqueue", "send_email", WELCOME]).ok();
    assert!(enqueued.stderr.contains(cure), "{enqueued:?}");
    let id = enqueued.stdout.trim();
    let job = bench.run(&["job", id]).ok();
    assert!(job.stderr.contains(cure), "{job:?}");
    let queues = bench.run(&["queues"]).ok();
    assert!(queues.stdout.contains(cure), "{queues:?}");

    // A producer that writes keys of its own accord, to a queue that nobody has: it was a slip.
    bench.redis(&[b"RPUSH", b"{longshore:emial}:active", b"x"]);
    let rows = bench.run(&["queues", "--json"]).json();
    let row = rows.as_array().and_then(|rows| rows.last()).expect("a row");
    assert_eq!(row["queue"], "emial");
    assert_eq!((&row["pending"], &row["workers"]), (&json!(1), &json!(0)));
    let queues = bench.run(&["queues"]).ok().stdout;
    assert!(
        queues.contains("did its producer mean `email`?"),
        "{queues}"
    );

    // A worker takes it up. Another one was lost, and nobody has ended its lease: that is no worker.
    let claimed = bench.claim();
    assert_eq!(bench.row()["workers"], 1);
    bench.settle(&claimed, &Fate::Back);
    let enqueued = bench.run(&["enqueue", "send_email", WELCOME]).ok();
    assert!(!enqueued.stderr.contains("NO WORKER"), "{enqueued:?}");
    bench.lose_workers();
    assert_eq!(bench.row()["workers"], 0);
    let queues = bench.run(&["queues"]).ok().stdout;
    assert!(
        queues.contains("NO WORKER serves it, 2 jobs wait"),
        "{queues}"
    );
}

#[test]
fn a_pause_holds_until_it_is_ended_and_says_whose_it_is() {
    let bench = Bench::new();
    let ran = bench.run(&["pause", "email", "--reason", "they are down", "--json"]);
    assert_eq!(
        ran.done(),
        json!({ "queue": "email", "paused": true, "changed": true })
    );
    let paused = bench.row()["paused"].clone();
    assert_eq!(fields(&paused), ["by", "reason", "since"]);
    assert_eq!(
        (&paused["by"], &paused["reason"]),
        (&json!("kari"), &json!("they are down"))
    );
    bench.enqueue(1);
    assert!(bench.claim().is_empty(), "a paused queue gives nothing");
    let table = bench.run(&["queues"]).ok();
    assert!(
        table.stdout.contains("kari") && table.stdout.contains("they are down"),
        "{table:?}"
    );

    // Another one does not take its place.
    let again = bench.unchanged(&["pause", "email", "--reason", "other", "--json"]);
    assert_eq!(again.json()["changed"], false);

    assert_eq!(
        bench.run(&["resume", "email", "--json"]).json()["changed"],
        true
    );
    assert_eq!(bench.row()["paused"], Value::Null);
    assert_eq!(
        bench.run(&["resume", "email", "--json"]).json()["changed"],
        false
    );
    assert_eq!(bench.claim().len(), 1);
}

#[test]
fn what_the_fleet_holds_back_is_listed_and_lifted() {
    let bench = Bench::new();
    bench.enqueue(1);
    let now = bench
        .runtime
        .block_on(bench.queue.now_ms())
        .expect("a clock");
    // What a 429 with `Retry-After: 3600` leaves.
    let held = format!("{} {now} 3600000", now + 3_600_000);
    let gate = bench.queue.keys().gate.clone();
    bench.redis(&[b"HSET", gate.as_bytes(), b"held", held.as_bytes()]);
    let holds = bench.row()["holds"].clone();
    assert_eq!(holds.as_array().map(Vec::len), Some(1));
    assert_eq!(fields(&holds[0]), ["cause", "provider", "until"]);
    assert_eq!(
        (&holds[0]["cause"], &holds[0]["provider"]),
        (&json!("retry_after"), &json!("sendgrid"))
    );
    let table = bench.run(&["queues"]).ok();
    for said in ["held", "sendgrid asked for a wait until 20"] {
        assert!(table.stdout.contains(said), "{said}: {table:?}");
    }

    // Nobody has paused it: it says so, and what would help.
    let ran = bench.unchanged(&["resume", "email"]).ok();
    for said in [
        "email was not paused by an operator",
        "sendgrid asked for a wait until 20",
        "longshore resume email --holds",
    ] {
        assert!(ran.stdout.contains(said), "{said}: {ran:?}");
    }
    let ran = bench.unchanged(&["resume", "email", "--json"]).json();
    assert_eq!((&ran["changed"], &ran["holds"]), (&json!(false), &holds));

    let lift = [
        "resume",
        "email",
        "--holds",
        "--reason",
        "they are up",
        "--json",
    ];
    let ran = bench.run(&lift).json();
    assert_eq!((&ran["changed"], &ran["lifted"]), (&json!(true), &holds));
    assert_eq!(ran["holds"], json!([]));
    assert_eq!(bench.row()["holds"], json!([]));
    assert_eq!(bench.claim().len(), 1);
    let audit = bench.run(&["audit", "--json"]).json();
    assert_eq!(
        (
            &audit[0]["action"],
            &audit[0]["reason"],
            &audit[0]["result"]
        ),
        (&json!("lift"), &json!("they are up"), &json!("retry_after"))
    );
}

/// Redis forgot, and its workers have a moment to tell what they remember. An operator who knows that none of them lives need
/// not wait for it.
#[test]
fn the_hold_of_a_redis_that_forgot_is_lifted_too() {
    let bench = Bench::new();
    let lease = Lease::new(WorkerId::generate("w"));
    let claim = || {
        let claim = bench.queue.claim(&lease, 1, None);
        bench.runtime.block_on(claim).expect("claims")
    };
    let stale = std::time::Duration::from_secs(10);
    let joined = bench.runtime.block_on(bench.queue.join(&lease, stale));
    assert!(joined.expect("joins").held);
    for _ in 0..3 {
        assert_eq!(claim().state, ClaimState::Ok);
    }
    bench.enqueue(1);
    // As it was three claims ago.
    let timeline = bench.queue.keys().timeline.clone();
    bench.redis(&[b"HSET", timeline.as_bytes(), b"seq", b"0"]);
    assert_eq!(claim().state, ClaimState::Forgot);

    let holds = bench.row()["holds"].clone();
    assert_eq!(holds[0]["cause"], "redis_forgot");
    let table = bench.run(&["queues"]).ok();
    assert!(
        table
            .stdout
            .contains("Redis forgot something: workers restore"),
        "{table:?}"
    );
    let wait = bench.claim();
    assert!(wait.is_empty(), "another process waits as well");
    let ran = bench.run(&["resume", "email", "--holds", "--json"]).json();
    assert_eq!((&ran["changed"], &ran["lifted"]), (&json!(true), &holds));
    assert_eq!(bench.row()["holds"], json!([]));
    let audit = bench.run(&["audit", "--json"]).json();
    assert_eq!(audit[0]["result"], "redis_forgot");
    // Whoever comes anew may claim at once.
    let link = bench.queue.link().clone();
    let anew = Queue::new(link, "longshore", "email").expect("good names");
    let claimed = bench.runtime.block_on(anew.claim(&lease, 1, None));
    assert_eq!(claimed.expect("claims").jobs.len(), 1);
}

#[test]
fn a_queue_that_is_none_is_wrong() {
    let bench = Bench::new();
    for args in [
        &["pause", "mail"][..],
        &["resume", "mail"],
        &["dead", "groups", "mail"],
        &["dead", "list", "--queue", "mail"],
        &["dead", "replay", "--queue", "mail", "--yes"],
        &[
            "dead", "discard", "--queue", "mail", "--yes", "--reason", "r",
        ],
        &["work", "--queue", "mail"],
    ] {
        bench.unchanged(args).fails(2, "the queues are email");
    }
    for args in [
        &["pause"][..],
        &["resume"],
        &["queues", "email", "sms"],
        &["pause", "email", "sms"],
    ] {
        bench.unchanged(args).fails(2, "Usage: longshore");
    }
}

/// A wrong namespace looks like one in which all is well: it is said, once, on one line.
#[test]
fn where_nothing_has_ever_lived_is_told() {
    let bench = Bench::new();
    bench.enqueue(1);
    let elsewhere = |args: &[&str]| {
        let mut command = bench.command(args);
        Ran::of(args, command.env("LONGSHORE_REDIS__NAMESPACE", "typo"))
    };
    let told = format!(
        "no jobs and no workers yet on Redis at 127.0.0.1:{}, namespace typo, no profile; if you expected some, check \
         `redis.namespace` (LONGSHORE_REDIS__NAMESPACE)",
        bench.redis.port()
    );
    for args in [
        &["queues"][..],
        &["queues", "--json"],
        &["dead", "groups", "--json"],
        &["workers"],
        &["audit"],
        &["dead", "replay", "--queue", "email", "--yes"],
    ] {
        let ran = elsewhere(args).ok();
        let lines = ran.stderr.lines().filter(|line| *line == told);
        assert_eq!(lines.count(), 1, "{ran:#?}");
    }
    let nobody = elsewhere(&["job", super::NOBODY]);
    assert!(nobody.stderr.contains(&told), "{nobody:#?}");
    nobody.fails(1, super::NOBODY);
    let here = bench.run(&["dead", "groups"]).ok();
    assert!(
        !here.stderr.contains("no jobs and no workers yet"),
        "{here:#?}"
    );
    // Plain producers, which write keys of their own accord, have lived there as well.
    bench.redis(&[b"RPUSH", b"{typo:email}:active", super::NOBODY.as_bytes()]);
    let lived = elsewhere(&["dead", "groups"]).ok();
    assert!(
        !lived.stderr.contains("no jobs and no workers yet"),
        "{lived:#?}"
    );
}

/// The next line of a watch.
fn next(lines: &mut std::io::Lines<std::io::BufReader<std::process::ChildStdout>>) -> Value {
    let line = lines.next().expect("a line").expect("text");
    serde_json::from_str(&line).expect("JSON")
}

#[test]
fn a_watch_goes_on_through_an_outage_and_ends_well_with_ctrl_c() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    let mut bench = Bench::new();
    bench.run(&["queues", "--every", "1s"]).fails(2, "--watch");
    bench
        .run(&["queues", "--watch", "--every", "1ms"])
        .fails(2, "100ms");
    bench
        .run(&["queues", "nosuch", "--watch"])
        .fails(2, "nosuch");
    let args = ["queues", "email", "--watch", "--every", "100ms", "--json"];
    let mut command = bench.command(&args);
    let mut watch = command.stdout(Stdio::piped()).spawn().expect("starts");
    let mut lines = BufReader::new(watch.stdout.take().expect("is piped")).lines();
    assert_eq!(next(&mut lines)["queues"][0]["pending"], 0);
    bench.enqueue(2);
    // A pipe is read line by line: what was seen before the jobs came may come first.
    let mut seen = || loop {
        let line = next(&mut lines);
        if line["queues"][0]["pending"] == 0 {
            continue;
        }
        return line;
    };
    assert_eq!(seen()["queues"][0]["pending"], 2);
    bench.redis.kill();
    let away = loop {
        let line = seen();
        if line["error"].is_string() {
            break line;
        }
    };
    assert!(away["at"].is_string(), "{away}");
    bench.redis.restart().expect("starts again");
    let back = loop {
        let line = next(&mut lines);
        if line["queues"].is_array() {
            break line;
        }
    };
    assert_eq!(back["queues"][0]["queue"], "email");
    let pid = watch.id().to_string();
    let told = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(told.expect("there is a kill").success());
    assert!(watch.wait().expect("ends").success());
}

#[test]
fn one_queue_is_shown_with_what_its_provider_answered() {
    let bench = Bench::new();
    let row = &bench.run(&["queues", "email", "--json"]).json()[0];
    let provider = &row["providers"][0];
    assert_eq!(provider["provider"], "sendgrid");
    assert_eq!(
        (
            &provider["answered"],
            &provider["answered_share"],
            &provider["answers"]
        ),
        (&json!(0), &Value::Null, &json!([]))
    );
    let now = longshore_job::JobId::generate().timestamp_ms();
    let answers = format!("{}f503,{}s202,", now - 1, now);
    bench.redis(&[
        b"HSET",
        b"{longshore:email}:stats",
        b"answers",
        answers.as_bytes(),
    ]);
    let row = &bench.run(&["queues", "email", "--json"]).json()[0];
    assert_eq!(row["broken"], Value::Null);
    let answers = &row["providers"][0]["answers"];
    assert_eq!(
        (&answers[0]["came_to"], &answers[0]["status"]),
        (&json!("answered"), &json!(202))
    );
    assert_eq!(
        (&answers[1]["came_to"], &answers[1]["status"]),
        (&json!("failed"), &json!(503))
    );
    let table = bench.run(&["queues", "email"]).ok().stdout;
    let told = "email: sendgrid: no calls in the last day; last: answered 202, failed 503";
    assert!(table.contains(told), "{table}");
}
