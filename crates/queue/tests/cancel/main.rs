//! Taking back what has not been carried out: cancelled means not sent.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#[path = "../support/mod.rs"]
mod support;

mod forget;
mod stop;

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    Cancelled, Claimed, Fate, JobState, Key, NewJob, RawId, Retention, RunAt, Verdict, WorkerFacts,
};
use support::{Bench, RETENTION, done, ids, job, kari, raw, refused, run, verdict};

const MINUTE: Duration = Duration::from_secs(60);

fn later() -> NewJob {
    NewJob {
        run_at: RunAt::In(MINUTE),
        ..job()
    }
}

fn keyed(name: &str) -> NewJob {
    NewJob {
        key: Some(Key::new("send_email", name)),
        ..job()
    }
}

/// A retry of something that was surely not carried out, or may have been.
fn failed(claimed: &longshore_queue::Claimed, sent: bool) -> Verdict {
    let mut verdict = verdict(claimed, Fate::Retry { after: MINUTE });
    verdict.state.may_have_been_sent = sent;
    verdict
}

async fn cancel(bench: &Bench, id: JobId, force: bool) -> Cancelled {
    let came = bench.queue.cancel(&[raw(id)], force, &kari()).await;
    came.expect("cancels")[0]
}

async fn state(bench: &Bench, id: JobId) -> Option<JobState> {
    let job = bench.queue.job(&raw(id)).await.expect("looks");
    job.map(|job| job.state)
}

async fn pending(bench: &Bench) -> u64 {
    bench.queue.stats().await.expect("counts").pending
}

#[tokio::test]
async fn what_waits_is_cancelled_once_and_is_never_claimed() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    // A retryable one, a parked one, one for later, and a pending one among others.
    let jobs = bench.enqueue(2).await;
    let claimed = bench.claim(&worker, 2).await;
    let kind = "send_fax".to_owned();
    let parked = verdict(&claimed[1], Fate::Parked { kind });
    bench.settle(&[failed(&claimed[0], false), parked]).await;
    let scheduled = bench.enqueue_all(&[later()]).await[0];
    let first = bench.enqueue(2).await;
    let middle = bench.enqueue(1).await[0];
    let last = bench.enqueue(2).await;

    let all = [jobs[0], jobs[1], scheduled, middle];
    let before = [
        JobState::Retryable,
        JobState::Pending,
        JobState::Scheduled,
        JobState::Pending,
    ];
    for (id, before) in all.into_iter().zip(before) {
        assert_eq!(state(&bench, id).await, Some(before));
        assert_eq!(cancel(&bench, id, false).await, Cancelled::Yes, "{before}");
        assert_eq!(cancel(&bench, id, false).await, Cancelled::Already);
        let job = bench.queue.job(&raw(id)).await.expect("looks");
        let job = job.expect("is kept");
        assert_eq!(job.state, JobState::Cancelled);
        assert!(
            job.ended_at_ms.is_some() && job.broken.is_none(),
            "{:?}",
            job.broken
        );
        let last = job.history.last().expect("says who");
        assert_eq!(last.entry.outcome, "cancelled");
        assert_eq!(last.entry.worker, "kari");
        assert_eq!(last.entry.reason.as_deref(), Some("because"));
        assert!(!job.run.may_have_been_sent);
    }
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.parked), (4, 0));
    assert_eq!((stats.scheduled, stats.retryable), (0, 0));
    assert_eq!(stats.counter("cancelled"), 4);
    let audit = bench.queue.audit(None, 100).await.expect("reads");
    assert_eq!(
        audit
            .iter()
            .filter(|entry| entry.action == "cancel")
            .count(),
        4
    );

    // The same id again is known.
    bench
        .enqueue_all(&[NewJob {
            id: middle,
            ..job()
        }])
        .await;
    let facts = WorkerFacts {
        kinds: vec!["send_fax".to_owned()],
        ..WorkerFacts::default()
    };
    bench.queue.announce(&worker, &facts).await.expect("says");
    let claimed = bench.claim(&worker, 100).await;
    assert_eq!(ids(&claimed), [first, last].concat());
    // Nothing is left of the entry that was passed over.
    let timeline = &bench.queue.keys().timeline;
    let left: Option<String> = bench.text(&format!("HGET {timeline} left")).await;
    assert_eq!(left, None);
    assert_eq!(pending(&bench).await, 0);
}

#[tokio::test]
async fn what_has_ended_is_left_alone() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    bench.enqueue(3).await;
    let claimed = bench.claim(&worker, 3).await;
    let verdicts = [
        verdict(&claimed[0], done()),
        verdict(&claimed[1], refused("550")),
    ];
    bench.settle(&verdicts).await;
    let ids = ids(&claimed);
    let unknown = JobId::generate();
    let came = [ids[0], ids[1], ids[2], unknown];
    let expected = [
        Cancelled::Completed,
        Cancelled::Dead,
        Cancelled::Asked,
        Cancelled::Unknown,
    ];
    let wanted = came.map(raw);
    for force in [false, true] {
        let came = bench.queue.cancel(&wanted, force, &kari()).await;
        assert_eq!(came.expect("cancels"), expected);
    }
    assert_eq!(bench.settle(&[verdict(&claimed[2], done())]).await, [true]);
    let audit = bench.queue.audit(None, 100).await.expect("reads");
    // Only what a worker has is asked to stop: once more by force.
    let acts: Vec<_> = audit.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(acts, ["stop", "stop"]);
}

#[tokio::test]
async fn what_may_have_been_sent_takes_force_and_keeps_its_key() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let fresh = bench.enqueue_all(&[keyed("fresh")]).await[0];
    assert_eq!(cancel(&bench, fresh, false).await, Cancelled::Yes);
    // Its key is free: the same name makes another job.
    // Whoever repeats the enqueue of the cancelled one does not take it again.
    let repeated = NewJob {
        id: fresh,
        ..keyed("fresh")
    };
    assert_eq!(bench.enqueue_all(&[repeated]).await, [fresh]);
    let again = bench
        .queue
        .enqueue(&[keyed("fresh")])
        .await
        .expect("enqueues")[0];
    assert!(!again.duplicate && again.id != fresh);
    assert_eq!(cancel(&bench, again.id, false).await, Cancelled::Yes);

    let sent = bench.enqueue_all(&[keyed("sent")]).await[0];
    let claimed = bench.claim(&worker, 1).await;
    bench.settle(&[failed(&claimed[0], true)]).await;
    assert_eq!(
        cancel(&bench, sent, false).await,
        Cancelled::MayHaveBeenSent
    );
    assert_eq!(state(&bench, sent).await, Some(JobState::Retryable));
    assert_eq!(cancel(&bench, sent, true).await, Cancelled::Yes);
    let job = bench
        .queue
        .job(&raw(sent))
        .await
        .expect("looks")
        .expect("kept");
    assert!(job.state == JobState::Cancelled && job.run.may_have_been_sent);
    let again = bench
        .queue
        .enqueue(&[keyed("sent")])
        .await
        .expect("enqueues")[0];
    assert_eq!((again.id, again.duplicate), (sent, true));
    // Where the record is gone, or says nothing of it, nobody knows.
    let lost = bench.enqueue(2).await;
    for claimed in bench.claim(&worker, 2).await {
        bench.settle(&[failed(&claimed, false)]).await;
    }
    let records = &bench.queue.keys().records;
    let _: u8 = bench.text(&format!("HDEL {records} {}", lost[0])).await;
    let mut spoil = redis::cmd("HSET");
    spoil.arg(records).arg(lost[1].to_string());
    // {"run": "x"}
    spoil.arg(b"\x81\xa3run\xa1x");
    let new: u8 = bench.queue.link().command(&spoil).await.expect("writes");
    assert_eq!(new, 0);
    for id in lost {
        let job = bench.queue.job(&raw(id)).await.expect("looks");
        assert!(job.expect("is there").run.may_have_been_sent);
        let came = cancel(&bench, id, false).await;
        assert_eq!(came, Cancelled::MayHaveBeenSent);
    }
}

/// A lost record must not bring it back.
#[tokio::test]
async fn a_cancelled_job_whose_record_is_lost_is_not_carried_out() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let id = bench.enqueue(1).await[0];
    assert_eq!(cancel(&bench, id, false).await, Cancelled::Yes);
    let records = &bench.queue.keys().records;
    let _: u8 = bench.text(&format!("HDEL {records} {id}")).await;
    let claimed = bench.claim(&worker, 10).await;
    assert!(claimed.iter().all(|job| job.lost_record), "{claimed:?}");
}

#[tokio::test]
async fn thousands_of_cancelled_entries_hold_up_no_claim() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let wrong: Vec<RawId> = bench.enqueue(2_000).await.into_iter().map(raw).collect();
    let good = bench.enqueue(3).await;
    let more: Vec<RawId> = bench.enqueue(1_000).await.into_iter().map(raw).collect();
    let after = bench.enqueue(1).await;
    for some in [wrong, more] {
        let came = bench.queue.cancel(&some, false, &kari()).await;
        assert!(
            came.expect("cancels")
                .iter()
                .all(|came| *came == Cancelled::Yes)
        );
    }
    assert_eq!(pending(&bench).await, 4);
    let mut found = Vec::new();
    let mut calls = 0;
    while found.len() < 4 {
        calls += 1;
        assert!(calls <= 20, "{found:?} after {calls}");
        let claimed = bench.claim(&worker, 5).await;
        found.extend(ids(&claimed));
    }
    assert_eq!(found, [good, after].concat());
    let active = &bench.queue.keys().active;
    assert_eq!(bench.text::<u64>(&format!("LLEN {active}")).await, 0);
}

#[tokio::test]
async fn cancelled_jobs_are_kept_for_a_time_and_up_to_so_many_bytes() {
    let bench = Bench::new();
    let jobs: Vec<RawId> = bench.enqueue(3).await.into_iter().map(raw).collect();
    for job in &jobs {
        let id = job.job_id().expect("an id");
        assert_eq!(cancel(&bench, id, false).await, Cancelled::Yes);
    }
    let queue = bench.queue.clone().with_cancelled_bytes(1);
    let next = queue.prune(RETENTION).await.expect("prunes");
    // The last ten seconds always stay.
    assert!(next.is_some());
    assert!(bench.queue.job(&jobs[0]).await.expect("looks").is_some());
    let list = &bench.queue.keys().cancelled;
    let batch: String = bench.text(&format!("LINDEX {list} 0")).await;
    let (at, rest) = batch.split_once(' ').expect("a batch");
    let older = at.parse::<u64>().expect("a time") - 11_000;
    let batch = format!("{older} {rest}");
    let set: &[&[u8]] = &[b"LSET", list.as_bytes(), b"0", batch.as_bytes()];
    let _: String = bench.raw(set).await;
    queue.prune(RETENTION).await.expect("prunes");
    assert!(bench.queue.job(&jobs[0]).await.expect("looks").is_none());
    assert!(bench.queue.job(&jobs[1]).await.expect("looks").is_some());
    // By age: all of them.
    let at_once = Retention {
        keep: Duration::ZERO,
        max_bytes: None,
    };
    assert_eq!(bench.queue.prune(at_once).await.expect("prunes"), None);
    let keys = bench.queue.keys();
    for key in [&keys.data, &keys.records, &keys.cancelled] {
        assert_eq!(bench.text::<u8>(&format!("EXISTS {key}")).await, 0, "{key}");
    }
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(
        (stats.counter("cancelled"), stats.counter("cancelled_bytes")),
        (3, 0)
    );
}

/// A job that was cancelled in a Redis that forgot its run: its worker is told that it is its own again.
async fn cancelled_in_a_redis_that_forgot(bench: &Bench) -> (JobId, Claimed) {
    let worker = bench.worker("w").await;
    let id = bench.enqueue(1).await[0];
    let claimed = bench.claim(&worker, 1).await.remove(0);
    let keys = bench.queue.keys();
    // As it was before the claim.
    for command in [
        format!("HDEL {} {id}", keys.inflight),
        format!("RPUSH {} {id}", keys.active),
    ] {
        let _: u64 = bench.text(&command).await;
    }
    assert_eq!(cancel(bench, id, false).await, Cancelled::Yes);
    let _: u8 = bench
        .text(&format!("HSET {} nonce 0.1.x", keys.timeline))
        .await;
    let mut remembered = support::remembered(&claimed);
    remembered.run.may_have_been_sent = true;
    let resent = bench.queue.resend(&worker, &[remembered]).await;
    let longshore_queue::Resent::Done { at, ours } = resent.expect("sends") else {
        panic!("is told");
    };
    bench.queue.adopt_timeline(&worker, &at);
    assert_eq!(ours, [true]);
    assert_eq!(state(bench, id).await, Some(JobState::Running));
    (id, claimed)
}

/// It stands in the list, and its worker has completed it: its entry is passed over.
#[tokio::test]
async fn a_job_that_was_cancelled_in_a_redis_that_forgot_its_run_is_the_workers_again() {
    let bench = Bench::new();
    let (id, claimed) = cancelled_in_a_redis_that_forgot(&bench).await;
    assert_eq!(bench.settle(&[verdict(&claimed, done())]).await, [true]);
    assert_eq!(state(&bench, id).await, Some(JobState::Completed));
    // Its batch of cancelled ones takes nothing along.
    let none = bench.queue.clone().with_cancelled_bytes(1);
    let list = &bench.queue.keys().cancelled;
    let batch = format!("1000 999 {id}");
    let set: &[&[u8]] = &[b"LSET", list.as_bytes(), b"0", batch.as_bytes()];
    let _: String = bench.raw(set).await;
    none.prune(RETENTION).await.expect("prunes");
    assert_eq!(state(&bench, id).await, Some(JobState::Completed));
    let worker = bench.worker("other").await;
    assert_eq!(run(&bench, &worker, 10, &done()).await, 0);
}

/// Where it was put back, or still runs, the cancel stands: by the same operator, and as one that may have been sent.
#[tokio::test]
async fn a_job_that_was_cancelled_in_a_redis_that_forgot_its_run_does_not_run_again() {
    let bench = Bench::new();
    let (id, claimed) = cancelled_in_a_redis_that_forgot(&bench).await;
    let asked = bench.queue.asked_to_stop(&[id.into()]).await;
    let (of, request) = asked.expect("looks").remove(0);
    assert_eq!((of, request.force), (id.into(), true));
    let mut again = verdict(
        &claimed,
        Fate::Retry {
            after: Duration::ZERO,
        },
    );
    again.state.may_have_been_sent = true;
    assert_eq!(bench.settle(&[again]).await, [true]);
    let job = bench.queue.job(&id.into()).await.expect("looks");
    let job = job.expect("is there");
    assert_eq!(
        (job.state, job.run.may_have_been_sent),
        (JobState::Cancelled, true)
    );
    let last = job.history.last().expect("an entry");
    assert_eq!(
        (last.entry.outcome.as_str(), &*last.entry.worker),
        ("cancelled", "kari")
    );
}
