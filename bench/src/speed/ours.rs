//! Longshore with every guarantee on: limiter, breaker, leases, results kept for a minute.

use std::sync::Arc;
use std::time::Duration;

use longshore_job::{Answer, Handler, JobError, JobId, Outcome, Prepared, RetrySchedule, Run};
use longshore_queue::{
    BreakerSpec, Lane, Limit, Link, LinkOptions, NewJob, OnUnknown, Policy, ProviderPolicy, Queue,
    Retention, RunAt,
};
use longshore_sandbox::RedisServer;
use longshore_worker::{Fleet, FleetError, FleetOptions, Handlers, LeftBehind, WorkSettings};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Failure;
use super::load::{Does, Load, Meter, PAYLOAD_BYTES};

/// The provider that the jobs ask, as configuration names it.
pub(crate) const PROVIDER: &str = "bench";

/// The namespace of its keys.
pub(crate) const NAMESPACE: &str = "bench";

/// How long completed jobs are kept.
pub(crate) const RETENTION: Retention = Retention {
    keep: Duration::from_secs(60),
    max_bytes: None,
};

/// A private Redis with a queue on it.
#[derive(Debug)]
pub(crate) struct Ours {
    pub(crate) queue: Queue,
    redis: RedisServer,
}

impl Ours {
    pub(crate) fn start() -> Result<Self, Failure> {
        let redis = RedisServer::start()?;
        let link = Link::new(&redis.url(), LinkOptions::default())?;
        let queue = Queue::new(link, NAMESPACE, "load")?.with_provider(ProviderPolicy {
            name: PROVIDER.to_owned(),
            // It counts, and never holds back.
            limit: Some(Limit {
                count: 1_000_000,
                per: Duration::from_secs(1),
            }),
            reads: None,
            breaker: Some(BreakerSpec {
                failures: 5,
                window: None,
                open: Duration::from_secs(30),
                probe: Duration::from_secs(60),
            }),
            credentials: "1".into(),
            fallback: None,
        });
        Ok(Self { queue, redis })
    }

    /// Where its Redis is.
    pub(crate) fn url(&self) -> String {
        self.redis.url()
    }

    /// Enqueues so many jobs of the usual size, to run at once, each in its lane.
    pub(crate) async fn fill_lanes(
        &self,
        n: usize,
        lane: impl Fn(usize) -> Lane,
    ) -> Result<(), Failure> {
        self.fill_with(n, |i, job| NewJob {
            lane: lane(i),
            ..job
        })
        .await
    }

    /// Enqueues so many jobs of the usual size, to run at once, each with what is added to it.
    pub(crate) async fn fill_with(
        &self,
        n: usize,
        with: impl Fn(usize, NewJob) -> NewJob,
    ) -> Result<(), Failure> {
        let payload = Prepared::new(&Load::new(PAYLOAD_BYTES, 0)?)?.payload;
        let numbers: Vec<usize> = (0..n).collect();
        for chunk in numbers.chunks(10_000) {
            let jobs = chunk.iter().map(|i| with(*i, job(&payload, RunAt::Now)));
            self.queue.enqueue(&jobs.collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    /// Enqueues so many jobs of the usual size, to run at once.
    pub(crate) async fn fill(&self, n: usize) -> Result<(), Failure> {
        let load = Load::new(PAYLOAD_BYTES, 0)?;
        self.add(n, &load, |_| RunAt::Now).await
    }

    /// Enqueues so many jobs with these args, each at its time.
    pub(crate) async fn add(
        &self,
        n: usize,
        load: &Load,
        run_at: impl Fn(usize) -> RunAt,
    ) -> Result<(), Failure> {
        let payload = Prepared::new(load)?.payload;
        let mut made = 0;
        while made < n {
            let chunk = made..n.min(made + 10_000);
            made = chunk.end;
            let jobs: Vec<NewJob> = chunk.map(|i| job(&payload, run_at(i))).collect();
            self.queue.enqueue(&jobs).await?;
        }
        Ok(())
    }

    /// Works off so many jobs: jobs a second, until Redis has all outcomes.
    pub(crate) async fn drain(&self, n: usize) -> Result<f64, Failure> {
        let meter = Meter::new(Does::Nothing, n);
        let working = self.work(&meter);
        let mut count = redis::cmd("HGET");
        count.arg(&self.queue.keys().stats).arg("completed");
        let rate = meter.settled_rate(self.queue.link(), &count).await?;
        working.stop().await?;
        Ok(rate)
    }

    /// Starts one process's worth of workers, 100 jobs at once, over connections of their own.
    pub(crate) fn work(&self, meter: &Arc<Meter>) -> Working {
        self.work_at(meter, 100)
    }

    /// The same with so many jobs at once.
    pub(crate) fn work_at(&self, meter: &Arc<Meter>, concurrency: usize) -> Working {
        let (stop, stopped) = mpsc::channel(1);
        let options = FleetOptions {
            name: "bench".to_owned(),
            host: "test".to_owned(),
            http_addr: ([127, 0, 0, 1], 0).into(),
            drain: Duration::from_secs(5),
        };
        let link = self.queue.link().another(LinkOptions::default());
        let handlers = Handlers::new().with(Loading(Arc::clone(meter)));
        let fleet =
            Fleet::new(options).queue(self.queue.over(link), settings(concurrency), handlers);
        Working {
            stop,
            fleet: tokio::spawn(fleet.run(stopped)),
        }
    }
}

/// A job with this payload and a trace context.
fn job(payload: &[u8], run_at: RunAt) -> NewJob {
    NewJob {
        id: JobId::generate(),
        payload: payload.to_vec(),
        run_at,
        key: None,
        expires_in: None,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        tracestate: None,
        lane: Lane::default(),
        tags: Vec::new(),
        by: None,
    }
}

fn settings(concurrency: usize) -> WorkSettings {
    WorkSettings {
        concurrency,
        max_running: None,
        timeout: Duration::from_secs(3600),
        policy: Policy {
            schedule: RetrySchedule::default(),
            on_unknown: OnUnknown::Retry,
        },
        retention: RETENTION,
        heartbeat: Duration::from_secs(5),
        unknown_kind: Duration::from_secs(3600),
        lost_after: Duration::from_secs(15),
    }
}

/// A fleet at work.
#[derive(Debug)]
pub(crate) struct Working {
    stop: mpsc::Sender<()>,
    fleet: JoinHandle<Result<LeftBehind, FleetError>>,
}

impl Working {
    /// Cuts off what it runs.
    pub(crate) async fn cut_off(self) -> Result<(), Failure> {
        let _ = self.stop.send(()).await;
        let _ = self.stop.send(()).await;
        self.fleet.await??;
        Ok(())
    }

    /// Lets it finish what it runs.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        // It may have ended by itself; then it says why.
        let _ = self.stop.send(()).await;
        let left = self.fleet.await??;
        match left.unsettled.len() {
            0 => Ok(()),
            n => Err(format!("{n} jobs were left unsettled").into()),
        }
    }
}

struct Loading(Arc<Meter>);

impl Handler for Loading {
    type Job = Load;

    async fn run(&self, load: Load, run: Run) -> Result<Outcome, JobError> {
        run.clear_to_send().await;
        self.0.run(&load).await;
        Ok(done())
    }
}

/// What a good call to the provider ends with.
pub(crate) fn done() -> Outcome {
    Outcome::Done {
        result: Some(serde_json::json!({ "ok": true })),
        answer: Answer::of(PROVIDER),
    }
}
