//! A request was out, and what came of it could not be kept.

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{Cancelled, JobInfo, JobState, OnUnknown, Signed};

use crate::support::{self, Bench, Does};

/// Spoils the map that the runs write into, runs one job, and returns it as it stands then.
async fn unkept(bench: &Bench, on_unknown: OnUnknown, state: JobState) -> (JobId, JobInfo) {
    let place = bench.queue.assign("places", "kari", "Bergen").await;
    place.expect("assigns");
    let link = bench.queue.link();
    let mut find = redis::cmd("KEYS");
    let keys: Vec<String> = link.command(find.arg("*places*")).await.expect("looks");
    let mut spoil = redis::cmd("SET");
    let spoilt: String = link
        .command(spoil.arg(&keys[0]).arg("x"))
        .await
        .expect("sets");
    assert_eq!((keys.len(), spoilt.as_str()), (1, "OK"));
    let mut settings = support::settings();
    settings.policy.on_unknown = on_unknown;
    let running = bench.start_with(settings, Duration::from_secs(5));
    let id = bench.enqueue(Does::SendsThenAssigns).await;
    bench.is(id, state).await;
    running.stop().await;
    assert_eq!(bench.probing.sent(id), 1);
    let job = bench.queue.job(&id.into()).await.expect("looks");
    (id, job.expect("is there"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_end_could_not_be_kept_waits_and_is_none_that_was_never_sent() {
    let bench = Bench::new();
    let (id, job) = unkept(&bench, OnUnknown::Retry, JobState::Scheduled).await;
    assert!(job.run.may_have_been_sent);
    assert_eq!((job.run.used, job.waits), (0, 1), "it costs no attempt");
    let kari = Signed::new("kari", "wrong");
    let came = bench.queue.cancel(&[id.into()], false, &kari).await;
    assert_eq!(came.expect("answers"), [Cancelled::MayHaveBeenSent]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_rule_is_to_hold_it_is_held_and_not_sent_again() {
    let bench = Bench::new();
    let (_, job) = unkept(&bench, OnUnknown::Hold, JobState::Dead).await;
    assert!(job.run.may_have_been_sent);
    assert_eq!(job.history[0].entry.outcome, "outcome_unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_redis_lets_a_run_keep_what_came_of_its_request() {
    let bench = Bench::new();
    let id = bench.enqueue(Does::SendsThenAssigns).await;
    let link = bench.queue.link();
    let mut full = redis::cmd("CONFIG");
    let full: Result<String, _> = link.command(full.arg("SET").arg("maxmemory").arg(1)).await;
    full.expect("sets");
    let running = bench.start();
    bench.is(id, JobState::Completed).await;
    running.stop().await;
    assert_eq!(bench.probing.sent(id), 1);
    let place = bench.queue.find("places", "ada").await;
    assert_eq!(place.expect("asks").as_deref(), Some("Oslo"));
}
