//! SIGTERM: running jobs finish, no more are taken; what cannot finish in time is handed back.

mod asked;

use std::time::{Duration, Instant};

use longshore_client::JobState;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Signal, Stage, Trouble, Wire, gone_by, outcomes};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_jobs_finish_and_no_more_are_taken() {
    let stage = Stage::set().await;
    stage.faults([FaultRule::always(Fault::Delay { ms: 2000 })]);
    let mut worker = stage.worker().concurrency(4).start().await;
    let ids = stage.enqueue(10).await;
    stage.requests(4).await;
    worker.stop();
    assert_eq!(worker.left_within(Duration::from_secs(10)).await, 0);
    assert_eq!(stage.ledger().requests(), 4, "it took more jobs");
    for (number, &id) in ids.iter().enumerate() {
        let job = stage.job(id).await;
        if number < 4 {
            assert_eq!(job.state, JobState::Completed);
        } else {
            assert_eq!((job.state, job.run.used), (JobState::Pending, 0));
        }
    }
    assert_eq!(stage.stats().await.workers, 0, "its lease is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_drain_is_over_calls_that_are_out_are_unknown() {
    let stage = Stage::set().await;
    stage.faults([FaultRule::always(Fault::NeverAnswer { effect: true })]);
    let worker = stage.worker().set("WORKER__DRAIN_SECONDS", "0.5");
    let mut worker = worker.start().await;
    let ids = stage.enqueue(3).await;
    stage.requests(3).await;
    worker.stop();
    assert_eq!(worker.left_within(Duration::from_secs(10)).await, 0);
    assert!(!worker.says("drained"), "it was cut off");
    for id in ids {
        let job = stage.job(id).await;
        assert_eq!((job.state, job.run.used), (JobState::Retryable, 1));
        assert_eq!(outcomes(&job), ["outcome_unknown"]);
        assert!(job.run.may_have_been_sent);
        let shown = stage.longshore(&["job", &id.to_string(), "--json"]).await;
        let shown = shown.json();
        assert_eq!(shown["state"], "retryable");
        assert_eq!(shown["attempt"], 1);
        assert_eq!(shown["history"][0]["outcome"], "outcome_unknown");
    }
    assert_eq!(stage.stats().await.workers, 0, "its lease is over");
}

/// A job is claimed, and its worker's heartbeats do not get through: so it must not send, and waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_drain_is_over_jobs_that_were_not_sent_are_pending_with_their_attempt() {
    let stage = Stage::set().await;
    let wire = Wire::to(stage.redis.port()).await;
    let worker = stage.worker().short_lease().by(wire.url());
    let worker = worker.set("WORKER__DRAIN_SECONDS", "0.5");
    let mut worker = worker.start().await;
    wire.trouble(Wire::BEAT, Trouble::CutBefore, usize::MAX);
    worker.unconfirmed().await;
    let ids = stage.enqueue(3).await;
    stage.running(3).await;
    worker.stop();
    assert_eq!(worker.left_within(Duration::from_secs(10)).await, 0);
    assert!(!worker.says("drained"), "it was cut off");
    assert_eq!(stage.ledger().requests(), 0);
    for id in ids {
        let job = stage.job(id).await;
        assert_eq!((job.state, job.run.used), (JobState::Pending, 0));
        assert_eq!(outcomes(&job), Vec::<&str>::new());
        assert!(!job.run.may_have_been_sent);
        let shown = stage.longshore(&["job", &id.to_string(), "--json"]).await;
        assert_eq!(shown.json()["attempt"], 0);
    }
    let _next = stage.worker().start().await;
    stage.completed(3).await;
    assert_eq!(stage.ledger().summary().duplicates, 0);
}

/// A supervisor and its process group, a terminal that closes: the same wish, more than once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_that_come_together_are_one_and_nothing_is_sent_twice() {
    let stage = Stage::set().await;
    stage.faults([FaultRule::always(Fault::Delay { ms: 1500 })]);
    let mut worker = stage.worker().concurrency(5).start().await;
    stage.enqueue(5).await;
    stage.requests(5).await;
    worker.signal(Signal::USR1);
    worker.signal(Signal::USR2);
    worker.stop();
    worker.has_said("draining").await;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        worker.signal(signal);
        let ignored = format!("signal=\"{}\"", name(signal));
        worker.has_said(&ignored).await;
    }
    assert_eq!(worker.left_within(Duration::from_secs(10)).await, 0);
    assert!(worker.says("drained"));
    stage.completed(5).await;
    assert_eq!(stage.ledger().requests(), 5, "none is sent again");
}

fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::TERM => "TERM",
        Signal::INT => "INT",
        Signal::HUP => "HUP",
        _ => "QUIT",
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_signal_cuts_off_and_says_what_is_unknown() {
    let stage = Stage::set().await;
    stage.faults([FaultRule::always(Fault::NeverAnswer { effect: true })]);
    let mut worker = stage.worker().start().await;
    let ids = stage.enqueue(2).await;
    stage.requests(2).await;
    worker.signal(Signal::HUP);
    worker.has_said("draining").await;
    gone_by(Duration::from_millis(2100), Instant::now()).await;
    worker.signal(Signal::QUIT);
    worker.has_said("signal=\"QUIT\"").await;
    assert_eq!(worker.ended(), None, "the drain takes 40 s");
    let asked = Instant::now();
    worker.stop();
    assert_eq!(worker.left_within(Duration::from_secs(30)).await, 1);
    assert!(asked.elapsed() < Duration::from_secs(20));
    assert!(!worker.says("drained"));
    let told = worker.log();
    let told = told.lines().last().expect("it says why");
    for id in ids {
        assert!(told.contains(&id.to_string()), "{told}");
        let job = stage.job(id).await;
        assert_eq!(job.state, JobState::Retryable);
        assert_eq!(outcomes(&job), ["outcome_unknown"]);
    }
}

/// Its outcome cannot be written: nothing of that may look like a good end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_with_an_outcome_that_is_not_written_is_a_failure_that_names_the_job() {
    let stage = Stage::set().await;
    let wire = Wire::to(stage.redis.port()).await;
    let worker = stage.worker().short_lease().by(wire.url());
    let worker = worker.set("WORKER__DRAIN_SECONDS", "0.5");
    let mut worker = worker.start().await;
    wire.trouble(Wire::SETTLE, Trouble::CutBefore, usize::MAX);
    let id = stage.enqueue(1).await[0];
    worker.has_said("outcomes wait to be written").await;
    worker.stop();
    assert_eq!(worker.left_within(Duration::from_secs(15)).await, 1);
    assert!(worker.says(&id.to_string()), "it names the job");
    let _other = stage.worker().short_lease().start().await;
    stage.is(id, JobState::Completed).await;
    assert_eq!(outcomes(&stage.job(id).await), ["lost", "completed"]);
}
