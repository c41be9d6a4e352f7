//! Anybody can write into Redis: what is broken there is shown as broken, and hides nothing beside it.

use longshore_queue::Fate;
use serde_json::Value;

use super::Bench;

/// Letters that are as they should be, and broken ones beside them.
struct Spoiled {
    bench: Bench,
    whole: Vec<String>,
    /// Each with a part of what is said of it.
    broken: Vec<(String, &'static str)>,
}

fn key(queue: &str, part: &str) -> Vec<u8> {
    format!("{{longshore:{queue}}}:{part}").into_bytes()
}

fn spoiled() -> Spoiled {
    let bench = Bench::new();
    let done = bench.enqueue(1).remove(0);
    bench.settle(&bench.claim(), &Fate::Completed { result: None });
    let mut whole = bench.bury(7, "400");
    let mut broken = Vec::new();
    let records = key("email", "records");
    let mut spoil = |commands: &[&[&[u8]]], id: String, why| {
        for command in commands {
            bench.redis(command);
        }
        broken.push((id, why));
    };
    let id = whole.remove(0);
    let packed: [&[&[u8]]; 1] = [&[b"HSET", &records, id.as_bytes(), b"\x81\xa1\xff\xa1x"]];
    spoil(&packed, id.clone(), "not UTF-8");
    let id = whole.remove(0);
    spoil(
        &[&[b"HDEL", &records, id.as_bytes()]],
        id.clone(),
        "no record",
    );
    let id = whole.remove(0);
    let text: [&[&[u8]]; 1] = [&[b"HSET", &records, id.as_bytes(), b"x"]];
    spoil(&text, id.clone(), "its record cannot be read");
    let id = whole.remove(0);
    bench.record(&id, &[("end", b"x")]);
    spoil(&[], id, "what it died of");
    let id = whole.remove(0);
    bench.record(&id, &[("h1", b"\xfe")]);
    spoil(&[], id, "h1");
    let dead = key("email", "dead");
    let id = r"\xff\xfeid".to_owned();
    spoil(
        &[&[b"ZADD", &dead, b"1700000000", b"\xff\xfeid"]],
        id,
        "no record",
    );

    let email = |part: &str| key("email", part);
    let (junk, odd) = (&b"junk"[..], &b"\xff"[..]);
    let suppressed = email("map:suppressed");
    let completions = email("completions");
    let commands: &[&[&[u8]]] = &[
        &[b"HSET", &email("groups"), b"0123456789ab", junk],
        &[b"HSET", &email("groups"), odd, odd],
        &[b"HSET", &completions, done.as_bytes(), junk],
        &[b"LPUSH", &email("completed"), junk],
        &[b"XADD", &email("audit"), b"*", odd, odd],
        &[b"ZADD", &email("replays"), b"1", odd],
        &[b"ZADD", &email("replays"), b"2", junk],
        &[b"HSET", &email("operations"), b"junk:state", b"running"],
        &[b"SADD", &email("replays:open"), junk, odd],
        &[b"HSET", &email("breakers"), b"sendgrid", junk],
        &[b"HSET", &email("breakers"), odd, odd],
        &[b"HSET", &email("gate"), b"held", odd],
        &[b"HSET", &email("gate"), odd, odd],
        &[b"HSET", &email("stats"), odd, b"1"],
        &[b"HSET", &email("stats"), b"odd", junk],
        &[b"ZADD", &email("workers"), b"1", odd],
        &[b"HSET", &email("inflight"), odd, odd],
        &[b"RPUSH", &email("active"), odd],
        &[b"HSET", &suppressed, odd, odd],
        &[
            b"HSET",
            &key("export-cleanup", "cron"),
            b"sweep-exports",
            junk,
        ],
        &[b"HSET", &key("export-cleanup", "cron"), odd, odd],
        // Of one queue nothing is left that can be read.
        &[b"SET", &key("sms", "dead"), junk],
        &[b"SET", &key("sms", "groups"), junk],
        &[b"SET", &key("sms", "gate"), junk],
        &[b"SET", &key("sms", "audit"), junk],
        &[b"SET", &key("sms", "replays"), junk],
        &[b"SET", &key("sms", "replays:open"), junk],
        &[b"SET", &key("sms", "cron"), junk],
        &[b"SET", &key("sms", "stats"), junk],
        &[b"SET", &key("sms", "data"), junk],
    ];
    for command in commands {
        bench.redis(command);
    }
    Spoiled {
        bench,
        whole,
        broken,
    }
}

/// The rows that are said to be broken, as `<name>: <why>`, and how many are not.
fn split<'a>(rows: &'a Value, name: &str) -> (Vec<(&'a str, &'a str)>, Vec<&'a Value>) {
    let (mut broken, mut whole) = (Vec::new(), Vec::new());
    for row in rows.as_array().expect("rows") {
        match row["broken"].as_str() {
            Some(why) => broken.push((row[name].as_str().expect("a name"), why)),
            None => whole.push(row),
        }
    }
    (broken, whole)
}

#[test]
fn a_broken_row_is_shown_as_broken_and_hides_nothing_beside_it() {
    let Spoiled {
        bench,
        whole,
        broken,
    } = spoiled();
    let rows = bench.run(&["dead", "list", "--json"]).json();
    let (bad, good) = split(&rows, "id");
    let mut listed: Vec<_> = good.iter().filter_map(|row| row["id"].as_str()).collect();
    let mut expected: Vec<_> = whole.iter().map(String::as_str).collect();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    assert_eq!(bad.len(), broken.len() + 1, "and the queue sms: {bad:?}");
    for (id, why) in &broken {
        let said = bad.iter().find(|(bad, _)| bad == id);
        let said = said.unwrap_or_else(|| panic!("no {id} in {bad:?}"));
        assert!(said.1.contains(why), "{said:?}");
        let shown = bench.run(&["dead", "show", id, "--json"]).json();
        assert!(
            shown["broken"]
                .as_str()
                .is_some_and(|said| said.contains(why)),
            "{shown}"
        );
        let shown = bench.run(&["job", id]).ok().stdout;
        assert!(shown.contains("broken") && shown.contains(why), "{shown}");
        let rehearsed = bench
            .run(&["dead", "replay", id, "--dry-run", "--json"])
            .json();
        assert_eq!(rehearsed["letters"], 1, "{id}");
    }
    let table = bench.run(&["dead", "list"]).ok().stdout;
    assert_eq!(table.matches("broken: ").count(), bad.len(), "{table}");

    let groups = bench.run(&["dead", "groups", "--json"]).json();
    let (bad, good) = split(&groups, "group");
    assert_eq!(good.len(), 1, "{groups}");
    assert_eq!(good[0]["count"], 7);
    let named: Vec<_> = bad.iter().map(|(name, _)| *name).collect();
    for name in ["0123456789ab", r"\xff", "(broken)"] {
        assert!(named.contains(&name), "{name} in {named:?}");
    }
    let rehearsed = bench.run(&["dead", "replay", "--queue", "email", "--dry-run", "--json"]);
    assert_eq!(rehearsed.json()["letters"], 8);
    let group = good[0]["group"].as_str().expect("an id");
    let rehearsed = bench.run(&["dead", "replay", "--group", group, "--dry-run", "--json"]);
    assert_eq!(rehearsed.json()["letters"], 7);
}

#[test]
fn what_else_is_spoiled_is_said_where_one_looks() {
    let Spoiled { bench, .. } = spoiled();
    let rows = bench.run(&["queues", "--json"]).json();
    let (bad, good) = split(&rows, "queue");
    assert!(good.iter().any(|row| row["queue"] == "geocode"), "{rows}");
    for (queue, whys) in [
        (
            "email",
            &["breaker of sendgrid", "gate", "stats", "counter odd"][..],
        ),
        ("sms", &["sms}:dead", "sms}:gate", "sms}:stats"]),
    ] {
        let said = bad.iter().find(|(name, _)| *name == queue).expect(queue).1;
        for why in whys {
            assert!(said.contains(why), "no {why} in {said}");
        }
    }
    let email = rows
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["queue"] == "email");
    let email = email.expect("a row");
    assert_eq!(
        (&email["dead"], &email["completed"]),
        (&8.into(), &1.into())
    );
    let table = bench.run(&["queues"]).ok().stdout;
    assert!(table.contains("sms: broken: "), "{table}");

    bench.run(&["pause", "email", "--reason", "to see it"]).ok();
    let audit = bench.run(&["audit", "--json"]).json();
    let (bad, good) = split(&audit, "queue");
    assert_eq!(good.len(), 1, "{audit}");
    assert!(bad.iter().any(|(queue, _)| *queue == "email"), "{audit}");
    assert!(bad.iter().any(|(queue, _)| *queue == "sms"), "{audit}");
    assert!(bench.run(&["audit"]).ok().stdout.contains("broken: "));
    // A pause that cannot be read holds claims all the same.
    bench.redis(&[b"HSET", &key("email", "gate"), b"paused", b"\xff"]);
    let rows = bench.run(&["queues", "--json"]).json();
    let email = rows
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["queue"] == "email");
    assert_eq!(email.expect("a row")["paused"]["by"], "(unknown)");

    let replays = bench.run(&["dead", "replays", "--json"]).json();
    let (bad, _) = split(&replays, "id");
    for id in [r"\xff", "junk", "(broken)"] {
        assert!(bad.iter().any(|(bad, _)| *bad == id), "{id} in {replays}");
    }
    let cron = bench.run(&["cron", "list", "--json"]).json();
    let (bad, good) = split(&cron, "name");
    assert!(
        bad.iter().any(|(name, _)| *name == "sweep-exports"),
        "{cron}"
    );
    assert!(!good.is_empty(), "{cron}");
    let list = bench.run(&["suppressions", "list", "--json"]).json();
    assert_eq!(split(&list, "hash").0.len(), 1, "{list}");
    for args in [
        &["dead", "replays"][..],
        &["cron", "list"],
        &["suppressions", "list"],
    ] {
        let shown = bench.run(args).ok().stdout;
        assert!(shown.contains("broken: "), "{shown}");
    }
    let doctor = bench.run(&["doctor"]);
    assert!(!doctor.stderr.contains("cannot be reached"), "{doctor:?}");
}

#[test]
fn broken_letters_can_be_exported_replayed_and_discarded() {
    let Spoiled {
        bench,
        whole,
        broken,
    } = spoiled();
    let file = bench.dir.path().join("letters");
    let file = file.to_str().expect("UTF-8");
    let args = ["dead", "export", "--queue", "email", "--to", file, "--json"];
    assert_eq!(bench.run(&args).json()["exported"], 8);
    let lines = std::fs::read_to_string(file).expect("reads");
    for (id, why) in &broken {
        let id = serde_json::to_string(id).expect("writes");
        let line = lines
            .lines()
            .find(|line| line.contains(&id))
            .expect("a line");
        assert!(line.contains(why), "{line}");
    }
    let replayed = bench.run(&["dead", "replay", &broken[0].0]).ok();
    assert!(replayed.stdout.contains("1 dead letter"), "{replayed:?}");
    for (id, _) in &broken[1..] {
        let gone = bench
            .run(&["dead", "discard", id, "--yes", "--reason", "garbage"])
            .ok();
        assert!(gone.stdout.contains("1 dead letter"), "{id}: {gone:?}");
    }
    // No ghost of them is left in their group.
    let groups = bench.run(&["dead", "groups", "--json"]).json();
    assert_eq!(split(&groups, "group").1[0]["count"], 2);
    let moved = bench
        .run(&["dead", "replay", "--queue", "email", "--yes", "--json"])
        .json();
    assert_eq!(moved["replayed"], whole.len(), "{moved}");
}

/// Another edition's letters must not be replayed: what their records say of earlier runs cannot be read.
#[test]
fn a_queue_that_another_edition_has_laid_out_is_refused() {
    let bench = Bench::new();
    let timeline = key("email", "timeline");
    bench.redis(&[b"HSET", &timeline, b"nonce", b"1.1000.w", b"seq", b"7"]);
    for args in [
        &["queues"][..],
        &["dead", "list"],
        &[
            "dead", "replay", "--queue", "email", "--yes", "--reason", "x",
        ],
        &["pause", "email", "--reason", "x"],
    ] {
        bench.unchanged(args).fails(2, "laid out as layout 1");
    }
}

/// A later edition's keys may mean what nobody here can know: nothing is changed, and `doctor` names the queue and what to do.
#[test]
fn a_queue_that_a_later_edition_has_laid_out_is_refused_and_doctor_says_so() {
    let bench = Bench::new();
    let timeline = key("email", "timeline");
    bench.redis(&[b"HSET", &timeline, b"nonce", b"1.1000.w", b"layout", b"3"]);
    let args = ["pause", "email", "--reason", "x"];
    bench.unchanged(&args).fails(2, "laid out as layout 3");
    let doctor = bench.run(&["doctor", "--json"]);
    let findings: Vec<Value> = serde_json::from_str(&doctor.stdout).expect("is JSON");
    let found = findings.iter().find(|finding| finding["check"] == "layout");
    let found = found.unwrap_or_else(|| panic!("nothing of it in {doctor:#?}"));
    assert_eq!(found["status"], "error", "{found}");
    let says = "email: its keys are layout 3, which this program can neither read nor write";
    assert_eq!(found["finding"], says, "{found}");
    assert!(found["cure"].is_string(), "{found}");
    assert_eq!(doctor.code, Some(1), "{doctor:#?}");
}
