//! With `redis.wait_replicas`, accepted means that replicas have it.

use futures_util::future::join_all;
use longshore_job::Prepared;
use longshore_queue::{Key, Link, LinkOptions, NewJob, Queue, QueueError};
use longshore_sandbox::RedisServer;
use longshore_tests::{Wire, eventually};

use super::support::{Bench, Does, Probe, new_job};

fn job() -> NewJob {
    new_job(Does::Nothing)
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
    let keyed = || {
        let prepared = Prepared::new(&Probe {
            does: Does::Nothing,
        })
        .expect("good");
        NewJob {
            key: Some(Key::of(&prepared, "order-1")),
            ..job()
        }
    };
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
#[tokio::test]
async fn a_server_that_lacks_the_job_does_not_vouch_for_it() {
    let (bench, other) = (Bench::forgetful(), Bench::forgetful());
    let _replica = other.redis.replica().expect("a replica");
    let wire = Wire::to(bench.redis.port()).await;
    let queue = waiting(&wire.url());
    queue.now_ms().await.expect("is connected to the first");
    wire.lead_to(other.redis.port());
    let jobs = [job()];
    match queue.enqueue(&jobs).await {
        Err(QueueError::Unreachable { reason, .. }) => {
            assert!(reason.contains("failed over"), "{reason}");
        }
        answer => panic!("{answer:?}"),
    }
    wire.cut();
    // The producer repeats it, and it goes where it is kept.
    let accepted = loop {
        match queue.enqueue(&jobs).await {
            Err(error) if error.may_pass() => {}
            answer => break answer.expect("is accepted"),
        }
    };
    assert_eq!(accepted[0].id, jobs[0].id);
    assert_eq!(other.queue.stats().await.expect("counts").pending, 1);
}
