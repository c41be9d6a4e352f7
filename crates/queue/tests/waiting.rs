//! What operators do to jobs that wait: another time, now, other args.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{Claimed, Edit, Edited, Fate, JobState, NewJob, Rescheduled, RunAt, Verdict};
use support::{Bench, done, ids, job, kari, payload, raw, refused, verdict};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// One of each state, by what it is: a scheduled, a retryable, a parked, a pending one; then a running, a completed, a dead one.
struct States {
    waiting: [(JobId, JobState); 4],
    others: [(JobId, JobState); 3],
    running: Claimed,
}

async fn states(bench: &Bench) -> States {
    let worker = bench.worker("w").await;
    bench.enqueue(5).await;
    let claimed = bench.claim(&worker, 5).await;
    let kind = "send_fax".to_owned();
    let failed = |sent| {
        let mut verdict = verdict(&claimed[0], Fate::Retry { after: MINUTE });
        verdict.state.may_have_been_sent = sent;
        verdict
    };
    let verdicts: [Verdict; 4] = [
        failed(false),
        verdict(&claimed[1], Fate::Parked { kind }),
        verdict(&claimed[2], done()),
        verdict(&claimed[3], refused("550")),
    ];
    bench.settle(&verdicts).await;
    let ended = ids(&claimed);
    let later = NewJob {
        run_at: RunAt::In(MINUTE),
        expires_in: Some(HOUR),
        ..job()
    };
    let scheduled = bench.enqueue_all(&[later]).await[0];
    let pending = bench.enqueue(1).await[0];
    States {
        waiting: [
            (scheduled, JobState::Scheduled),
            (ended[0], JobState::Retryable),
            (ended[1], JobState::Pending),
            (pending, JobState::Pending),
        ],
        others: [
            (ended[2], JobState::Completed),
            (ended[3], JobState::Dead),
            (ended[4], JobState::Running),
        ],
        running: claimed[4].clone(),
    }
}

async fn state(bench: &Bench, id: JobId) -> Option<JobState> {
    let job = bench.queue.job(&raw(id)).await.expect("looks");
    job.map(|job| job.state)
}

async fn reschedule(bench: &Bench, id: JobId, run_at: RunAt) -> Rescheduled {
    let came = bench.queue.reschedule(&raw(id), run_at, &kari()).await;
    came.expect("reschedules")
}

async fn run_now(bench: &Bench, id: JobId) -> Rescheduled {
    let came = bench.queue.run_now(&raw(id), &kari()).await;
    came.expect("runs")
}

async fn acts(bench: &Bench, action: &str) -> usize {
    let audit = bench.queue.audit(None, 100).await.expect("reads");
    audit.iter().filter(|entry| entry.action == action).count()
}

#[tokio::test]
async fn whatever_waits_gets_another_time() {
    let bench = Bench::new();
    let states = states(&bench).await;
    let at = bench.queue.now_ms().await.expect("has a clock") + 7_200_000;
    for (id, before) in states.waiting {
        assert_eq!(state(&bench, id).await, Some(before));
        assert_eq!(
            reschedule(&bench, id, RunAt::At(at)).await,
            Rescheduled::Yes
        );
        assert_eq!(
            reschedule(&bench, id, RunAt::At(at)).await,
            Rescheduled::Same
        );
        let job = bench.queue.job(&raw(id)).await.expect("looks");
        let job = job.expect("kept");
        assert_eq!(job.next_run_at_ms, Some(at), "{before}");
        let retryable = before == JobState::Retryable;
        let expected = if retryable {
            before
        } else {
            JobState::Scheduled
        };
        assert_eq!(job.state, expected);
    }
    assert_eq!(acts(&bench, "reschedule").await, 4);
    for (id, at) in states.others {
        let came = reschedule(&bench, id, RunAt::In(HOUR)).await;
        assert_eq!(came, Rescheduled::Elsewhere(at));
    }
    let unknown = reschedule(&bench, JobId::generate(), RunAt::Now).await;
    assert_eq!(unknown, Rescheduled::Unknown);
    assert_eq!(
        bench.settle(&[verdict(&states.running, done())]).await,
        [true]
    );

    // Nothing runs from an old entry while its job waits for its time.
    let worker = bench.worker("w").await;
    assert_eq!(bench.claim(&worker, 10).await.len(), 0);
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.scheduled, stats.retryable), (0, 3, 1));

    // Once it is due it runs, once.
    bench.make_due().await;
    let claimed = bench.claim(&worker, 10).await;
    assert_eq!(claimed.len(), 4);
    let verdicts: Vec<_> = claimed.iter().map(|job| verdict(job, done())).collect();
    bench.settle(&verdicts).await;
    assert_eq!(bench.claim(&worker, 10).await.len(), 0);
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.to_do(), stats.counter("completed")), (0, 6));
}

/// It comes due, and its old entry stands before its new one.
#[tokio::test]
async fn a_job_that_is_listed_twice_runs_once() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let id = bench.enqueue(1).await[0];
    let others = bench.enqueue(2).await;
    assert_eq!(
        reschedule(&bench, id, RunAt::In(HOUR)).await,
        Rescheduled::Yes
    );
    assert_eq!(reschedule(&bench, id, RunAt::Now).await, Rescheduled::Yes);
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(stats.pending, 3);
    let first = bench.claim(&worker, 2).await;
    assert_eq!(first.len(), 2);
    let rest = bench.claim(&worker, 10).await;
    assert_eq!(rest.len(), 1);
    let all = support::set(ids(&first).into_iter().chain(ids(&rest)));
    assert_eq!(all, support::set(others.into_iter().chain([id])));
    let timeline = &bench.queue.keys().timeline;
    assert_eq!(
        bench.text::<u8>(&format!("HEXISTS {timeline} left")).await,
        0
    );
}

#[tokio::test]
async fn its_expiry_counts_from_its_new_time() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let later = NewJob {
        run_at: RunAt::In(MINUTE),
        expires_in: Some(HOUR),
        ..job()
    };
    let id = bench.enqueue_all(&[later]).await[0];
    let at = bench.queue.now_ms().await.expect("has a clock") + 86_400_000;
    assert_eq!(
        reschedule(&bench, id, RunAt::At(at)).await,
        Rescheduled::Yes
    );
    bench.make_due().await;
    let claimed = bench.claim(&worker, 1).await.remove(0);
    assert_eq!(claimed.expires_at_ms, Some(at + 3_600_000));
    bench.settle(&[verdict(&claimed, done())]).await;

    // Another program's, which has no header yet.
    let id = JobId::generate();
    let (keys, pushed) = (bench.queue.keys(), payload());
    let text = id.to_string();
    let (data, active) = (keys.data.as_bytes(), keys.active.as_bytes());
    let _: u8 = bench.raw(&[b"HSET", data, text.as_bytes(), &pushed]).await;
    let _: u8 = bench.raw(&[b"RPUSH", active, text.as_bytes()]).await;
    assert_eq!(
        reschedule(&bench, id, RunAt::At(at)).await,
        Rescheduled::Yes
    );
    assert_eq!(bench.claim(&worker, 1).await.len(), 0);
    bench.make_due().await;
    let claimed = bench.claim(&worker, 1).await;
    assert_eq!(ids(&claimed), [id]);
    let keys = bench.keys().await;
    assert!(!keys.iter().any(|key| key.contains("meta")), "{keys:?}");
}

#[tokio::test]
async fn what_waits_for_its_time_can_run_now() {
    let bench = Bench::new();
    let states = states(&bench).await;
    for (id, before) in states.waiting {
        let waits = before != JobState::Pending;
        let expected = match waits {
            true => Rescheduled::Yes,
            false => Rescheduled::Elsewhere(JobState::Pending),
        };
        assert_eq!(run_now(&bench, id).await, expected, "{before}");
        let again = run_now(&bench, id).await;
        assert_eq!(again, Rescheduled::Elsewhere(JobState::Pending));
    }
    for (id, at) in states.others {
        assert_eq!(run_now(&bench, id).await, Rescheduled::Elsewhere(at));
    }
    assert_eq!(
        run_now(&bench, JobId::generate()).await,
        Rescheduled::Unknown
    );
    assert_eq!(acts(&bench, "run").await, 2);
    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 10).await;
    let [scheduled, retryable, _, pending] = states.waiting.map(|(id, _)| id);
    assert_eq!(ids(&claimed), [pending, scheduled, retryable]);
}

#[tokio::test]
async fn the_args_of_what_waits_are_edited_and_of_what_runs_or_has_ended_are_not() {
    let bench = Bench::new();
    let states = states(&bench).await;
    let from = payload();
    let edit = async |id: JobId, force, only_dead| {
        let edit = Edit {
            id: &raw(id),
            from: &from,
            to: br#"{"kind":"send_email","v":1,"args":{"new":1}}"#,
            old_args: "{}",
            attempt: 0,
            force,
            only_dead,
        };
        bench.queue.edit(&edit, &kari()).await.expect("edits")
    };
    for (id, before) in states.waiting {
        assert_eq!(edit(id, false, true).await, Edited::Elsewhere(before));
        assert_eq!(edit(id, false, false).await, Edited::Yes, "{before}");
        assert_eq!(edit(id, false, false).await, Edited::Same);
        let job = bench.queue.job(&raw(id)).await.expect("looks");
        let job = job.expect("kept");
        assert_eq!((job.state, job.run.generation), (before, 1));
        assert_eq!(job.history.last().expect("is told").entry.outcome, "edited");
    }
    for (id, at) in states.others {
        let expected = match at {
            JobState::Dead => Edited::Yes,
            _ => Edited::Elsewhere(at),
        };
        assert_eq!(edit(id, true, false).await, expected);
    }
    assert_eq!(edit(JobId::generate(), true, false).await, Edited::Unknown);
    assert_eq!(acts(&bench, "edit").await, 5);

    // That it has a record is missed if that is lost.
    let worker = bench.worker("w").await;
    let (fresh, _) = states.waiting[3];
    let records = &bench.queue.keys().records;
    let _: u8 = bench.text(&format!("HDEL {records} {fresh}")).await;
    let claimed = bench.claim(&worker, 10).await;
    assert_eq!(ids(&claimed), [fresh]);
    assert!(claimed[0].lost_record);
}

#[tokio::test]
async fn what_may_have_been_sent_is_edited_by_force_alone() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let id = bench.enqueue(1).await[0];
    let claimed = bench.claim(&worker, 1).await;
    let mut failed = verdict(&claimed[0], Fate::Retry { after: MINUTE });
    failed.state.may_have_been_sent = true;
    bench.settle(&[failed]).await;
    let from = payload();
    for (force, expected) in [(false, Edited::OutcomeUnknown), (true, Edited::Yes)] {
        let edit = Edit {
            id: &raw(id),
            from: &from,
            to: b"{}",
            old_args: "{}",
            attempt: 1,
            force,
            only_dead: false,
        };
        assert_eq!(
            bench.queue.edit(&edit, &kari()).await.expect("edits"),
            expected
        );
    }
}

/// Has a job have been enqueued so long before; when it is due stays.
async fn enqueued_before(bench: &Bench, id: JobId, by: Duration) {
    let (data, id) = (bench.queue.keys().data.clone(), id.to_string());
    let mut value: Vec<u8> = bench.raw(&[b"HGET", data.as_bytes(), id.as_bytes()]).await;
    // part/header.lua: six bytes behind the first.
    let at = value[1..7]
        .iter()
        .fold(0, |n, byte| n << 8 | u64::from(*byte));
    let by = u64::try_from(by.as_millis()).expect("it fits");
    value[1..7].copy_from_slice(&(at - by).to_be_bytes()[2..]);
    let _: u8 = bench
        .raw(&[b"HSET", data.as_bytes(), id.as_bytes(), &value])
        .await;
}

/// Whoever adds workers by it, or is woken by it, must not be told of a wait that was meant.
#[tokio::test]
async fn the_oldest_pending_job_waits_since_it_was_due_for_this_run() {
    let bench = Bench::new();
    let latency = async || {
        let stats = bench.queue.stats().await.expect("counts");
        stats.latency_ms.expect("one is pending")
    };
    let (old, soon) = (HOUR.as_millis() as u64, 60_000);
    let id = bench.enqueue(1).await[0];
    enqueued_before(&bench, id, HOUR).await;
    assert!(latency().await >= old, "it has not run yet");

    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 1).await;
    bench.settle(&[verdict(&claimed[0], refused("550"))]).await;
    bench
        .queue
        .replay(&[raw(id)], &kari())
        .await
        .expect("replays");
    assert!(latency().await < soon, "a replay begins anew");

    // An operator has a retry run before its time.
    let claimed = bench.claim(&worker, 1).await;
    let again = Fate::Retry { after: HOUR };
    bench.settle(&[verdict(&claimed[0], again.clone())]).await;
    assert_eq!(run_now(&bench, id).await, Rescheduled::Yes);
    assert!(latency().await < soon, "it waits since then");

    // What was to wait, for its time or for its next attempt, is not late when that has come.
    let claimed = bench.claim(&worker, 1).await;
    bench.settle(&[verdict(&claimed[0], again)]).await;
    let later = NewJob {
        run_at: RunAt::In(HOUR),
        ..job()
    };
    let later = bench.enqueue_all(&[later]).await[0];
    enqueued_before(&bench, later, HOUR).await;
    bench.make_due().await;
    assert_eq!(bench.claim(&worker, 1).await.len(), 1);
    assert!(latency().await < soon, "the other one of them is pending");
}
