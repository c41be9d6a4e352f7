//! Jobs that run here, and that somebody wants stopped.

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{Cancelled, JobInfo, JobState, Limit, ProviderPolicy, Signed};
use longshore_tests::eventually;
use longshore_worker::WorkSettings;

use crate::support::{Bench, Does, settings};

/// A worker whose heartbeats come too seldom to be of use: it hears of what is asked.
fn seldom() -> WorkSettings {
    WorkSettings {
        heartbeat: Duration::from_secs(60),
        lost_after: Duration::from_secs(200),
        ..settings()
    }
}

async fn cancel(bench: &Bench, id: JobId, force: bool) -> Cancelled {
    let kari = Signed::new("kari", "wrong text");
    let came = bench.queue.cancel(&[id.into()], force, &kari).await;
    came.expect("asks")[0]
}

async fn job(bench: &Bench, id: JobId) -> JobInfo {
    let job = bench.queue.job(&id.into()).await.expect("looks");
    job.expect("is known")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_its_call_is_stopped_at_once() {
    let mut bench = Bench::new();
    // The second call of a run would wait for a minute.
    let limit = Limit {
        count: 1,
        per: Duration::from_secs(60),
    };
    bench.queue = bench.queue.clone().with_provider(ProviderPolicy {
        name: "twilio".to_owned(),
        limit: Some(limit),
        ..ProviderPolicy::default()
    });
    let running = bench.start_with(seldom(), Duration::from_secs(5));
    let id = bench.enqueue(Does::Reads).await;
    eventually("it has read once", || async {
        let seen = bench.probing.seen.lock().expect("not poisoned");
        seen.reads.len() == 1
    })
    .await;
    assert_eq!(cancel(&bench, id, false).await, Cancelled::Asked);
    bench.is(id, JobState::Cancelled).await;
    let stopped = job(&bench, id).await;
    assert_eq!(
        (stopped.run.used, stopped.run.may_have_been_sent),
        (0, false)
    );
    let last = &stopped.history.last().expect("says who").entry;
    assert_eq!(
        (last.worker.as_str(), last.outcome.as_str()),
        ("kari", "cancelled")
    );
    assert_eq!(last.reason.as_deref(), Some("wrong text"));
    // Its slot is free, and nothing is left behind.
    assert_eq!(running.stop().await.unsettled, Vec::<String>::new());
    let seen = bench.probing.seen.lock().expect("not poisoned");
    assert_eq!(seen.reads.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_out_of_what_was_asked_to_stop_before_its_request() {
    let bench = Bench::new();
    let running = bench.start();
    let id = bench.enqueue(Does::WaitsThenSends).await;
    let (forced, kept) = (
        bench.enqueue(Does::WaitsThenSends).await,
        bench.enqueue(Does::KeepsOn).await,
    );
    bench.running(3).await;
    assert_eq!(cancel(&bench, id, false).await, Cancelled::Asked);
    assert_eq!(cancel(&bench, kept, false).await, Cancelled::Asked);
    // Nobody tells of this one: the heartbeat finds it.
    let stop: &[u8] = br#"1 1 {"by":"kari","reason":"x"}"#;
    let (row, fields) = (forced.into(), [("stop", stop)]);
    let seeded = bench.queue.seed_record(&row, &fields).await;
    seeded.expect("is written");
    let mut count = redis::cmd("HINCRBY");
    count.arg(&bench.queue.keys().timeline).arg("asks").arg(1);
    let _: u64 = bench.queue.link().command(&count).await.expect("counts");
    // By then it has looked who is asked to stop.
    bench.beats_twice().await;
    bench.probing.word.add_permits(3);
    for id in [id, forced, kept] {
        bench.is(id, JobState::Cancelled).await;
        assert_eq!(bench.probing.sent(id), 0);
        assert!(!job(&bench, id).await.run.may_have_been_sent);
    }
    assert_eq!(running.stop().await.unsettled, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_under_way_is_waited_for_and_force_stops_before_the_next_one() {
    let bench = Bench::new();
    let running = bench.start();
    let sent = async |does: Does| {
        let id = bench.enqueue(does).await;
        eventually("it has sent", || async { bench.probing.sent(id) == 1 }).await;
        id
    };
    let one = sent(Does::SendsThenWaits).await;
    let forced_one = sent(Does::SendsThenWaits).await;
    let unforced = sent(Does::SendsTwice).await;
    let forced = sent(Does::SendsTwice).await;
    for (id, force) in [
        (one, false),
        (forced_one, true),
        (unforced, false),
        (forced, true),
    ] {
        assert_eq!(cancel(&bench, id, force).await, Cancelled::Asked);
    }
    // By then it has looked who is asked to stop.
    bench.beats_twice().await;
    for id in [one, forced_one, unforced, forced] {
        assert_eq!(
            job(&bench, id).await.state,
            JobState::Running,
            "no call is cut off"
        );
    }
    bench.probing.word.add_permits(4);
    for id in [one, forced_one, unforced] {
        bench.is(id, JobState::Completed).await;
    }
    bench.is(forced, JobState::Cancelled).await;
    assert_eq!(
        (bench.probing.sent(unforced), bench.probing.sent(forced)),
        (2, 1)
    );
    assert!(job(&bench, forced).await.run.may_have_been_sent);
    running.stop().await;
}

/// It fails, and never comes to the gate: its verdict would have it wait for another attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_be_tried_again_is_cancelled_if_it_was_never_sent() {
    let bench = Bench::new();
    let impatient = WorkSettings {
        timeout: Duration::from_secs(1),
        ..settings()
    };
    let running = bench.start_with(impatient, Duration::from_secs(5));
    let never_sent = bench.enqueue(Does::Hangs).await;
    let sent = bench.enqueue(Does::SendsThenHangs).await;
    bench.running(2).await;
    for id in [never_sent, sent] {
        assert_eq!(cancel(&bench, id, false).await, Cancelled::Asked);
    }
    bench.is(never_sent, JobState::Cancelled).await;
    bench.is(sent, JobState::Retryable).await;
    let outcomes: Vec<_> = job(&bench, never_sent).await.history;
    let outcomes: Vec<_> = outcomes
        .iter()
        .map(|of| of.entry.outcome.as_str())
        .collect();
    assert_eq!(outcomes, ["failed", "cancelled"]);
    running.stop().await;
}
