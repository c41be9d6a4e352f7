//! Another time for many jobs, and a discard of many letters: operations, each done once, whoever carries it on and whoever dies meanwhile.
//! And what became of replayed jobs.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    BegunDiscard, BulkDiscard, BulkOperation, BulkReschedule, BulkState, Changed, Fate, JobFilter,
    JobState, Key, Lane, LetterFilter, NewJob, Queue, Replay, RunAt, Selection,
};
use support::{Bench, bury, done, job, kari, raw, refused, run, verdict};

async fn carry_on(queue: Queue) {
    while queue.advance_operations().await.expect("steps").is_some() {}
}

/// Three processes at once.
async fn together(bench: &Bench) {
    let queue = || bench.queue.clone();
    tokio::join!(carry_on(queue()), carry_on(queue()), carry_on(queue()));
}

/// As if the process that has the operation had been killed.
async fn killed(bench: &Bench, id: &str) {
    let key = &bench.queue.keys().operations;
    let busy = format!("{id}:busy");
    let set: &[&[u8]] = &[b"HSET", key.as_bytes(), busy.as_bytes(), b"1 somebody"];
    let _: u8 = bench.raw(set).await;
}

async fn reschedule(bench: &Bench, filter: &JobFilter, run_at: RunAt) -> String {
    let id = JobId::generate();
    for _ in 0..2 {
        let begun = bench
            .queue
            .begin_reschedule(id, filter, 7, run_at, &kari())
            .await;
        begun.expect("begins");
    }
    id.to_string()
}

async fn rescheduled(queue: &Queue, id: &str) -> BulkReschedule {
    match queue.find_operation(id).await.expect("looks") {
        Some(BulkOperation::Reschedule(reschedule)) => reschedule,
        other => panic!("{other:?}"),
    }
}

async fn discarded(queue: &Queue, id: &str) -> BulkDiscard {
    match queue.find_operation(id).await.expect("looks") {
        Some(BulkOperation::Discard(discard)) => discard,
        other => panic!("{other:?}"),
    }
}

async fn due(bench: &Bench, id: JobId) -> Option<u64> {
    let job = bench.queue.job(&raw(id)).await.expect("looks");
    job.expect("is there").next_run_at_ms
}

fn tagged(tag: &str) -> NewJob {
    NewJob {
        tags: vec![tag.to_owned()],
        ..job()
    }
}

fn with_tag(tag: &str) -> JobFilter {
    JobFilter {
        tag: Some(tag.to_owned()),
        ..JobFilter::default()
    }
}

/// Jobs of the campaign in every place where jobs wait, 300 each, and as many others.
async fn campaign(bench: &Bench) -> (Vec<JobId>, Vec<JobId>) {
    let worker = bench.worker("w").await;
    let later = RunAt::In(Duration::from_secs(3600));
    let (mut meant, mut others) = (Vec::new(), Vec::new());
    let kind = "send_fax".to_owned();
    let after = Duration::from_secs(60);
    for (fate, run_at, tenant) in [
        (Some(Fate::Retry { after }), RunAt::Now, None),
        (Some(Fate::Parked { kind }), RunAt::Now, None),
        (None, RunAt::Now, None),
        (None, RunAt::Now, Some("acme")),
        (None, later, None),
    ] {
        let jobs = (0..600).map(|n| {
            let job = tagged(if n % 2 == 0 { "spring" } else { "other" });
            let lane = tenant.map_or(Lane::default(), |tenant| {
                Lane::default().with_tenant(tenant)
            });
            NewJob {
                run_at,
                lane,
                ..job
            }
        });
        let ids = bench.enqueue_all(&jobs.collect::<Vec<_>>()).await;
        for (n, id) in ids.into_iter().enumerate() {
            let list = if n % 2 == 0 { &mut meant } else { &mut others };
            list.push(id);
        }
        if let Some(fate) = fate {
            for _ in 0..3 {
                run(bench, &worker, 200, &fate).await;
            }
        }
    }
    (meant, others)
}

#[tokio::test]
async fn a_campaign_waits_for_its_new_time_wherever_it_waited_and_nothing_else_does() {
    let bench = Bench::new();
    let (meant, others) = campaign(&bench).await;
    let before = bench.queue.stats().await.expect("counts");
    let in_two_hours = RunAt::In(Duration::from_secs(7200));
    let id = reschedule(&bench, &with_tag("spring"), in_two_hours).await;
    let operation = rescheduled(&bench.queue, &id).await;
    assert_eq!((operation.state, operation.total), (BulkState::Running, 7));
    let at = operation.due_ms;
    assert_eq!(at, operation.begun_at_ms + 7_200_000);
    // One is killed in the middle; another goes on from its cursor.
    bench.queue.advance_operations().await.expect("steps");
    let some = rescheduled(&bench.queue, &id).await;
    assert!(some.is_open() && some.done > 0 && some.done < 1500);
    killed(&bench, &id).await;
    together(&bench).await;
    let ended = rescheduled(&bench.queue, &id).await;
    assert_eq!(ended.state, BulkState::Done);
    assert_eq!((ended.done, ended.failed), (1500, 0));
    for id in &meant {
        assert_eq!(due(&bench, *id).await, Some(at));
    }
    for id in &others {
        assert_ne!(due(&bench, *id).await, Some(at));
    }
    let stats = bench.queue.stats().await.expect("counts");
    // Of those that waited, the parked among them, and of those that were due at another time.
    assert_eq!(stats.pending + 900, before.pending, "{stats:?}");
    assert_eq!(stats.parked + 300, before.parked);
    assert_eq!(stats.scheduled + stats.retryable, 1500 + 300 + 300);
    let audit = bench.queue.audit(None, 100).await.expect("reads");
    let acts: Vec<_> = audit.iter().map(|e| (e.action.as_str(), e.count)).collect();
    assert_eq!(
        acts,
        [("reschedule_done", None), ("reschedule", Some(1500))]
    );
    assert_eq!(audit[0].result, "1500 rescheduled");
    assert_eq!(audit[1].target, "tag spring");
    // Now is a time, too. None of them is lost, and each is claimed once.
    let id = reschedule(&bench, &JobFilter::default(), RunAt::Now).await;
    together(&bench).await;
    let ended = rescheduled(&bench.queue, &id).await;
    // The others are pending, and so are due.
    assert_eq!((ended.done, ended.failed), (2100, 0), "{ended:?}");
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(
        (stats.pending, stats.scheduled, stats.retryable),
        (3000, 0, 0)
    );
}

#[tokio::test]
async fn what_runs_what_ended_and_what_is_broken_is_left_alone() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    bench.enqueue(3).await;
    let claimed = bench.claim(&worker, 3).await;
    let retry = Fate::Retry {
        after: Duration::from_secs(60),
    };
    bench.settle(&[verdict(&claimed[0], done())]).await;
    let mut waiting = bench.enqueue(3).await;
    let later = NewJob {
        run_at: RunAt::In(Duration::from_secs(3600)),
        ..job()
    };
    waiting.insert(0, bench.enqueue_all(&[later]).await[0]);
    let key = |name: &str, id: JobId| format!("{name} {id}");
    let k = bench.queue.keys();
    let _: u8 = bench
        .text(&format!("HDEL {}", key(&k.data, waiting[0])))
        .await;
    // Its header says that it has a record, and there is none.
    let lost = format!("HGET {}", key(&k.data, waiting[1]));
    let mut value: Vec<u8> = bench.text(&lost).await;
    value[0] = 2;
    let id = waiting[1].to_string();
    let set: &[&[u8]] = &[b"HSET", k.data.as_bytes(), id.as_bytes(), &value];
    let _: u8 = bench.raw(set).await;
    let id = reschedule(
        &bench,
        &JobFilter::default(),
        RunAt::In(Duration::from_secs(60)),
    )
    .await;
    // It fails meanwhile, and its retry is no wish of this operation's.
    bench.settle(&[verdict(&claimed[1], retry)]).await;
    let retried = support::ids(&claimed)[1];
    let at = due(&bench, retried).await;
    together(&bench).await;
    let ended = rescheduled(&bench.queue, &id).await;
    assert_eq!((ended.done, ended.failed), (2, 2), "{ended:?}");
    assert_eq!(due(&bench, retried).await, at);
    let runs = bench.queue.job(&raw(support::ids(&claimed)[2])).await;
    assert_eq!(runs.expect("looks").expect("is").state, JobState::Running);
    let again = bench.queue.resume_operation(&id, &kari()).await;
    assert_eq!(again.expect("looks"), Changed::Over);
}

#[tokio::test]
async fn a_discard_of_many_goes_on_after_a_kill_stops_and_goes_on_again() {
    let bench = Bench::new();
    let held = (0..1300).map(|n| NewJob {
        key: Some(Key::new("send_email", &format!("k{n}"))),
        ..tagged(if n % 4 == 0 { "other" } else { "spring" })
    });
    bench.enqueue_all(&held.collect::<Vec<_>>()).await;
    let worker = bench.worker("w").await;
    while run(&bench, &worker, 200, &refused("413")).await > 0 {}
    let only = LetterFilter {
        jobs: with_tag("spring"),
        delivery: None,
        most: None,
    };
    let id = JobId::generate();
    let queue = &bench.queue;
    let (of, by) = (Selection::All, kari());
    let begin = async |id| {
        let begun = queue.begin_discard(id, &of, &only, 975, &by).await;
        begun.expect("begins")
    };
    assert_eq!(begin(id).await, BegunDiscard::New);
    assert_eq!(begin(id).await, BegunDiscard::New);
    let id = id.to_string();
    assert_eq!(
        begin(JobId::generate()).await,
        BegunDiscard::Running(id.clone())
    );
    // What dies later is not meant.
    bench.enqueue_all(&[tagged("spring")]).await;
    while discarded(queue, &id).await.done == 0 {
        queue.advance_operations().await.expect("steps");
    }
    run(&bench, &worker, 1, &refused("413")).await;
    killed(&bench, &id).await;
    let stop = queue.cancel_operation(&id, &kari()).await;
    assert_eq!(stop.expect("stops"), Changed::Yes);
    let stopped = discarded(queue, &id).await;
    together(&bench).await;
    assert_eq!(discarded(queue, &id).await, stopped, "it does nothing more");
    assert_eq!(stopped.state, BulkState::Cancelled);
    let resume = queue.resume_operation(&id, &kari()).await;
    assert_eq!(resume.expect("resumes"), Changed::Yes);
    together(&bench).await;
    let ended = discarded(queue, &id).await;
    assert_eq!((ended.state, ended.done), (BulkState::Done, 975));
    let stats = queue.stats().await.expect("counts");
    assert_eq!((stats.dead, stats.counter("discarded")), (326, 975));
    let left = queue.dead_letters(&Selection::All, None, 400).await;
    let left = left.expect("lists");
    let spring = left.iter().filter(|of| of.job.tags == ["spring"]).count();
    assert_eq!((left.len(), spring), (326, 1));
    // None was carried out: its key is free.
    let of = |n: usize| Key::new("send_email", &format!("k{n}"));
    assert_eq!(queue.holder(&of(1)).await.expect("looks"), None);
    assert!(queue.holder(&of(0)).await.expect("looks").is_some());
    let audit = queue.audit(None, 100).await.expect("reads");
    let acts: Vec<_> = audit.iter().map(|entry| entry.action.as_str()).collect();
    let (stop, resume) = ("discard_cancel", "discard_resume");
    assert_eq!(acts, ["discard_done", "discard", resume, stop, "discard"]);
    let counted = audit[1].count.zip(audit[4].count);
    assert_eq!(counted.map(|(a, b)| a + b), Some(975));
    assert_eq!(audit[0].result, "975 discarded");
}

#[tokio::test]
async fn a_discard_of_no_letters_is_none() {
    let bench = Bench::new();
    let none = LetterFilter::default();
    let group = Selection::Group("0123456789ab".to_owned());
    for of in [Selection::All, group] {
        let begun = bench
            .queue
            .begin_discard(JobId::generate(), &of, &none, 0, &kari())
            .await;
        assert_eq!(begun.expect("looks"), BegunDiscard::Nothing);
    }
}

async fn replay(bench: &Bench, rate: Option<u32>) -> String {
    let id = JobId::generate();
    let begun = bench
        .queue
        .begin_replay(id, &Selection::All, rate, &kari())
        .await;
    begun.expect("begins");
    let began = bench.queue.now_ms().await.expect("has a clock");
    while bench.queue.now_ms().await.expect("has a clock") == began {}
    id.to_string()
}

async fn proof(bench: &Bench, id: &str) -> (u64, u64, u64, u64) {
    let found = bench.queue.find_replay(id).await.expect("looks");
    let Replay {
        moved,
        completed,
        dead_again,
        cancelled,
        ..
    } = found.expect("is there");
    (moved, completed, dead_again, cancelled)
}

/// What becomes of each is counted until it has ended: completed at once or later, dead again, cancelled while it waits or runs.
#[tokio::test]
async fn a_replay_says_what_became_of_what_it_replayed() {
    for rate in [None, Some(1000)] {
        let bench = Bench::new();
        bury(&bench, 6, "413").await;
        let worker = bench.worker("w").await;
        let id = replay(&bench, rate).await;
        let key = &bench.queue.keys().operations;
        let now = bench.queue.now_ms().await.expect("has a clock");
        let _: u8 = bench
            .text(&format!("HSET {key} {id}:stepped {}", now - 500))
            .await;
        bench.queue.advance_operations().await.expect("steps");
        assert_eq!(proof(&bench, &id).await, (6, 0, 0, 0), "{rate:?}");
        // Of as many operations as are counted, the oldest gives way.
        let counts = &bench.queue.keys().cancelled_replays;
        let older: String = (0..200).map(|n| format!(" {n:026} 1")).collect();
        let _: u64 = bench.text(&format!("HSET {counts}{older}")).await;
        // One waits, and is cancelled there.
        let claimed = bench.claim(&worker, 5).await;
        let filter = JobFilter {
            states: vec![JobState::Pending],
            ..JobFilter::default()
        };
        let cancel = JobId::generate();
        let begun = bench
            .queue
            .begin_cancel(cancel, &filter, 1, true, &kari())
            .await;
        begun.expect("begins");
        killed(&bench, &id).await;
        while let Some(BulkOperation::Cancel(cancel)) = bench
            .queue
            .find_operation(&cancel.to_string())
            .await
            .expect("looks")
            && cancel.is_open()
        {
            bench.queue.advance_operations().await.expect("steps");
        }
        assert_eq!(proof(&bench, &id).await, (6, 0, 0, 1), "{rate:?}");
        let counted: u64 = bench.text(&format!("HLEN {counts}")).await;
        let oldest: u64 = bench.text(&format!("HEXISTS {counts} {:026}", 0)).await;
        assert_eq!((counted, oldest), (200, 0));
        let after = Duration::from_secs(60);
        let fates = [
            done(),
            refused("413"),
            Fate::Retry { after },
            Fate::Retry { after },
            Fate::Cancelled,
        ];
        let verdicts = claimed.iter().zip(fates);
        let verdicts: Vec<_> = verdicts.map(|(job, fate)| verdict(job, fate)).collect();
        bench.settle(&verdicts).await;
        // Written again, since the answer was lost.
        bench.settle(&verdicts).await;
        assert_eq!(proof(&bench, &id).await, (6, 1, 1, 2), "{rate:?}");
        bench.make_due().await;
        let claimed = bench.claim(&worker, 5).await;
        let verdicts = claimed.iter().zip([done(), refused("500")]);
        let verdicts: Vec<_> = verdicts.map(|(job, fate)| verdict(job, fate)).collect();
        bench.settle(&verdicts).await;
        assert_eq!(proof(&bench, &id).await, (6, 2, 2, 2), "{rate:?}");
        // Replayed once more, they are another one's.
        let again = replay(&bench, None).await;
        bench.queue.advance_operations().await.expect("steps");
        run(&bench, &worker, 5, &done()).await;
        assert_eq!(proof(&bench, &id).await, (6, 2, 2, 2), "{rate:?}");
        assert_eq!(proof(&bench, &again).await, (2, 2, 0, 0), "{rate:?}");
    }
}
