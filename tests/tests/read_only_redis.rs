//! Redis becomes a replica under load and refuses writes, as the old master does after a failover, twice and for longer
//! than a lease: nothing is lost, nothing is doubled, no worker dies, and jobs are claimed again when it takes writes.

use std::time::{Duration, Instant};

use longshore_tests::{Load, Stage, gone_by, outcomes};

/// Longer than the short lease of 1 s.
const READ_ONLY: Duration = Duration::from_secs(3);

/// Calls that are out when Redis becomes read-only, and answered before it takes writes.
const SLOW: usize = 10;

/// Nothing listens on port 1: a replica that never finds its master keeps what it has.
async fn replica_of(stage: &Stage, host: &str, port: &str) {
    let mut command = redis::cmd("REPLICAOF");
    let _: String = stage
        .queue
        .link()
        .command(command.arg(host).arg(port))
        .await
        .expect("changes its role");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_redis_loses_and_doubles_nothing() {
    let stage = Stage::set().await;
    stage.slow_calls_take(2000);
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(stage.worker().short_lease().start().await);
    }
    let load = Load::on(&stage);
    let mut all_slow = Vec::new();
    for _ in 0..2 {
        stage.progress(200).await;
        let slow = stage.slow_calls(SLOW).await;
        replica_of(&stage, "127.0.0.1", "1").await;
        let since = Instant::now();
        for worker in &workers {
            let said = worker.becomes("/readyz", 503).await;
            assert!(said.starts_with("email: Redis"), "{said}");
            worker.unconfirmed().await;
            assert_eq!(worker.get("/livez").await, (200, "ok\n".to_owned()));
        }
        gone_by(READ_ONLY, since).await;
        let out = stage.stats().await.running;
        assert!(out >= SLOW as u64, "no outcome can have been written");
        replica_of(&stage, "NO", "ONE").await;
        for worker in &workers {
            assert_eq!(worker.get("/livez").await.0, 200);
            worker.becomes("/readyz", 200).await;
        }
        all_slow.extend(slow);
    }
    stage.progress(200).await;
    let accepted = load.end().await;
    println!("{} were accepted", accepted.len());
    stage.done_once(&accepted).await;
    stage.done_once(&all_slow).await;
    for id in all_slow {
        let job = stage.job(id).await;
        assert_eq!(outcomes(&job), ["completed"], "its call was not dropped");
    }
    for worker in &mut workers {
        assert_eq!(worker.ended(), None, "a worker died of it");
        assert!(!worker.says("lease lost"), "a lease was lost with Redis");
    }
}
