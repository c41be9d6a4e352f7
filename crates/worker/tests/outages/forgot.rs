//! A Redis that forgot: restarted from a copy that it made before, while workers go on. What living workers know is told
//! again; what nobody knows goes by the unknown rule.

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{Hold, HoldCause, JobState, Lease, OnUnknown, WorkerId};
use longshore_tests::{eventually, http};
use longshore_worker::WorkSettings;

use super::support::{self, Bench, Does, Running};

pub(crate) const RULES: [OnUnknown; 3] = [OnUnknown::Hold, OnUnknown::Retry, OnUnknown::Verify];

pub(crate) fn settings(on_unknown: OnUnknown) -> WorkSettings {
    let mut settings = support::settings();
    settings.policy.on_unknown = on_unknown;
    settings
}

pub(crate) fn start(bench: &Bench, on_unknown: OnUnknown) -> Running {
    bench.start_with(settings(on_unknown), Duration::from_secs(5))
}

pub(crate) async fn outcomes(bench: &Bench, id: JobId) -> Vec<String> {
    let job = bench.queue.job(&id.into()).await.expect("looks");
    let history = job.expect("is there").history.into_iter();
    history.map(|recorded| recorded.entry.outcome).collect()
}

/// Whatever would still run twice has run once this has.
pub(crate) async fn one_more(bench: &Bench) {
    let after = bench.enqueue(Does::Sends).await;
    bench.is(after, JobState::Completed).await;
}

pub(crate) async fn sent_once(bench: &Bench, id: JobId) {
    bench.is(id, JobState::Completed).await;
    one_more(bench).await;
    assert_eq!(bench.probing.sent(id), 1, "its effect");
    assert_eq!(outcomes(bench, id).await, ["completed"]);
}

/// The copy has the job as running; since then it was completed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_settled_after_the_copy_does_not_run_again() {
    for rule in RULES {
        let mut bench = Bench::forgetful();
        let running = start(&bench, rule);
        let id = bench.enqueue(Does::SendsThenWaits).await;
        eventually("it has sent", || async { bench.probing.sent(id) == 1 }).await;
        bench.save().await;
        bench.probing.word.add_permits(1);
        bench.is(id, JobState::Completed).await;
        bench.restore();
        sent_once(&bench, id).await;
        running.stop().await;
    }
}

/// The copy has the job as pending, and nothing of the worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_claimed_and_settled_after_the_copy_does_not_run_again() {
    for rule in RULES {
        let mut bench = Bench::forgetful();
        let id = bench.enqueue(Does::Sends).await;
        bench.save().await;
        let running = start(&bench, rule);
        bench.is(id, JobState::Completed).await;
        bench.restore();
        sent_once(&bench, id).await;
        running.stop().await;
    }
}

/// The copy has nothing of it at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_enqueued_after_the_copy_is_kept_while_it_is_here() {
    let mut bench = Bench::forgetful();
    let running = start(&bench, OnUnknown::Hold);
    one_more(&bench).await;
    bench.save().await;
    let done = bench.enqueue(Does::Sends).await;
    bench.is(done, JobState::Completed).await;
    let failed = bench.enqueue(Does::Fails).await;
    bench.is(failed, JobState::Retryable).await;
    let here = bench.enqueue(Does::SendsThenWaits).await;
    eventually("it has sent", || async { bench.probing.sent(here) == 1 }).await;
    bench.restore();
    bench.is(failed, JobState::Retryable).await;
    let job = bench.queue.job(&failed.into()).await.expect("looks");
    let job = job.expect("is there");
    assert!(job.payload.is_some_and(|payload| !payload.is_empty()));
    assert_eq!((job.run.used, job.history.len()), (1, 1));
    bench.probing.word.add_permits(1);
    sent_once(&bench, here).await;
    sent_once(&bench, done).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_claimed_after_the_copy_runs_on_and_is_owned_again() {
    for rule in RULES {
        let mut bench = Bench::forgetful();
        let ids = bench.enqueue_many(Does::SendsThenWaits, 5).await;
        bench.save().await;
        let running = start(&bench, rule);
        bench.running(5).await;
        eventually("all have sent", || async {
            ids.iter().all(|id| bench.probing.sent(*id) == 1)
        })
        .await;
        bench.restore();
        eventually("they are owned again", || async {
            bench
                .queue
                .stats()
                .await
                .is_ok_and(|stats| stats.running == 5)
        })
        .await;
        let stats = bench.queue.stats().await.expect("counts");
        assert_eq!(stats.pending, 0, "listed, and counted elsewhere");
        bench.probing.word.add_permits(5);
        for id in ids {
            sent_once(&bench, id).await;
        }
        running.stop().await;
    }
}

/// What a worker has told once, and written again, is remembered twice. Where Redis forgets once more, it is written once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_is_forgotten_again_is_written_once() {
    let mut bench = Bench::forgetful();
    let id = bench.enqueue(Does::IsRefused).await;
    bench.save().await;
    let running = start(&bench, OnUnknown::Hold);
    bench.is(id, JobState::Dead).await;
    for timeline in ["1 ", "2 "] {
        bench.restore();
        bench.is(id, JobState::Dead).await;
        let mut told = redis::cmd("HGET");
        told.arg(&bench.queue.keys().told).arg(id.to_string());
        let told: String = bench.queue.link().command(&told).await.expect("stands");
        assert!(told.starts_with(timeline), "the newest of the claim counts");
        one_more(&bench).await;
        let stats = bench.queue.stats().await.expect("counts");
        assert_eq!(stats.counter("died"), 1);
        assert_eq!(outcomes(&bench, id).await, ["refused"]);
    }
    running.stop().await;
}

/// One worker has done the jobs, and the other comes to the restored Redis as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_workers_tell_each_what_it_did() {
    let mut bench = Bench::forgetful();
    let before = bench.enqueue_many(Does::Sends, 200).await;
    bench.save().await;
    let workers = [
        start(&bench, OnUnknown::Hold),
        start(&bench, OnUnknown::Hold),
    ];
    bench.completed(200).await;
    let after = bench.enqueue_many(Does::Sends, 200).await;
    bench.completed(400).await;
    bench.restore();
    bench.completed(400).await;
    one_more(&bench).await;
    for id in before.into_iter().chain(after) {
        assert_eq!(bench.probing.sent(id), 1);
        assert_eq!(outcomes(&bench, id).await, ["completed"]);
    }
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.running), (0, 0));
    for worker in workers {
        worker.stop().await;
    }
}

fn forgot(holds: &[Hold]) -> bool {
    holds
        .iter()
        .any(|hold| hold.cause == HoldCause::RedisForgot)
}

/// Claims are held meanwhile, visibly, and go on after that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_wait_for_one_lease_and_say_so() {
    let mut bench = Bench::forgetful();
    bench.save().await;
    let mut slow = settings(OnUnknown::Hold);
    slow.lost_after = Duration::from_secs(3);
    let running = bench.start_with(slow, Duration::from_secs(5));
    one_more(&bench).await;
    bench.restore();
    eventually("the hold is seen", || async {
        let stats = bench.queue.stats().await;
        stats.is_ok_and(|stats| forgot(&stats.holds))
    })
    .await;
    let id = bench.enqueue(Does::Sends).await;
    bench.is(id, JobState::Pending).await;
    bench.is(id, JobState::Completed).await;
    let stats = bench.queue.stats().await.expect("counts");
    assert!(!forgot(&stats.holds));
    running.stop().await;
}

/// A run made another job before Redis forgot: it is made again with the same id, and runs once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_a_run_made_are_not_forgotten() {
    let mut bench = Bench::forgetful();
    let id = bench.enqueue(Does::IsFollowed).await;
    bench.save().await;
    let running = start(&bench, OnUnknown::Hold);
    bench.completed(2).await;
    bench.restore();
    bench.completed(2).await;
    one_more(&bench).await;
    assert_eq!(bench.probing.started(), 3, "each ran once");
    assert_eq!(outcomes(&bench, id).await, ["completed"]);
    running.stop().await;
}

/// Nobody lives who could tell: what Redis has as running may have been sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_settling_worker_is_gone_as_well_the_unknown_rule_decides() {
    let mut bench = Bench::forgetful();
    let id = bench.enqueue(Does::Sends).await;
    let gone = Lease::new(WorkerId::generate("gone"));
    let stale = support::settings().heartbeat * 2;
    bench.queue.join(&gone, stale).await.expect("joins");
    let claim = bench.queue.claim(&gone, 1, None).await.expect("claims");
    assert_eq!(claim.jobs.len(), 1);
    bench.save().await;
    bench.restore();
    let running = start(&bench, OnUnknown::Hold);
    bench.is(id, JobState::Dead).await;
    assert_eq!(outcomes(&bench, id).await, ["lost"]);
    running.stop().await;
}

/// Redis says that a worker has a job, and that worker does not know it: never run is not to be inferred from that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_a_worker_cannot_account_for_goes_by_the_unknown_rule() {
    for (rule, state) in [
        (OnUnknown::Hold, JobState::Dead),
        (OnUnknown::Retry, JobState::Completed),
    ] {
        let bench = Bench::new();
        let running = start(&bench, rule);
        one_more(&bench).await;
        let keys = bench.queue.keys();
        let mut list = redis::cmd("ZRANGE");
        list.arg(&keys.workers).arg(0).arg(-1);
        let workers: Vec<String> = bench.queue.link().command(&list).await.expect("lists");
        // As a copy has it that was made while the job ran, long before it was settled.
        let job = support::new_job(Does::Sends);
        let id = job.id;
        let mut pipe = redis::pipe();
        pipe.atomic()
            .cmd("HSET")
            .arg(&keys.data)
            .arg(id.to_string())
            .arg(&job.payload)
            .ignore()
            .cmd("HSET")
            .arg(&keys.inflight)
            .arg(id.to_string())
            .arg(format!("{}:999999", workers[0]))
            .ignore();
        let done = bench.queue.link().pipeline::<()>(&pipe).await;
        done.expect("sets up");
        bench.is(id, state).await;
        assert_eq!(outcomes(&bench, id).await[0], "lost");
        running.stop().await;
    }
}

/// Claims are refused, so that a sweep goes before each, when Redis forgets the worker: that its lease is not there is not
/// taken for a lost one. No heartbeat comes meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_does_not_take_a_forgotten_lease_for_a_lost_one() {
    let bench = Bench::new();
    let mut settings = settings(OnUnknown::Hold);
    settings.heartbeat = Duration::from_secs(60);
    settings.lost_after = Duration::from_secs(180);
    let running = bench.start_with(settings, Duration::from_secs(5));
    let id = bench.enqueue(Does::SendsThenWaits).await;
    eventually("it has sent", || async { bench.probing.sent(id) == 1 }).await;
    let keys = bench.queue.keys();
    // What waits has another type: each claim is refused.
    let mut set = redis::cmd("SET");
    set.arg(&keys.active).arg("x");
    let _: String = bench.queue.link().command(&set).await.expect("sets");
    eventually("claims are refused", || async {
        let (_, body) = http::get(running.addr, "/readyz").await;
        body.contains("does not hand out jobs")
    })
    .await;
    let mut forget = redis::pipe();
    forget
        .atomic()
        .cmd("DEL")
        .arg(&keys.workers)
        .arg(&keys.timeline)
        .arg(&keys.inflight)
        .arg(&keys.active)
        .ignore();
    let forgot = bench.queue.link().pipeline::<()>(&forget).await;
    forgot.expect("forgets");
    bench.running(1).await;
    eventually("it is owned again", || async {
        let stats = bench.queue.stats().await;
        stats.is_ok_and(|stats| stats.running == 1)
    })
    .await;
    bench.probing.word.add_permits(1);
    bench.is(id, JobState::Completed).await;
    assert_eq!(outcomes(&bench, id).await, ["completed"]);
    assert_eq!(bench.probing.sent(id), 1, "its effect");
    running.stop().await;
}
