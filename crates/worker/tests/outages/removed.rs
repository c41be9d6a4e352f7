//! Running jobs that somebody removes from Redis, and those that only seem to be.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use longshore_job::{Handler, InvalidArgs, Job, JobError, JobId, Outcome, Prepared, Run};
use longshore_queue::{JobState, Link, LinkOptions, NewJob, Queue};
use longshore_tests::{Trouble, Wire, eventually};
use longshore_worker::{Fleet, FleetOptions, Handlers};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::support::{self, Bench, Does};

/// The number of the queue's timeline.
async fn timeline(bench: &Bench) -> u64 {
    let mut ask = redis::cmd("HGET");
    ask.arg(&bench.queue.keys().timeline).arg("nonce");
    let nonce: String = bench.queue.link().command(&ask).await.expect("stands");
    let number = nonce.split('.').next().and_then(|n| n.parse().ok());
    number.expect("a number")
}

async fn runs(bench: &Bench) -> JobId {
    let id = bench.enqueue(Does::SendsThenWaits).await;
    eventually("it has sent", || async { bench.probing.sent(id) == 1 }).await;
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_jobs_that_somebody_removed_are_told_again_and_end_here() {
    let bench = Bench::new();
    let running = bench.start();
    let id = runs(&bench).await;
    let mut remove = redis::cmd("DEL");
    remove.arg(&bench.queue.keys().inflight);
    let removed: u8 = bench.queue.link().command(&remove).await.expect("answers");
    assert_eq!(removed, 1);
    eventually("it is known to run again", || async {
        let owner = bench.queue.owner(&id.into()).await;
        owner.is_ok_and(|owner| owner.is_some())
    })
    .await;
    bench.probing.word.add_permits(1);
    bench.is(id, JobState::Completed).await;
    assert_eq!(bench.probing.sent(id), 1);
    running.stop().await;
}

/// A heartbeat that says that a job runs, and comes to Redis after its outcome.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_ends_while_a_heartbeat_is_on_its_way_was_not_removed() {
    let mut bench = Bench::new();
    let wire = Wire::to(bench.redis.port()).await;
    let link = Link::new(&wire.url(), LinkOptions::default()).expect("a good URL");
    let direct = bench.queue.clone();
    bench.queue = direct.over(link);
    let running = bench.start();
    bench.queue = direct;
    wire.trouble(
        Wire::BEAT,
        Trouble::Late(Duration::from_millis(100)),
        usize::MAX,
    );
    for _ in 0..3 {
        let id = runs(&bench).await;
        let begun = wire.met();
        // The second of these tells of it, and the third, too.
        eventually("a heartbeat is on its way", || async {
            wire.met() >= begun + 3
        })
        .await;
        bench.probing.word.add_permits(1);
        bench.is(id, JobState::Completed).await;
        let begun = wire.met();
        eventually("it is there", || async { wire.met() >= begun + 2 }).await;
    }
    assert_eq!(timeline(&bench).await, 1);
    running.stop().await;
}

/// Redis forgot a claim, and another worker has carried the job out: it still runs here, and is not taken for one that somebody
/// removed, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_another_workers_by_now_was_not_removed() {
    let bench = Bench::new();
    let running = bench.start();
    let id = runs(&bench).await;
    let k = bench.queue.keys();
    let id = id.to_string();
    let mut there = redis::pipe();
    there.atomic();
    there.cmd("HDEL").arg(&k.inflight).arg(&id);
    there.cmd("HSET").arg(&k.completions).arg(&id).arg("1 {}");
    there
        .cmd("HSET")
        .arg(&k.timeline)
        .arg("nonce")
        .arg("2.0.another");
    let done: Vec<u8> = bench.queue.link().pipeline(&there).await.expect("answers");
    assert_eq!(done, [1, 1, 0]);
    // Its worker tells of it, and is told that it is not its own. Then three beats find that nothing runs.
    for _ in 0..3 {
        bench.beats_twice().await;
    }
    assert_eq!(timeline(&bench).await, 2);
    bench.probing.word.add_permits(1);
    running.stop().await;
}

/// A job whose run blocks its thread, so that it cannot be stopped.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Blocks {}

impl Job for Blocks {
    const KIND: &'static str = "blocks";
    const PUBLIC_ARGS: &'static [&'static str] = &[];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const QUEUE: &'static str = "probe";

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

/// Its handler, until it is told to go on.
struct Blocking(Mutex<Receiver<()>>);

impl Handler for Blocking {
    type Job = Blocks;

    async fn run(&self, _: Blocks, _: Run) -> Result<Outcome, JobError> {
        let go_on = self.0.lock().expect("not poisoned");
        let _ = go_on.recv_timeout(Duration::from_secs(60));
        Ok(Outcome::done())
    }
}

/// A lease is lost, and another worker has carried its job out, which still runs here: it is not taken for one that somebody removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_a_lost_lease_was_not_removed() {
    let bench = Bench::new();
    let job = NewJob {
        payload: Prepared::new(&Blocks {}).expect("good").payload,
        ..support::new_job(Does::Nothing)
    };
    let id = job.id;
    bench.queue.enqueue(&[job]).await.expect("enqueues");
    let (go_on, waits) = channel();
    let handlers = Handlers::new().with(Blocking(Mutex::new(waits)));
    let link = bench.queue.link().another(LinkOptions::default());
    let queue = Queue::new(link, "t", "probe").expect("good names");
    let options = FleetOptions {
        name: "test".to_owned(),
        host: "test".to_owned(),
        http_addr: ([127, 0, 0, 1], 0).into(),
        drain: Duration::from_secs(5),
    };
    let fleet = Fleet::new(options).queue(queue, support::settings(), handlers);
    let (stop, stopped) = mpsc::channel(1);
    let fleet = tokio::spawn(fleet.run(stopped));
    bench.is(id, JobState::Running).await;

    let k = bench.queue.keys();
    let id = id.to_string();
    let mut there = redis::pipe();
    there.atomic();
    there.cmd("DEL").arg(&k.workers);
    there.cmd("HDEL").arg(&k.inflight).arg(&id);
    there.cmd("HSET").arg(&k.completions).arg(&id).arg("1 {}");
    let done: Vec<u8> = bench.queue.link().pipeline(&there).await.expect("answers");
    assert_eq!(done, [1, 1, 1]);
    for _ in 0..3 {
        bench.beats_twice().await;
    }
    assert_eq!(timeline(&bench).await, 1);
    go_on.send(()).expect("it runs");
    let _ = stop.send(()).await;
    fleet.await.expect("no panic").expect("ends well");
}
