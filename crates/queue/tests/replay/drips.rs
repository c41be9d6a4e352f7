//! Drips: at what rate letters come back, and what stops them.

use std::time::Duration;

use longshore_job::{Answer, Cause, Class};
use longshore_queue::{
    Changed, ClaimContext, Fate, HistoryEntry, Lease, ReplayState, Route, Selection, Verdict,
};

use super::support::{Bench, bury, done, kari, refused, run, verdict};
use super::{back_date, begin, replay, step};

/// Drips letters in at 1/s, each at once, and has them end so.
async fn drip(bench: &Bench, id: &str, worker: &Lease, n: u64, fate: &Fate) {
    for _ in 0..n {
        back_date(bench, id, "stepped", 1000).await;
        step(bench).await;
        run(bench, worker, 10, fate).await;
    }
}

#[tokio::test]
async fn a_drip_stops_itself_after_ten_failures_of_the_same_cause_and_goes_on_where_it_was() {
    let bench = Bench::new();
    let dead = bury(&bench, 40, "413").await;
    let worker = bench.worker("w").await;
    let id = begin(&bench, &Selection::All, Some(1)).await;
    drip(&bench, &id, &worker, 9, &refused("413")).await;
    drip(&bench, &id, &worker, 1, &done()).await;
    drip(&bench, &id, &worker, 8, &refused("413")).await;
    let now = replay(&bench, &id).await;
    assert_eq!(
        (now.state, now.again, now.completed),
        (ReplayState::Running, 17, 1),
        "a success begins the row anew"
    );
    drip(&bench, &id, &worker, 2, &refused("413")).await;
    let stopped = replay(&bench, &id).await;
    assert_eq!(stopped.state, ReplayState::Stopped);
    assert_eq!(stopped.cause.as_deref(), Some("refused by sendgrid: 413"));
    let moved = stopped.moved;
    assert!(moved < 40, "{moved}");
    assert_eq!(step(&bench).await, None);

    assert_eq!(
        bench
            .queue
            .resume_operation(&id, &kari())
            .await
            .expect("resumes"),
        Changed::Yes
    );
    assert_eq!(
        bench
            .queue
            .resume_operation(&id, &kari())
            .await
            .expect("is"),
        Changed::Same
    );
    drip(&bench, &id, &worker, 40, &done()).await;
    let over = replay(&bench, &id).await;
    assert_eq!(
        (over.state, over.moved, over.cause),
        (ReplayState::Done, 40, None)
    );
    assert_eq!(over.completed + over.again, 40);
    // Those that died again are left, and nothing is lost.
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(
        (stats.dead, stats.counter("completed")),
        (over.again, over.completed)
    );
    assert_eq!(dead.len() as u64, over.total);

    let told = bench.queue.audit(None, 10).await.expect("reads");
    let last = format!(
        "40 replayed: {} completed, {} failed",
        over.completed, over.again
    );
    assert_eq!(told[0].result, last, "as the command and the list have it");
    let stopped = format!("{moved} replayed; ");
    assert!(told[2].result.starts_with(&stopped), "{:?}", told[2]);
    let told: Vec<_> = told.iter().rev().map(|e| (&*e.by, &*e.action)).collect();
    assert_eq!(
        told,
        [
            ("kari", "replay"),
            ("longshore", "replay_stopped"),
            ("kari", "replay_resume"),
            ("longshore", "replay_done")
        ]
    );
}

#[tokio::test]
async fn more_than_half_of_the_last_twenty_is_too_many_and_other_causes_are_told_apart() {
    let bench = Bench::new();
    bury(&bench, 100, "413").await;
    let worker = bench.worker("w").await;
    let id = begin(&bench, &Selection::All, Some(1)).await;
    for n in 0..10 {
        drip(&bench, &id, &worker, 2, &refused("413")).await;
        drip(&bench, &id, &worker, 1, &done()).await;
        let state = replay(&bench, &id).await.state;
        if state == ReplayState::Stopped {
            assert!(n >= 6, "after {} reports", n * 3 + 3);
            break;
        }
    }
    assert_eq!(replay(&bench, &id).await.state, ReplayState::Stopped);

    bench
        .queue
        .resume_operation(&id, &kari())
        .await
        .expect("resumes");
    for n in 0..12 {
        drip(&bench, &id, &worker, 1, &refused(&format!("other {n}"))).await;
    }
    let now = replay(&bench, &id).await;
    assert_eq!((now.state, now.otherwise), (ReplayState::Running, 12));
    drip(&bench, &id, &worker, 10, &refused("all alike")).await;
    let stopped = replay(&bench, &id).await;
    assert_eq!(
        stopped.cause.as_deref(),
        Some("refused by sendgrid: all alike")
    );
}

/// A failed attempt, as a worker writes it.
fn failed(claimed: &longshore_queue::Claimed, fate: Fate) -> Verdict {
    let history = HistoryEntry {
        outcome: "failed".to_owned(),
        answer: Answer {
            status: Some(503),
            ..Answer::of("sendgrid")
        },
        ..HistoryEntry::default()
    };
    Verdict {
        history: Some(history),
        ..verdict(claimed, fate)
    }
}

#[tokio::test]
async fn a_first_attempt_that_is_made_again_later_counts_once_and_a_probe_before_it() {
    let bench = Bench::new();
    let cause = Cause {
        class: Class::Failed,
        provider: Some("sendgrid".into()),
        code: Some("503".to_owned()),
    };
    bench.enqueue(2).await;
    let worker = bench.worker("w").await;
    run(&bench, &worker, 2, &Fate::Dead { cause }).await;
    let id = begin(&bench, &Selection::All, Some(100)).await;
    back_date(&bench, &id, "stepped", 100).await;
    step(&bench).await;
    // One is a probe, and goes back at the cost of no attempt; one waits for its retry.
    let claimed = bench.claim(&worker, 2).await;
    let probe = Verdict {
        context: ClaimContext {
            route: Route::Probe,
            ..claimed[0].context
        },
        ..failed(&claimed[0], Fate::Back)
    };
    let after = Duration::from_secs(60);
    bench
        .settle(&[probe, failed(&claimed[1], Fate::Retry { after })])
        .await;
    let now = replay(&bench, &id).await;
    assert_eq!(
        (now.state, now.again, now.otherwise),
        (ReplayState::Watching, 1, 0)
    );
    // Its second attempt is its own.
    bench.make_due().await;
    let claimed = bench.claim(&worker, 2).await;
    assert_eq!(claimed.len(), 2);
    let verdicts: Vec<_> = claimed.iter().map(|job| verdict(job, done())).collect();
    bench.settle(&verdicts).await;
    let now = replay(&bench, &id).await;
    assert_eq!(
        (now.first_completed, now.again, now.completed),
        (1, 1, 2),
        "the probe's job has reported"
    );
    step(&bench).await;
    assert_eq!(replay(&bench, &id).await.state, ReplayState::Done);
}

#[tokio::test]
async fn what_was_only_put_back_reports_when_it_has_run() {
    let bench = Bench::new();
    bury(&bench, 1, "413").await;
    let worker = bench.worker("w").await;
    let id = begin(&bench, &Selection::All, Some(1)).await;
    drip(&bench, &id, &worker, 1, &Fate::Untouched).await;
    let later = Fate::Later {
        after: Duration::from_secs(60),
    };
    run(&bench, &worker, 1, &later).await;
    bench.make_due().await;
    let now = replay(&bench, &id).await;
    assert!(now.state.is_open(), "{now:?}");
    assert_eq!(now.completed + now.again + now.otherwise, 0);
    run(&bench, &worker, 1, &done()).await;
    assert_eq!(replay(&bench, &id).await.completed, 1);
}

#[tokio::test]
async fn a_drip_holds_while_the_queue_is_held_or_full_and_gives_silent_runs_up() {
    let bench = Bench::new();
    bury(&bench, 5, "413").await;
    let id = begin(&bench, &Selection::All, Some(100)).await;
    bench.queue.pause(&kari()).await.expect("pauses");
    back_date(&bench, &id, "stepped", 20).await;
    assert_eq!(step(&bench).await, Some(Duration::from_secs(1)));
    bench.queue.resume(&kari()).await.expect("resumes");
    let waiting = bench.enqueue(1000).await;
    back_date(&bench, &id, "stepped", 20).await;
    step(&bench).await;
    assert_eq!(
        replay(&bench, &id).await.moved,
        0,
        "a thousand wait already"
    );
    let worker = bench.worker("w").await;
    while run(&bench, &worker, 200, &done()).await > 0 {}
    assert_eq!(waiting.len(), 1000);
    back_date(&bench, &id, "stepped", 1000).await;
    step(&bench).await;
    back_date(&bench, &id, "heard", 29_000).await;
    step(&bench).await;
    let now = replay(&bench, &id).await;
    assert_eq!((now.state, now.moved), (ReplayState::Watching, 5));
    back_date(&bench, &id, "heard", 31_000).await;
    assert_eq!(step(&bench).await, None);
    assert_eq!(replay(&bench, &id).await.state, ReplayState::Done);
}
