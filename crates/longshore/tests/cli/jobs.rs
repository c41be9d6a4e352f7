//! `jobs`.

use serde_json::{Value, json};

use super::{Bench, NOBODY, WELCOME};

pub(crate) const WHY: [&str; 2] = ["--reason", "wrong campaign"];

/// Jobs with a tag, one by one, so that their order is known.
pub(crate) fn tagged(bench: &Bench, count: usize, tag: &str) -> Vec<String> {
    let lines = format!("{WELCOME}\n").repeat(count);
    let ran = bench.pipe(
        &["enqueue", "send_email", "-", "--tag", tag],
        lines.as_bytes(),
    );
    ran.ok().lines().into_iter().map(str::to_owned).collect()
}

pub(crate) fn states(bench: &Bench, ids: &[String]) -> Vec<String> {
    let state = |id: &String| {
        let job = bench.run(&["job", id, "--json"]).json();
        job["state"].as_str().unwrap_or_default().to_owned()
    };
    ids.iter().map(state).collect()
}

#[test]
fn jobs_are_listed_by_what_they_are_with_their_args_redacted() {
    let bench = Bench::new();
    let dead = bench.bury(1, "550").remove(0);
    tagged(&bench, 3, "spring");
    let later = bench
        .run(&[
            "enqueue",
            "send_email",
            WELCOME,
            "--in",
            "1h",
            "--tenant",
            "acme",
            "--key",
            "k",
        ])
        .ok();
    let later = later.lines()[0].to_owned();
    let rows = |args: &[&str]| {
        let ran = bench.unchanged(&[&["jobs", "list", "--json"], args].concat());
        ran.json().as_array().expect("a list").clone()
    };
    let ids = |args: &[&str]| -> Vec<String> {
        let rows = rows(args).into_iter();
        rows.map(|row| row["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    let row = rows(&["--tenant", "acme"]).remove(0);
    assert!(!row.to_string().contains("ada"), "{row}");
    assert_eq!(row["args"]["to"]["email"], "[redacted]");
    for (name, value) in [
        ("id", json!(later)),
        ("queue", json!("email")),
        ("kind", json!("send_email")),
        ("state", json!("scheduled")),
        ("priority", json!("normal")),
        ("tenant", json!("acme")),
        ("tags", json!([])),
        ("attempt", json!(0)),
        ("held_by", Value::Null),
    ] {
        assert_eq!(row[name], value, "{name} of {row}");
    }
    assert!(row["enqueued_at"].is_string() && row["next_run_at"].is_string());
    assert_eq!(rows(&[]).len(), 5);
    assert_eq!(ids(&["--tag", "spring"]).len(), 3);
    assert_eq!(ids(&["--state", "dead"]), std::slice::from_ref(&dead));
    assert_eq!(ids(&["--key", "k"]), std::slice::from_ref(&later));
    assert_eq!(ids(&["--key", "k", "--kind", "send_sms"]), [""; 0]);
    assert_eq!(ids(&["--kind", "send_email", "--since", "1h"]).len(), 5);
    assert_eq!(ids(&["--queue", "sms"]), [""; 0]);
    assert_eq!(ids(&["--limit", "2"]).len(), 2);
    bench
        .unchanged(&["jobs", "list", "--state", "asleep"])
        .fails(2, "pending");
    let table = bench.unchanged(&["jobs", "list"]).ok().stdout;
    assert!(table.contains(&later) && !table.contains("ada"), "{table}");
    bench.run(&["pause", "email", "--reason", "x"]).ok();
    let row = rows(&["--state", "pending"]).remove(0);
    assert_eq!(row["held_by"], "paused by kari");
}

#[test]
fn one_person_is_found_in_every_state() {
    let bench = Bench::new();
    let dead = bench.bury(1, "550").remove(0);
    let pending = bench.enqueue(1).remove(0);
    let other = WELCOME.replace("ada@", "bob@");
    bench.run(&["enqueue", "send_email", &other]).ok();
    let find = |who: &str| -> Vec<Value> {
        let ran = bench.run(&["jobs", "find", "--recipient", who, "--json"]);
        assert!(
            !ran.stdout.contains("ada") && !ran.stderr.contains("ada"),
            "{ran:?}"
        );
        ran.json().as_array().expect("a list").clone()
    };
    let mut found: Vec<_> = find(" ADA@example.com")
        .iter()
        .map(|row| row["id"].clone())
        .collect();
    let mut expected = vec![json!(dead), json!(pending)];
    found.sort_by_key(Value::to_string);
    expected.sort_by_key(Value::to_string);
    assert_eq!(found, expected);
    assert_eq!(find("nobody@example.com").len(), 0);
    // What a kind calls public names nobody.
    assert_eq!(find("welcome").len(), 0);
    let edit = ["jobs", "edit", &pending, "--args", &other, "--reason", "x"];
    bench.run(&edit).ok();
    assert_eq!(
        find("ada@example.com").len(),
        2,
        "the args before the edit, too"
    );
    // The audit has each look, and not at whom.
    let audit = bench.run(&["audit", "--json"]);
    assert!(!audit.stdout.contains("ada@"), "{audit:?}");
    let looks = audit.json().as_array().expect("a list").clone().into_iter();
    let looks: Vec<_> = looks.filter(|entry| entry["action"] == "search").collect();
    assert_eq!(looks.len(), 4, "{looks:?}");
    let last = &looks[0];
    assert_eq!(
        (&last["target"], &last["by"], &last["result"]),
        (&json!("a person"), &json!("kari"), &json!("2 jobs"))
    );
}

#[test]
fn named_jobs_are_cancelled_and_the_answer_says_what_the_others_are() {
    let bench = Bench::new();
    let ids = bench.enqueue(3);
    let cancel = |ids: &[&str], more: &[&str]| {
        [&["jobs", "cancel"], ids, &WHY, more]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let args = |args: &[String]| -> Vec<String> { args.to_vec() };
    let run = |list: &[String]| bench.run(&list.iter().map(String::as_str).collect::<Vec<_>>());
    let unchanged =
        |list: &[String]| bench.unchanged(&list.iter().map(String::as_str).collect::<Vec<_>>());
    bench
        .unchanged(&["jobs", "cancel", &ids[0]])
        .fails(2, "--reason");
    bench
        .unchanged(&["jobs", "cancel", "--reason", "x"])
        .fails(2, "ID");
    unchanged(&args(&cancel(&[&ids[0], &ids[1]], &[]))).fails(2, "add --yes");
    unchanged(&args(&cancel(&[NOBODY], &[]))).fails(1, NOBODY);
    unchanged(&args(&cancel(&["nonsense"], &[]))).fails(2, "not a job id");
    let dry = unchanged(&args(&cancel(&[&ids[0]], &["--dry-run"]))).ok();
    assert!(dry.stdout.contains("would be cancelled"), "{dry:?}");
    let ran = run(&args(&cancel(&[&ids[0]], &[]))).ok();
    assert!(ran.stderr.contains("on Redis at"), "{ran:?}");
    assert!(ran.stdout.contains("1 job is cancelled"), "{ran:?}");
    assert_eq!(states(&bench, &ids[..1]), ["cancelled"]);
    // Once more is as good.
    unchanged(&args(&cancel(&[&ids[0]], &[]))).ok();
    let claimed = bench.claim();
    let dry = unchanged(&args(&cancel(&[&ids[1]], &["--dry-run"]))).ok();
    assert!(
        dry.stdout.contains("is running: it would be asked to stop"),
        "{dry:?}"
    );
    let asked = cancel(&[&ids[1], &ids[2]], &["--yes", "--json", "--detach"]);
    let ran = run(&args(&asked));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("asked to stop"), "{ran:?}");
    let answer: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(answer["cancelled"], 0);
    assert!(
        answer["target"]
            .as_str()
            .is_some_and(|target| target.contains("namespace"))
    );
    for (name, value) in [
        ("came_to", json!("running")),
        ("state", json!("running")),
        ("asked", json!(true)),
        // It runs: nobody knows yet.
        ("may_have_been_sent", json!(null)),
        ("cancelled", json!(false)),
    ] {
        assert_eq!(answer["jobs"][0][name], value, "{name} of {answer}");
    }
    assert_eq!(claimed.len(), 2);
    let shown = bench.run(&["job", &ids[1]]).ok().stdout;
    assert!(
        shown.contains("to stop at") && shown.contains("by kari: wrong campaign"),
        "{shown}"
    );
    let shown = bench.run(&["job", &ids[0]]).ok().stdout;
    assert!(
        shown.contains("cancelled") && shown.contains("wrong campaign"),
        "{shown}"
    );
    let audit = bench.run(&["audit", "--json"]).json();
    assert_eq!(audit.as_array().expect("a list").len(), 2);
    assert_eq!(
        (&audit[0]["action"], &audit[1]["action"]),
        (&json!("cancel"), &json!("stop"))
    );
    assert_eq!(bench.row()["cancelled"], 1);
}

#[test]
fn a_campaign_is_rehearsed_and_not_cancelled_by_mistake() {
    let bench = Bench::new();
    let wrong = tagged(&bench, 400, "wrong");
    tagged(&bench, 2, "good");
    let of = ["jobs", "cancel", "--queue", "email", "--tag", "wrong"];
    let dry = bench.unchanged(&[&of[..], &["--dry-run"]].concat()).ok();
    assert!(
        dry.stdout
            .contains("400 jobs of email (tag wrong): 400 pending"),
        "{dry:?}"
    );
    let dry = bench
        .unchanged(&[&of[..], &["--dry-run", "--json"]].concat())
        .json();
    assert_eq!(
        (&dry["jobs"], &dry["may_have_been_sent"]),
        (&json!(400), &json!(0))
    );
    bench
        .unchanged(&[&of[..], &WHY].concat())
        .fails(2, "this would cancel 400 jobs of email");
    let ended = [&of[..], &["--state", "dead", "--yes"], &WHY].concat();
    bench.unchanged(&ended).fails(2, "dead cannot be cancelled");
    bench.claim();
    let dry = bench.unchanged(&[&of[..], &["--state", "running", "--dry-run"]].concat());
    assert!(
        dry.ok()
            .stdout
            .contains("running, which would be asked to stop")
    );
    bench
        .unchanged(&[
            "jobs", "cancel", &wrong[0], "--tag", "wrong", "--reason", "x",
        ])
        .fails(2, "--tag");
}

#[test]
fn one_job_gets_another_time_runs_now_or_gets_other_args() {
    let bench = Bench::new();
    let id = bench.enqueue(1).remove(0);
    let job = |id: &str| bench.run(&["job", id, "--json"]).json();
    bench
        .unchanged(&["jobs", "reschedule", &id])
        .fails(2, "--in");
    bench
        .unchanged(&["jobs", "reschedule", &id, "--in", "soon"])
        .fails(2, "90s");
    bench
        .unchanged(&["jobs", "reschedule", &id, "--in", "40000d"])
        .fails(2, "hundred years");
    bench
        .unchanged(&["jobs", "run", &id])
        .fails(2, "is pending");
    let at = ["jobs", "reschedule", &id, "--at", "2099-12-24T08:00:00Z"];
    let ran = bench.run(&at).ok();
    assert!(ran.stdout.contains("2099-12-24T08:00:00"), "{ran:?}");
    assert_eq!(job(&id)["state"], "scheduled");
    let again = bench.unchanged(&[&at[..], &["--json"]].concat()).json();
    assert_eq!(again["changed"], false);
    let mended = WELCOME.replace("ada@", "bob@");
    let edit =
        |args: &str| ["jobs", "edit", &id, "--args", args, "--reason", "a slip"].map(str::to_owned);
    let as_args = |args: &[String]| -> Vec<String> { args.to_vec() };
    let wrong = as_args(&edit("{}"));
    bench
        .unchanged(&wrong.iter().map(String::as_str).collect::<Vec<_>>())
        .fails(2, "args");
    let right = as_args(&edit(&mended));
    let ran = bench
        .run(&right.iter().map(String::as_str).collect::<Vec<_>>())
        .ok();
    assert!(
        ran.stdout.contains("new args") && !ran.stdout.contains("bob"),
        "{ran:?}"
    );
    let ran = bench.run(&["jobs", "run", &id, "--reason", "now"]).ok();
    assert!(ran.stdout.contains("is pending"), "{ran:?}");
    let claimed = bench.claim().remove(0);
    let payload: Value = serde_json::from_slice(&claimed.payload.expect("is there")).expect("JSON");
    assert_eq!(payload["args"]["to"]["email"], "bob@example.com");
    assert_eq!(claimed.run.generation, 1);
    for args in [
        vec!["jobs", "run", &id],
        vec!["jobs", "reschedule", &id, "--in", "1h"],
        right.iter().map(String::as_str).collect(),
    ] {
        bench.unchanged(&args).fails(2, "is running");
    }
    bench.unchanged(&["jobs", "run", NOBODY]).fails(1, NOBODY);
    let audit = bench.run(&["audit", "--json"]).json();
    let actions: Vec<_> = audit
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["action"].clone())
        .collect();
    assert_eq!(actions, ["reschedule", "edit", "run"]);
}

/// Somebody has written over a key: the jobs of other places are listed beside what says so.
#[test]
fn a_key_of_another_type_hides_no_other_jobs() {
    let bench = Bench::new();
    let waiting = bench.enqueue(3);
    for key in ["lanes", "records", "dead", "parked", "scheduled"] {
        let name = format!("{{longshore:email}}:{key}");
        bench.redis(&[b"SET", name.as_bytes(), b"x"]);
        let rows = bench.unchanged(&["jobs", "list", "--json"]).json();
        let rows = rows.as_array().expect("a list");
        let ids: Vec<_> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
        assert!(
            waiting.iter().all(|id| ids.contains(&&**id)),
            "{key}: {ids:?}"
        );
        assert!(ids.len() <= 4, "{key}: {ids:?}");
        bench.redis(&[b"DEL", name.as_bytes()]);
    }
}
