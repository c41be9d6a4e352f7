//! Jobs that run are asked to stop, and what they come to is seen when their verdict is written.

use std::sync::Arc;
use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    BulkOperation, Cancelled, Claimed, Fate, Heard, HistoryEntry, JobFilter, JobInfo, JobState,
    Lease, Minute, RunState, Verdict, Wakes, decide_lost, decide_stopped,
};
use tokio::sync::mpsc;

use super::{MINUTE, cancel, failed, keyed, state};
use crate::support::{Bench, LOST, STALE, done, job, kari, policy, raw, refused, verdict};

/// A job that a worker has, and that was asked to stop.
async fn asked(bench: &Bench, worker: &Lease, key: &str, force: bool) -> (JobId, Claimed) {
    let id = bench.enqueue_all(&[keyed(key)]).await[0];
    let claimed = bench.claim(worker, 1).await.remove(0);
    assert_eq!(cancel(bench, id, force).await, Cancelled::Asked);
    (id, claimed)
}

async fn look(bench: &Bench, id: JobId) -> JobInfo {
    let job = bench.queue.job(&raw(id)).await.expect("looks");
    job.expect("is known")
}

/// As the worker has it that did not run the job.
fn put_back(claimed: &Claimed, fate: Fate) -> Verdict {
    let mut verdict = verdict(claimed, fate);
    (verdict.state, verdict.history) = (claimed.run, None);
    verdict
}

/// Whether another job may have this key.
async fn is_free(bench: &Bench, key: &str) -> bool {
    let again = bench.queue.enqueue(&[keyed(key)]).await.expect("enqueues");
    !again[0].duplicate
}

#[tokio::test]
async fn what_was_never_sent_and_would_wait_again_is_cancelled() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let fax = "send_fax".to_owned();
    let fates = [
        Fate::Retry { after: MINUTE },
        Fate::Later { after: MINUTE },
        Fate::Back,
        Fate::Untouched,
        Fate::Parked { kind: fax },
    ];
    for (n, fate) in fates.into_iter().enumerate() {
        let key = format!("k{n}");
        let (id, claimed) = asked(&bench, &worker, &key, false).await;
        assert_eq!(cancel(&bench, id, false).await, Cancelled::Asked, "again");
        let running = look(&bench, id).await;
        let request = running.asked_to_stop.expect("is asked");
        assert_eq!(running.state, JobState::Running);
        assert_eq!(
            (request.by.as_str(), request.reason.as_str(), request.force),
            ("kari", "because", false)
        );
        let verdict = match fate {
            Fate::Retry { .. } => failed(&claimed, false),
            ref fate => put_back(&claimed, fate.clone()),
        };
        assert_eq!(bench.settle(&[verdict]).await, [true]);
        let job = look(&bench, id).await;
        assert_eq!(job.state, JobState::Cancelled, "{fate:?}");
        assert!(job.asked_to_stop.is_none() && job.ended_at_ms.is_some());
        assert!(!job.run.may_have_been_sent && job.broken.is_none());
        let last = &job.history.last().expect("says who").entry;
        assert_eq!(
            (last.outcome.as_str(), last.worker.as_str()),
            ("cancelled", "kari")
        );
        assert_eq!(last.reason.as_deref(), Some("because"));
        // What came before it is told, too.
        let entries = usize::from(matches!(fate, Fate::Retry { .. })) + 1;
        assert_eq!(job.history.len(), entries, "{:?}", job.history);
        assert!(is_free(&bench, &key).await, "{fate:?}");
        let other = bench.claim(&worker, 10).await.remove(0);
        assert_eq!(bench.settle(&[verdict_done(&other)]).await, [true]);
    }
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(
        (
            stats.pending,
            stats.scheduled,
            stats.retryable,
            stats.running,
            stats.parked
        ),
        (0, 0, 0, 0, 0)
    );
    assert_eq!(stats.counter("cancelled"), 5);
    let minutes = bench.queue.minutes().await;
    let counted: Vec<Minute> = minutes.expect("reads");
    assert_eq!(
        counted.iter().map(|minute| minute.cancelled).sum::<u64>(),
        5
    );
    let audit = bench.queue.audit(None, 100).await.expect("reads");
    assert!(audit.iter().all(|entry| entry.action == "stop"));
    assert_eq!(audit.len(), 5, "asked once, told once");
}

fn verdict_done(claimed: &Claimed) -> Verdict {
    verdict(claimed, done())
}

#[tokio::test]
async fn what_may_have_been_sent_goes_on_unless_it_is_forced() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let (id, claimed) = asked(&bench, &worker, "goes on", false).await;
    assert_eq!(bench.settle(&[failed(&claimed, true)]).await, [true]);
    let job = look(&bench, id).await;
    assert_eq!(job.state, JobState::Retryable);
    assert!(job.asked_to_stop.is_none() && job.run.may_have_been_sent);
    assert_eq!(job.was_asked_to_stop.expect("is shown").by, "kari");
    // Its next run is another one's: nobody asked that to stop.
    bench.make_due().await;
    let again = bench.claim(&worker, 1).await.remove(0);
    assert_eq!(
        cancel(&bench, id, false).await,
        Cancelled::MayHaveBeenSent,
        "an earlier run may have been carried out"
    );
    assert!(look(&bench, id).await.asked_to_stop.is_none());
    assert_eq!(bench.settle(&[failed(&again, true)]).await, [true]);
    assert_eq!(state(&bench, id).await, Some(JobState::Retryable));
    bench.make_due().await;
    let again = bench.claim(&worker, 1).await.remove(0);
    assert_eq!(cancel(&bench, id, true).await, Cancelled::Asked);
    assert_eq!(bench.settle(&[failed(&again, true)]).await, [true]);

    // Asked first without force, then with it.
    let (forced, claimed) = asked(&bench, &worker, "forced", false).await;
    assert_eq!(cancel(&bench, forced, true).await, Cancelled::Asked);
    assert_eq!(bench.settle(&[failed(&claimed, true)]).await, [true]);
    for (id, key) in [(id, "goes on"), (forced, "forced")] {
        let job = look(&bench, id).await;
        assert_eq!(job.state, JobState::Cancelled);
        assert!(job.run.may_have_been_sent);
        assert!(!is_free(&bench, key).await, "its key is kept");
    }
}

#[tokio::test]
async fn what_has_completed_or_died_stays_so() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let (completed, claimed) = asked(&bench, &worker, "done", true).await;
    assert_eq!(bench.settle(&[verdict(&claimed, done())]).await, [true]);
    let job = look(&bench, completed).await;
    assert_eq!(job.state, JobState::Completed);
    assert_eq!(job.asked_to_stop.expect("is shown").by, "kari");
    let (dead, claimed) = asked(&bench, &worker, "dead", true).await;
    assert_eq!(
        bench.settle(&[verdict(&claimed, refused("550"))]).await,
        [true]
    );
    assert_eq!(state(&bench, dead).await, Some(JobState::Dead));
    bench
        .queue
        .replay(&[raw(dead)], &kari())
        .await
        .expect("replays");
    let again = bench.claim(&worker, 1).await.remove(0);
    assert!(look(&bench, dead).await.asked_to_stop.is_none());
    assert_eq!(bench.settle(&[failed(&again, false)]).await, [true]);
    assert_eq!(state(&bench, dead).await, Some(JobState::Retryable));
    // A claim that is only forgotten leaves nothing of it.
    let (listed, claimed) = asked(&bench, &worker, "listed", false).await;
    assert_eq!(
        bench.settle(&[put_back(&claimed, Fate::Forget)]).await,
        [true]
    );
    let records = &bench.queue.keys().records;
    let kept: u8 = bench.text(&format!("HEXISTS {records} {listed}")).await;
    assert_eq!(kept, 0);
}

/// Its worker says that it has stopped it: that holds in a Redis, too, that forgot that anybody asked.
#[tokio::test]
async fn a_run_that_stopped_is_cancelled_and_those_who_wait_are_told() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let wakes = Arc::new(Wakes::new(bench.queue.link()));
    let (tell, mut told) = mpsc::unbounded_channel();
    let channel = wakes.channel(&bench.queue, move |heard| {
        let _ = tell.send(heard);
    });
    let listening = tokio::spawn({
        let wakes = Arc::clone(&wakes);
        async move { wakes.run(|_| ()).await }
    });
    assert_eq!(told.recv().await, Some(Heard::Work), "it stands");
    for (key, sent) in [("sent", true), ("not sent", false)] {
        let id = bench.enqueue_all(&[keyed(key)]).await[0];
        let claimed = bench.claim(&worker, 1).await.remove(0);
        bench
            .queue
            .tell_end(id, &channel, None)
            .await
            .expect("is noted");
        let decision = decide_stopped(claimed.run, sent, true);
        let mut stopped = verdict(&claimed, decision.fate);
        stopped.state = RunState {
            entries: 1,
            ..decision.state
        };
        stopped.history = Some(HistoryEntry {
            worker: "kari".to_owned(),
            outcome: decision.outcome.to_owned(),
            ..HistoryEntry::default()
        });
        assert_eq!(bench.settle(&[stopped]).await, [true]);
        let job = look(&bench, id).await;
        assert_eq!(job.state, JobState::Cancelled);
        assert_eq!(
            (
                job.run.used,
                job.run.may_have_been_sent,
                job.run.by_fallback
            ),
            (0, sent, sent)
        );
        assert_eq!(job.history.len(), 1);
        assert_eq!(is_free(&bench, key).await, !sent);
        loop {
            match told.recv().await.expect("is told") {
                Heard::Ended(ended) => break assert_eq!(ended, id),
                _ => continue,
            }
        }
        for other in bench.claim(&worker, 10).await {
            bench.settle(&[verdict(&other, done())]).await;
        }
    }
    listening.abort();
}

#[tokio::test]
async fn what_a_lost_worker_had_goes_by_the_unknown_rule_unless_it_is_forced() {
    let bench = Bench::new();
    let (lost, alive) = (bench.worker("lost").await, bench.worker("alive").await);
    let (unforced, _) = asked(&bench, &lost, "unforced", false).await;
    let (forced, _) = asked(&bench, &lost, "forced", true).await;
    bench.back_date_worker(&lost, Duration::from_secs(16)).await;
    let sweep = bench.queue.sweep(&alive, LOST).await.expect("sweeps");
    let taken = sweep.expect("has a lease").taken;
    assert_eq!(taken.len(), 2);
    let claims = taken.into_iter().map(|taken| {
        let decision = decide_lost(taken.run, taken.by_fallback, &policy());
        Verdict {
            id: taken.id,
            token: taken.token,
            kind: None,
            fate: decision.fate,
            state: decision.state,
            history: None,
            key: None,
            put_back: None,
            payload_bytes: 0,
            report: decision.report,
            context: longshore_queue::ClaimContext::default(),
        }
    });
    let verdicts: Vec<_> = claims.collect();
    assert_eq!(bench.settle(&verdicts).await, [true, true]);
    let job = look(&bench, unforced).await;
    assert_eq!(job.state, JobState::Pending);
    assert!(job.run.may_have_been_sent && job.asked_to_stop.is_none());
    let job = look(&bench, forced).await;
    assert!(job.state == JobState::Cancelled && job.run.may_have_been_sent);
    // A claim whose answer was lost never ran.
    for other in bench.claim(&alive, 10).await {
        bench.settle(&[verdict(&other, done())]).await;
    }
    let (unseen, claimed) = asked(&bench, &alive, "unseen", false).await;
    assert_eq!(
        bench.settle(&[put_back(&claimed, Fate::Untouched)]).await,
        [true]
    );
    assert_eq!(state(&bench, unseen).await, Some(JobState::Cancelled));
}

/// The heartbeat says that somebody was asked; a message says so at once, to the process that runs it.
#[tokio::test]
async fn its_worker_hears_of_it() {
    let bench = Bench::new();
    let (asked_one, other) = (bench.worker("asked").await, bench.worker("other").await);
    let wakes = Arc::new(Wakes::new(bench.queue.link()));
    let (tell, mut told) = mpsc::unbounded_channel();
    for (process, name) in [(asked_one.process(), "asked"), (other.process(), "other")] {
        let tell = tell.clone();
        wakes.stop_channel(&bench.queue, process, move |heard| {
            let _ = tell.send((name, heard));
        });
    }
    let listening = tokio::spawn({
        let wakes = Arc::clone(&wakes);
        async move { wakes.run(|_| ()).await }
    });
    for _ in 0..2 {
        assert_eq!(told.recv().await.expect("it stands").1, Heard::Work);
    }
    let beat = || bench.queue.beat(&asked_one, STALE, 1, 0);
    let before = beat().await.expect("beats").asks;
    let quiet = bench.enqueue(1).await[0];
    bench.claim(&asked_one, 1).await;
    let (id, claimed) = asked(&bench, &asked_one, "k", true).await;
    assert_eq!(told.recv().await, Some(("asked", Heard::Stop)));
    assert!(told.try_recv().is_err());
    let after = beat().await.expect("beats").asks;
    assert!(after != before, "{after}");
    let found = bench.queue.asked_to_stop(&[raw(quiet), raw(id)]).await;
    let found = found.expect("looks");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, raw(id));
    assert!(found[0].1.force && found[0].1.at_ms > 0);
    // The same once more is no news.
    assert_eq!(cancel(&bench, id, false).await, Cancelled::Asked);
    assert_eq!(beat().await.expect("beats").asks, after);
    bench.settle(&[verdict(&claimed, done())]).await;
    listening.abort();
}

#[tokio::test]
async fn many_are_asked_by_an_operation() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let tagged = || longshore_queue::NewJob {
        tags: vec!["spring".to_owned()],
        ..job()
    };
    let running = bench.enqueue_all(&[tagged(), tagged()]).await;
    let claimed = bench.claim(&worker, 2).await;
    bench.enqueue(1).await;
    let other = bench.claim(&worker, 1).await;
    let waiting = bench.enqueue_all(&[tagged()]).await[0];
    let id = JobId::generate();
    let filter = JobFilter {
        tag: Some("spring".to_owned()),
        ..JobFilter::default()
    };
    let kari = kari();
    let begun = bench.queue.begin_cancel(id, &filter, 3, false, &kari);
    begun.await.expect("begins");
    while bench
        .queue
        .advance_operations()
        .await
        .expect("steps")
        .is_some()
    {}
    let operation = bench.queue.find_operation(&id.to_string()).await;
    let Some(BulkOperation::Cancel(operation)) = operation.expect("looks") else {
        panic!("it is one");
    };
    assert_eq!(
        (operation.done, operation.asked, operation.failed),
        (1, 2, 0)
    );
    assert_eq!(state(&bench, waiting).await, Some(JobState::Cancelled));
    for (claimed, id) in claimed.iter().zip(&running) {
        assert!(look(&bench, *id).await.asked_to_stop.is_some());
        bench.settle(&[put_back(claimed, Fate::Back)]).await;
        assert_eq!(state(&bench, *id).await, Some(JobState::Cancelled));
    }
    bench.settle(&[put_back(&other[0], Fate::Back)]).await;
    assert_eq!(bench.queue.stats().await.expect("counts").pending, 1);
    let audit = bench.queue.audit(None, 100).await.expect("reads");
    let counts = |action: &str| -> u64 {
        let of = audit.iter().filter(|entry| entry.action == action);
        of.filter_map(|entry| entry.count).sum()
    };
    assert_eq!((counts("cancel"), counts("stop")), (1, 2));
    let over = audit.iter().find(|entry| entry.action == "cancel_done");
    assert!(over.expect("is over").result.contains("2 asked to stop"));
}
