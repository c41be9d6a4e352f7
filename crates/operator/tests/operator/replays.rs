//! Replays of many: what they would do, and how they go.

use longshore_operator::{Filter, OperatorError, Rehearsal, Target};

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
async fn of_very_many_letters_the_first_are_looked_at_and_all_are_counted() {
    let bench = Bench::new();
    for _ in 0..41 {
        bury(&bench.email, 250, "no").await;
    }
    let all = Target::Queue("email".to_owned());
    let told = rehearse(&bench, &all, Some(100)).await;
    assert_eq!((told.letters, told.looked), (10_250, 10_000));
    assert_eq!(told.would_run, 10_000);
    assert_eq!(told.seconds, Some(103), "all of them are to be moved");
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
