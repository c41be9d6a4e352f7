//! `sandbox` and `sandbox fault`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use longshore_tests::eventually;
use serde_json::json;

use super::{Bench, WELCOME};
use crate::bench::{Ran, text};

/// `sandbox` on free ports, and where its stand-ins for SendGrid and Twilio listen.
struct Sandbox {
    process: Child,
    sendgrid: String,
    twilio: String,
}

impl Sandbox {
    fn start(bench: &Bench) -> Self {
        let program = longshore::program();
        let names = program.integrations().iter().flat_map(|of| of.sandboxes);
        let names: Vec<_> = names.map(|sandbox| sandbox.name).collect();
        let mut command = bench.command(&["sandbox"]);
        for name in &names {
            let option = format!("--{}-addr", name.replace('_', "-"));
            command.arg(option).arg("127.0.0.1:0");
        }
        let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the binary starts");
        let stdout = BufReader::new(process.stdout.take().expect("a pipe"));
        let said = stdout.lines().take(names.len());
        let said: Vec<_> = said.map(|line| line.expect("a line")).collect();
        let at = |name: &str| {
            let mut lines = said.iter();
            let line = lines.find(|line| line.starts_with(name));
            let line = line.unwrap_or_else(|| panic!("no {name} in {said:?}"));
            let (_, addr) = line.split_once("http://").expect("an origin");
            addr.to_owned()
        };
        Self {
            sendgrid: at("sendgrid"),
            twilio: at("twilio"),
            process,
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Killed with the test.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Worker {
    /// Serves mail by this stand-in.
    fn start(bench: &Bench, sendgrid: &str) -> Self {
        let mut command = bench.command(&["work", "--queue", "email"]);
        command
            .env("LONGSHORE_WORKER__HTTP_ADDR", "127.0.0.1:0")
            .env("LONGSHORE_RETRY__SCHEDULE_SECONDS", "[0.1]")
            .env("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.a")
            .env(
                "LONGSHORE_PROVIDERS__SENDGRID__BASE_URL",
                format!("http://{sendgrid}"),
            )
            .env("LONGSHORE_EMAIL__FROM__EMAIL", "no-reply@example.com")
            .env("LONGSHORE_EMAIL__TEMPLATES__WELCOME", "d-1")
            .stderr(Stdio::null());
        Self(command.spawn().expect("the binary starts"))
    }
}

#[test]
fn a_fault_is_set_hits_a_job_and_is_cleared() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench);
    let at = ["--addr", &sandbox.sendgrid, "--json"];
    let fault = |args: &[&str]| bench.run(&[&["sandbox", "fault"], args, &at].concat());
    let set = fault(&["sendgrid", "503", "--times", "1"]).ok();
    let named = format!("at the stand-in for sendgrid, on {}", sandbox.sendgrid);
    assert!(set.stderr.contains(&named), "{set:#?}");

    let id = text(
        &bench
            .run(&["enqueue", "send_email", WELCOME, "--json"])
            .json()["id"],
    );
    let _worker = Worker::start(&bench, &sandbox.sendgrid);
    let job = || bench.run(&["job", &id, "--json"]).json();
    let runs = eventually("the job is completed", async || {
        job()["state"] == "completed"
    });
    bench.runtime.block_on(runs);
    let history = &job()["history"];
    assert_eq!(history[0]["status"], 503, "{history}");
    assert_eq!(history.as_array().map(Vec::len), Some(2), "{history}");

    let state = fault(&["list", "sendgrid"]).json();
    assert_eq!(
        state,
        json!([{
            "provider": "sendgrid", "addr": sandbox.sendgrid,
            "faults": [{
                "text": "does nothing, and answers 503: the first request", "hit": 1,
                "rule": {"fault": {"answer": {"status": 503, "effect": false}}, "when": {"first": 1}, "only": {}},
            }],
        }])
    );
    let cleared = fault(&["clear", "sendgrid"]).json();
    assert_eq!(cleared[0]["faults"], json!([]));
}

/// Each as the help has it, and what the stand-in says of it.
#[test]
fn every_fault_of_the_help_is_one_that_the_stand_in_knows() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench);
    let cases: [(&[&str], &str); 8] = [
        (&["503"], "does nothing, and answers 503: every request"),
        (
            &["429", "--retry-after", "30s", "--for", "5m"],
            "does nothing, and answers 429 with Retry-After: 30: every request, for 300s",
        ),
        (
            &["hangup", "--carried-out", "--times", "2"],
            "does what is asked, and hangs up without an answer: the first 2 requests",
        ),
        (
            &["silent"],
            "does nothing, and never answers: every request",
        ),
        (
            &["reset"],
            "resets the connection without reading the request: every request",
        ),
        (
            &["garbage", "--share", "20%"],
            "does nothing, and answers 200 with a body of garbage: 20.0 % of the requests, by chance",
        ),
        (
            &["slow"],
            "does what is asked, and answers 5s late: every request",
        ),
        (
            &["slow", "--delay", "8s"],
            "does what is asked, and answers 8s late: every request",
        ),
    ];
    let help = bench.run(&["help", "sandbox", "fault"]).ok().stdout;
    for (args, says) in cases {
        let at = ["--addr", &sandbox.twilio];
        let ran = bench.run(&[&["sandbox", "fault", "twilio"], args, &at].concat());
        assert!(ran.ok().stdout.contains(says), "{args:?}");
        assert!(help.contains(&format!("\n  {:<8} ", args[0])), "{args:?}");
    }
}

/// Which services there are the configuration says, of the profile that is named as for every command.
#[test]
fn a_service_of_a_profile_has_a_stand_in_wherever_the_profile_is_named() {
    let bench = Bench::new();
    let config = bench.dir.path().join("config");
    std::fs::create_dir(&config).expect("there is room");
    let service = "[services.crm]\nbase_url = 'http://127.0.0.1:1'\nauth = { type = 'none' }\noperations.ping = { method = 'GET', path = '/' }\n";
    std::fs::write(config.join("local.toml"), service).expect("there is room");
    let fault = ["sandbox", "fault", "crm", "503"];
    bench.run(&fault).fails(2, "no stand-in for crm; there are");
    let absent = "no stand-in for crm answers on 127.0.0.1:1";
    let flag = ["--profile", "local", "sandbox", "fault", "crm", "503"];
    bench.run(&flag).fails(1, absent);
    let mut command = bench.command(&fault);
    command.env("LONGSHORE_PROFILE", "local");
    Ran::of(&fault, &mut command).fails(1, absent);
}

/// Of several fleets on one machine, each with its own stand-ins, the one that is configured is meant.
#[test]
fn a_stand_in_is_where_the_configuration_calls_its_provider_if_that_is_here() {
    let bench = Bench::new();
    let fault = ["sandbox", "fault", "sendgrid", "503"];
    for (base_url, at) in [
        ("http://127.0.0.1:1", "127.0.0.1:1"),
        ("http://localhost:2", "127.0.0.1:2"),
    ] {
        let mut command = bench.command(&fault);
        command.env("LONGSHORE_PROVIDERS__SENDGRID__BASE_URL", base_url);
        // It is called only where it is on.
        command.env("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.x");
        command.env("LONGSHORE_EMAIL__FROM", r#"{email = "post@example.com"}"#);
        let absent = format!("no stand-in for sendgrid answers on {at}");
        Ran::of(&fault, &mut command).fails(1, &absent);
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_a_cure() {
    let bench = Bench::new();
    let fault = |args: &[&str]| bench.run(&[&["sandbox", "fault"], args].concat());
    fault(&["fax", "503"]).fails(
        2,
        "no stand-in for fax; there are sendgrid, postmark, twilio",
    );
    fault(&["sendgrid", "broken"]).fails(2, "hangup, silent, slow, reset or garbage");
    fault(&["sendgrid", "200"]).fails(2, "a status from 400 to 599");
    fault(&["sendgrid", "clear"]).fails(2, "longshore sandbox fault clear PROVIDER");
    fault(&["sendgrid", "503", "--delay", "1s"]).fails(2, "--delay is only for slow");
    fault(&["sendgrid", "slow", "--carried-out"]).fails(2, "--carried-out is only for");
    fault(&["sendgrid", "503", "--addr", "127.0.0.1:1"]).fails(1, "--profile local sandbox");
    let redis = format!("127.0.0.1:{}", bench.redis.port());
    fault(&["sendgrid", "503", "--addr", &redis]).fails(1, "no stand-in");
    let sandbox = Sandbox::start(&bench);
    let at = ["--addr", &sandbox.twilio];
    let other = fault(&[&["sendgrid", "503"], &at[..]].concat());
    other.fails(1, "is the one for twilio, not for sendgrid");
    let over_at_once = fault(&[&["twilio", "503", "--for", "0s"], &at[..]].concat());
    over_at_once.fails(2, "for_ms must be at least 1");
    let of_a_start = ["sandbox", "--twilio-addr", &sandbox.twilio, "fault", "list"];
    bench
        .run(&of_a_start)
        .fails(2, "`sandbox fault` takes --addr");
    let listed = bench.run(&[
        "sandbox",
        "fault",
        "list",
        "twilio",
        "--addr",
        &sandbox.twilio,
    ]);
    assert!(listed.ok().stdout.contains("none"));
}
