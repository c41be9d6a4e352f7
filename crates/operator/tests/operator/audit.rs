//! Who did what, over all queues.

use longshore_operator::{OperatorError, Signed, Target};

use crate::bench::{Bench, bury, kari};

#[tokio::test]
async fn it_tells_what_was_done_in_all_queues_in_its_order() {
    let bench = Bench::new();
    let operator = &bench.operator;
    let mail = bury(&bench.email, 3, "no").await.remove(0);
    bury(&bench.sms, 2, "no").await;
    let ola = Signed::new("ola", "");
    operator.pause("sms", &kari()).await.expect("pauses");
    operator.job(&mail, None).await.expect("shows");
    operator.letter(&mail, Some(&ola)).await.expect("shows");
    let one = Target::Ids(vec![mail.clone()]);
    operator.replay(&one, &kari(), |_| {}).await.expect("moves");
    let all = Target::Queue("email".to_owned());
    operator.replay(&all, &kari(), |_| {}).await.expect("moves");
    // Entries of two queues in the same millisecond have no order, and the next one is to be the newest.
    let now = bench.email.now_ms().await.expect("has a clock");
    while bench.email.now_ms().await.expect("has a clock") == now {}
    let texts = operator.groups(Some("sms")).await.expect("lists");
    let group = Target::Group(texts[0].group.clone());
    operator.discard(&group, &ola, |_| {}).await.expect("moves");

    let rows = operator.audit(None, None, 100).await.expect("reads");
    let told: Vec<_> = rows
        .iter()
        .map(|row| (&*row.by, &*row.action, &*row.queue, &*row.target))
        .collect();
    let of_group = format!("group {}", texts[0].group);
    let expected = [
        ("kari", "pause", "sms", "sms"),
        ("ola", "reveal", "email", mail.as_str()),
        ("kari", "replay", "email", mail.as_str()),
        ("kari", "replay", "email", "email"),
        ("longshore", "replay_done", "email", "email"),
        ("ola", "discard", "sms", of_group.as_str()),
        ("longshore", "discard_done", "sms", of_group.as_str()),
    ];
    // Entries of two queues in the same millisecond have no order.
    let mut sorted = told.clone();
    sorted.sort_unstable();
    let mut all_of_them = expected.to_vec();
    all_of_them.sort_unstable();
    assert_eq!(sorted, all_of_them, "looking redacted is not told");
    assert!(rows.is_sorted_by_key(|row| &row.at));
    let of_email: Vec<_> = told.into_iter().filter(|row| row.2 == "email").collect();
    assert_eq!(of_email, expected[1..5]);
    let results: Vec<_> = rows
        .iter()
        .filter_map(|row| row.result.as_deref())
        .collect();
    assert_eq!(
        results,
        [
            "1 dead letter",
            "2 dead letters",
            "2 replayed",
            "2 dead letters",
            "2 discarded"
        ]
    );
    assert_eq!(rows[0].reason.as_deref(), Some("because"));
    let newest = operator.audit(None, None, 1).await.expect("reads");
    assert_eq!(newest[0].action, "discard_done");
    let of_one = operator.audit(Some("sms"), None, 9).await.expect("reads");
    assert_eq!(of_one.len(), 3);
    let nowhere = operator.audit(Some("fax"), None, 9).await;
    assert!(matches!(nowhere, Err(OperatorError::UnknownQueue { .. })));
}

#[tokio::test]
async fn nothing_is_shown_that_could_not_be_written_down() {
    let bench = Bench::new();
    let mail = bury(&bench.email, 1, "no").await.remove(0);
    // No audit can be written there.
    let mut command = redis::cmd("SET");
    command.arg(&bench.email.keys().audit).arg("no stream");
    let _: String = bench.email.link().command(&command).await.expect("is set");
    let shown = bench.operator.job(&mail, Some(&kari())).await;
    assert!(matches!(shown, Err(OperatorError::Queue(_))), "{shown:?}");
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("letters.jsonl");
    let all = Target::Queue("email".to_owned());
    let exported = bench.operator.export(&all, &file, &kari(), |_| {}).await;
    assert!(exported.is_err());
    let left = std::fs::read_dir(dir.path()).expect("reads").count();
    assert_eq!(left, 0, "nothing is left behind");
}
