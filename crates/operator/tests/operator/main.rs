//! What operators see and do, over two queues on a real Redis.

mod audit;
mod away;
mod bench;
mod cron;
mod deliveries;
mod edit;
mod export;
mod pages;
mod replays;
mod runbook;

use bench::{Bench, bury, died_at, enqueue, kari};
use longshore_operator::{Filter, OperatorError, Signed, Target};
use longshore_queue::JobState;

const NOBODY: &str = "01JD2Z5V9GQ8X0T6M3K7W4R1YB";

#[tokio::test]
async fn groups_of_all_queues_are_seen_the_largest_first() {
    let bench = Bench::new();
    bury(&bench.email, 2, "few").await;
    bury(&bench.sms, 3, "many").await;
    let groups = bench.operator.groups(None).await.expect("lists");
    let seen: Vec<_> = groups
        .iter()
        .map(|row| (row.queue.as_str(), row.count, row.reason.as_str()))
        .collect();
    assert_eq!(
        seen,
        [("sms", 3, "refused: many"), ("email", 2, "refused: few")]
    );
    let of_one = bench.operator.groups(Some("email")).await.expect("lists");
    assert_eq!(of_one, groups[1..]);
}

#[tokio::test]
async fn letters_of_all_queues_are_listed_the_newest_first() {
    let bench = Bench::new();
    let mails = bury(&bench.email, 2, "no").await;
    let texts = bury(&bench.sms, 2, "no").await;
    for (queue, id, at) in [
        (&bench.email, &mails[0], 4000),
        (&bench.sms, &texts[0], 3000),
        (&bench.email, &mails[1], 2000),
        (&bench.sms, &texts[1], 1000),
    ] {
        died_at(queue, id, at).await;
    }
    let letters = bench
        .operator
        .letters(&Filter {
            limit: 3,
            ..Filter::default()
        })
        .await
        .expect("lists");
    let ids: Vec<_> = letters.iter().map(|row| &row.id).collect();
    assert_eq!(ids, [&mails[0], &texts[0], &mails[1]]);
    assert_eq!(letters[0].died_at, "1970-01-01T01:06:40.000Z");
    assert_eq!(letters[0].reason.as_deref(), Some("no it was"));
    let of_one = bench
        .operator
        .letters(&Filter {
            queue: Some("sms"),
            limit: 9,
            ..Filter::default()
        })
        .await;
    assert_eq!(of_one.expect("lists").len(), 2);
}

#[tokio::test]
async fn a_job_is_found_in_whatever_queue_it_is() {
    let bench = Bench::new();
    let id = enqueue(&bench.sms, 1).await.remove(0);
    let job = bench.operator.job(&id, None).await.expect("finds it");
    assert_eq!((job.queue.as_str(), job.state), ("sms", JobState::Pending));
    assert_eq!(job.idempotency_key.as_deref(), Some("[redacted]"));
    let shown = serde_json::to_string(&job).expect("JSON");
    assert!(!shown.contains("ada"), "{shown}");
    let whole = bench
        .operator
        .job(&id, Some(&kari()))
        .await
        .expect("finds it");
    assert_eq!(
        whole.args.expect("decodes")["to"]["email"],
        "ada@example.com"
    );

    let letter = bench.operator.letter(&id, None).await;
    assert!(
        matches!(
            letter,
            Err(OperatorError::NotDead {
                state: "pending",
                ..
            })
        ),
        "{letter:?}"
    );
    let nobody = bench.operator.job(NOBODY, None).await;
    assert!(
        matches!(nobody, Err(OperatorError::UnknownJob(_))),
        "{nobody:?}"
    );
    let garbage = bench.operator.job("x", None).await;
    assert!(
        matches!(garbage, Err(OperatorError::InvalidId(_))),
        "{garbage:?}"
    );
}

#[tokio::test]
async fn named_letters_are_moved_wherever_they_are_and_each_is_accounted_for() {
    let bench = Bench::new();
    let mail = bury(&bench.email, 1, "no").await.remove(0);
    let text = bury(&bench.sms, 1, "no").await.remove(0);
    let pending = enqueue(&bench.email, 1).await.remove(0);
    let named = [&text, &mail, &pending, &text, &NOBODY.to_owned()];
    let target = Target::Ids(named.map(Clone::clone).to_vec());
    assert_eq!(bench.operator.count(&target).await.expect("counts"), 2);
    let mut told = 0;
    let moved = bench
        .operator
        .replay(&target, &kari(), |moved| told = moved)
        .await;
    let moved = moved.expect("moves");
    assert_eq!((moved.moved, told), (2, 2));
    assert_eq!(
        (&moved.skipped[..], &moved.not_found[..]),
        (&[pending][..], &[NOBODY.to_owned()][..])
    );

    let job = bench.operator.job(&text, None).await.expect("finds it");
    assert_eq!((job.state, job.history.len()), (JobState::Pending, 2));
    let again = bench
        .operator
        .discard(&target, &kari(), |_| {})
        .await
        .expect("moves nothing");
    assert_eq!(
        (again.moved, again.skipped.len()),
        (0, 3),
        "what is pending is not discarded"
    );
}

#[tokio::test]
async fn garbage_among_the_ids_moves_none() {
    let bench = Bench::new();
    let mail = bury(&bench.email, 1, "no").await.remove(0);
    let target = Target::Ids(vec![mail.clone(), "x".to_owned()]);
    let answers = [
        bench.operator.count(&target).await.map(drop),
        bench
            .operator
            .replay(&target, &kari(), |_| {})
            .await
            .map(drop),
        bench
            .operator
            .discard(&target, &kari(), |_| {})
            .await
            .map(drop),
    ];
    for answer in answers {
        assert!(
            matches!(answer, Err(OperatorError::InvalidId(_))),
            "{answer:?}"
        );
    }
    bench
        .operator
        .letter(&mail, None)
        .await
        .expect("it is dead still");
}

#[tokio::test]
async fn a_group_and_a_queue_are_moved_whole() {
    let bench = Bench::new();
    bury(&bench.email, 2, "few").await;
    bury(&bench.sms, 3, "many").await;
    let groups = bench.operator.groups(None).await.expect("lists");
    let many = Target::Group(groups[0].group.clone());
    assert_eq!(bench.operator.count(&many).await.expect("counts"), 3);
    let moved = bench
        .operator
        .replay(&many, &kari(), |_| {})
        .await
        .expect("moves");
    assert_eq!(moved.moved, 3);
    let gone = bench.operator.replay(&many, &kari(), |_| {}).await;
    assert!(
        matches!(gone, Err(OperatorError::UnknownGroup(_))),
        "{gone:?}"
    );

    let mails = Target::Queue("email".to_owned());
    let moved = bench
        .operator
        .discard(&mails, &kari(), |_| {})
        .await
        .expect("moves");
    assert_eq!(moved.moved, 2);
    let rows = bench.operator.queues().await.expect("counts");
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.queue.as_str(), row.pending, row.dead))
        .collect();
    assert_eq!(seen, [("email", 0, 0), ("sms", 3, 0)]);
}

#[tokio::test]
async fn a_queue_that_is_none_is_said_with_those_there_are() {
    let bench = Bench::new();
    let nowhere = Target::Queue("fax".to_owned());
    let answers = [
        bench.operator.pause("fax", &kari()).await.map(drop),
        bench.operator.resume("fax", &kari()).await.map(drop),
        bench.operator.groups(Some("fax")).await.map(drop),
        bench
            .operator
            .letters(&Filter {
                queue: Some("fax"),
                limit: 1,
                ..Filter::default()
            })
            .await
            .map(drop),
        bench
            .operator
            .replay(&nowhere, &kari(), |_| {})
            .await
            .map(drop),
    ];
    for answer in answers {
        let error = answer.expect_err("there is none").to_string();
        assert_eq!(error, "there is no queue `fax`: the queues are email, sms");
    }
}

#[tokio::test]
async fn a_pause_is_of_one_queue_and_names_who() {
    let bench = Bench::new();
    assert!(
        bench
            .operator
            .pause("sms", &Signed::new("kari", "they are down"))
            .await
            .expect("pauses")
    );
    assert!(
        !bench
            .operator
            .pause("sms", &Signed::new("ola", "too"))
            .await
            .expect("is paused")
    );
    let rows = bench.operator.queues().await.expect("counts");
    let paused = rows[1].paused.as_ref().expect("paused");
    assert_eq!(
        (paused.by.as_str(), paused.reason.as_str()),
        ("kari", "they are down")
    );
    assert_eq!(rows[0].paused, None);
    assert!(
        bench
            .operator
            .resume("sms", &kari())
            .await
            .expect("resumes")
    );
    assert!(
        !bench
            .operator
            .resume("sms", &kari())
            .await
            .expect("is not paused")
    );
}
