//! A replica that lagged takes the master's place, an append-only file loses its end, and answers are lost meanwhile.

use std::path::PathBuf;
use std::time::Duration;

use longshore_job::{JobId, Prepared};
use longshore_queue::{
    Cancelled, JobState, Link, LinkOptions, NewJob, OnUnknown, Queue, QueueError, RunAt, Signed,
};
use longshore_sandbox::{AppendFsync, RedisServer};
use longshore_tests::{Trouble, Wire, eventually};

use super::forgot::{RULES, one_more, outcomes, sent_once, settings, start};
use super::support::harmless::Harmless;
use super::support::{Bench, Does, new_job};

/// A master with a replica, which may have a replica of its own, and the one address that leads to the master.
struct Failover {
    bench: Bench,
    replica: RedisServer,
    wire: Wire,
}

impl Failover {
    async fn new(wait_replicas: u32) -> Self {
        let mut bench = Bench::forgetful();
        let replica = bench.redis.replica().expect("a replica");
        let wire = Wire::to(bench.redis.port()).await;
        let link = Link::new(&wire.url(), LinkOptions::default()).expect("the URL is good");
        let link = link.with_wait_replicas(wait_replicas);
        bench.queue = Queue::new(link, "t", "probe").expect("good names");
        Self {
            bench,
            replica,
            wire,
        }
    }

    /// The master is gone, and the replica takes its place.
    fn fail_over(&mut self) {
        self.bench.redis.kill();
        self.replica.promote().expect("is promoted");
        self.wire.lead_to(self.replica.port());
        self.wire.cut();
    }
}

/// What the replica lacks is told by the worker: jobs that it has as running, as pending, and not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_lagged_is_told_what_it_lacks() {
    for rule in RULES {
        let mut flow = Failover::new(0).await;
        let running = start(&flow.bench, rule);
        let bench = &flow.bench;
        let settled = bench.enqueue(Does::SendsThenWaits).await;
        eventually("it has sent", || async { bench.probing.sent(settled) == 1 }).await;
        let pending = later(bench).await;
        flow.replica.fall_behind().expect("falls behind");
        bench.probing.word.add_permits(1);
        bench.is(settled, JobState::Completed).await;
        make_due(bench).await;
        bench.is(pending, JobState::Completed).await;
        let unknown = bench.enqueue(Does::Sends).await;
        bench.is(unknown, JobState::Completed).await;
        let here = bench.enqueue(Does::SendsThenWaits).await;
        eventually("it has sent", || async { bench.probing.sent(here) == 1 }).await;
        flow.fail_over();
        let bench = &flow.bench;
        bench.probing.word.add_permits(1);
        for id in [settled, pending, unknown, here] {
            sent_once(bench, id).await;
        }
        running.stop().await;
    }
}

/// The replica has a job as waiting that runs, and an operator cancels it there: it stops before its next request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_cancelled_where_its_claim_was_forgotten_sends_nothing() {
    let mut flow = Failover::new(0).await;
    let running = start(&flow.bench, OnUnknown::Hold);
    let job = NewJob {
        run_at: RunAt::In(Duration::from_secs(3600)),
        ..new_job(Does::WaitsThenSends)
    };
    let id = job.id;
    let bench = &flow.bench;
    bench.queue.enqueue(&[job]).await.expect("enqueues");
    let link = Link::new(&flow.replica.url(), LinkOptions::default()).expect("the URL is good");
    let there = Queue::new(link, "t", "probe").expect("good names");
    eventually("it is copied", || async {
        there.job(&id.into()).await.is_ok_and(|job| job.is_some())
    })
    .await;
    flow.replica.fall_behind().expect("falls behind");
    // As often as somebody was asked to stop here, it will have been there.
    let mut ask = redis::cmd("HINCRBY");
    ask.arg(&bench.queue.keys().timeline).arg("asks").arg(1);
    let asks: u64 = bench.queue.link().command(&ask).await.expect("counts");
    assert_eq!(asks, 1);
    bench.beats_twice().await;
    make_due(bench).await;
    bench.is(id, JobState::Running).await;

    flow.bench.redis.kill();
    flow.replica.promote().expect("is promoted");
    let kari = Signed::new("kari", "not wanted");
    let came = there.cancel(&[id.into()], false, &kari).await;
    assert_eq!(came.expect("answers"), [Cancelled::Yes]);
    flow.wire.lead_to(flow.replica.port());
    flow.wire.cut();
    let bench = &flow.bench;
    eventually("the replica answers", || async {
        bench.queue.stats().await.is_ok()
    })
    .await;
    // No job begins before Redis was told.
    one_more(bench).await;
    bench.beats_twice().await;
    bench.probing.word.add_permits(1);
    one_more(bench).await;
    assert_eq!(bench.probing.sent(id), 0);
    assert_eq!(outcomes(bench, id).await, ["cancelled"]);
    running.stop().await;
}

/// A job that is pending for a while.
async fn later(bench: &Bench) -> JobId {
    let job = NewJob {
        run_at: RunAt::In(Duration::from_secs(3600)),
        ..new_job(Does::Sends)
    };
    let id = job.id;
    bench.queue.enqueue(&[job]).await.expect("enqueues");
    id
}

/// Makes all that is scheduled due.
async fn make_due(bench: &Bench) {
    let scheduled = &bench.queue.keys().scheduled;
    let link = bench.queue.link();
    let mut list = redis::cmd("ZRANGE");
    list.arg(scheduled).arg(0).arg(-1);
    let ids: Vec<String> = link.command(&list).await.expect("lists");
    for id in ids {
        let mut due = redis::cmd("ZADD");
        due.arg(scheduled).arg(1).arg(id);
        link.command::<u8>(&due).await.expect("is due");
    }
}

/// A settle was carried out, its answer was lost, and then Redis forgot it: the copy has the job as running, or as pending.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settle_whose_answer_was_lost_and_which_was_forgotten_is_written_again() {
    for rule in RULES {
        for claimed in [true, false] {
            let mut bench = Bench::forgetful();
            let wire = Wire::to(bench.redis.port()).await;
            let link = Link::new(&wire.url(), LinkOptions::default()).expect("the URL is good");
            bench.queue = Queue::new(link, "t", "probe").expect("good names");
            let id = bench.enqueue(Does::SendsThenWaits).await;
            if !claimed {
                bench.save().await;
            }
            let running = start(&bench, rule);
            eventually("it has sent", || async { bench.probing.sent(id) == 1 }).await;
            if claimed {
                bench.save().await;
            }
            wire.trouble(Wire::SETTLE, Trouble::CutAfter, usize::MAX);
            bench.probing.word.add_permits(1);
            eventually("an answer was lost", || async { wire.met() > 0 }).await;
            bench.restore();
            wire.clear();
            sent_once(&bench, id).await;
            running.stop().await;
        }
    }
}

/// Redis alone is killed: with `everysec`, what it had acknowledged is in the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_only_file_that_is_written_each_second_survives_a_kill() {
    let mut bench = every_second();
    let running = start(&bench, OnUnknown::Hold);
    let ids = bench.enqueue_many(Does::Sends, 300).await;
    bench.redis.restart().expect("comes back");
    bench.completed(300).await;
    one_more(&bench).await;
    for id in ids {
        assert_eq!(bench.probing.sent(id), 1);
        assert_eq!(outcomes(&bench, id).await, ["completed"]);
    }
    running.stop().await;
}

/// Its machine is killed: the last second is missing from the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_only_file_that_lost_its_last_second_is_told_what_it_lacks() {
    for rule in RULES {
        let mut bench = every_second();
        let running = start(&bench, rule);
        let settled = bench.enqueue(Does::SendsThenWaits).await;
        eventually("it has sent", || async { bench.probing.sent(settled) == 1 }).await;
        let file = append_only_file(&bench.redis);
        let kept = std::fs::metadata(&file).expect("is there").len();
        bench.probing.word.add_permits(1);
        bench.is(settled, JobState::Completed).await;
        let unknown = bench.enqueue(Does::Sends).await;
        bench.is(unknown, JobState::Completed).await;
        bench.redis.kill();
        let file = std::fs::OpenOptions::new().write(true).open(file);
        file.and_then(|file| file.set_len(kept)).expect("is cut");
        bench.redis.restart().expect("comes back");
        sent_once(&bench, settled).await;
        sent_once(&bench, unknown).await;
        running.stop().await;
    }
}

fn every_second() -> Bench {
    let redis = RedisServer::options().append_only(AppendFsync::EverySecond);
    Bench::on(redis.start().expect("a private Redis starts"))
}

fn append_only_file(redis: &RedisServer) -> PathBuf {
    let files = std::fs::read_dir(redis.dir().join("appendonlydir")).expect("is there");
    let mut files = files.map(|file| file.expect("is read").path());
    let of_commands = |file: &PathBuf| file.to_string_lossy().ends_with(".incr.aof");
    files.find(of_commands).expect("one is written")
}

/// Replicas acknowledge neither the job's claim nor another job: nothing is sent and nothing is accepted, so that a failover
/// doubles nothing and loses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_replicas_that_are_waited_for_a_failover_loses_and_doubles_nothing() {
    let mut flow = Failover::new(1).await;
    let _second = flow.replica.replica().expect("a replica of its own");
    let bench = &flow.bench;
    let accepted = bench.enqueue(Does::Sends).await;
    flow.replica.fall_behind().expect("falls behind");
    let first = start(bench, OnUnknown::Retry);
    let refused = [new_job(Does::Sends)];
    match bench.queue.enqueue(&refused).await {
        Err(QueueError::NotCopied { .. }) => {}
        answer => panic!("{answer:?}"),
    }
    let (put_back, reason) = {
        let put_back = || async {
            let job = bench.queue.job(&accepted.into()).await.ok().flatten()?;
            let back = job.put_back?;
            Some((back.entry.outcome, back.entry.reason.unwrap_or_default()))
        };
        eventually("it is put back", || async { put_back().await.is_some() }).await;
        put_back().await.expect("it was")
    };
    assert_eq!(put_back, "not_copied");
    assert!(reason.contains("redis.wait_replicas"), "{reason}");
    let job = bench.queue.job(&accepted.into()).await.expect("looks");
    let job = job.expect("is there");
    assert_eq!((job.run.used, job.history.len()), (0, 0));
    for job in [accepted, refused[0].id] {
        assert_eq!(bench.probing.sent(job), 0, "nothing was sent");
    }
    // Nobody is left who could tell.
    first.stop().await;
    flow.fail_over();
    let bench = &flow.bench;
    let second = start(bench, OnUnknown::Retry);
    eventually("the same call is accepted in the end", || async {
        bench.queue.enqueue(&refused).await.is_ok()
    })
    .await;
    for id in [accepted, refused[0].id] {
        sent_once(bench, id).await;
    }
    second.stop().await;
}

/// Where a second request does no harm, a claim that a failover forgets does none either: nobody waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_sent_twice_waits_for_no_replica() {
    let flow = Failover::new(1).await;
    let harmful = flow.bench.enqueue(Does::Sends).await;
    let harmless = NewJob {
        payload: Prepared::new(&Harmless {}).expect("good").payload,
        ..new_job(Does::Sends)
    };
    let id = harmless.id;
    let enqueued = flow.bench.queue.enqueue(&[harmless]).await;
    enqueued.expect("is accepted");
    flow.replica.fall_behind().expect("falls behind");
    let bench = &flow.bench;
    let running = start(bench, OnUnknown::Retry);
    bench.is(id, JobState::Completed).await;
    assert_eq!(bench.probing.sent(id), 1);
    eventually("the other is put back", || async {
        let job = bench.queue.job(&harmful.into()).await.ok().flatten();
        job.is_some_and(|job| job.put_back.is_some())
    })
    .await;
    assert_eq!(bench.probing.sent(harmful), 0);
    running.stop().await;
}

/// Once there are replicas again, jobs that waited go on, at no attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_for_replicas_goes_on_when_they_are_back() {
    let flow = Failover::new(1).await;
    let bench = &flow.bench;
    let ids = bench.enqueue_many(Does::Sends, 8).await;
    flow.replica.pause().expect("stops");
    let running = bench.start_with(settings(OnUnknown::Hold), Duration::from_secs(5));
    eventually("all are put back", || async {
        let stats = bench.queue.stats().await;
        stats.is_ok_and(|stats| stats.scheduled == 8)
    })
    .await;
    flow.replica.resume().expect("goes on");
    make_due(bench).await;
    for id in ids {
        sent_once(bench, id).await;
    }
    running.stop().await;
}
