//! Rows that are held: each is named, and none holds up another.

use longshore_email::SendEmail;
use longshore_geocode::GeocodeAddress;
use longshore_job::{JobId, KindSpec, Kinds};
use longshore_queue::JobState;
use longshore_tests::eventually;

use crate::Stage;

const MAIL: &str = r#"{"template":"welcome","to":{"email":"ada@example.com"},"data":{}}"#;

/// Waits until this many rows are held.
async fn until_held(stage: &Stage, rows: usize) {
    let held = "SELECT count(*) FROM longshore_outbox WHERE held_at IS NOT NULL";
    eventually("they are held", || async {
        stage.sql(held) == rows.to_string()
    })
    .await;
}

/// Columns and values of rows that are no jobs, the code of each, and words of its reason.
fn bad_rows() -> Vec<(&'static str, String, &'static str, &'static str)> {
    let large = "x".repeat(300 * 1024);
    vec![
        (
            "kind, args",
            "'send_email', '{\"to\":\"planted@example.com\"}'".to_owned(),
            "args",
            "expected an object with email",
        ),
        (
            "kind, args",
            "'send_email', '[]'".to_owned(),
            "args",
            "an object",
        ),
        (
            "kind, args",
            format!("'send_email', '{{\"template\":\"{large}\"}}'"),
            "args",
            "put large content in a bucket",
        ),
        (
            "kind, args",
            "'send_fax', '{}'".to_owned(),
            "unknown_kind",
            "known are send_email, geocode_address",
        ),
        (
            "kind, args, v",
            format!("'send_email', '{MAIL}', 99"),
            "unknown_kind",
            "of version 99",
        ),
        (
            "kind, args, due_at",
            format!("'send_email', '{MAIL}', 'infinity'"),
            "options",
            "hundred years",
        ),
        (
            "kind, args, tenant",
            format!("'send_email', '{MAIL}', repeat('t', 65)"),
            "options",
            "64 characters",
        ),
        (
            "kind, args, tags",
            format!("'send_email', '{MAIL}', array_fill('t'::text, ARRAY[11])"),
            "options",
            "at most 10 tags",
        ),
        (
            "kind, args, expires_in",
            format!("'send_email', '{MAIL}', interval '200 years'"),
            "options",
            "at most a hundred years",
        ),
    ]
}

#[tokio::test]
async fn a_bad_row_is_held_and_named_and_its_neighbours_are_carried() {
    let stage = Stage::new();
    let bad = bad_rows();
    let first = stage.insert_mail("first@example.com");
    let ids: Vec<JobId> = bad
        .iter()
        .map(|(columns, values, ..)| stage.insert(columns, values))
        .collect();
    let last = stage.insert(
        "kind, args, tags, due_at",
        &format!("'send_email', '{MAIL}', '{{NULL,a}}', '-infinity'"),
    );
    let carrier = stage.carry().await;
    until_held(&stage, bad.len()).await;
    stage.until_carried().await;
    assert_eq!(stage.enqueued("email").await, 2);
    for id in [first, last] {
        let job = stage.job("email", id).await.expect("is there");
        assert_eq!(job.state, JobState::Pending);
    }
    let held = stage.held().await;
    for (id, (_, _, code, words)) in ids.iter().zip(&bad) {
        let found = held.iter().find(|row| row.0 == id.to_string());
        let (_, named, reason) = found.expect("is held");
        assert_eq!(named, code, "{reason}");
        assert!(reason.contains(words), "{reason}");
        assert!(!reason.contains("planted"), "{reason}");
    }

    // Mended by whoever owns the table, it waits again.
    stage.sql(&format!(
        "UPDATE longshore_outbox SET args = '{MAIL}' WHERE id = '{}'",
        ids[0]
    ));
    let rows = stage.held_rows().await;
    let again = [ids[0].to_string(), first.to_string(), "no id".to_owned()];
    let retried = rows.retry(&again, false).await.expect("retries");
    let of = |id: &JobId| (id.to_string(), "send_email".to_owned());
    assert_eq!(retried, [of(&ids[0])]);
    stage.until_carried().await;
    assert!(stage.job("email", ids[0]).await.is_some());
    let discarded = rows.discard(&[ids[1].to_string()]).await.expect("discards");
    assert_eq!(discarded, [of(&ids[1])]);
    assert_eq!(stage.held().await.len(), bad.len() - 2);
    carrier.stop().await;
}

#[tokio::test]
async fn a_key_that_stands_for_other_args_is_held_and_one_for_the_same_is_a_duplicate() {
    let stage = Stage::new();
    let keyed = |args: &str| {
        stage.insert(
            "kind, args, key",
            &format!("'send_email', '{args}', 'order-1'"),
        )
    };
    let first = keyed(MAIL);
    let same = keyed(MAIL);
    let other = keyed(&MAIL.replace("ada", "grace"));
    let next = stage.insert_mail("joan@example.com");
    let carrier = stage.carry().await;
    stage.until_carried().await;
    assert_eq!(stage.enqueued("email").await, 2);
    assert!(stage.job("email", first).await.is_some());
    assert!(stage.job("email", same).await.is_none());
    assert!(stage.job("email", next).await.is_some());
    let held = stage.held().await;
    let reason = format!("its key stands for job {first}, which has other args");
    assert_eq!(held, [(other.to_string(), "key_taken".to_owned(), reason)]);
    carrier.stop().await;
}

#[tokio::test]
async fn what_was_tried_a_day_ago_is_held_and_tried_again_only_by_force() {
    let stage = Stage::new();
    let now = stage.queue("email").now_ms().await.expect("has a clock");
    let tried = |hours: u64| {
        let ms = now - hours * 3_600_000;
        stage.insert(
            "kind, args, tried_ms",
            &format!("'send_email', '{MAIL}', {ms}"),
        )
    };
    let (late, lately) = (tried(25), tried(23));
    let carrier = stage.carry().await;
    until_held(&stage, 1).await;
    stage.until_carried().await;
    assert!(stage.job("email", lately).await.is_some());
    assert!(stage.job("email", late).await.is_none());
    let held = stage.held().await;
    assert_eq!(
        (held[0].0.as_str(), held[0].1.as_str()),
        (late.to_string().as_str(), "tried_long_ago")
    );

    let rows = stage.held_rows().await;
    let ids = [late.to_string()];
    assert!(rows.retry(&ids, false).await.expect("asks").is_empty());
    let retried = rows.retry(&ids, true).await.expect("retries");
    assert_eq!(retried.len(), 1);
    stage.until_carried().await;
    assert!(stage.job("email", late).await.is_some());
    carrier.stop().await;
}

#[tokio::test]
async fn a_carrier_that_knows_a_kind_takes_what_another_held() {
    let stage = Stage::new();
    let args = r#"{"address":"Karl Johans gate 1, Oslo"}"#;
    let id = stage.insert("kind, args", &format!("'geocode_address', '{args}'"));
    let older = stage
        .carry_kinds(Kinds::new([KindSpec::of::<SendEmail>()]))
        .await;
    until_held(&stage, 1).await;
    older.stop().await;
    let newer = stage
        .carry_kinds(Kinds::new([KindSpec::of::<GeocodeAddress>()]))
        .await;
    eventually("it is carried", || async {
        stage.job("geocode", id).await.is_some()
    })
    .await;
    newer.stop().await;
}

#[tokio::test]
async fn rows_of_endless_times_are_counted_and_listed_like_others() {
    let stage = Stage::new();
    let columns = "kind, args, created_at";
    let first = stage.insert(columns, &format!("'send_email', '{MAIL}', '-infinity'"));
    stage.insert(columns, "'send_email', '{}', 'infinity'");
    let carrier = stage.carry().await;
    until_held(&stage, 1).await;
    stage.until_carried().await;
    assert!(stage.job("email", first).await.is_some());
    assert_eq!(stage.held().await.len(), 1);
    carrier.stop().await;
}

#[tokio::test]
async fn a_kind_that_was_unknown_is_taken_while_the_carrier_runs_and_a_lock_holds_nobody_up() {
    let stage = Stage::new();
    let carrier = stage.carry().await;
    let held = "kind, args, held_at, held_code";
    let values = format!("'send_email', '{MAIL}', now(), 'unknown_kind'");
    let (locked, free) = (stage.insert(held, &values), stage.insert(held, &values));
    let (mut client, connection) =
        tokio_postgres::connect(&stage.postgres.url(), tokio_postgres::NoTls)
            .await
            .expect("connects");
    tokio::spawn(connection);
    let tx = client.transaction().await.expect("begins");
    let lock = format!("SELECT 1 FROM longshore_outbox WHERE id = '{locked}' FOR UPDATE");
    tx.batch_execute(&lock).await.expect("locks");
    eventually("the other is carried", || async {
        stage.job("email", free).await.is_some()
    })
    .await;
    tx.rollback().await.expect("rolls back");
    eventually("it is carried", || async {
        stage.job("email", locked).await.is_some()
    })
    .await;
    carrier.stop().await;
}

#[tokio::test]
async fn a_row_with_bytes_that_are_no_text_is_held_and_named_and_its_neighbours_are_carried() {
    let stage = Stage::without_encoding();
    let first = stage.insert_mail("first@example.com");
    let bad = [
        ("kind, args", r#"E'send\xff', '{}'"#.to_owned()),
        (
            "kind, args",
            format!("'send_email', E'{}'", MAIL.replace("ada", r"\xe6da")),
        ),
        (
            "kind, args, key",
            format!("'send_email', '{MAIL}', E'order\\xff'"),
        ),
        (
            "kind, args, tenant",
            format!("'send_email', '{MAIL}', E'\\xff'"),
        ),
        (
            "kind, args, tags",
            format!("'send_email', '{MAIL}', ARRAY['a', E'\\xff']"),
        ),
        (
            "kind, args, traceparent",
            format!("'send_email', '{MAIL}', E'\\xff'"),
        ),
    ];
    let ids: Vec<JobId> = bad
        .iter()
        .map(|(columns, values)| stage.insert(columns, values))
        .collect();
    let last = stage.insert_mail("last@example.com");
    let carrier = stage.carry().await;
    until_held(&stage, bad.len()).await;
    stage.until_carried().await;
    for id in [first, last] {
        assert!(stage.job("email", id).await.is_some());
    }
    assert_eq!(stage.enqueued("email").await, 2);
    let held = stage.held().await;
    for id in &ids {
        let found = held.iter().find(|row| row.0 == id.to_string());
        let (_, code, reason) = found.expect("is held");
        assert_eq!(code, "encoding");
        assert!(reason.contains("not UTF-8"), "{reason}");
    }

    // Mended, it waits again; one whose kind cannot be read is discarded like others.
    let mended = ids[3].to_string();
    stage.sql(&format!(
        "UPDATE longshore_outbox SET tenant = 'shop' WHERE id = '{mended}'"
    ));
    let rows = stage.held_rows().await;
    assert_eq!(
        rows.retry(&[mended], false).await.expect("retries").len(),
        1
    );
    stage.until_carried().await;
    assert!(stage.job("email", ids[3]).await.is_some());
    let unread = ids[0].to_string();
    let discarded = rows
        .discard(std::slice::from_ref(&unread))
        .await
        .expect("discards");
    assert_eq!(discarded, [(unread, "?".to_owned())]);
    carrier.stop().await;
}
