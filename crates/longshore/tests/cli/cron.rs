//! `cron list`, `cron run`, and who ticks.

use std::process::{Child, Command, Stdio};

use longshore_tests::eventually;
use serde_json::Value;

use super::Bench;

/// An entry that ticks each second, one that never does while this test runs, and one that is off.
fn with_entries(command: &mut Command) -> &mut Command {
    let args =
        r#"{"template":"welcome","to":{"email":"staff@example.com"},"data":{"at":"{tick}"}}"#;
    for (name, schedule) in [
        ("EACH_SECOND", "* * * * * *"),
        ("YEARLY", "0 0 29 2 *"),
        ("OFF", "* * * * * *"),
    ] {
        command
            .env(format!("LONGSHORE_CRON__{name}__SCHEDULE"), schedule)
            .env(format!("LONGSHORE_CRON__{name}__KIND"), "send_email")
            .env(format!("LONGSHORE_CRON__{name}__ARGS"), args);
    }
    command
        .env("LONGSHORE_CRON__YEARLY__TIMEZONE", "Europe/Oslo")
        .env("LONGSHORE_CRON__YEARLY__CATCH_UP", "once")
        .env("LONGSHORE_CRON__OFF__ENABLED", "false")
        .env("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.s3cret")
        .env("LONGSHORE_EMAIL__FROM__EMAIL", "no-reply@example.com")
        .env("LONGSHORE_EMAIL__TEMPLATES__WELCOME", "d-1")
        .env("LONGSHORE_PROVIDERS__TWILIO__ACCOUNT_SID", "AC1")
        .env("LONGSHORE_PROVIDERS__TWILIO__AUTH_TOKEN", "s3cret")
        .env("LONGSHORE_PROVIDERS__TWILIO__FROM", "+4780000000")
        .env("LONGSHORE_WORKER__HTTP_ADDR", "127.0.0.1:0")
}

fn ran(bench: &Bench, args: &[&str]) -> super::Ran {
    super::Ran::of(args, with_entries(&mut bench.command(args)))
}

fn row(rows: &Value, name: &str) -> Value {
    let rows = rows.as_array().expect("a list");
    let found = rows.iter().find(|row| row["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}")).clone()
}

/// Killed with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn who_works_another_queue_ticks_all_the_same_and_the_list_says_when() {
    let bench = Bench::new();
    let rows = ran(&bench, &["cron", "list", "--json"]).json();
    let each = row(&rows, "each_second");
    for (field, value) in [
        ("schedule", "* * * * * *"),
        ("timezone", "UTC"),
        ("kind", "send_email"),
        ("queue", "email"),
        ("catch_up", "none"),
    ] {
        assert_eq!(each[field], value);
    }
    for field in ["last_tick", "last_job", "inactive", "looked_at"] {
        assert_eq!(each[field], Value::Null, "{field}");
    }
    assert!(each["next_tick"].is_string());
    let text = ran(&bench, &["cron", "list"]).ok().stdout;
    assert!(text.starts_with("NAME"), "{text}");
    assert!(
        text.contains("no `longshore work` has ticked entries of email yet"),
        "{text}"
    );

    let args = ["work", "--queue", "sms"];
    let mut command = bench.command(&args);
    let command = with_entries(&mut command);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let worker = Running(command.spawn().expect("the binary starts"));
    bench
        .runtime
        .block_on(eventually("ticks are enqueued", || async {
            bench
                .queue
                .stats()
                .await
                .is_ok_and(|stats| stats.pending >= 2)
        }));
    drop(worker);

    let rows = ran(&bench, &["cron", "list", "--json"]).json();
    let each = row(&rows, "each_second");
    assert!(each["looked_at"].is_string());
    let last = each["last_job"].as_str().expect("a job").to_owned();
    let job = ran(&bench, &["job", &last, "--json"]).json();
    assert_eq!(job["cron"]["entry"], "each_second");
    assert_eq!(job["cron"]["tick"], each["last_tick"]);
    let told = ran(&bench, &["job", &last]).ok().stdout;
    assert!(told.contains("each_second at 20"), "{told}");

    let yearly = row(&rows, "yearly");
    assert_eq!(yearly["last_tick"], Value::Null);
    let next = yearly["next_tick"].as_str().expect("a time");
    assert!(next.ends_with("-02-28T23:00:00.000Z"), "{next}");
    assert_eq!(row(&rows, "off")["next_tick"], Value::Null);
    assert!(
        row(&rows, "off")["inactive"]
            .as_str()
            .expect("why")
            .contains("switched off")
    );
    assert_eq!(row(&rows, "off")["last_job"], Value::Null, "it is off");
    let nightly = row(&rows, "nightly-reconcile");
    assert_eq!(
        nightly["inactive"],
        "providers.stripe.secret_key is not set"
    );
    assert_eq!(
        (&nightly["next_tick"], &nightly["catch_up"]),
        (&Value::Null, &Value::from("all"))
    );
}

#[test]
fn one_run_by_hand_is_one_job_and_moves_nothing() {
    let bench = Bench::new();
    let before = ran(&bench, &["cron", "list", "--json"]).json();
    let id = ran(&bench, &["cron", "run", "yearly"]).ok().stdout;
    let job = ran(&bench, &["job", id.trim(), "--json", "--reveal"]).json();
    assert_eq!(
        (&job["state"], &job["queue"]),
        (&Value::from("pending"), &Value::from("email"))
    );
    assert_eq!(
        (&job["cron"]["entry"], &job["cron"]["by_hand"]),
        (&Value::from("yearly"), &Value::from(true))
    );
    // The second that it was asked for stands in the args, too.
    let tick = job["cron"]["tick"]
        .as_str()
        .expect("a time")
        .replace(".000Z", "Z");
    assert_eq!(job["args"]["data"]["at"], tick);
    let again = ran(&bench, &["cron", "run", "off", "--json"]).json();
    assert!(
        again["id"].is_string() && again["duplicate"] == false,
        "{again}"
    );
    let after = ran(&bench, &["cron", "list", "--json"]).json();
    for name in ["yearly", "off"] {
        assert_eq!(row(&before, name), row(&after, name));
    }
    let known = "the entries are each_second, lifecycle-exports, lifecycle-uploads, move-back-exports, move-back-uploads, nightly-backfill, nightly-reconcile, off, sweep-exports, \
                 sweep-uploads, yearly";
    ran(&bench, &["cron", "run", "nighty"]).fails(2, known);
}

#[test]
fn a_check_says_which_entries_do_not_tick() {
    let bench = Bench::new();
    let mut command = bench.command(&["config", "check"]);
    with_entries(&mut command).env_remove("LONGSHORE_PROVIDERS__SENDGRID__API_KEY");
    let said = super::Ran::of(&["config", "check"], &mut command)
        .ok()
        .stdout;
    assert!(
        said.contains("the cron entry yearly does not tick: providers.sendgrid.api_key is not set"),
        "{said}"
    );
    assert!(
        said.contains("the cron entry off does not tick: it is switched off"),
        "{said}"
    );
    assert!(
        !said.contains("nightly-reconcile"),
        "nobody asked for it: {said}"
    );
}

/// A job of each night that is sure to be a dead letter is not made, and whoever looks is told why.
#[test]
fn where_there_is_no_app_nothing_is_reconciled_and_that_is_said() {
    let bench = Bench::new();
    let with = |args: &[&str], app: bool| {
        let mut command = bench.command(args);
        command.env("LONGSHORE_PROVIDERS__STRIPE__SECRET_KEY", "sk_test_a");
        command.env(
            "LONGSHORE_PROVIDERS__STRIPE__BASE_URL",
            "http://127.0.0.1:1",
        );
        if app {
            command.env("LONGSHORE_APP__BASE_URL", "http://127.0.0.1:1");
            command.env("LONGSHORE_APP__SECRET", "a");
        }
        super::Ran::of(args, &mut command)
    };
    let why = "there is no app to tell: set app.base_url and app.secret";
    for name in ["nightly-reconcile", "nightly-backfill"] {
        let rows = with(&["cron", "list", "--json"], false).ok().json();
        assert_eq!(row(&rows, name)["inactive"], why);
        let rows = with(&["cron", "list", "--json"], true).ok().json();
        assert_eq!(row(&rows, name)["inactive"], Value::Null);
        let told = format!("{name} does not tick: {why}");
        let found = |app| {
            let said: Value =
                serde_json::from_str(&with(&["doctor", "--json"], app).stdout).expect("is JSON");
            let all = said.as_array().expect("a list").iter();
            all.filter(|finding| finding["finding"] == told.as_str())
                .count()
        };
        assert_eq!((found(false), found(true)), (1, 0), "{name}");
    }
}

/// A worker of another queue, which ticks all the same.
fn ticking(bench: &Bench) -> Running {
    let mut command = bench.command(&["work", "--queue", "sms"]);
    let command = with_entries(&mut command);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    Running(command.spawn().expect("the binary starts"))
}

/// Up to when the ticks of the entry of each second are dealt with.
async fn mark(bench: &Bench) -> Option<u64> {
    let book = bench.queue.cron_book().await.expect("looks");
    let mark = book.mark("each_second", "UTC * * * * * *");
    mark.map(|mark| mark.until_ms)
}

#[test]
fn a_paused_entry_makes_no_job_and_says_so_wherever_one_looks() {
    let bench = Bench::new();
    ran(&bench, &["cron", "pause", "yearly"]).fails(2, "--reason");
    let wrong = ["cron", "pause", "nighty", "--reason", "x"];
    ran(&bench, &wrong).fails(2, "no cron entry `nighty`");
    let pause = ["cron", "pause", "each_second", "--reason", "moving house"];
    let paused = ran(&bench, &pause).ok().stdout;
    assert!(paused.contains("each_second is paused"), "{paused}");
    let again = ran(&bench, &pause).ok().stdout;
    assert!(again.contains("was paused already"), "{again}");

    let _worker = ticking(&bench);
    let first = std::cell::Cell::new(None);
    let ticks = "two ticks are passed";
    bench.runtime.block_on(eventually(ticks, || async {
        let now = mark(&bench).await;
        let before = first.get().or(now);
        first.set(before);
        now.zip(before)
            .is_some_and(|(now, before)| now >= before + 2000)
    }));
    assert_eq!(bench.row()["pending"], 0);

    let rows = ran(&bench, &["cron", "list", "--json"]).json();
    let row = row(&rows, "each_second");
    assert_eq!(row["paused"]["by"], "kari");
    assert_eq!(row["paused"]["reason"], "moving house");
    assert_eq!(row["next_tick"], Value::Null);
    assert_eq!(row["ticks"], serde_json::json!([]));
    let text = ran(&bench, &["cron", "list"]).ok().stdout;
    assert!(text.contains("each_second was paused by kari"), "{text}");
    let doctor = ran(&bench, &["doctor"]).stdout;
    let found = "cron entry each_second was paused by kari";
    assert!(doctor.contains(found), "{doctor}");
    ran(&bench, &["cron", "run", "each_second"]).ok();
    assert_eq!(bench.row()["pending"], 1, "by hand it runs all the same");
}

#[test]
fn a_resumed_entry_ticks_again_and_the_list_says_what_became_of_its_jobs() {
    let bench = Bench::new();
    let resume = ["cron", "resume", "each_second", "--reason", "moved"];
    let resumed = ran(&bench, &resume).ok().stdout;
    assert!(resumed.contains("was not paused"), "{resumed}");
    ran(&bench, &["cron", "pause", "each_second", "--reason", "x"]).ok();
    let resumed = ran(&bench, &resume).ok().stdout;
    assert!(resumed.contains("ticks again from now on"), "{resumed}");
    let worker = ticking(&bench);
    bench
        .runtime
        .block_on(eventually("it ticks again", || async {
            let stats = bench.queue.stats().await;
            stats.is_ok_and(|stats| stats.pending >= 2)
        }));
    drop(worker);
    let each = || {
        let rows = ran(&bench, &["cron", "list", "--json"]).json();
        row(&rows, "each_second")
    };
    let row = each();
    assert_eq!(row["paused"], Value::Null);
    assert_eq!(row["ticks"][0]["state"], "pending");
    assert_eq!(row["ticks"][0]["job"], row["last_job"]);
    let last = row["last_job"].as_str().expect("a job");
    bench.redis(&[b"HDEL", b"{longshore:email}:data", last.as_bytes()]);
    assert_eq!(each()["ticks"][0]["state"], Value::Null, "it is forgotten");
}

/// Somebody has written over the ticks: nothing can tick, and the list does not look as if it did.
#[test]
fn an_entry_that_cannot_tick_is_shown_as_such() {
    let bench = Bench::new();
    bench.redis(&[b"SET", b"{longshore:email}:cron:ticks", b"x"]);
    let rows = ran(&bench, &["cron", "list", "--json"]).json();
    let row = row(&rows, "yearly");
    let broken = row["broken"].as_str().unwrap_or_default();
    assert!(broken.contains("WRONGTYPE"), "{row}");
}
