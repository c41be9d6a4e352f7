//! Who is alive, and what becomes of the jobs of those who are not.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_queue::{CallReport, ClaimContext, Fate, LostJob, MAX_LOST, Verdict, decide_lost};
use support::{Bench, LOST, STALE, ids, set, verdict};

const LATE: Duration = Duration::from_secs(16);
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_lost_workers_jobs_are_taken_over_and_it_can_write_nothing_any_more() {
    let bench = Bench::new();
    let enqueued = bench.enqueue(3).await;
    let (dead, alive) = (bench.worker("dead").await, bench.worker("alive").await);
    let theirs = bench.claim(&dead, 2).await;
    let mine = bench.claim(&alive, 1).await;
    bench.back_date_worker(&dead, LATE).await;
    let beat = bench.queue.beat(&alive, STALE, 1, 0).await.expect("beats");
    assert!(beat.stalest_other.is_some_and(|age| age >= LATE));
    assert!(!beat.alone, "an idle look is not to be left to it");

    let sweep = bench
        .queue
        .sweep(&alive, LOST)
        .await
        .expect("sweeps")
        .expect("has a lease");
    let taken = set(sweep.taken.iter().filter_map(|taken| taken.id.job_id()));
    assert_eq!(taken, set(enqueued[..2].iter().copied()));
    assert!(
        sweep
            .taken
            .iter()
            .all(|taken| taken.worker == dead.worker().as_str() && !taken.payload.is_empty())
    );
    assert_eq!(sweep.own, [(mine[0].id.clone(), mine[0].token.to_string())]);
    let lost = bench.queue.lost_jobs(HOUR, 10).await.expect("reads");
    assert_eq!(set(lost.iter().filter_map(|job| job.id.job_id())), taken);
    let of_dead = |job: &LostJob| job.worker == dead.worker().as_str() && job.at_ms > 0;
    assert!(lost.iter().all(of_dead), "{lost:?}");
    // What is taken again was noted before, and is counted once.
    let again = bench.queue.sweep(&alive, LOST).await.expect("sweeps");
    assert_eq!(again.expect("has a lease").taken.len(), 2);
    let lately = bench.queue.stats().await.expect("counts").lost;
    let lately = lately.expect("two were lost");
    assert_eq!((lately.jobs, lately.last_at_ms), (2, lost[0].at_ms));
    let few = bench.queue.lost_jobs(HOUR, 1).await.expect("reads");
    assert_eq!(few.len(), 1);
    let _: u8 = bench
        .text(&format!("DEL {}", bench.queue.keys().lost))
        .await;
    assert_eq!(bench.queue.stats().await.expect("counts").lost, None);

    assert_eq!(
        bench.settle(&[verdict(&theirs[0], support::done())]).await,
        [false]
    );
    let beat = bench.queue.beat(&dead, STALE, 1, 0).await.expect("answers");
    assert!(!beat.held, "the loser learns of it");
}

#[tokio::test]
async fn nobody_is_rescued_before_the_time_and_nobody_rescues_itself() {
    let bench = Bench::new();
    bench.enqueue(2).await;
    let (a, b) = (bench.worker("a").await, bench.worker("b").await);
    bench.claim(&a, 1).await;
    bench.claim(&b, 1).await;
    bench.back_date_worker(&a, Duration::from_secs(14)).await;
    bench.back_date_worker(&b, LATE).await;
    let sweep = bench
        .queue
        .sweep(&b, LOST)
        .await
        .expect("sweeps")
        .expect("has a lease");
    assert_eq!((sweep.taken.len(), sweep.own.len()), (0, 1));
}

#[tokio::test]
async fn after_an_outage_the_first_one_back_does_not_rescue_the_living() {
    let bench = Bench::new();
    bench.enqueue(2).await;
    let (a, b) = (bench.worker("a").await, bench.worker("b").await);
    bench.claim(&a, 1).await;
    for worker in [&a, &b] {
        bench
            .back_date_worker(worker, Duration::from_secs(40))
            .await;
    }
    let beat = bench.queue.beat(&b, STALE, 1, 0).await.expect("beats");
    assert!(
        beat.held
            && beat
                .stalest_other
                .is_some_and(|age| age < Duration::from_secs(20))
    );
    let sweep = bench
        .queue
        .sweep(&b, LOST)
        .await
        .expect("sweeps")
        .expect("has a lease");
    assert!(sweep.taken.is_empty());
    assert!(bench.queue.beat(&a, STALE, 1, 0).await.expect("beats").held);
    // The same for one who joins.
    for worker in [&a, &b] {
        bench
            .back_date_worker(worker, Duration::from_secs(40))
            .await;
    }
    let c = bench.worker("c").await;
    let sweep = bench
        .queue
        .sweep(&c, LOST)
        .await
        .expect("sweeps")
        .expect("has a lease");
    assert!(sweep.taken.is_empty());
}

#[tokio::test]
async fn a_job_whose_owner_has_no_lease_at_all_is_found_too() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    let (gone, alive) = (bench.worker("gone").await, bench.worker("alive").await);
    bench.claim(&gone, 1).await;
    let _: u8 = bench
        .text(&format!(
            "ZREM {} {}",
            bench.queue.keys().workers,
            gone.worker()
        ))
        .await;
    let sweep = bench
        .queue
        .sweep(&alive, LOST)
        .await
        .expect("sweeps")
        .expect("has a lease");
    assert_eq!(sweep.taken[0].id, support::raw(id));
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_found_as_owned_and_unknown() {
    let bench = Bench::new();
    let enqueued = bench.enqueue(450).await;
    let worker = bench.worker("w").await;
    bench.claim(&worker, 450).await;
    let sweep = bench
        .queue
        .sweep(&worker, LOST)
        .await
        .expect("sweeps")
        .expect("has a lease");
    assert_eq!(
        (sweep.own.len(), sweep.taken.len()),
        (450, 0),
        "over several chunks"
    );
    for chunk in sweep.own.chunks(200) {
        let back: Vec<_> = chunk
            .iter()
            .map(|(id, token)| Verdict {
                id: id.clone(),
                token: token.as_str().into(),
                kind: None,
                fate: Fate::Untouched,
                state: longshore_queue::RunState::default(),
                history: None,
                key: None,
                put_back: None,
                payload_bytes: 0,
                report: CallReport::Nothing,
                context: ClaimContext::default(),
            })
            .collect();
        assert!(bench.settle(&back).await.iter().all(|written| *written));
    }
    let again = set(ids(&bench.claim(&worker, 450).await));
    assert!(again == set(enqueued), "all are there again");
}

#[tokio::test]
async fn a_job_that_takes_its_workers_with_it_is_dead_the_third_time() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    let rescuer = bench.worker("rescuer").await;
    for n in 1..=MAX_LOST {
        let victim = bench.worker("victim").await;
        assert_eq!(bench.claim(&victim, 1).await.len(), 1, "time {n}");
        bench.back_date_worker(&victim, LATE).await;
        let sweep = bench
            .queue
            .sweep(&rescuer, LOST)
            .await
            .expect("sweeps")
            .expect("has a lease");
        let taken = &sweep.taken[0];
        let decision = decide_lost(taken.run, taken.by_fallback, &support::policy());
        let verdict = Verdict {
            id: taken.id.clone(),
            token: taken.token.clone(),
            kind: Some("send_email".to_owned()),
            fate: decision.fate,
            state: decision.state,
            history: None,
            key: None,
            put_back: None,
            payload_bytes: 0,
            report: CallReport::Nothing,
            context: ClaimContext::default(),
        };
        assert_eq!(bench.settle(&[verdict]).await, [true]);
    }
    let groups = bench.queue.dead_groups().await.expect("lists");
    assert_eq!(
        groups[0].cause.as_ref().expect("described").to_string(),
        "poison: worker lost three times"
    );
    assert!(
        bench
            .queue
            .job(&support::raw(id))
            .await
            .expect("looks")
            .is_some()
    );
}

#[tokio::test]
async fn a_rescue_that_was_not_settled_is_taken_again_and_never_given_back_as_unsent() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    let (dead, alive) = (bench.worker("dead").await, bench.worker("alive").await);
    bench.claim(&dead, 1).await;
    bench.back_date_worker(&dead, LATE).await;
    let sweep = async || {
        bench
            .queue
            .sweep(&alive, LOST)
            .await
            .expect("sweeps")
            .expect("has a lease")
    };
    let first = sweep().await;
    let second = sweep().await;
    assert!(first.own.is_empty() && second.own.is_empty());
    assert_eq!(second.taken[0].id, support::raw(id));
    // Only the latest token counts.
    let settle = async |taken: &longshore_queue::RescuedJob| {
        let decision = decide_lost(taken.run, taken.by_fallback, &support::policy());
        let verdict = Verdict {
            id: taken.id.clone(),
            token: taken.token.clone(),
            kind: None,
            fate: decision.fate,
            state: decision.state,
            history: None,
            key: None,
            put_back: None,
            payload_bytes: 0,
            report: CallReport::Nothing,
            context: ClaimContext::default(),
        };
        bench.settle(&[verdict]).await
    };
    assert_eq!(settle(&first.taken[0]).await, [false]);
    assert_eq!(settle(&second.taken[0]).await, [true]);
    let run = bench.claim(&alive, 1).await[0].run;
    assert!(run.may_have_been_sent && run.lost == 1);
}
