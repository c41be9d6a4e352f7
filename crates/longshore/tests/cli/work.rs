//! `work`.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use longshore_email::sandbox::SendGridSandbox;
use longshore_sandbox::RedisServer;
use longshore_tests::eventually;
use serde_json::{Value, json};

use super::{Bench, Ran, WELCOME};

const PATIENCE: Duration = Duration::from_secs(30);

/// `work` with SendGrid on, at a stand-in that may be away.
fn work(bench: &Bench, sendgrid: &str, args: &[&str]) -> Command {
    let mut command = bench.command(&[&["work"], args].concat());
    command
        .env("LONGSHORE_WORKER__HTTP_ADDR", "127.0.0.1:0")
        .env("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.s3cret")
        .env("LONGSHORE_PROVIDERS__SENDGRID__BASE_URL", sendgrid)
        .env("LONGSHORE_EMAIL__FROM__EMAIL", "no-reply@example.com")
        .env("LONGSHORE_EMAIL__TEMPLATES__WELCOME", "d-1");
    command
}

/// Killed with the test, if it has not left by then.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("the binary starts"))
    }

    fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("kill is there").success());
    }

    fn ended(&mut self) -> ExitStatus {
        self.0.wait().expect("it ends")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A worker whose log is read.
struct Worker {
    process: Running,
    stderr: Receiver<String>,
    said: Vec<String>,
}

impl Worker {
    fn start(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Running::start(command);
        let (word, heard) = channel();
        let stderr = BufReader::new(process.0.stderr.take().expect("a pipe"));
        std::thread::spawn(move || {
            for line in stderr.lines() {
                let Ok(line) = line else { return };
                if word.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            process,
            stderr: heard,
            said: Vec::new(),
        }
    }

    /// Waits until it says this.
    #[track_caller]
    fn says(&mut self, what: &str) {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            let Ok(line) = self.stderr.recv_timeout(left) else {
                panic!("it did not say {what:?}: {:#?}", self.said);
            };
            let found = line.contains(what);
            self.said.push(line);
            if found {
                return;
            }
        }
    }

    /// Waits until it has left: then its stderr ends.
    fn leaves(&mut self) -> ExitStatus {
        let give_up = Instant::now() + PATIENCE;
        while let Ok(line) = self
            .stderr
            .recv_timeout(give_up.saturating_duration_since(Instant::now()))
        {
            self.said.push(line);
        }
        assert!(
            Instant::now() < give_up,
            "it does not leave: {:#?}",
            self.said
        );
        self.process.ended()
    }
}

fn sandbox(bench: &Bench) -> SendGridSandbox {
    let anywhere = ([127, 0, 0, 1], 0).into();
    let started = bench.runtime.block_on(SendGridSandbox::start(anywhere));
    started.expect("it listens")
}

#[test]
fn a_job_is_carried_out_and_its_worker_leaves_in_good_order() {
    let bench = Bench::new();
    let sendgrid = sandbox(&bench);
    let signals = ["-TERM", "-INT", "-HUP", "-QUIT"];
    for signal in signals {
        let ran = bench.run(&["enqueue", "send_email", WELCOME]).ok();
        let id = ran.lines()[0];
        let mut worker =
            Worker::start(&mut work(&bench, &sendgrid.origin(), &["--queue", "email"]));
        worker.says("working");
        bench
            .runtime
            .block_on(eventually("the job is completed", async || {
                let stats = bench.queue.stats().await.expect("counts");
                stats.pending + stats.running == 0
            }));
        worker.process.signal("-USR1");
        worker.process.signal("-USR2");
        worker.process.signal(signal);
        assert_eq!(worker.leaves().code(), Some(0), "{:#?}", worker.said);
        assert!(worker.said.iter().any(|line| line.contains("drained")));

        let job = bench.run(&["job", id, "--json"]).json();
        assert_eq!(job["state"], "completed", "{job}");
        let entry = &job["history"][0];
        assert_eq!(
            (&entry["provider"], &entry["status"]),
            (&json!("sendgrid"), &json!(202))
        );
        for line in &worker.said {
            for secret in ["s3cret", "ada@", "Ada"] {
                assert!(!line.contains(secret), "{line}");
            }
        }
    }
    assert_eq!(sendgrid.ledger().summary().accepted, signals.len() as u64);
}

#[test]
fn a_worker_outlives_the_reader_of_its_log() {
    let bench = Bench::new();
    let mut command = work(&bench, "http://127.0.0.1:9", &[]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut worker = Running::start(command.stderr(writer));
    drop(command);
    let mut log = BufReader::new(reader);
    let mut line = String::new();
    while !line.contains("working") {
        line.clear();
        assert!(log.read_line(&mut line).expect("it logs") > 0, "it ended");
    }
    drop(log);
    // A dead letter is logged.
    bench
        .run(&[
            "enqueue",
            "send_email",
            &WELCOME.replace("welcome", "nobodys"),
        ])
        .ok();
    bench.runtime.block_on(eventually("it is dead", async || {
        bench.queue.stats().await.expect("counts").dead == 1
    }));
    worker.signal("-TERM");
    assert_eq!(worker.ended().code(), Some(0));
}

#[test]
fn a_queue_without_credentials_is_left_out_and_refused_when_named() {
    let bench = Bench::new();
    let ran = bench.unchanged(&["work"]);
    let ran = ran.fails(2, "no provider is configured");
    let warnings = ran
        .stderr
        .lines()
        .filter(|line| line.contains("WARN"))
        .count();
    assert_eq!(warnings, 6, "one for each queue: {ran:?}");
    for (queue, key) in [
        ("email", "providers.sendgrid.api_key"),
        ("sms", "providers.twilio.account_sid"),
        ("geocode", "providers.google_maps.api_key"),
        ("payment-reconcile", "providers.stripe.secret_key"),
        ("export-cleanup", "providers.s3.region"),
        ("events", "events.url"),
    ] {
        assert!(ran.stderr.contains(key), "{ran:?}");
        bench.unchanged(&["work", "--queue", queue]).fails(2, key);
    }
    let unknown = bench.unchanged(&["work", "--queue", "email", "--queue", "mail"]);
    unknown.fails(2, "there is no queue `mail`");
}

#[test]
fn a_redis_that_would_drop_jobs_is_refused() {
    let bench = Bench::on(RedisServer::options().set("maxmemory-policy", "allkeys-lru"));
    bench.enqueue(1);
    let ran = Ran::of(&["work"], &mut work(&bench, "http://127.0.0.1:9", &[]));
    ran.fails(1, "maxmemory-policy noeviction");
    assert_eq!(bench.row()["pending"], 1);
}

#[test]
fn a_port_that_is_taken_is_said_before_any_job_is() {
    let bench = Bench::new();
    bench.enqueue(1);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("a port").to_string();
    let mut command = work(&bench, "http://127.0.0.1:9", &[]);
    command.env("LONGSHORE_WORKER__HTTP_ADDR", &addr);
    let ran = Ran::of(&["work"], &mut command).fails(1, "worker.http_addr");
    assert!(ran.stderr.contains(&addr), "{ran:?}");
    // What one would set, without a look at the docs.
    assert!(
        ran.stderr.contains("LONGSHORE_WORKER__HTTP_ADDR"),
        "{ran:?}"
    );
    let row = bench.row();
    assert_eq!((&row["pending"], &row["running"]), (&json!(1), &json!(0)));
}

#[test]
fn workers_are_rows_with_the_fields_of_the_contract() {
    let bench = Bench::new();
    assert_eq!(bench.run(&["workers", "--json"]).json(), json!([]));
    // Nothing is sent, so nobody has to be there.
    let mut worker = Worker::start(&mut work(&bench, "http://127.0.0.1:1", &[]));
    worker.says("working");
    let rows = bench.run(&["workers", "--json"]).json();
    let row = &rows[0];
    assert_eq!(
        crate::bench::fields(row),
        [
            "beat_age_seconds",
            "fit",
            "host",
            "kinds",
            "note",
            "pid",
            "queues",
            "running",
            "slots",
            "started_at",
            "version",
            "worker"
        ]
    );
    assert_eq!(row["queues"], json!(["email"]));
    assert_eq!(row["kinds"], json!(["send_email"]));
    assert_eq!((&row["fit"], &row["note"]), (&json!(true), &json!(null)));
    assert_eq!(row["pid"], worker.process.0.id());
    let table = bench.run(&["workers"]).ok();
    assert!(table.lines()[1].contains("email   yes"), "{table:?}");
}

/// Each line of what went to stderr, as the object that it is.
fn objects(ran: &Ran) -> Vec<Value> {
    let lines = ran.stderr.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[test]
fn where_logs_are_json_a_role_says_nothing_else() {
    let bench = Bench::new();
    // What is said before the configuration is read, and of it.
    let mut command = work(&bench, "http://127.0.0.1:9", &[]);
    command
        .env("LONGSHORE_LOG__FORMAT", "json")
        .env("LONGSHORE_WORKER__DRAIN_SECONDS", "soon")
        .env("RUST_LOG", "[");
    let ran = Ran::of(&["work"], &mut command);
    let said = objects(&ran);
    let levels: Vec<_> = said.iter().map(|line| &line["level"]).collect();
    assert_eq!(levels, ["WARN", "ERROR"], "{ran:?}");
    assert_eq!(said[0]["target"], "longshore_app::logging");
    let why = said[1]["message"].as_str().expect("a text");
    assert!(why.contains("worker.drain_seconds"), "{why}");
    assert_eq!(ran.code, Some(2), "{ran:?}");

    // Where a file says it.
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("default.toml");
    std::fs::write(file, "log.format = 'json'").expect("written");
    let dir = dir.path().display().to_string();
    let arguments = ["--config", &dir, "work"];
    let ran = Ran::of(&arguments, &mut bench.command(&arguments));
    let said = objects(&ran);
    assert_eq!((said.len(), ran.code), (8, Some(2)), "{ran:?}");
    assert_eq!(said[7]["level"], "ERROR");
    // A person's command says why it failed in words.
    let arguments = ["--config", &dir, "job", "nobody"];
    Ran::of(&arguments, &mut bench.command(&arguments)).fails(2, "nobody");
}
