//! `forget`: one person, by the command line.

use longshore_job::{AddressHash, Suppress, SuppressedFor};
use serde_json::{Value, json};

use super::{Bench, WELCOME};

const ADA: &str = "ada@example.com";
const WHY: [&str; 2] = ["--reason", "request 17"];

/// Every name and value that Redis has.
fn dump(bench: &Bench) -> String {
    let ask = |parts: &[&[u8]]| -> redis::Value {
        let mut command = redis::Cmd::new();
        for part in parts {
            command.arg(*part);
        }
        let answer = bench.queue.link().command(&command);
        bench.runtime.block_on(answer).expect("Redis answers")
    };
    let mut all = String::new();
    for key in bench.state().keys() {
        let mut of_type = String::new();
        add(&ask(&[b"TYPE", key]), &mut of_type);
        let parts: &[&[u8]] = match of_type.trim() {
            "string" => &[b"GET"],
            "list" => &[b"LRANGE", b"0", b"-1"],
            "hash" => &[b"HGETALL"],
            "set" => &[b"SMEMBERS"],
            "zset" => &[b"ZRANGE", b"0", b"-1"],
            "stream" => &[b"XRANGE", b"-", b"+"],
            other => panic!("{other}"),
        };
        all.push_str(&String::from_utf8_lossy(key));
        add(
            &ask(&[&parts[..1], &[&key[..]], &parts[1..]].concat()),
            &mut all,
        );
    }
    all
}

fn add(value: &redis::Value, all: &mut String) {
    match value {
        redis::Value::BulkString(bytes) => all.push_str(&String::from_utf8_lossy(bytes)),
        redis::Value::SimpleString(text) => all.push_str(text),
        redis::Value::Array(values) => values.iter().for_each(|value| add(value, all)),
        redis::Value::Map(pairs) => {
            for (name, value) in pairs {
                add(name, all);
                add(value, all);
            }
        }
        _ => {}
    }
    all.push('\n');
}

#[test]
fn a_person_is_rehearsed_forgotten_and_gone() {
    let bench = Bench::new();
    let dead = bench.bury(1, "550").remove(0);
    let pending = bench.enqueue(2);
    let others = [
        WELCOME.replace("ada@", "bob@"),
        WELCOME
            .replace("ada@example.com", "bob@example.com")
            .replace("s3cret", ADA),
    ];
    for (other, key) in others.iter().zip(["bob", "ask ada@example.com"]) {
        bench
            .run(&["enqueue", "send_email", other, "--in", "1h", "--key", key])
            .ok();
    }
    let suppress = Suppress {
        address: AddressHash::of(ADA),
        reason: SuppressedFor::Bounce,
        event: None,
        is_over: false,
    };
    let suppressed = bench.queue.suppress(&suppress, None);
    bench.runtime.block_on(suppressed).expect("suppresses");
    assert!(dump(&bench).contains(ADA));

    let ran = bench
        .unchanged(&["forget", "Ada@Example.com", "--dry-run"])
        .ok();
    assert!(ran.stderr.starts_with("on Redis at"), "{}", ran.stderr);
    for said in [
        "be cancelled and stripped",
        "be stripped",
        "in 4 jobs",
        "stays on the suppression list",
    ] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
    let rows = bench
        .unchanged(&["forget", ADA, "--dry-run", "--json"])
        .json();
    assert_eq!(
        (&rows["person"], &rows["jobs"]),
        (&json!("email b5fc85e5"), &json!(4))
    );
    let scheduled = rows["found"].as_array().expect("a list").iter();
    let scheduled: Vec<&Value> = scheduled
        .filter(|row| row["state"] == "scheduled")
        .collect();
    assert_eq!(
        (&scheduled[0]["jobs"], &scheduled[0]["mentioned"]),
        (&json!(1), &json!(1))
    );
    assert!(!rows.to_string().contains("ada"), "{rows}");

    bench
        .unchanged(&[&["forget", ADA], &WHY[..]].concat())
        .fails(2, "add --yes");
    let ran = bench
        .run(&[&["forget", ADA, "--yes"], &WHY[..]].concat())
        .ok();
    assert!(
        ran.stdout.contains("4 jobs forgotten") || ran.stderr.contains("4 jobs forgotten"),
        "{ran:?}"
    );
    let left = dump(&bench);
    assert!(!left.contains(ADA) && left.contains("bob@example.com"));
    let audit = bench.run(&["audit", "--json"]).ok().stdout;
    assert!(
        audit.contains("email b5fc85e5") && !audit.contains("ada@"),
        "{audit}"
    );

    nothing_more_is_done(&bench, &dead, &pending[0]);
}

fn nothing_more_is_done(bench: &Bench, dead: &str, pending: &str) {
    let job = bench.run(&["job", dead, "--json"]).json();
    assert_eq!(
        (&job["state"], &job["args"]),
        (&json!("dead"), &Value::Null)
    );
    assert_eq!(job["history"][1]["outcome"], "forgotten");
    assert_eq!(job["history"][1]["reason"], "request 17");
    let job = bench.run(&["job", pending, "--json"]).json();
    assert_eq!(job["state"], "cancelled");
    let replay = ["dead", "replay", dead, "--reason", "x"];
    bench.run(&replay).fails(1, "forgotten");
    let edit = ["dead", "edit", dead, "--args", WELCOME, "--reason", "x"];
    bench.unchanged(&edit).fails(1, "forgotten");

    let operations = bench.run(&["operations", "--json"]).json();
    let row = &operations[0];
    assert_eq!(
        (&row["act"], &row["state"], &row["done"]),
        (&json!("forget"), &json!("done"), &json!(4))
    );
    bench.run(&["jobs", "find", "--recipient", ADA]).ok();
    let none = bench
        .unchanged(&["forget", ADA, "--dry-run", "--json"])
        .json();
    assert_eq!(
        (&none["jobs"], &none["suppressed"]),
        (&json!(0), &json!(true))
    );
    let again = [
        "forget",
        ADA,
        "--suppressions",
        "--yes",
        "--reason",
        "request 17",
        "--json",
    ];
    let again = bench.run(&again).json();
    assert_eq!(
        (&again["operations"], &again["unsuppressed"]),
        (&json!([]), &json!(true))
    );
    let left = bench.run(&["suppressions", "list", "--json"]).json();
    assert_eq!(left, json!([]));
}

#[test]
fn what_names_nobody_is_refused_and_no_reason_names_the_person() {
    let bench = Bench::new();
    bench.enqueue(1);
    for (who, why) in [
        ("", "is empty"),
        (" ", "is empty"),
        ("a\u{1b}[31m", "control"),
        ("ada@", "no address"),
        ("+47", "E.164"),
        ("Ada Lovelace", "blanks"),
        (&*"x".repeat(300), "too long"),
    ] {
        let args = [&["forget", who, "--yes"], &WHY[..]].concat();
        bench.unchanged(&args).fails(2, why);
        bench
            .unchanged(&["jobs", "find", &format!("--recipient={who}")])
            .fails(2, "");
    }
    bench
        .unchanged(&["forget", ADA, "--yes"])
        .fails(2, "--reason");
    let names = [
        "forget",
        ADA,
        "--yes",
        "--reason",
        "Ada (ADA@example.com) asked",
    ];
    bench.unchanged(&names).fails(2, "names the person");
    let by = ["--as", ADA, "forget", ADA, "--yes", "--reason", "mine"];
    bench.unchanged(&by).fails(2, "--as");
    let of_id = [&["forget", "user-7", "--yes", "--suppressions"], &WHY[..]].concat();
    bench.unchanged(&of_id).fails(2, "--suppressions");
    let stdin = [&["forget", "-", "--dry-run", "--json"], &[][..]].concat();
    let read = bench.pipe(&stdin, b"ada@example.com\n").json();
    assert_eq!(read["jobs"], 1);
}

#[test]
fn a_user_keeps_its_customer_unless_it_is_asked_for() {
    let bench = Bench::new();
    let line =
        r#"{"map":"customers","key":"user-7","value":{"provider":"stripe","customer":"cus_1"}}"#;
    bench
        .pipe(&["mappings", "import", "-"], line.as_bytes())
        .ok();
    let customer = r#"{"user_id":"user-7"}"#;
    bench
        .run(&["enqueue", "create_customer", customer, "--in", "1h"])
        .ok();
    let rows = bench
        .unchanged(&["forget", "user-7", "--dry-run", "--json"])
        .json();
    assert_eq!((&rows["jobs"], &rows["mapped"]), (&json!(1), &json!(true)));
    bench
        .run(&[&["forget", "user-7", "--yes"], &WHY[..]].concat())
        .ok();
    assert!(
        bench
            .run(&["mappings", "export"])
            .ok()
            .stdout
            .contains("user-7")
    );
    let forget = [&["forget", "user-7", "--yes", "--mappings"], &WHY[..]].concat();
    bench.run(&forget).ok();
    assert_eq!(bench.run(&["mappings", "export"]).ok().stdout, "");
    assert!(!dump(&bench).contains("user-7"));
}
