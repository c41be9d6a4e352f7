//! Exit code 3: Redis could not be reached, and that is known within five seconds.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use longshore_sandbox::{RedisCluster, RedisServer};

use super::{Bench, NOBODY, Ran, WELCOME};

const COMMANDS: &[&[&str]] = &[
    &["queues"],
    &["queues", "--json"],
    &["enqueue", "send_email", WELCOME],
    &["job", NOBODY],
    &["pause", "email"],
    &["resume", "email"],
    &["dead", "groups"],
    &["dead", "list"],
    &["dead", "show", NOBODY],
    &["dead", "replay", "--queue", "email", "--yes"],
    &[
        "dead", "discard", "--queue", "email", "--yes", "--reason", "r",
    ],
    &["work"],
];

/// Runs every command at the same time, since each may take its five seconds.
fn all_fail(bench: &Bench, url: &str, why: &str) {
    std::thread::scope(|scope| {
        for args in COMMANDS {
            scope.spawn(move || {
                let mut command = bench.command(args);
                command
                    .env("LONGSHORE_REDIS__URL", url)
                    .env("LONGSHORE_WORKER__HTTP_ADDR", "127.0.0.1:0")
                    .env("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.key")
                    .env("LONGSHORE_EMAIL__FROM__EMAIL", "no-reply@example.com")
                    .env("LONGSHORE_EMAIL__TEMPLATES__WELCOME", "d-1");
                let started = Instant::now();
                let ran = Ran::of(args, &mut command).fails(3, why);
                let took = started.elapsed();
                assert!(took < Duration::from_secs(20), "{took:?}: {ran:?}");
                assert!(!ran.stderr.contains("s3cret"), "{ran:?}");
            });
        }
    });
}

#[test]
fn nobody_listens() {
    let mut bench = Bench::new();
    bench.redis.kill();
    let url = format!("redis://user:s3cret@127.0.0.1:{}", bench.redis.port());
    all_fail(&bench, &url, "redis.url");
}

#[test]
fn it_listens_and_says_nothing() {
    let bench = Bench::new();
    bench.redis.pause().expect("it runs");
    all_fail(&bench, &bench.redis.url(), "127.0.0.1");
    bench.redis.resume().expect("it runs");
}

#[test]
fn it_wants_another_password() {
    let bench = Bench::new();
    let url = bench.redis.url().replace("127", ":s3cret@127");
    bench.run(&["queues"]).ok();
    all_fail(&bench, &url, "redis.url");
}

#[test]
fn something_else_listens() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("a port");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let args = ["queues"];
    let mut command = bench.command(&args);
    command.env("LONGSHORE_REDIS__URL", format!("redis://{addr}"));
    let ran = Ran::of(&args, &mut command).fails(3, "not a Redis");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
}

#[test]
fn a_state_that_passes_is_waited_for_like_an_outage() {
    let bench = Bench::on(RedisServer::options().set("min-replicas-to-write", "1"));
    let began = Instant::now();
    let args = ["enqueue", "send_email", WELCOME];
    let ran = bench
        .run(&args)
        .fails(3, "cannot take it at the moment: NOREPLICAS");
    assert!(ran.stderr.contains("min-replicas-to-write"), "{ran:?}");
    assert!(began.elapsed() > Duration::from_secs(3), "{ran:?}");
}

#[test]
fn it_answers_and_takes_no_jobs() {
    let bench = Bench::on(RedisServer::options().set("min-replicas-to-write", "1"));
    let mut command = bench.command(&["work"]);
    command
        .env("LONGSHORE_WORKER__HTTP_ADDR", "127.0.0.1:0")
        .env("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.key")
        .env("LONGSHORE_EMAIL__FROM__EMAIL", "no-reply@example.com")
        .env("LONGSHORE_EMAIL__TEMPLATES__WELCOME", "d-1");
    let ran = Ran::of(&["work"], &mut command).fails(3, "takes no jobs of email: NOREPLICAS");
    assert!(ran.stderr.contains("min-replicas-to-write"), "{ran:?}");
}

/// A cluster of three primaries, of which that of `geocode` is killed.
#[test]
fn a_primary_of_a_cluster_that_is_away_hides_no_other_queue() {
    let mut cluster = RedisCluster::start(3).expect("a cluster");
    let bench = Bench::new();
    let urls = cluster.urls();
    let run = |args: &[&str]| {
        let mut command = bench.command(args);
        command
            .env("LONGSHORE_REDIS__URL", &urls)
            .env("LONGSHORE_REDIS__MODE", "cluster")
            .env("LONGSHORE_REDIS__NAMESPACE", "longshore");
        Ran::of(args, &mut command)
    };
    run(&["enqueue", "send_email", WELCOME]).ok();
    // Nobody works the queue.
    let doctor = run(&["doctor"]);
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    assert!(doctor.stdout.contains("each primary: "), "{doctor:?}");
    cluster.nodes[0].kill();

    let began = Instant::now();
    let rows = run(&["queues", "--json"]).json();
    let row = |name: &str| {
        let mut rows = rows.as_array().expect("rows").iter();
        rows.find(|row| row["queue"] == name)
            .expect("has a row")
            .clone()
    };
    assert_eq!(row("email")["pending"], 1);
    assert!(row("email").get("away").is_none());
    assert!(row("geocode")["pending"].is_null(), "it is not known");
    let away = &row("geocode")["away"]["cure"];
    assert!(
        away.as_str()
            .is_some_and(|cure| cure.contains("start it again")),
        "{away}"
    );
    for args in [
        &["queues"][..],
        &["dead", "groups"],
        &["dead", "list"],
        &["jobs", "find", "--recipient", "ada@example.com"],
        &["forget", "ada@example.com", "--dry-run"],
        &["workers"],
        &["audit"],
    ] {
        let ran = run(args).ok();
        assert!(ran.stdout.contains("is away"), "{ran:?}");
    }
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "eight commands, none of which waits: {:?}",
        began.elapsed()
    );
    let doctor = run(&["doctor"]);
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    for said in [
        "a primary is away",
        "geocode, payment-reconcile: scripts cannot write",
        "email, sms, ",
    ] {
        assert!(doctor.stdout.contains(said), "{said}: {doctor:?}");
    }
    run(&["pause", "email"]).ok();
    run(&["pause", "geocode"]).fails(3, "cannot be reached");
    run(&["job", NOBODY]).fails(3, "cannot be reached");
}
