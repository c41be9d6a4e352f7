//! Letters to a file, and only then out of Redis.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use longshore_operator::{OperatorError, Target};
use serde_json::{Value, json};

use crate::bench::{Bench, bury, died_at, kari, payload};

fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).expect("reads");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[tokio::test]
async fn a_line_has_everything_it_takes_to_make_the_letter_again() {
    let bench = Bench::new();
    let ids = bury(&bench.email, 3, "no").await;
    payload(&bench.email, &ids[1], b"\xffgarbage").await;
    payload(&bench.email, &ids[2], b"{\n\"a\": 1.10\n}").await;
    for (id, at) in ids.iter().zip([1000, 2000, 3000]) {
        died_at(&bench.email, id, at).await;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("letters.jsonl");
    let all = Target::Queue("email".to_owned());
    let exported = bench.operator.export(&all, &file, &kari(), |_| {}).await;
    assert_eq!(exported.expect("exports").exported, 3);
    let mode = fs::metadata(&file).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let left = fs::read_dir(dir.path()).expect("reads").count();
    assert_eq!(left, 1, "nothing but the file");

    let lines = lines(&file);
    let first = &lines[0];
    let group = bench
        .operator
        .groups(None)
        .await
        .expect("lists")
        .remove(0)
        .group;
    for (name, value) in [
        ("id", json!(ids[0])),
        ("queue", json!("email")),
        ("kind", json!("send_email")),
        ("group", json!(group)),
        ("cause", json!("refused: no")),
        ("died_at", json!("1970-01-01T00:16:40.000Z")),
        ("attempt", json!(1)),
        ("may_have_been_sent", json!(false)),
        ("idempotency_generation", json!(0)),
    ] {
        assert_eq!(first[name], value, "{name}");
    }
    assert_eq!(first["payload"]["args"]["to"]["email"], "ada@example.com");
    assert_eq!(first["history"][0]["reason"], "no it was");
    assert!(first["enqueued_at"].is_string() && first["idempotency_key"].is_string());
    assert_eq!(lines[1]["payload_base64"], "/2dhcmJhZ2U=");
    assert!(lines[2]["payload"].is_null() && lines[2]["payload_base64"].is_string());
    let rows = bench.operator.audit(None, None, 9).await.expect("reads");
    assert_eq!(rows.len(), 2);
    assert_eq!(
        rows[0].result.as_deref(),
        Some("3 dead letters are about to be written")
    );
    assert_eq!(rows[1].result.as_deref(), Some("3 dead letters, written"));
    assert_eq!(
        bench.operator.count(&all).await.expect("counts"),
        3,
        "an export takes nothing away"
    );
}

#[tokio::test]
async fn only_what_is_in_the_file_and_has_not_lived_since_is_discarded() {
    let bench = Bench::new();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.extend(bury(&bench.email, 240, "no").await);
    }
    let all = Target::Queue("email".to_owned());
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("letters.jsonl");
    bench
        .operator
        .export(&all, &file, &kari(), |_| {})
        .await
        .expect("exports");
    let later = bury(&bench.email, 2, "no").await;
    // One is replayed; one lived, and died again.
    let one = Target::Ids(vec![ids[7].clone()]);
    bench
        .operator
        .replay(&one, &kari(), |_| {})
        .await
        .expect("moves");
    died_at(&bench.email, &ids[8], 4_000_000_000).await;
    let gone = bench
        .operator
        .discard_exported(&all, &file, &kari(), |_| {})
        .await;
    assert_eq!(gone.expect("discards"), 1198);
    for id in [&ids[7], &ids[8], &later[0], &later[1]] {
        bench.operator.job(id, None).await.expect("is there");
    }
    assert_eq!(bench.operator.count(&all).await.expect("counts"), 3);
    let rows = bench.operator.audit(None, None, 9).await.expect("reads");
    let discard = rows.last().expect("is told");
    assert_eq!(
        (discard.action.as_str(), discard.result.as_deref()),
        ("discard", Some("1198 dead letters"))
    );
}

#[tokio::test]
async fn nothing_is_written_over_and_a_file_that_cannot_be_written_touches_nothing() {
    let bench = Bench::new();
    bury(&bench.email, 2, "no").await;
    let all = Target::Queue("email".to_owned());
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("letters.jsonl");
    fs::write(&file, "precious").expect("writes");
    let there = bench.operator.export(&all, &file, &kari(), |_| {}).await;
    assert!(
        matches!(there, Err(OperatorError::FileExists(_))),
        "{there:?}"
    );
    assert_eq!(fs::read_to_string(&file).expect("reads"), "precious");
    let nowhere = dir.path().join("nowhere/letters.jsonl");
    let failed = bench.operator.export(&all, &nowhere, &kari(), |_| {}).await;
    let error = failed.expect_err("cannot").to_string();
    assert!(error.contains("no dead letter was touched"), "{error}");
    // A disk that is full: every write to it fails.
    let full = Path::new("/dev/full");
    if full.exists() {
        let failed = bench.operator.export(&all, full, &kari(), |_| {}).await;
        assert!(failed.is_err());
    }
    assert_eq!(bench.operator.count(&all).await.expect("counts"), 2);
}
