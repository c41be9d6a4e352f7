//! What operators do is written down in the script that does it.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{BulkOperation, LetterFilter, Note, Selection, SentForm, Signed};
use support::{Bench, bury, kari, raw};

#[tokio::test]
async fn every_change_names_who_what_and_why_and_what_changed_nothing_is_not_told() {
    let bench = Bench::new();
    let dead = bury(&bench, 2, "400").await;
    let queue = &bench.queue;
    for _ in 0..2 {
        queue.pause(&kari()).await.expect("pauses");
    }
    let ola = Signed::new("ola", "");
    for _ in 0..2 {
        queue.resume(&ola).await.expect("resumes");
        let ids = [raw(dead[0])];
        queue.replay(&ids, &ola).await.expect("replays");
        let ids = [raw(dead[1])];
        queue.discard(&ids, &kari()).await.expect("discards");
    }
    let mut entries = queue.audit(None, 100).await.expect("reads");
    entries.reverse();
    let told: Vec<_> = entries
        .iter()
        .map(|e| (&*e.by, &*e.action, &*e.target, &*e.reason, e.count))
        .collect();
    let (first, second) = (dead[0].to_string(), dead[1].to_string());
    assert_eq!(
        told,
        [
            ("kari", "pause", "email", "because", None),
            ("ola", "resume", "email", "", None),
            ("ola", "replay", first.as_str(), "", Some(1)),
            ("kari", "discard", second.as_str(), "because", Some(1)),
        ]
    );
    let now = queue.now_ms().await.expect("has a clock");
    assert!(entries.iter().all(|entry| now - entry.at_ms < 60_000));
}

#[tokio::test]
async fn a_deed_of_many_steps_is_one_entry_unless_another_comes_between() {
    let bench = Bench::new();
    bury(&bench, 2500, "400").await;
    let (id, all) = (JobId::generate(), LetterFilter::default());
    let begun = bench
        .queue
        .begin_discard(id, &Selection::All, &all, 0, &kari())
        .await;
    begun.expect("begins");
    let step = async || bench.queue.advance_operations().await.expect("steps");
    let done = async || {
        let found = bench.queue.find_operation(&id.to_string()).await;
        match found.expect("looks") {
            Some(BulkOperation::Discard(discard)) => discard.done,
            other => panic!("{other:?}"),
        }
    };
    while done().await < 2000 {
        step().await;
    }
    let told = async || {
        let entries = bench.queue.audit(None, 100).await.expect("reads");
        entries.iter().map(|entry| entry.count).collect::<Vec<_>>()
    };
    assert_eq!(told().await, [Some(2000)]);
    bench.queue.pause(&kari()).await.expect("pauses");
    while step().await.is_some() {}
    assert_eq!(told().await, [None, Some(500), None, Some(2000)]);
    // Another deed of the same command.
    let act = id.to_string();
    let note = Note {
        action: "export",
        target: "all",
        act: &act,
        count: Some(7),
        ..Note::default()
    };
    bench.queue.note(&kari(), &note).await.expect("writes");
    assert_eq!(told().await[..3], [Some(7), None, Some(500)]);
}

#[tokio::test]
async fn it_is_bounded_and_read_by_age() {
    let bench = Bench::new();
    let k = bench.queue.keys();
    let note = Note {
        action: "reveal",
        target: "x",
        ..Note::default()
    };
    let write = async || bench.queue.note(&kari(), &note).await.expect("writes");
    // Two years ago, and an hour ago: a stream takes older entries only before newer ones.
    let now = bench.queue.now_ms().await.expect("has a clock");
    let hour = 3_600_000;
    for (n, at) in [(150, now - 2 * 365 * 24 * hour), (150, now - hour)] {
        for i in 0..n {
            let _: String = bench
                .text(&format!(
                    "XADD {} {at}-{i} by ola action old target x",
                    k.audit
                ))
                .await;
        }
    }
    write().await;
    let left: u64 = bench.text(&format!("XLEN {}", k.audit)).await;
    assert!(
        (151..=251).contains(&left),
        "{left}: older ones go in chunks"
    );
    let all = bench.queue.audit(None, 1000).await.expect("reads");
    assert_eq!(all.len(), 151, "what is too old is not shown");
    let since = Some(Duration::from_secs(60));
    let late = bench.queue.audit(since, 1000).await.expect("reads");
    assert_eq!((late.len(), late[0].action.as_str()), (1, "reveal"));
    let few = bench.queue.audit(None, 3).await.expect("reads");
    assert_eq!((few.len(), &few[0]), (3, &late[0]), "the newest first");

    let fill = "for i = 1, 100000 do redis.call('XADD', KEYS[1], '*', 'by', 'x') end";
    let _: redis::Value = bench
        .raw(&[b"EVAL", fill.as_bytes(), b"1", k.audit.as_bytes()])
        .await;
    write().await;
    let left: u64 = bench.text(&format!("XLEN {}", k.audit)).await;
    assert_eq!(left, 100_000);
}

#[tokio::test]
async fn what_is_taken_off_a_map_is_told_once() {
    let bench = Bench::new();
    let queue = &bench.queue;
    queue
        .assign("suppressed", "hash", "{}")
        .await
        .expect("is put there");
    let note = Note {
        action: "unsuppress",
        target: "hash",
        ..Note::default()
    };
    let added = Note {
        action: "suppress",
        ..note
    };
    for is_new in [true, false] {
        let entry = ("other", "{}");
        let answer = queue
            .assign_signed("suppressed", entry, &added, &kari())
            .await;
        assert_eq!(answer.expect("answers"), is_new);
    }
    for removed in [true, false] {
        let answer = queue
            .unassign_signed("suppressed", "hash", &note, &kari())
            .await;
        assert_eq!(answer.expect("answers"), removed);
    }
    let told = queue.audit(None, 9).await.expect("reads");
    let told: Vec<_> = told.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(told, ["unsuppress", "suppress"]);
}

#[tokio::test]
async fn a_form_is_noted_until_it_has_done_nothing() {
    let bench = Bench::new();
    let link = bench.queue.link();
    let begin = async |what| link.begin_form("t", "f1", what).await.expect("notes");
    assert_eq!(begin("at noon").await, SentForm::First);
    assert_eq!(begin("later").await, SentForm::Begun("at noon".to_owned()));
    link.end_form("t", "f1", "it is paused")
        .await
        .expect("notes");
    assert_eq!(
        begin("later").await,
        SentForm::Done("it is paused".to_owned())
    );
    link.drop_form("t", "f1").await.expect("notes");
    assert_eq!(begin("again").await, SentForm::First);
    let life: i64 = bench.text("PTTL {t:}:form:f1").await;
    assert!(life > 80_000_000, "{life}");
}
