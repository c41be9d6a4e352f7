//! Replays of many: what they would do, and how they go.

use std::sync::Arc;
use std::time::Duration;

use longshore_operator::{
    Filter, LetterFilter, OperatorError, Rehearsal, RepeatEffect, Sample, Target,
};

use crate::bench::{Bench, bury, enqueue, kari, payload, record};

async fn rehearse(bench: &Bench, target: &Target, rate: Option<u32>) -> Rehearsal {
    let rehearsal = bench.operator.rehearse(target, rate, |_| {}).await;
    rehearsal.expect("rehearses")
}

#[tokio::test]
async fn a_rehearsal_tells_what_would_become_of_each_letter_and_changes_nothing() {
    let bench = Bench::new();
    let ids = bury(&bench.email, 250, "no").await;
    payload(&bench.email, &ids[0], b"\xff").await;
    payload(
        &bench.email,
        &ids[1],
        br#"{"kind":"send_email","v":1,"args":{}}"#,
    )
    .await;
    payload(
        &bench.email,
        &ids[2],
        br#"{"kind":"send_fax","v":1,"args":{}}"#,
    )
    .await;
    payload(
        &bench.email,
        &ids[3],
        br#"{"kind":"send_email","v":9,"args":{}}"#,
    )
    .await;
    record(&bench.email, &ids[4], "exp", "1000").await;
    record(&bench.email, &ids[5], "run", "4 0 0 1 1").await;
    // Unknown, and expired: it does not run, so it does not double.
    record(&bench.email, &ids[6], "exp", "1000").await;
    record(&bench.email, &ids[6], "run", "4 0 0 1 1").await;
    enqueue(&bench.email, 3).await;
    bench
        .operator
        .pause("email", &kari())
        .await
        .expect("pauses");
    let told = bench.operator.audit(None, None, 9).await.expect("reads");

    let all = Target::Queue("email".to_owned());
    let rehearsal = rehearse(&bench, &all, Some(100)).await;
    let expected = Rehearsal {
        fresh_expiry: false,
        letters: 250,
        looked: 250,
        sample: Sample::All,
        refused: Vec::new(),
        no_worker_knows: 0,
        workers_know: 0,
        would_run: 244,
        forgotten: 0,
        suppressed: 0,
        undecodable: 2,
        unknown_kind: 1,
        newer: 1,
        expired: 2,
        outcome_unknown: 2,
        may_double: 1,
        key_forgotten: 0,
        seconds: Some(3),
        queues: rehearsal.queues.clone(),
        ..Rehearsal::default()
    };
    assert_eq!(rehearsal, expected);
    let queue = &rehearsal.queues[0];
    assert_eq!((queue.letters, queue.pending), (250, 3));
    assert_eq!(
        queue.paused.as_ref().map(|pause| pause.by.as_str()),
        Some("kari")
    );
    let few = Target::Ids(ids[4..7].to_vec());
    let named = rehearse(&bench, &few, None).await;
    assert_eq!(
        (named.letters, named.expired, named.outcome_unknown),
        (3, 2, 2)
    );
    assert_eq!(named.seconds, None);

    assert_eq!(bench.operator.count(&all).await.expect("counts"), 250);
    assert_eq!(
        bench.operator.audit(None, None, 9).await.expect("reads"),
        told
    );
}

#[tokio::test]
async fn of_many_letters_the_oldest_and_the_newest_are_looked_at_and_all_are_counted() {
    let bench = Bench::new();
    let mut ids = Vec::new();
    for n in 0..4 {
        // Of two causes, so that a group is not the whole queue.
        let code = if n == 1 { "other" } else { "no" };
        let mut some = bury(&bench.email, 250, code).await;
        // In the order of their deaths.
        some.sort();
        ids.extend(some);
    }
    record(&bench.email, &ids[0], "exp", "1000").await;
    record(&bench.email, &ids[500], "exp", "1000").await;
    record(&bench.email, &ids[999], "exp", "1000").await;
    let groups = bench.operator.groups(None).await.expect("lists");
    let group = groups.iter().find(|row| row.count == 750);
    let group = Target::Group(group.expect("it is there").group.clone());
    for (target, letters) in [(Target::Queue("email".to_owned()), 1_000), (group, 750)] {
        let some = bench
            .operator
            .rehearse_some(&target, Some(100), 250, |_| {});
        let told = some.await.expect("rehearses");
        assert_eq!((told.letters, told.looked), (letters, 250), "{target:?}");
        assert_eq!(told.sample, Sample::OldestAndNewest);
        assert_eq!((told.expired, told.would_run), (2, 248), "{target:?}");
        assert_eq!(told.seconds, Some(letters.div_ceil(100)), "all are moved");
        let words = "of the oldest 125 and the newest 125";
        assert_eq!(told.sample.words(told.looked), words);
        let whole = rehearse(&bench, &target, None).await;
        assert_eq!((whole.looked, whole.sample), (letters, Sample::All));
    }
    // What a filter means nobody knows before it was looked through.
    let some = LetterFilter {
        most: Some(600),
        ..LetterFilter::default()
    };
    let target = Target::Letters {
        queue: Some("email".to_owned()),
        group: None,
        filter: some,
    };
    let told = bench.operator.rehearse_some(&target, None, 300, |_| {});
    let told = told.await.expect("rehearses");
    assert_eq!((told.letters, told.looked), (600, 300));
    assert_eq!(told.sample.words(told.looked), "of the oldest 300");
}

#[tokio::test]
async fn where_the_provider_is_asked_first_nothing_doubles() {
    let bench = Bench::new();
    let ids = bury(&bench.sms, 1, "no").await;
    record(&bench.sms, &ids[0], "run", "4 0 0 1 1").await;
    let text = br#"{"kind":"send_sms","v":1,"args":{"to":"+4790000000","body":"x"}}"#;
    payload(&bench.sms, &ids[0], text).await;
    let rehearsal = rehearse(&bench, &Target::Queue("sms".to_owned()), None).await;
    assert_eq!((rehearsal.would_run, rehearsal.outcome_unknown), (1, 1));
    assert_eq!(rehearsal.may_double, 0);
}

/// As a service of the configuration is: some of its requests carry a key, and nobody can be asked.
#[tokio::test]
async fn where_args_decide_what_carries_a_key_only_the_others_and_the_old_may_double() {
    let by_args = RepeatEffect::ByArgs(Arc::new(|args| match args["template"].as_str() {
        Some("welcome") => RepeatEffect::KeyedOnly(Duration::from_secs(3600)),
        _ => RepeatEffect::Double,
    }));
    let bench = Bench::with_repeats(&by_args);
    let ids = bury(&bench.email, 4, "no").await;
    for id in &ids {
        record(&bench.email, id, "run", "4 0 0 1 1").await;
    }
    let other = br#"{"kind":"send_email","v":1,"args":{"template":"other","to":{"email":"ada@example.com"},"data":{}}}"#;
    payload(&bench.email, &ids[0], other).await;
    // Edited since, by force: its key is another one.
    record(&bench.email, &ids[1], "run", "4 0 1 1 1").await;
    let all = Target::Queue("email".to_owned());
    let told = rehearse(&bench, &all, None).await;
    assert_eq!((told.would_run, told.outcome_unknown), (4, 4));
    assert_eq!((told.may_double, told.key_forgotten), (2, 0));
    // A key that is older than it is known.
    let at_once = RepeatEffect::ByArgs(Arc::new(|_| RepeatEffect::KeyedOnly(Duration::ZERO)));
    let told = bench
        .with_other_repeats(&at_once)
        .rehearse(&all, None, |_| {})
        .await;
    assert_eq!(told.expect("rehearses").may_double, 4);
}

#[tokio::test]
async fn a_drip_is_an_operation_that_can_be_found_cancelled_and_resumed() {
    let bench = Bench::new();
    bury(&bench.email, 20, "no").await;
    let group = bench
        .operator
        .groups(None)
        .await
        .expect("lists")
        .remove(0)
        .group;
    let target = Target::Group(group.clone());
    let begin = async |rate| bench.operator.begin_replay(&target, rate, &kari()).await;
    let row = begin(Some(5)).await.expect("begins").remove(0);
    assert_eq!(
        (row.state, row.group.as_deref()),
        ("running", Some(group.as_str()))
    );
    assert_eq!((row.total, row.moved, row.rate), (20, 0, Some(5)));
    let same = begin(Some(5)).await.expect("is there").remove(0);
    assert_eq!(same.id, row.id, "it is the one that runs");
    let other = begin(Some(6)).await.expect_err("runs at another rate");
    assert!(matches!(other, OperatorError::ReplayRunning { .. }));
    assert!(
        bench
            .operator
            .advance_operations(|queue, why| panic!("{queue}: {why}"))
            .await
            .expect("steps")
            .is_some()
    );

    assert!(
        bench
            .operator
            .cancel_replay(&row.id, &kari())
            .await
            .expect("ends")
    );
    assert!(
        !bench
            .operator
            .cancel_replay(&row.id, &kari())
            .await
            .expect("is so")
    );
    assert_eq!(
        bench
            .operator
            .replay_of(&row.id)
            .await
            .expect("is there")
            .state,
        "cancelled"
    );
    assert!(
        bench
            .operator
            .resume_replay(&row.id, &kari())
            .await
            .expect("goes on")
    );
    let listed = bench.operator.replays().await.expect("lists");
    assert_eq!((listed.len(), listed[0].state), (1, "running"));
    let nobody = bench.operator.resume_replay("nobody", &kari()).await;
    assert!(matches!(nobody, Err(OperatorError::UnknownReplay(_))));
}

#[tokio::test]
async fn letters_are_listed_by_kind() {
    let bench = Bench::new();
    bury(&bench.email, 2, "no").await;
    let listed = async |kind| {
        let filter = Filter {
            kind: Some(kind),
            limit: 9,
            ..Filter::default()
        };
        bench.operator.letters(&filter).await.expect("lists").len()
    };
    assert_eq!(
        (listed("send_email").await, listed("send_sms").await),
        (2, 0)
    );
}
