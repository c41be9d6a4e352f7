//! A first look at speed, on a private Redis: `cargo run --profile quick -p longshore-worker --example sanity`.
//!
//! Prints the drain rate of no-op jobs at concurrency 100, the share of the ideal rate with 50 ms jobs at concurrency
//! 100, how soon an idle worker starts a job, and what an idle worker costs Redis. The machine's noise is in all of
//! them: compare only what one run prints.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use longshore_job::{
    Handler, InvalidArgs, Job, JobError, JobId, Outcome, Prepared, RetrySchedule, Run,
};
use longshore_queue::{Link, LinkOptions, NewJob, OnUnknown, Policy, Queue, Retention, RunAt};
use longshore_sandbox::RedisServer;
use longshore_worker::{Fleet, FleetOptions, Handlers, Settings};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[derive(Serialize, Deserialize)]
struct Probe {
    sleep_ms: u64,
    filler: String,
}

impl Job for Probe {
    const KIND: &'static str = "probe";
    const QUEUE: &'static str = "probe";

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

struct Probing {
    done: Arc<AtomicU64>,
    started: mpsc::UnboundedSender<Instant>,
    timed: bool,
}

impl Handler for Probing {
    type Job = Probe;

    async fn run(&self, job: Probe, _: Run) -> Result<Outcome, JobError> {
        if self.timed {
            let _ = self.started.send(Instant::now());
        }
        if job.sleep_ms > 0 {
            tokio::time::sleep(Duration::from_millis(job.sleep_ms)).await;
        }
        self.done.fetch_add(1, Ordering::Relaxed);
        Ok(Outcome::done())
    }
}

struct Running {
    done: Arc<AtomicU64>,
    started: mpsc::UnboundedReceiver<Instant>,
    stop: mpsc::Sender<()>,
    fleet: tokio::task::JoinHandle<()>,
}

fn start(queue: &Queue, timed: bool) -> Running {
    let (stop, stopped) = mpsc::channel(1);
    let (starts, started) = mpsc::unbounded_channel();
    let done = Arc::new(AtomicU64::new(0));
    let handlers = Handlers::new().with(Probing {
        done: Arc::clone(&done),
        started: starts,
        timed,
    });
    let settings = Settings {
        concurrency: 100,
        max_running: None,
        timeout: Duration::from_secs(30),
        policy: Policy {
            schedule: RetrySchedule::default(),
            on_unknown: OnUnknown::Retry,
        },
        retention: Retention {
            keep: Duration::from_secs(60),
            max_bytes: Some(64 << 20),
        },
        heartbeat: Duration::from_secs(5),
        lost_after: Duration::from_secs(15),
    };
    let options = FleetOptions {
        name: "sanity".to_owned(),
        http_addr: ([127, 0, 0, 1], 0).into(),
        drain: Duration::from_secs(5),
    };
    let own = queue.over(queue.link().another(LinkOptions::default()));
    let fleet = Fleet::new(options).queue(own, settings, handlers);
    let fleet = tokio::spawn(async move {
        fleet.run(stopped).await.expect("works");
    });
    Running {
        done,
        started,
        stop,
        fleet,
    }
}

async fn enqueue(queue: &Queue, n: usize, sleep_ms: u64) {
    let probe = Probe {
        sleep_ms,
        filler: "x".repeat(130),
    };
    let payload = Prepared::new(&probe).expect("good").payload;
    let jobs: Vec<NewJob> = (0..n)
        .map(|_| NewJob {
            id: JobId::generate(),
            payload: payload.clone(),
            run_at: RunAt::Now,
            key: None,
            expires_in: None,
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            tracestate: None,
        })
        .collect();
    queue.enqueue(&jobs).await.expect("enqueues");
}

/// Jobs that come once the worker is up: its start is not their time.
async fn drain(queue: &Queue, n: usize, sleep_ms: u64) -> f64 {
    let mut running = start(queue, true);
    enqueue(queue, 1, 0).await;
    running.started.recv().await;
    let began = Instant::now();
    enqueue(queue, n, sleep_ms).await;
    finish(running, n as u64 + 1, began).await
}

async fn drain_queued(queue: &Queue, n: usize) -> f64 {
    let running = start(queue, false);
    finish(running, n as u64, Instant::now()).await
}

async fn finish(running: Running, n: u64, began: Instant) -> f64 {
    while running.done.load(Ordering::Relaxed) < n {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let rate = n as f64 / began.elapsed().as_secs_f64();
    running.stop.send(()).await.expect("hears");
    running.fleet.await.expect("ends");
    rate
}

async fn commands(queue: &Queue) -> u64 {
    let info: String = queue
        .link()
        .command(redis::cmd("INFO").arg("stats"))
        .await
        .expect("says");
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_commands_processed:"));
    line.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
}

#[tokio::main]
async fn main() {
    let redis = RedisServer::start().expect("a private Redis");
    let link = Link::new(&redis.url(), LinkOptions::default()).expect("a good URL");
    let queue = Queue::new(link, "sanity", "probe").expect("good names");

    let n = 200_000;
    let began = Instant::now();
    enqueue(&queue, n, 0).await;
    println!(
        "bulk enqueue              {:>9.0} jobs/s",
        n as f64 / began.elapsed().as_secs_f64()
    );
    let before = commands(&queue).await;
    println!(
        "no-op drain, 100 at once  {:>9.0} jobs/s",
        drain_queued(&queue, n).await
    );
    println!(
        "commands per job          {:>9.2} (scripts' inner ones counted)",
        (commands(&queue).await - before) as f64 / n as f64
    );

    // What the runtime's own timer leaves of the ideal: the same sleeps, and nothing else.
    let began = Instant::now();
    let sleepers = (0..100).map(|_| {
        tokio::spawn(async {
            for _ in 0..100 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
    });
    for sleeper in sleepers.collect::<Vec<_>>() {
        sleeper.await.expect("sleeps");
    }
    let ideal = 100.0 / 0.05;
    let alone = 10_000.0 / began.elapsed().as_secs_f64();
    println!(
        "the same sleeps alone     {alone:>9.0} jobs/s, {:.1} % of the ideal",
        100.0 * alone / ideal
    );
    let rate = drain(&queue, 10_000, 50).await;
    println!(
        "50 ms jobs, 100 at once   {rate:>9.0} jobs/s, {:.1} % of the ideal",
        100.0 * rate / ideal
    );

    let mut running = start(&queue, true);
    enqueue(&queue, 1, 0).await;
    running.started.recv().await;
    let mut waits = Vec::new();
    for _ in 0..1000 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let began = Instant::now();
        enqueue(&queue, 1, 0).await;
        let started = running.started.recv().await.expect("runs");
        waits.push(started.saturating_duration_since(began));
    }
    waits.sort();
    println!(
        "idle pickup               {:>9.2} ms p50, {:.2} ms p99",
        ms(waits[500]),
        ms(waits[990])
    );

    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = commands(&queue).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let idle = (commands(&queue).await - before - 1) as f64 / 20.0;
    println!("an idle worker costs      {idle:>9.2} commands/s (scripts' inner ones counted)");
    running.stop.send(()).await.expect("hears");
    running.fleet.await.expect("ends");
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
