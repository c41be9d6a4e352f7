//! Acts on many jobs: operations that any process carries on, and that survive it.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    BulkCancel, BulkOperation, BulkState, Changed, Fate, JobFilter, JobState, Lane, NewJob, Queue,
    RunAt, Selection,
};
use support::{Bench, bury, ids, job, kari, raw, refused, verdict};

async fn begin(queue: &Queue, filter: &JobFilter, force: bool) -> String {
    let id = JobId::generate();
    for _ in 0..2 {
        let begun = queue.begin_cancel(id, filter, 7, force, &kari()).await;
        begun.expect("begins");
    }
    id.to_string()
}

async fn found(queue: &Queue, id: &str) -> BulkCancel {
    match queue.find_operation(id).await.expect("looks") {
        Some(BulkOperation::Cancel(cancel)) => cancel,
        other => panic!("{other:?}"),
    }
}

async fn to_its_end(queue: &Queue, id: &str) -> BulkCancel {
    for _ in 0..1000 {
        let wait = queue.advance_operations().await.expect("steps");
        if wait.is_none() {
            return found(queue, id).await;
        }
    }
    panic!("it never ends");
}

fn tagged(tag: &str) -> NewJob {
    NewJob {
        tags: vec![tag.to_owned()],
        lane: Lane::default(),
        ..job()
    }
}

fn with_tag(tag: &str) -> JobFilter {
    JobFilter {
        tag: Some(tag.to_owned()),
        ..JobFilter::default()
    }
}

/// Wrong ones in every place where jobs wait, among good ones.
async fn campaign(bench: &Bench) -> (Vec<JobId>, Vec<JobId>) {
    let worker = bench.worker("w").await;
    let mut wrong = Vec::new();
    let mut good = Vec::new();
    let kind = "send_fax".to_owned();
    let after = Duration::from_secs(60);
    for fate in [
        Some(Fate::Retry { after }),
        Some(Fate::Parked { kind }),
        None,
    ] {
        let some: Vec<NewJob> = (0..300)
            .map(|n| tagged(if n % 3 == 0 { "good" } else { "wrong" }))
            .collect();
        let enqueued = bench.enqueue_all(&some).await;
        for (n, id) in enqueued.into_iter().enumerate() {
            if n % 3 == 0 {
                good.push(id);
            } else {
                wrong.push(id);
            }
        }
        if let Some(fate) = fate {
            for _ in 0..2 {
                support::run(bench, &worker, 200, &fate).await;
            }
        }
    }
    let later: Vec<NewJob> = (0..300)
        .map(|_| NewJob {
            run_at: RunAt::In(Duration::from_secs(3600)),
            ..tagged("wrong")
        })
        .collect();
    wrong.extend(bench.enqueue_all(&later).await);
    let of_tenant: Vec<NewJob> = (0..300)
        .map(|_| NewJob {
            lane: Lane::default().with_tenant("acme"),
            ..tagged("wrong")
        })
        .collect();
    wrong.extend(bench.enqueue_all(&of_tenant).await);
    (wrong, good)
}

async fn count(bench: &Bench, ids: &[JobId], state: JobState) -> usize {
    let mut count = 0;
    for id in ids {
        let job = bench.queue.job(&raw(*id)).await.expect("looks");
        count += usize::from(job.is_some_and(|job| job.state == state));
    }
    count
}

#[tokio::test]
async fn a_campaign_is_cancelled_wherever_it_waits_and_nothing_else() {
    let bench = Bench::new();
    let (wrong, good) = campaign(&bench).await;
    let id = begin(&bench.queue, &with_tag("wrong"), false).await;
    let operation = found(&bench.queue, &id).await;
    assert_eq!((operation.state, operation.total), (BulkState::Running, 7));
    let peek = bench.queue.peek(false).await.expect("looks");
    assert!(peek.replays, "an idle process hears of it");
    let ended = to_its_end(&bench.queue, &id).await;
    assert_eq!(ended.state, BulkState::Done);
    assert_eq!((ended.done, ended.failed), (wrong.len() as u64, 0));
    assert_eq!(
        count(&bench, &wrong, JobState::Cancelled).await,
        wrong.len()
    );
    assert_eq!(count(&bench, &good, JobState::Cancelled).await, 0);
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.parked), (200, 100));
    assert_eq!((stats.scheduled, stats.retryable), (0, 100));
    // One entry of the audit for all its steps, and one for its end.
    let audit = bench.queue.audit(None, 100).await.expect("reads");
    let acts: Vec<_> = audit.iter().map(|e| (e.action.as_str(), e.count)).collect();
    assert_eq!(
        acts,
        [("cancel_done", None), ("cancel", Some(wrong.len() as u64))]
    );
    assert_eq!(audit[1].target, "tag wrong");
    // It is over for good.
    let again = bench.queue.resume_operation(&id, &kari()).await;
    assert_eq!(again.expect("looks"), Changed::Over);
}

/// Two processes at once, one that dies between its two calls: the counts are right.
#[tokio::test]
async fn whoever_carries_it_on_it_is_done_once() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    // Every other one may have been sent, and cannot be cancelled.
    bench.enqueue(1_600).await;
    for _ in 0..8 {
        let claimed = bench.claim(&worker, 200).await;
        let verdicts = claimed.iter().enumerate().map(|(n, job)| {
            let after = Duration::from_secs(3600);
            let mut verdict = verdict(job, Fate::Retry { after });
            verdict.state.may_have_been_sent = n % 2 == 0;
            verdict
        });
        bench.settle(&verdicts.collect::<Vec<_>>()).await;
    }
    let id = begin(&bench.queue, &JobFilter::default(), false).await;
    bench.queue.advance_operations().await.expect("steps");
    let before = found(&bench.queue, &id).await;
    assert!(before.is_open() && before.done > 0 && before.done < 800);
    // Somebody else has it: whoever asks waits for a moment, and no longer.
    let (key, field) = (&bench.queue.keys().operations, format!("{id}:busy"));
    let now = bench.queue.now_ms().await.expect("has a clock");
    let busy = format!("{} somebody", now + 900);
    let set: &[&[u8]] = &[b"HSET", key.as_bytes(), field.as_bytes(), busy.as_bytes()];
    let _: u8 = bench.raw(set).await;
    let wait = bench.queue.advance_operations().await.expect("steps");
    assert!(wait.is_some_and(|wait| !wait.is_zero()), "{wait:?}");
    assert_eq!(found(&bench.queue, &id).await.done, before.done);
    // That one was killed.
    let busy = format!("{} somebody", now - 1);
    let set: &[&[u8]] = &[b"HSET", key.as_bytes(), field.as_bytes(), busy.as_bytes()];
    let _: u8 = bench.raw(set).await;
    let carry_on = |queue: Queue| async move {
        while queue.advance_operations().await.expect("steps").is_some() {}
    };
    let queue = || bench.queue.clone();
    tokio::join!(carry_on(queue()), carry_on(queue()), carry_on(queue()));
    let ended = found(&bench.queue, &id).await;
    assert_eq!(ended.state, BulkState::Done);
    assert_eq!((ended.done, ended.failed), (800, 800));
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(stats.counter("cancelled"), 800);
}

#[tokio::test]
async fn it_can_be_stopped_and_goes_on_from_where_it_was() {
    let bench = Bench::new();
    let (wrong, _) = campaign(&bench).await;
    let id = begin(&bench.queue, &with_tag("wrong"), false).await;
    bench.queue.advance_operations().await.expect("steps");
    let queue = &bench.queue;
    let cancel = async || queue.cancel_operation(&id, &kari()).await.expect("ends");
    assert_eq!(cancel().await, Changed::Yes);
    assert_eq!(cancel().await, Changed::Same);
    assert_eq!(queue.advance_operations().await.expect("steps"), None);
    let stopped = found(queue, &id).await;
    assert_eq!(stopped.state, BulkState::Cancelled);
    assert!(stopped.done > 0 && stopped.ended_at_ms.is_some());
    let resume = async || queue.resume_operation(&id, &kari()).await.expect("resumes");
    assert_eq!(resume().await, Changed::Yes);
    assert_eq!(resume().await, Changed::Same);
    let ended = to_its_end(queue, &id).await;
    assert_eq!(
        (ended.state, ended.done),
        (BulkState::Done, wrong.len() as u64)
    );
    let nobody = queue.cancel_operation("nobody", &kari()).await;
    assert_eq!(nobody.expect("looks"), Changed::Unknown);
}

#[tokio::test]
async fn what_may_have_been_sent_and_what_came_later_is_not_touched() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    bench.enqueue(2).await;
    let claimed = bench.claim(&worker, 2).await;
    let mut sent = verdict(
        &claimed[0],
        Fate::Retry {
            after: Duration::from_secs(60),
        },
    );
    sent.state.may_have_been_sent = true;
    bench.settle(&[sent]).await;
    let waiting = bench.enqueue(3).await;
    let id = begin(&bench.queue, &JobFilter::default(), false).await;
    // Enqueued after it began, whenever it comes to it.
    let key = &bench.queue.keys().operations;
    let begun: u64 = bench.text(&format!("HGET {key} {id}:begun")).await;
    let _: u8 = bench
        .text(&format!("HSET {key} {id}:begun {}", begun + 60_000))
        .await;
    let ended = to_its_end(&bench.queue, &id).await;
    assert_eq!((ended.done, ended.failed), (3, 1));
    assert_eq!(count(&bench, &waiting, JobState::Cancelled).await, 3);
    let of = ids(&claimed);
    assert_eq!(count(&bench, &of[..1], JobState::Retryable).await, 1);
    assert_eq!(count(&bench, &of[1..], JobState::Running).await, 1);
    let forced = begin(&bench.queue, &JobFilter::default(), true).await;
    let later = bench.enqueue(2).await;
    let _: u8 = bench
        .text(&format!("HSET {key} {forced}:begun {}", begun - 60_000))
        .await;
    // All that waits was enqueued later than that.
    let ended = to_its_end(&bench.queue, &forced).await;
    assert_eq!((ended.done, ended.failed), (0, 0));
    assert_eq!(count(&bench, &later, JobState::Pending).await, 2);
    let forced = begin(&bench.queue, &JobFilter::default(), true).await;
    let ended = to_its_end(&bench.queue, &forced).await;
    assert_eq!((ended.done, ended.failed), (3, 0));
}

#[tokio::test]
async fn replays_and_cancels_stand_in_one_list_and_a_broken_one_hides_none() {
    let bench = Bench::new();
    let dead = bury(&bench, 3, "550").await;
    bench
        .enqueue_all(&[tagged("wrong"), tagged("wrong"), tagged("wrong")])
        .await;
    let cancel = begin(&bench.queue, &with_tag("wrong"), false).await;
    let replay = JobId::generate();
    let all = Selection::All;
    let begun = bench.queue.begin_replay(replay, &all, None, &kari()).await;
    begun.expect("begins");
    let keys = bench.queue.keys();
    for (key, value) in [("act", "dance"), ("filter", "{")] {
        let all = &keys.operations;
        let act = if key == "act" { "dance" } else { "cancel" };
        for command in [
            format!("HSET {all} {key}:act {act} {key}:state running {key}:{key} {value}"),
            format!("ZADD {} 1 {key}", keys.replays),
            format!("SADD {} {key}", keys.open_replays),
        ] {
            let _: u64 = bench.text(&command).await;
        }
    }
    let mut steps = 0;
    while bench
        .queue
        .advance_operations()
        .await
        .expect("steps")
        .is_some()
    {
        steps += 1;
        assert!(
            steps < 100,
            "what cannot be read is no reason to go on for ever"
        );
    }
    let open = &keys.open_replays;
    assert_eq!(bench.text::<u64>(&format!("SCARD {open}")).await, 0);
    let operations = bench.queue.operations().await.expect("lists");
    let broken = operations.iter().filter(|operation| operation.is_err());
    assert_eq!((operations.len(), broken.count()), (4, 2));
    assert_eq!(
        bench
            .queue
            .replays()
            .await
            .expect("lists")
            .iter()
            .flatten()
            .count(),
        1
    );
    let replayed = bench
        .queue
        .find_replay(&replay.to_string())
        .await
        .expect("looks");
    assert_eq!(replayed.expect("is there").moved, dead.len() as u64);
    assert_eq!(found(&bench.queue, &cancel).await.done, 3);
    assert_eq!(bench.queue.find_replay(&cancel).await.expect("looks"), None);
}

#[tokio::test]
async fn a_step_through_several_groups_leaves_the_others_of_each() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    bench.enqueue(600).await;
    for _ in 0..3 {
        let claimed = bench.claim(&worker, 200).await;
        let verdicts = claimed.iter().enumerate();
        let verdicts = verdicts.map(|(n, job)| {
            let cause = if n % 3 == 0 { "400" } else { "500" };
            verdict(job, refused(cause))
        });
        bench.settle(&verdicts.collect::<Vec<_>>()).await;
    }
    let counts = async || {
        let groups = bench.queue.dead_groups().await.expect("lists");
        let mut counts: Vec<_> = groups.iter().map(|group| group.count).collect();
        counts.sort_unstable();
        (counts.len(), counts.into_iter().sum::<u64>())
    };
    assert_eq!(counts().await, (2, 600));
    let replay = JobId::generate();
    let all = Selection::All;
    let begun = bench.queue.begin_replay(replay, &all, None, &kari()).await;
    begun.expect("begins");
    let step = async || bench.queue.advance_operations().await.expect("steps");
    // Not in the millisecond in which it began.
    while bench.queue.stats().await.expect("counts").pending == 0 {
        step().await;
    }
    let dead = bench
        .queue
        .dead_letters(&all, None, 1000)
        .await
        .expect("lists");
    assert_eq!((dead.len(), counts().await), (100, (2, 100)));
    for letter in dead {
        let of = Selection::Group(letter.job.group.expect("has one"));
        let listed = bench
            .queue
            .dead_letters(&of, None, 1000)
            .await
            .expect("lists");
        assert!(listed.iter().any(|other| other.job.id == letter.job.id));
    }
    while step().await.is_some() {}
    assert_eq!(counts().await, (0, 0));
}
