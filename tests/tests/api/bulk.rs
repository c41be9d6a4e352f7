//! Many jobs at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use longshore_tests::{Act, Stage, eventually};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::door::{Door, text};

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
            (1203, Some("args.body")),
            (1203, Some("args.to")),
        ]
    );
    assert_eq!(stage.stats().await.pending, 0, "nothing was enqueued");

    // A key that is taken is found before, too, wherever it stands.
    let mut other = order(1100);
    other["args"]["body"] = json!("Another text.");
    let holder = door.enqueue(&other).await;
    let answered = door.bulk(&good).await;
    assert_eq!(answered.status, 409, "{}", answered.body);
    let error = &answered.json()["error"];
    assert_eq!(
        (&error["code"], &error["job_id"]),
        (&json!("key_taken"), &json!(holder))
    );
    assert_eq!(error["findings"][0]["line"], 1101);
    assert_eq!(stage.stats().await.pending, 1);
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
    assert_eq!(stage.stats().await.pending, 3);
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
    }
}
