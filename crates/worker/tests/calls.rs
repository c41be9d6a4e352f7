//! Runs that ask for single calls: of their queue's own provider, and of one that another queue owns.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_job::{
    Answer, Handler, InvalidArgs, Job, JobError, JobId, NotNow, Outcome, Prepared, Route, Run, Why,
};
use longshore_queue::{
    BreakerSpec, BreakerState, CallReport, Credentials, Fallback, JobState, Lane, NewJob,
    ProviderPolicy, Queue, RunAt,
};
use longshore_worker::{Fleet, FleetOptions, Handlers, WorkSettings};
use serde::{Deserialize, Serialize};
use support::{Bench, Running, settings};
use tokio::sync::mpsc;

/// Calls a provider until it may not, or has answered.
#[derive(Debug, Serialize, Deserialize)]
struct Calls {
    provider: String,
}

impl Job for Calls {
    const KIND: &'static str = "calls";
    const PUBLIC_ARGS: &'static [&'static str] = &[];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const QUEUE: &'static str = "probe";

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Seen {
    /// It answers well.
    well: bool,
    /// It refuses our credentials.
    refuses: bool,
    /// Those cannot be fetched again.
    unfetched: bool,
    calls: u32,
    held: Vec<NotNow>,
    routes: Vec<Route>,
}

#[derive(Clone, Default)]
struct Caller(Arc<Mutex<Seen>>);

impl Caller {
    fn see<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.0.lock().expect("not poisoned"))
    }
}

impl Handler for Caller {
    type Job = Calls;

    async fn run(&self, job: Calls, run: Run) -> Result<Outcome, JobError> {
        self.see(|seen| seen.routes.push(run.route));
        loop {
            let pass = match run.acquire_call(&job.provider, false).await {
                Ok(pass) => pass,
                Err(not_now) => {
                    self.see(|seen| seen.held.push(not_now.clone()));
                    return Err(not_now.into());
                }
            };
            let well = self.see(|seen| {
                seen.calls += 1;
                seen.well
            });
            if self.see(|seen| seen.refuses) {
                let reason = "401".to_owned();
                let word = CallReport::Refused {
                    reason: reason.clone(),
                };
                run.report_call(&job.provider, pass, word).await;
                let answer = Answer {
                    provider: Some(job.provider.into()),
                    ..Answer::default()
                };
                return Err(JobError::Unauthorized { reason, answer });
            }
            let word = if well {
                CallReport::Well
            } else {
                CallReport::Ill
            };
            run.report_call(&job.provider, pass, word).await;
            if well {
                return Ok(Outcome::done());
            }
        }
    }
}

fn provider(name: &str, failures: u32) -> ProviderPolicy {
    ProviderPolicy {
        name: name.to_owned(),
        breaker: Some(BreakerSpec {
            failures,
            window: None,
            open: Duration::from_millis(300),
            probe: Duration::from_secs(5),
        }),
        ..ProviderPolicy::default()
    }
}

/// A fleet that works `probe` by these handlers, and knows another queue's providers.
fn fleet(
    bench: &Bench,
    handlers: Handlers,
    settings: WorkSettings,
    other: Option<&Queue>,
) -> Running {
    let addr = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("there is a free port");
    let (stop, stopped) = mpsc::channel(2);
    let fleet = Fleet::new(FleetOptions {
        name: "test".to_owned(),
        host: "test".to_owned(),
        http_addr: addr,
        drain: Duration::from_secs(5),
    });
    let fleet = match other {
        Some(other) => fleet.knows(other),
        None => fleet,
    };
    let fleet = fleet.queue(bench.queue.clone(), settings, handlers);
    Running {
        stop,
        fleet: tokio::spawn(fleet.run(stopped)),
        addr,
    }
}

/// One whose provider is `sendgrid`, beside the queue `files`, whose are `s3` and `r2`.
fn start(bench: &mut Bench, caller: &Caller) -> (Running, Queue) {
    bench.queue = bench.queue.clone().with_provider(provider("sendgrid", 3));
    let files = bench.queue.sibling("files").expect("a good name");
    let kept = caller.clone();
    let files = files.with_provider(ProviderPolicy {
        credentials: Credentials::live(|| "v1".to_owned()).fetched_by(move || {
            let unfetched = kept.see(|seen| seen.unfetched);
            async move {
                if unfetched {
                    Err("Vault is sealed".to_owned())
                } else {
                    Ok(())
                }
            }
        }),
        fallback: Some(Fallback {
            policy: Box::new(provider("r2", 10)),
            takes_jobs: false,
        }),
        ..provider("s3", 10)
    });
    let handlers = Handlers::new().with(caller.clone());
    let running = fleet(bench, handlers, settings(), Some(&files));
    (running, files)
}

async fn enqueue(bench: &Bench, provider: &str) -> JobId {
    let job = Calls {
        provider: provider.to_owned(),
    };
    let job = NewJob {
        id: JobId::generate(),
        payload: Prepared::new(&job).expect("good").payload,
        run_at: RunAt::Now,
        key: None,
        expires_in: None,
        traceparent: None,
        tracestate: None,
        lane: Lane::default(),
        tags: Vec::new(),
        by: None,
    };
    let enqueued = bench.queue.enqueue(&[job]).await.expect("enqueues");
    enqueued[0].id
}

async fn waits(bench: &Bench, id: JobId) {
    longshore_tests::eventually("it was given back", || async {
        bench
            .queue
            .job(&id.into())
            .await
            .is_ok_and(|job| job.is_some_and(|job| job.waits > 0 && job.state != JobState::Running))
    })
    .await;
}

async fn stands(queue: &Queue, provider: &str) -> BreakerState {
    let stats = queue.stats().await.expect("counts");
    let mut breakers = stats.breakers.iter();
    breakers
        .find(|breaker| breaker.provider == provider)
        .map_or(BreakerState::Closed, |breaker| breaker.state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_opens_another_queues_breaker_and_costs_no_attempt() {
    let mut bench = Bench::new();
    let caller = Caller::default();
    let (running, files) = start(&mut bench, &caller);
    let id = enqueue(&bench, "s3").await;
    waits(&bench, id).await;
    let job = bench.queue.job(&id.into()).await.expect("looks");
    let job = job.expect("is there");
    assert_eq!((job.run.used, job.history.len()), (0, 0));
    assert_eq!(caller.see(|seen| seen.calls), 10);
    assert_eq!(caller.see(|seen| seen.held[0].why), Why::Open);
    assert_eq!(stands(&files, "s3").await, BreakerState::Open);
    assert_eq!(stands(&bench.queue, "sendgrid").await, BreakerState::Closed);
    // S3 is back: its probe is this job's first call.
    caller.see(|seen| seen.well = true);
    bench.is(id, JobState::Completed).await;
    running.stop().await;
    assert_eq!(stands(&files, "s3").await, BreakerState::Closed);
    let job = bench.queue.job(&id.into()).await.expect("looks");
    assert_eq!(job.expect("is there").run.used, 0);
}

/// Whether they are wrong or only old is not known, so they are not said to be refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_cannot_be_fetched_again_pause_no_other_queue() {
    let mut bench = Bench::new();
    let caller = Caller::default();
    caller.see(|seen| (seen.refuses, seen.unfetched) = (true, true));
    let (running, files) = start(&mut bench, &caller);
    let id = enqueue(&bench, "s3").await;
    bench.is(id, JobState::Scheduled).await;
    let stats = files.stats().await.expect("counts");
    assert_eq!((stats.paused, stats.holds), (None, Vec::new()));
    // They are those where they are kept.
    caller.see(|seen| seen.unfetched = false);
    let id = enqueue(&bench, "s3").await;
    bench.is(id, JobState::Scheduled).await;
    running.stop().await;
    let stats = files.stats().await.expect("counts");
    assert!(stats.paused.is_some());
    let job = bench.queue.job(&id.into()).await.expect("looks");
    assert_eq!(job.expect("is there").run.used, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claims_probe_is_its_runs_first_call() {
    let mut bench = Bench::new();
    let caller = Caller::default();
    let (running, _) = start(&mut bench, &caller);
    let id = enqueue(&bench, "sendgrid").await;
    longshore_tests::eventually("probes go out", || async {
        caller.see(|seen| seen.routes.iter().filter(|r| **r == Route::Probe).count() >= 2)
    })
    .await;
    caller.see(|seen| seen.well = true);
    bench.is(id, JobState::Completed).await;
    running.stop().await;
    assert_eq!(stands(&bench.queue, "sendgrid").await, BreakerState::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_nobody_here_knows_is_waited_for() {
    let mut bench = Bench::new();
    let caller = Caller::default();
    let (running, _) = start(&mut bench, &caller);
    let id = enqueue(&bench, "gcs").await;
    waits(&bench, id).await;
    running.stop().await;
    let held = caller.see(|seen| seen.held[0].clone());
    assert_eq!((held.why, held.provider.as_str()), (Why::Unknown, "gcs"));
}

/// Fails at the queue's own provider, and is carried out by the fallback.
struct Either(Caller);

impl Handler for Either {
    type Job = Calls;

    async fn run(&self, _: Calls, run: Run) -> Result<Outcome, JobError> {
        let calls = self.0.see(|seen| {
            seen.routes.push(run.route);
            seen.calls += 1;
            seen.calls
        });
        run.clear_to_send().await;
        match run.route.is_fallback() {
            // The first answer of the fallback is lost.
            true if calls == 4 => Err(JobError::OutcomeUnknown {
                reason: "timed out".to_owned(),
                answer: Answer::of("postmark"),
            }),
            true => Ok(Outcome::Done {
                result: None,
                answer: Answer::of("postmark"),
            }),
            false => Err(JobError::Transient {
                reason: "503".to_owned(),
                answer: Answer::of("sendgrid"),
            }),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_are_told_their_way_and_what_the_fallback_may_have_goes_there_again() {
    let mut bench = Bench::new();
    let caller = Caller::default();
    let fallback = Fallback {
        policy: Box::new(provider("postmark", 3)),
        takes_jobs: true,
    };
    // Long open: the provider itself is not asked again in this test.
    let mut own = provider("sendgrid", 3);
    own.fallback = Some(fallback);
    if let Some(breaker) = own.breaker.as_mut() {
        breaker.open = Duration::from_secs(600);
    }
    bench.queue = bench.queue.clone().with_provider(own);
    let mut at_once = settings();
    at_once.concurrency = 1;
    at_once.policy.schedule = longshore_job::RetrySchedule::new(vec![Duration::ZERO; 6]);
    let handlers = Handlers::new().with(Either(caller.clone()));
    let running = fleet(&bench, handlers, at_once, None);
    let id = enqueue(&bench, "any").await;
    bench.is(id, JobState::Completed).await;
    running.stop().await;
    let routes = caller.see(|seen| seen.routes.clone());
    assert_eq!(
        routes,
        [
            Route::Primary,
            Route::Primary,
            Route::Primary,
            Route::Fallback,
            Route::Fallback
        ]
    );
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(stats.counter("by_fallback"), 2);
}
