//! A fleet on a real Redis: what happens to jobs whose runs end in every way there is.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#[path = "../support/mod.rs"]
mod support;

mod going_on;
mod stop;

use std::time::Duration;

use longshore_job::RetrySchedule;
use longshore_queue::{JobState, Lane, NewJob, OnUnknown, Policy, Priority, Signed};
use longshore_tests::eventually;
use support::{Bench, Does, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_jobs_enqueued_before_it_starts_run_once_each() {
    let bench = Bench::new();
    let ids = bench.enqueue_many(Does::Nothing, 20_000).await;
    let running = bench.start();
    bench.completed(20_000).await;
    assert_eq!(running.stop().await.unsettled, Vec::<String>::new());
    let seen = bench.probing.seen.lock().expect("not poisoned");
    assert!(ids.iter().all(|id| seen.started.get(id) == Some(&1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_of_a_run_is_an_outcome() {
    let bench = Bench::new();
    let impatient = longshore_worker::WorkSettings {
        timeout: Duration::from_millis(300),
        ..settings()
    };
    let running = bench.start_with(impatient, Duration::from_secs(5));
    let table = [
        (Does::Sends, JobState::Completed, "completed", None),
        (Does::Panics, JobState::Retryable, "failed", Some("panic")),
        (
            Does::Hangs,
            JobState::Retryable,
            "failed",
            Some("timed out"),
        ),
        (
            Does::SendsThenHangs,
            JobState::Retryable,
            "outcome_unknown",
            Some("timed out"),
        ),
        (Does::IsRefused, JobState::Dead, "refused", None),
        (Does::Fails, JobState::Retryable, "failed", None),
    ];
    for (does, state, outcome, code) in table {
        let id = bench.enqueue(does).await;
        bench.is(id, state).await;
        let job = bench
            .queue
            .job(&id.into())
            .await
            .expect("looks")
            .expect("is there");
        let last = job.history.last().expect("has a history");
        let seen = (
            last.entry.outcome.as_str(),
            last.entry.answer.code.as_deref(),
        );
        assert_eq!(seen, (outcome, code), "{does:?}");
        assert!(last.entry.worker.starts_with("test-"));
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_come_when_the_schedule_says_and_hold_no_slot() {
    let bench = Bench::new();
    let one_slot = longshore_worker::WorkSettings {
        concurrency: 1,
        ..settings()
    };
    let running = bench.start_with(one_slot, Duration::from_secs(5));
    let failing = bench.enqueue(Does::Fails).await;
    bench.is(failing, JobState::Retryable).await;
    let k = bench.queue.keys();
    for (attempt, wait) in [(1, 60.0), (2, 300.0), (3, 900.0)] {
        eventually("the attempt is settled", || async {
            let job = bench
                .queue
                .job(&failing.into())
                .await
                .expect("looks")
                .expect("is there");
            job.state == JobState::Retryable && job.run.used == attempt
        })
        .await;
        let job = bench
            .queue
            .job(&failing.into())
            .await
            .expect("looks")
            .expect("is there");
        let failed_at = job.history.last().expect("has a history").at_ms;
        let gap = (job.next_run_at_ms.expect("is scheduled") - failed_at) as f64 / 1000.0;
        assert!((gap - wait).abs() < 0.002, "{gap} after attempt {attempt}");
        // While it waits, its slot is free.
        let other = bench.enqueue(Does::Nothing).await;
        bench.is(other, JobState::Completed).await;
        let _: u8 = bench
            .queue
            .link()
            .command(
                redis::cmd("ZADD")
                    .arg(&k.scheduled)
                    .arg(1)
                    .arg(failing.to_string()),
            )
            .await
            .expect("back-dates");
    }
    bench.is(failing, JobState::Dead).await;
    let groups = bench.queue.dead_groups().await.expect("lists");
    assert_eq!(
        (
            groups.len(),
            groups[0]
                .cause
                .as_ref()
                .expect("described")
                .to_string()
                .as_str()
        ),
        (1, "failed")
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shortened_schedule_is_kept_to_in_real_time() {
    let bench = Bench::new();
    let short = longshore_worker::WorkSettings {
        policy: Policy {
            schedule: RetrySchedule::new([300, 600, 900].map(Duration::from_millis)),
            on_unknown: OnUnknown::Retry,
        },
        ..settings()
    };
    let running = bench.start_with(short, Duration::from_secs(5));
    let id = bench.enqueue(Does::Fails).await;
    bench.is(id, JobState::Dead).await;
    let job = bench
        .queue
        .job(&id.into())
        .await
        .expect("looks")
        .expect("is there");
    let times: Vec<_> = job.history.iter().map(|recorded| recorded.at_ms).collect();
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (gap, wait) in gaps.iter().zip([300, 600, 900]) {
        assert!((wait..wait + 250).contains(gap), "{gaps:?}");
    }
    assert_eq!(gaps.len(), 3);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_stop_running_jobs_finish_and_no_more_are_taken() {
    let bench = Bench::new();
    let running = bench.start();
    let id = bench.enqueue(Does::WaitsThenSends).await;
    bench.running(1).await;
    running.stop.send(()).await.expect("hears");
    let late = bench.enqueue(Does::Sends).await;
    bench.probing.word.add_permits(1);
    let left = running.fleet.await.expect("no panic").expect("ends well");
    assert_eq!(left.unsettled, Vec::<String>::new());
    assert_eq!(bench.state(id).await, Some(JobState::Completed));
    assert_eq!(bench.state(late).await, Some(JobState::Pending));
    assert_eq!(
        bench.queue.stats().await.expect("counts").workers,
        0,
        "it has left"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_drains_end_what_was_not_sent_is_given_back_and_the_rest_is_unknown() {
    let bench = Bench::new();
    let running = bench.start_with(settings(), Duration::from_millis(300));
    let unsent = bench.enqueue(Does::Hangs).await;
    let sent = bench.enqueue(Does::SendsThenHangs).await;
    bench.running(2).await;
    eventually("it has sent", || async { bench.probing.sent(sent) == 1 }).await;
    assert_eq!(running.stop().await.unsettled, Vec::<String>::new());
    let unsent = bench
        .queue
        .job(&unsent.into())
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!(
        (unsent.state, unsent.run.used, unsent.history.len()),
        (JobState::Pending, 0, 0)
    );
    let sent = bench
        .queue
        .job(&sent.into())
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!((sent.state, sent.run.used), (JobState::Retryable, 1));
    assert!(sent.run.may_have_been_sent);
    assert_eq!(sent.history[0].entry.outcome, "outcome_unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_rule_is_hold_an_unknown_outcome_waits_for_an_operator() {
    let bench = Bench::new();
    let hold = longshore_worker::WorkSettings {
        timeout: Duration::from_millis(200),
        policy: Policy {
            on_unknown: OnUnknown::Hold,
            ..settings().policy
        },
        ..settings()
    };
    let running = bench.start_with(hold, Duration::from_secs(5));
    let id = bench.enqueue(Does::SendsThenHangs).await;
    bench.is(id, JobState::Dead).await;
    let groups = bench.queue.dead_groups().await.expect("lists");
    let cause = groups[0].cause.as_ref().expect("described");
    assert_eq!(cause.to_string(), "outcome unknown: timed out");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_queue_stands_still_and_goes_on_at_once() {
    let bench = Bench::new();
    bench
        .queue
        .pause(&Signed::new("ada", ""))
        .await
        .expect("pauses");
    let running = bench.start();
    let id = bench.enqueue(Does::Nothing).await;
    eventually("the worker is there", || async {
        bench.queue.stats().await.expect("counts").workers == 1
    })
    .await;
    assert_eq!(bench.state(id).await, Some(JobState::Pending));
    bench
        .queue
        .resume(&Signed::new("ada", ""))
        .await
        .expect("resumes");
    bench.is(id, JobState::Completed).await;
    running.stop().await;
}

/// All slots but one are busy, and more normal jobs wait: the last slot is for the urgent one, which has not to wait for a look.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_urgent_job_finds_a_slot_where_others_fill_the_rest() {
    let bench = Bench::new();
    let urgent = async || {
        let job = NewJob {
            lane: Lane::of(Priority::High),
            ..support::new_job(Does::Nothing)
        };
        bench
            .queue
            .enqueue(std::slice::from_ref(&job))
            .await
            .expect("enqueues");
        bench.is(job.id, JobState::Completed).await;
    };
    let two = longshore_worker::WorkSettings {
        concurrency: 2,
        ..settings()
    };
    let running = bench.start_with(two, Duration::from_secs(5));
    urgent().await;
    for _ in 0..3 {
        bench.enqueue(Does::WaitsThenSends).await;
    }
    bench.running(2).await;
    let before = bench.queue.stats().await.expect("counts");
    assert_eq!((before.running, before.pending), (1, 2));
    for _ in 0..5 {
        urgent().await;
    }
    // With a slot free beside the kept one, the others go on.
    bench.probing.word.add_permits(3);
    bench.completed(9).await;
    running.stop().await;
}
