//! Replay operations: any process advances them, at their rate, and they stop themselves.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#[path = "../support/mod.rs"]
mod support;

mod drips;
mod some;

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    Begun, BulkOperation, BulkState, Changed, JobState, LetterFilter, Replay, ReplayState,
    Selection,
};
use support::{Bench, bury, kari, raw, refused, run, verdict};

async fn begin(bench: &Bench, selection: &Selection, rate: Option<u32>) -> String {
    let id = JobId::generate();
    let begun = bench
        .queue
        .begin_replay(id, selection, rate, &kari())
        .await
        .expect("begins");
    assert_eq!(begun, Begun::New);
    next_millisecond(bench).await;
    id.to_string()
}

/// Nothing is moved in the one that an operation began in.
async fn next_millisecond(bench: &Bench) {
    let began = bench.queue.now_ms().await.expect("has a clock");
    while bench.queue.now_ms().await.expect("has a clock") == began {}
}

async fn replay(bench: &Bench, id: &str) -> Replay {
    let found = bench.queue.find_replay(id).await.expect("looks");
    found.expect("is there")
}

/// As if the last step had been so long ago.
async fn back_date(bench: &Bench, id: &str, field: &str, ms: u64) {
    let key = &bench.queue.keys().operations;
    let now = bench.queue.now_ms().await.expect("has a clock");
    let _: u8 = bench
        .text(&format!("HSET {key} {id}:{field} {}", now - ms))
        .await;
}

async fn step(bench: &Bench) -> Option<Duration> {
    bench.queue.advance_operations().await.expect("steps")
}

async fn stats(bench: &Bench) -> (u64, u64) {
    let stats = bench.queue.stats().await.expect("counts");
    (stats.pending, stats.dead)
}

#[tokio::test]
async fn a_replay_of_many_comes_to_its_end_and_takes_no_letter_that_died_later() {
    let bench = Bench::new();
    bury(&bench, 1200, "400").await;
    let id = begin(&bench, &Selection::All, None).await;
    // Newly dead, and one that dies again.
    let late = bench.enqueue(1).await[0];
    let worker = bench.worker("late").await;
    run(&bench, &worker, 1, &refused("later")).await;
    let k = bench.queue.keys();
    let later = bench.queue.now_ms().await.expect("has a clock") + 60_000;
    let _: u8 = bench
        .text(&format!("ZADD {} {} {late}", k.dead, later / 1000))
        .await;
    assert_eq!(step(&bench).await, Some(Duration::ZERO));
    assert_eq!(stats(&bench).await, (500, 701));
    run(&bench, &worker, 1, &refused("again")).await;
    while step(&bench).await.is_some() {}
    assert_eq!(stats(&bench).await, (1199, 2));
    let over = replay(&bench, &id).await;
    assert_eq!(
        (over.state, over.total, over.moved),
        (ReplayState::Done, 1200, 1200)
    );
    assert!(over.ended_at_ms.is_some());
    // Each job's history says who replayed it, when, why, and by which operation.
    let job = bench.queue.job(&raw(late)).await.expect("looks");
    assert!(
        job.expect("is there")
            .history
            .iter()
            .all(|line| line.entry.is_attempt())
    );
    let pending = bench.claim(&worker, 1).await;
    let job = bench.queue.job(&pending[0].id).await.expect("looks");
    let line = job.expect("is there").history.pop().expect("has one").entry;
    assert_eq!(
        (line.outcome.as_str(), line.worker.as_str()),
        ("replayed", "kari")
    );
    assert_eq!(line.operation.as_deref(), Some(id.as_str()));
    assert_eq!(line.reason.as_deref(), Some("because"));
    let groups = bench.queue.dead_groups().await.expect("lists");
    assert_eq!(groups.len(), 2, "an empty group is gone");
    assert_eq!(step(&bench).await, None);
}

#[tokio::test]
async fn it_ends_even_if_letters_die_again_before_its_cut_off() {
    let bench = Bench::new();
    bury(&bench, 700, "400").await;
    let id = begin(&bench, &Selection::All, None).await;
    let worker = bench.worker("w").await;
    let mut steps = 0;
    while step(&bench).await.is_some() {
        steps += 1;
        assert!(steps < 10, "it goes round");
        // The clock was set back: they die before the others did.
        let claimed = bench.claim(&worker, 1000).await;
        for jobs in claimed.chunks(200) {
            let verdicts = jobs.iter().map(|job| verdict(job, refused("400")));
            bench.settle(&verdicts.collect::<Vec<_>>()).await;
        }
        for job in claimed {
            let k = bench.queue.keys();
            let _: u8 = bench
                .text(&format!("ZADD {} 1000 {}", k.dead, job.id))
                .await;
        }
    }
    let over = replay(&bench, &id).await;
    assert_eq!((over.state, over.moved), (ReplayState::Done, 700));
}

#[tokio::test]
async fn three_processes_together_keep_to_its_rate() {
    let bench = Bench::new();
    bury(&bench, 300, "400").await;
    let began = std::time::Instant::now();
    let id = begin(&bench, &Selection::All, Some(100)).await;
    let stepping = async || {
        let own = bench
            .queue
            .over(bench.queue.link().another(bench.queue.link().options()));
        while own.advance_operations().await.expect("steps").is_some()
            && began.elapsed() < Duration::from_millis(500)
        {}
    };
    tokio::join!(stepping(), stepping(), stepping());
    let moved = replay(&bench, &id).await.moved;
    let most = began.elapsed().as_millis() as u64 / 10 + 1;
    assert!((1..=most).contains(&moved), "{moved} of at most {most}");
    // An hour's pause is not caught up with.
    back_date(&bench, &id, "stepped", 3_600_000).await;
    step(&bench).await;
    let more = replay(&bench, &id).await.moved - moved;
    assert!((95..=105).contains(&more), "{more}");
}

#[tokio::test]
async fn one_of_the_same_letters_runs_at_a_time_and_beginning_can_be_repeated() {
    let bench = Bench::new();
    let nothing = async |id, rate| {
        bench
            .queue
            .begin_replay(id, &Selection::All, rate, &kari())
            .await
            .expect("answers")
    };
    assert_eq!(nothing(JobId::generate(), None).await, Begun::Nothing);
    bury(&bench, 3, "400").await;
    let id = JobId::generate();
    for _ in 0..2 {
        assert_eq!(nothing(id, Some(5)).await, Begun::New);
    }
    let running = Begun::Running {
        id: id.to_string(),
        rate: Some(5),
    };
    assert_eq!(nothing(JobId::generate(), Some(9)).await, running);
    let group = bench.queue.dead_groups().await.expect("lists").remove(0).id;
    begin(&bench, &Selection::Group(group), None).await;
    assert_eq!(bench.queue.replays().await.expect("lists").len(), 2);
}

#[tokio::test]
async fn a_cancelled_one_moves_nothing_more_and_can_be_taken_up_again() {
    let bench = Bench::new();
    bury(&bench, 30, "413").await;
    let id = begin(&bench, &Selection::All, Some(100)).await;
    back_date(&bench, &id, "stepped", 100).await;
    step(&bench).await;
    let cancel = async || {
        bench
            .queue
            .cancel_operation(&id, &kari())
            .await
            .expect("answers")
    };
    assert_eq!(
        (cancel().await, cancel().await),
        (Changed::Yes, Changed::Same)
    );
    back_date(&bench, &id, "stepped", 100).await;
    assert_eq!(step(&bench).await, None);
    let moved = replay(&bench, &id).await.moved;
    assert_eq!(stats(&bench).await, (moved, 30 - moved));
    bench
        .queue
        .resume_operation(&id, &kari())
        .await
        .expect("resumes");
    back_date(&bench, &id, "stepped", 1000).await;
    step(&bench).await;
    assert_eq!(stats(&bench).await, (30, 0));
    back_date(&bench, &id, "heard", 31_000).await;
    step(&bench).await;
    assert_eq!(cancel().await, Changed::Over);
    let nobody = bench.queue.cancel_operation("nobody", &kari()).await;
    assert_eq!(nobody.expect("answers"), Changed::Unknown);
}

#[tokio::test]
async fn an_open_one_is_found_by_those_who_look_for_work_anyway() {
    let bench = Bench::new();
    bury(&bench, 1, "413").await;
    let worker = bench.worker("w").await;
    let seen = async || {
        let stale = Duration::from_secs(10);
        let beat = bench.queue.beat(&worker, stale, 1, 0).await.expect("beats");
        let idle = bench.queue.peek(false).await.expect("looks");
        let waiting = bench.queue.peek(true).await.expect("looks");
        (beat.replays, idle.replays, waiting.replays, waiting.work)
    };
    assert_eq!(seen().await, (false, false, false, false));
    let id = begin(&bench, &Selection::All, Some(1)).await;
    assert_eq!(seen().await, (true, true, true, false));
    bench.enqueue(1).await;
    assert_eq!(seen().await, (true, true, true, true));
    bench
        .queue
        .cancel_operation(&id, &kari())
        .await
        .expect("ends");
    assert_eq!(seen().await, (false, false, false, true));
}

#[tokio::test]
async fn the_last_hundred_are_remembered_and_all_that_are_open() {
    let bench = Bench::new();
    bury(&bench, 2, "413").await;
    let group = bench.queue.dead_groups().await.expect("lists").remove(0).id;
    let open = begin(&bench, &Selection::Group(group), Some(1)).await;
    for _ in 0..105 {
        let id = begin(&bench, &Selection::All, Some(1)).await;
        bench
            .queue
            .cancel_operation(&id, &kari())
            .await
            .expect("ends");
    }
    let replays = bench.queue.replays().await.expect("lists");
    assert_eq!(replays.len(), 101);
    assert_eq!(replays[100].as_ref().expect("one").id, open);
    let all = format!("HKEYS {}", bench.queue.keys().operations);
    let fields: Vec<String> = bench.text(&all).await;
    let ids = fields.iter().filter_map(|field| field.split_once(':'));
    let ids: BTreeSet<_> = ids.map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 101);
}

#[tokio::test]
async fn an_operation_that_is_forgotten_is_not_begun_anew_by_a_report() {
    let bench = Bench::new();
    bury(&bench, 1, "413").await;
    let worker = bench.worker("w").await;
    let id = begin(&bench, &Selection::All, Some(100)).await;
    back_date(&bench, &id, "stepped", 100).await;
    step(&bench).await;
    let key = &bench.queue.keys().operations;
    let _: u8 = bench.text(&format!("DEL {key}")).await;
    run(&bench, &worker, 1, &refused("413")).await;
    let left: u8 = bench.text(&format!("EXISTS {key}")).await;
    assert_eq!((left, step(&bench).await), (0, None));
}

#[tokio::test]
async fn named_ones_drip_in_too_and_those_that_are_gone_are_passed_over() {
    let bench = Bench::new();
    let dead = bury(&bench, 5, "413").await;
    let id = JobId::generate();
    let named: Vec<_> = dead[..4].iter().map(|id| raw(*id)).collect();
    let begun = async || {
        let begun = bench
            .queue
            .begin_replay_of(id, &named, Some(100), &kari())
            .await;
        begun.expect("begins")
    };
    assert_eq!((begun().await, begun().await), (Begun::New, Begun::New));
    next_millisecond(&bench).await;
    let id = id.to_string();
    let taken = [named[1].clone()];
    bench
        .queue
        .discard(&taken, &kari())
        .await
        .expect("discards");
    back_date(&bench, &id, "stepped", 1000).await;
    step(&bench).await;
    let now = replay(&bench, &id).await;
    assert_eq!(
        (now.state, now.total, now.moved),
        (ReplayState::Watching, 4, 3)
    );
    assert_eq!(now.selection, None);
    assert_eq!(stats(&bench).await, (3, 1));
    let nobody = [raw(JobId::generate())];
    let nothing = bench
        .queue
        .begin_replay_of(JobId::generate(), &nobody, None, &kari())
        .await;
    assert_eq!(nothing.expect("answers"), Begun::Nothing);
}

/// What a group lists is only an index: a job that it names and that is not dead is left alone, and listed no more.
#[tokio::test]
async fn a_job_that_a_group_lists_and_that_lives_is_not_touched() {
    let bench = Bench::new();
    bury(&bench, 2, "400").await;
    let k = bench.queue.keys();
    let group = bench.queue.dead_groups().await.expect("lists").remove(0).id;
    let waits = bench.enqueue(1).await[0];
    let now = bench.queue.now_ms().await.expect("has a clock");
    let ghost = format!("{group} {:013} {waits}", now - 1000);
    let ghost = async || {
        let _: u8 = bench
            .raw(&[b"ZADD", k.letters.as_bytes(), b"0", ghost.as_bytes()])
            .await;
    };
    ghost().await;
    let of = Selection::Group(group.clone());
    let replay = JobId::generate();
    let begun = bench.queue.begin_replay(replay, &of, None, &kari()).await;
    begun.expect("begins");
    while bench
        .queue
        .advance_operations()
        .await
        .expect("steps")
        .is_some()
    {}
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.dead), (3, 0));

    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 3).await;
    let verdicts = claimed.iter().filter(|job| job.id != raw(waits));
    let verdicts: Vec<_> = verdicts.map(|job| verdict(job, refused("400"))).collect();
    bench.settle(&verdicts).await;
    ghost().await;
    let id = JobId::generate();
    let all = LetterFilter::default();
    let begun = bench.queue.begin_discard(id, &of, &all, 0, &kari()).await;
    begun.expect("begins");
    while step(&bench).await.is_some() {}
    let operation = bench.queue.find_operation(&id.to_string()).await;
    let Some(BulkOperation::Discard(discard)) = operation.expect("looks") else {
        panic!("it is a discard");
    };
    assert_eq!((discard.done, discard.state), (2, BulkState::Done));
    let job = bench.queue.job(&raw(waits)).await.expect("looks");
    assert_eq!(job.expect("is there").state, JobState::Running);
    let left: u64 = bench.text(&format!("ZCARD {}", k.letters)).await;
    assert_eq!(left, 0);
}
