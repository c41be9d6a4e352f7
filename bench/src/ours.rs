//! Longshore's own queue and workers.

use std::time::Duration;

use longshore_job::{
    Answer, Handler, JobError, JobId, Outcome, Prepared, RetrySchedule, Run, Scope,
};
use longshore_queue::{
    Lane, Link, LinkOptions, NewJob, OnUnknown, Policy, Queue, Retention, RunAt,
};
use longshore_worker::{Fleet, FleetError, FleetOptions, Handlers, LeftBehind, WorkSettings};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{Does, Jobs, Probe, Trial};

/// The queue's name as apalis has it: a plain apalis program pushes there.
pub const APALIS_NAME: &str = "{evidence:probe}";

/// The queue.
///
/// # Panics
/// Never: its names are good.
#[must_use]
pub fn queue(trial: &Trial) -> Queue {
    let link = Link::new(&trial.redis.url(), LinkOptions::default()).expect("a good URL");
    Queue::new(link, "evidence", "probe").expect("good names")
}

/// Job number `n`, to run at once.
///
/// # Panics
/// Never: its args are good.
#[must_use]
pub fn job(n: u32) -> NewJob {
    NewJob {
        id: JobId::generate(),
        payload: Prepared::new(&Probe { n }).expect("good args").payload,
        run_at: RunAt::Now,
        key: None,
        expires_in: None,
        traceparent: None,
        tracestate: None,
        lane: Lane::default(),
        tags: Vec::new(),
        by: None,
    }
}

/// What production has, but for the concurrency.
#[must_use]
pub fn settings(concurrency: usize) -> WorkSettings {
    WorkSettings {
        concurrency,
        max_running: None,
        timeout: Duration::from_secs(30),
        policy: Policy {
            schedule: RetrySchedule::default(),
            on_unknown: OnUnknown::Retry,
        },
        retention: Retention {
            keep: Duration::from_secs(3600),
            max_bytes: None,
        },
        heartbeat: Duration::from_secs(5),
        unknown_kind: Duration::from_secs(3600),
        lost_after: Duration::from_secs(15),
    }
}

/// A fleet of one process's worth of workers.
#[derive(Debug)]
pub struct Working {
    stop: mpsc::Sender<()>,
    fleet: JoinHandle<Result<LeftBehind, FleetError>>,
}

/// Starts a fleet on the queue, over connections of its own.
#[must_use]
pub fn start(queue: &Queue, name: &str, settings: WorkSettings, jobs: &Jobs) -> Working {
    let (stop, stopped) = mpsc::channel(1);
    let options = FleetOptions {
        name: name.to_owned(),
        host: "test".to_owned(),
        http_addr: ([127, 0, 0, 1], 0).into(),
        drain: Duration::from_secs(10),
    };
    let own = queue.over(queue.link().another(LinkOptions::default()));
    let handlers = Handlers::new().with(Runner(jobs.clone()));
    let fleet = Fleet::new(options).queue(own, settings, handlers);
    Working {
        stop,
        fleet: tokio::spawn(fleet.run(stopped)),
    }
}

impl Working {
    /// Stops it, and checks that it had worked until then and left nothing behind.
    ///
    /// # Panics
    /// When it had not, or did.
    pub async fn stop(self) {
        let asked = self.stop.send(()).await;
        let left = self.fleet.await.expect("no panic").expect("it had worked");
        asked.expect("it hears");
        assert_eq!(left, LeftBehind::default());
    }
}

struct Runner(Jobs);

impl Handler for Runner {
    type Job = Probe;

    async fn run(&self, probe: Probe, run: Run) -> Result<Outcome, JobError> {
        run.clear_to_send().await;
        self.0.run(probe.n).await;
        match self.0.does {
            Does::Nothing | Does::Takes(_) => Ok(Outcome::done()),
            Does::Fails => Err(JobError::transient("failed as asked")),
            Does::AsksToWait(retry_after) => Err(JobError::Throttled {
                retry_after,
                scope: Scope::Job,
                reason: "throttled as asked".to_owned(),
                answer: Answer::default(),
            }),
        }
    }
}
