//! Many jobs at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use longshore_tests::{Act, Stage, eventually};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::door::{Answered, Door, text};

fn order(n: usize) -> Value {
    json!({"kind": "send_sms", "args": text(), "key": format!("k{n}")})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_lines_are_checked_before_the_first_job_is_enqueued() {
    let stage = Stage::set_for(Act::Sms).await;
    let door = Door::open(&stage).await;
    // A line at the end of many is wrong in two ways, one before it is no JSON.
    let good: String = (0..1200).map(|n| format!("{}\n", order(n))).collect();
    let wrong = json!({"kind": "send_sms", "args": {"to": 7}, "priority": "urgent"});
    let answered = door.bulk(&format!("{good}\r\n{{\n{wrong}")).await;
    assert_eq!(answered.status, 422, "{}", answered.body);
    let error = &answered.json()["error"];
    let findings = error["findings"].as_array().expect("findings");
    let found: Vec<_> = findings
        .iter()
        .map(|of| (of["line"].as_u64().expect("a line"), of["path"].as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (1202, Some("")),
            (1203, Some("priority")),
            (1203, Some("args.to")),
        ]
    );
    assert_eq!(stage.stats().await.pending, 0, "nothing was enqueued");

    // A key that is taken is found before, too, wherever it stands.
    let mut other = order(1100);
    other["args"]["body"] = json!("Another text.");
    let holder = door.enqueue(&other).await;
    let mut second = order(1101);
    second["args"]["body"] = json!("Another text.");
    door.enqueue(&second).await;
    let answered = door.bulk(&good).await;
    assert_eq!(answered.status, 409, "{}", answered.body);
    let error = &answered.json()["error"];
    assert_eq!(
        (&error["code"], &error["job_id"]),
        (&json!("key_taken"), &json!(holder))
    );
    let findings = error["findings"].as_array().expect("findings").iter();
    let lines: Vec<_> = findings.filter_map(|of| of["line"].as_u64()).collect();
    assert_eq!(lines, [1101, 1102], "each key that is taken");
    assert_eq!(stage.stats().await.pending, 2);
    let twice = format!("{}\n{other}\n", order(1));
    let twice = twice.replace("k1100", "k1");
    let (status, refused) = door.lines(&twice).await;
    assert_eq!(
        (status, &refused["error"]["code"]),
        (422, &json!("key_twice"))
    );

    // Two kinds, CRLF, a blank line, no newline at the end.
    let sweep = json!({"kind": "sweep_bucket", "args": {"bucket": "exports", "dry_run": true}});
    let answered = door
        .bulk(&format!("{}\r\n\r\n{sweep}\n{}", order(1), order(2)))
        .await;
    assert_eq!(answered.status, 200);
    let lines: Vec<Value> = answered
        .body
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let numbers: Vec<_> = lines.iter().map(|line| line["line"].as_u64()).collect();
    assert_eq!(numbers, [Some(1), Some(3), Some(4)], "{}", answered.body);
    assert_eq!(stage.stats().await.pending, 4);
    for line in &lines {
        let id = line["id"].as_str().expect("an id");
        assert_eq!(door.get(&format!("/v1/jobs/{id}")).await.0, 200);
    }
}

/// Who reads nothing gets nothing enqueued for it; a drain ends such a bulk, and what was answered stands in Redis.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_that_is_cut_says_how_many_were_accepted() {
    let stage = Stage::set_for(Act::Sms).await;
    let door = Door::open(&stage).await;
    let jobs = 60_000;
    let body: String = (0..jobs).map(|n| format!("{}\n", order(n))).collect();
    let mut stream = TcpStream::connect(door.addr()).await.expect("it listens");
    let head = format!(
        "POST /v1/jobs/bulk HTTP/1.0\r\nHost: api\r\nAuthorization: Bearer secret-of-shop-0123456789\r\n\
         Content-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("it reads");
    stream.write_all(body.as_bytes()).await.expect("it reads");
    eventually("it begins", || async { stage.stats().await.pending > 500 }).await;
    // The connection is full at some time; then nothing more is enqueued.
    let seen = AtomicU64::new(0);
    eventually("it waits for its reader", || async {
        let pending = stage.stats().await.pending;
        seen.swap(pending, Ordering::Relaxed) == pending
    })
    .await;
    let held = stage.stats().await.pending;
    assert!(held < jobs as u64, "{held} were enqueued for nobody");
    // Told to stop, and read again: it says what was accepted, and leaves.
    let mut api = door.into_api();
    api.stop();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("text");
    assert_eq!(api.left_within(Duration::from_secs(30)).await, 0);
    let (_, lines) = answer.split_once("\r\n\r\n").expect("a head");
    let (mut accepted, mut last) = (0, Value::Null);
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or(Value::Null);
        accepted += u64::from(line["id"].is_string());
        last = line;
    }
    let pending = stage.stats().await.pending;
    assert!(
        pending - accepted <= 500,
        "{accepted} were told of {pending}"
    );
    if accepted < jobs as u64 && last["error"].is_object() {
        assert_eq!(last["error"]["accepted"], json!(accepted), "{last}");
        let log = api.log();
        let line = log.lines().find(|line| line.contains("/v1/jobs/bulk"));
        let line = line.expect("it is logged");
        assert!(
            line.contains("status=503"),
            "it is told as what it was: {line}"
        );
    }
}

fn lines(answered: &Answered) -> Vec<Value> {
    let lines = answered.body.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The bulk's own key stands for each of its lines.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_that_has_a_key_can_be_sent_again_and_doubles_nothing() {
    let stage = Stage::set_for(Act::Sms).await;
    let door = Door::open(&stage).await;
    let unkeyed = json!({"kind": "send_sms", "args": text()});
    let body: String = (0..700)
        .map(|n| match n {
            3 => format!("{}\n", order(3)),
            _ => format!("{unkeyed}\n"),
        })
        .collect();
    let first = lines(&door.keyed_bulk("night-7", &body).await);
    assert_eq!(first.len(), 700);
    assert!(first.iter().all(|line| line["duplicate"] == false));
    let again = lines(&door.keyed_bulk("night-7", &body).await);
    for (first, again) in first.iter().zip(&again) {
        assert_eq!(
            (&first["id"], &again["duplicate"]),
            (&again["id"], &json!(true))
        );
    }
    assert_eq!(stage.stats().await.pending, 700);
    let (status, found) = door.get("/v1/jobs?kind=send_sms&key=night-7%235").await;
    assert_eq!((status, &found["id"]), (200, &first[4]["id"]));
    let (status, found) = door.get("/v1/jobs?kind=send_sms&key=k3").await;
    assert_eq!(
        (status, &found["id"]),
        (200, &first[3]["id"]),
        "a line's own key is its key"
    );
    // Another bulk with this key is refused, and nothing of it is enqueued.
    let other = body.replace("Your table", "The table");
    let refused = door.keyed_bulk("night-7", &other).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert_eq!(stage.stats().await.pending, 700);
}

/// Redis has them, and no replica does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_says_of_which_jobs_it_is_not_known_whether_they_are_kept() {
    let mut stage = Stage::set_for(Act::Sms).await;
    stage.set_for_all("REDIS__WAIT_REPLICAS", "1");
    let door = Door::open(&stage).await;
    let unkeyed = json!({"kind": "send_sms", "args": text()});
    let body = format!("{unkeyed}\n").repeat(700);
    let answered = door.keyed_bulk("night-7", &body).await;
    assert_eq!(answered.status, 503, "{}", answered.body);
    let error = &answered.json()["error"];
    assert_eq!(error["code"], "not_copied", "{error}");
    let in_doubt = error["in_doubt"].as_array().expect("a list");
    let of: Vec<_> = in_doubt.iter().map(|of| of["line"].as_u64()).collect();
    let all: Vec<_> = (1..=500).map(Some).collect();
    assert_eq!(of, all);
    for of in [&in_doubt[0], &in_doubt[499]] {
        let path = format!("/v1/jobs/{}", of["id"].as_str().expect("an id"));
        assert_eq!(door.get(&path).await.0, 200, "it is there");
    }
    let _ = door.keyed_bulk("night-7", &body).await;
    assert_eq!(stage.stats().await.pending, 500, "nothing is doubled");
}
