//! With `redis.wait_replicas`, accepted means that replicas have it.

use futures_util::future::join_all;
use longshore_job::Prepared;
use longshore_queue::{Cancelled, Key, Link, LinkOptions, NewJob, Queue, QueueError, Signed};
use longshore_sandbox::RedisServer;
use longshore_tests::{Wire, eventually};

use super::support::{Bench, Does, Probe, new_job};

fn job() -> NewJob {
    new_job(Does::Nothing)
}

fn keyed(key: &str) -> NewJob {
    let does = Does::Nothing;
    let prepared = Prepared::new(&Probe { does }).expect("good");
    NewJob {
        key: Some(Key::of(&prepared, key)),
        ..job()
    }
}

fn waiting(url: &str) -> Queue {
    let link = Link::new(url, LinkOptions::default()).expect("the URL is good");
    let link = link.with_wait_replicas(1);
    Queue::new(link, "t", "probe").expect("the names are good")
}

async fn number(redis: &RedisServer, command: &str) -> u64 {
    let link = Link::new(&redis.url(), LinkOptions::default()).expect("the URL is good");
    let mut parts = command.split(' ');
    let mut cmd = redis::cmd(parts.next().expect("a command"));
    for part in parts {
        cmd.arg(part);
    }
    link.command(&cmd).await.expect("answers")
}

#[track_caller]
fn not_copied(answer: Result<impl std::fmt::Debug, QueueError>) {
    match answer {
        Err(
            error @ QueueError::NotCopied {
                wanted: 1,
                acknowledged: 0,
                ..
            },
        ) => {
            assert!(error.to_string().contains("0 of the 1 replicas"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_accepted_stands_in_a_replica() {
    let bench = Bench::forgetful();
    let replica = bench.redis.replica().expect("a replica");
    let queue = waiting(&bench.redis.url());
    let data = queue.keys().data.clone();
    for n in 1..=20 {
        queue.enqueue(&[job()]).await.expect("is accepted");
        assert_eq!(number(&replica, &format!("HLEN {data}")).await, n);
    }
    // One that has stopped copying: it is in Redis, and not accepted. The same call again makes no second one.
    replica.pause().expect("stops");
    let jobs = [job()];
    not_copied(queue.enqueue(&jobs).await);
    assert_eq!(queue.stats().await.expect("counts").pending, 21);
    not_copied(queue.enqueue(&jobs).await);
    replica.resume().expect("goes on");
    let enqueued = queue.enqueue(&jobs).await.expect("is accepted");
    assert_eq!((enqueued[0].id, enqueued[0].duplicate), (jobs[0].id, false));
    assert_eq!(queue.stats().await.expect("counts").pending, 21);
    assert_eq!(number(&replica, &format!("HLEN {data}")).await, 21);
}

/// The connection that waits has never written, and WAIT says nothing of what others wrote: a write of its own goes first.
#[tokio::test]
async fn the_first_wait_of_a_connection_is_one() {
    let bench = Bench::forgetful();
    let replica = bench.redis.replica().expect("a replica");
    replica.pause().expect("stops");
    not_copied(waiting(&bench.redis.url()).enqueue(&[job()]).await);
}

#[tokio::test]
async fn a_key_that_is_held_is_answered_once_replicas_know_it() {
    let bench = Bench::forgetful();
    let replica = bench.redis.replica().expect("a replica");
    let queue = waiting(&bench.redis.url());
    let keyed = || keyed("order-1");
    replica.pause().expect("stops");
    not_copied(queue.enqueue(&[keyed()]).await);
    // Another process asks for the same: it must not be told that it is there for good.
    not_copied(waiting(&bench.redis.url()).enqueue(&[keyed()]).await);
    replica.resume().expect("goes on");
    let enqueued = queue.enqueue(&[keyed()]).await.expect("is accepted");
    assert!(enqueued[0].duplicate);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_at_the_same_time_wait_together() {
    let bench = Bench::forgetful();
    let _replica = bench.redis.replica().expect("a replica");
    let queue = waiting(&bench.redis.url());
    let accepted = join_all((0..500).map(|_| async {
        let jobs = [job()];
        queue.enqueue(&jobs).await
    }));
    for accepted in accepted.await {
        accepted.expect("is accepted");
    }
    let mut info = redis::cmd("INFO");
    info.arg("commandstats");
    let info: String = bench.queue.link().command(&info).await.expect("answers");
    let waits = info
        .lines()
        .find_map(|line| line.strip_prefix("cmdstat_wait:calls="));
    let waits = waits.and_then(|calls| calls.split(',').next()?.parse::<u32>().ok());
    let waits = waits.expect("some were made");
    assert!(waits < 250, "{waits} waits for 500 calls");
}

async fn blocked(redis: &RedisServer) -> bool {
    let link = Link::new(&redis.url(), LinkOptions::default()).expect("the URL is good");
    let mut info = redis::cmd("INFO");
    info.arg("clients");
    let info: String = link.command(&info).await.expect("answers");
    info.contains("blocked_clients:1")
}

/// Of two that wait together, the one that waits for both is dropped half way: the other waits on its own.
#[tokio::test]
async fn a_caller_that_gives_up_leaves_nobody_waiting() {
    let bench = Bench::forgetful();
    let replica = bench.redis.replica().expect("a replica");
    let queue = waiting(&bench.redis.url());
    replica.pause().expect("stops");
    let mut callers = Vec::new();
    for n in 1..=3 {
        let queue = queue.clone();
        callers.push(tokio::spawn(async move { queue.enqueue(&[job()]).await }));
        // In this order: while the first waits, the others gather behind it.
        eventually("it is in Redis", || async {
            bench
                .queue
                .stats()
                .await
                .is_ok_and(|stats| stats.pending == n)
        })
        .await;
        eventually("somebody waits", || blocked(&bench.redis)).await;
    }
    let (last, gives_up, first) = (callers.remove(2), callers.remove(1), callers.remove(0));
    not_copied(first.await.expect("no panic"));
    eventually("the second waits for two", || blocked(&bench.redis)).await;
    gives_up.abort();
    replica.resume().expect("goes on");
    let accepted = last.await.expect("no panic");
    assert_eq!(accepted.expect("is accepted").len(), 1);
}

/// Between the enqueue and the wait Redis fails over to a server that lacks the job, and has a replica of its own.
struct Lacking {
    /// The one that enqueues.
    first: Bench,
    /// The one that is waited for: it knows what others have enqueued there.
    other: Bench,
    _replica: RedisServer,
    wire: Wire,
    queue: Queue,
}

impl Lacking {
    async fn new() -> Self {
        let (first, other) = (Bench::forgetful(), Bench::forgetful());
        let replica = other.redis.replica().expect("a replica");
        let wire = Wire::to(first.redis.port()).await;
        let queue = waiting(&wire.url());
        queue.now_ms().await.expect("is connected to the first");
        wire.lead_to(other.redis.port());
        Self {
            first,
            other,
            _replica: replica,
            wire,
            queue,
        }
    }

    /// The one that enqueues is gone as well. The producer repeats its call until it is accepted.
    async fn until_accepted<T>(&self, call: impl AsyncFn() -> Result<T, QueueError>) -> T {
        self.wire.cut();
        loop {
            match call().await {
                Err(error) if error.may_pass() => {}
                answer => break answer.expect("is accepted"),
            }
        }
    }

    async fn pending(&self) -> u64 {
        self.other.queue.stats().await.expect("counts").pending
    }
}

#[track_caller]
fn failed_over(answer: Result<impl std::fmt::Debug, QueueError>) {
    match answer {
        Err(QueueError::Unreachable { reason, .. }) => {
            assert!(reason.contains("failed over"), "{reason}");
        }
        answer => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn a_server_that_lacks_the_job_does_not_vouch_for_it() {
    let flow = Lacking::new().await;
    let jobs = [job()];
    failed_over(flow.queue.enqueue(&jobs).await);
    let accepted = flow.until_accepted(|| flow.queue.enqueue(&jobs)).await;
    assert_eq!(accepted[0].id, jobs[0].id);
    assert_eq!(flow.pending().await, 1);
}

/// One that was known from an earlier call says nothing of what comes with it.
#[tokio::test]
async fn a_server_that_knows_one_job_of_a_call_does_not_vouch_for_the_others() {
    let flow = Lacking::new().await;
    let jobs = [job(), job()];
    flow.other
        .queue
        .enqueue(&jobs[..1])
        .await
        .expect("enqueues");
    failed_over(flow.queue.enqueue(&jobs).await);
    flow.until_accepted(|| flow.queue.enqueue(&jobs)).await;
    assert_eq!(flow.pending().await, 2);
}

/// A call in which one job is a duplicate of another is accepted, also when it is repeated and the other was cancelled meanwhile.
#[tokio::test]
async fn a_key_that_a_job_of_the_same_call_held_is_not_looked_for() {
    let bench = Bench::forgetful();
    let _replica = bench.redis.replica().expect("a replica");
    let queue = waiting(&bench.redis.url());
    let jobs = [keyed("order-1"), keyed("order-1")];
    queue.enqueue(&jobs).await.expect("is accepted");
    let kari = Signed::new("kari", "not wanted");
    let came = queue.cancel(&[jobs[0].id.into()], false, &kari).await;
    assert_eq!(came.expect("answers"), [Cancelled::Yes]);
    let again = queue.enqueue(&jobs).await.expect("is accepted again");
    assert_eq!((again[1].id, again[1].duplicate), (jobs[0].id, true));
}

/// What others have carried, and what was carried before, says nothing of what comes with it.
#[tokio::test]
async fn a_server_that_knows_other_carried_jobs_does_not_vouch_for_one_that_it_lacks() {
    let flow = Lacking::new().await;
    let jobs = [job(), job()];
    let before = [job(), jobs[0].clone()];
    flow.other.queue.carry(&before).await.expect("carries");
    failed_over(flow.queue.carry(&jobs).await);
    flow.until_accepted(|| flow.queue.carry(&jobs)).await;
    assert_eq!(flow.pending().await, 3);
}

/// A key that stands for another job there says that the one which was named is lost, also beside one that is known.
#[tokio::test]
async fn a_server_where_a_key_stands_for_another_job_does_not_vouch_for_the_one_that_was_named() {
    let flow = Lacking::new().await;
    let named = [keyed("order-1"), keyed("order-2")];
    flow.first.queue.enqueue(&named).await.expect("enqueues");
    // There the first is known, and in the place of the second another one came.
    let there = [named[0].clone(), keyed("order-2")];
    flow.other.queue.enqueue(&there).await.expect("enqueues");
    let again = [keyed("order-1"), keyed("order-2")];
    failed_over(flow.queue.enqueue(&again).await);
    let accepted = flow.until_accepted(|| flow.queue.enqueue(&again)).await;
    let ids: Vec<_> = accepted.iter().map(|one| (one.id, one.duplicate)).collect();
    assert_eq!(ids, [(there[0].id, true), (there[1].id, true)]);
    assert_eq!(flow.pending().await, 2);
}

/// What that server says is not said of the one that took the job: it may stand there.
#[tokio::test]
async fn a_server_that_takes_no_writes_says_nothing_of_what_another_took() {
    let flow = Lacking::new().await;
    let mut follow = redis::cmd("REPLICAOF");
    follow.arg("127.0.0.1").arg(1);
    let link = flow.other.queue.link();
    link.command::<String>(&follow).await.expect("follows");
    let jobs = [job()];
    match flow.queue.enqueue(&jobs).await {
        Err(QueueError::Unreachable { .. }) => {}
        answer => panic!("{answer:?}"),
    }
    assert_eq!(flow.first.queue.stats().await.expect("counts").pending, 1);
}
