//! Workers whose wall clocks are wrong, or are set while they work, change nothing: the time is Redis's. And what follows
//! when that is set.
//!
//! Where no false clocks can be made ([`Clocks`]), the flows say so and try nothing.

#![cfg(target_os = "linux")]

mod outbox;
mod redis;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use longshore_client::kinds::SendEmail;
use longshore_client::{JobId, JobState};
use longshore_sandbox::{Fault, FaultRule, Only};
use longshore_tests::{Clocks, Stage, Worker, email, eventually, gone_by, outcomes, within};

const AHEAD: i64 = 3600;
const BEHIND: i64 = -3600;

/// What the flows with wrong clocks look for: jobs that a wrong clock would run too early, too late or not at all.
struct Timed {
    /// How many jobs had completed before these were enqueued.
    before: u64,
    now: Vec<JobId>,
    soon: Vec<JobId>,
    later: Vec<JobId>,
    living: Vec<JobId>,
    failing: JobId,
}

/// Half an hour: less than the clocks are off.
const HALF_AN_HOUR: Duration = Duration::from_secs(1800);

/// The least that `soon` waits.
const SOON: Duration = Duration::from_secs(2);

impl Timed {
    async fn enqueue(stage: &Stage) -> Self {
        let failing = SendEmail::new("invoice", "failing@example.com");
        let client = &stage.client;
        let mut jobs = Self {
            before: stage.stats().await.counter("completed"),
            now: stage.enqueue(200).await,
            soon: Vec::new(),
            later: Vec::new(),
            living: Vec::new(),
            failing: client.enqueue(failing).await.expect("accepted"),
        };
        for n in 0..10 {
            let soon = client.enqueue(email(n)).delay(SOON).await;
            jobs.soon.push(soon.expect("accepted"));
            let later = client.enqueue(email(n)).delay(HALF_AN_HOUR).await;
            jobs.later.push(later.expect("accepted"));
            let living = client.enqueue(email(n)).expires_in(HALF_AN_HOUR).await;
            jobs.living.push(living.expect("accepted"));
        }
        jobs
    }

    async fn check(&self, stage: &Stage) {
        let done = self.now.iter().chain(&self.soon).chain(&self.living);
        eventually("all that is due is done", || async {
            let completed = stage.stats().await.counter("completed");
            completed >= self.before + done.clone().count() as u64
        })
        .await;
        for id in done {
            let job = stage.job(*id).await;
            assert_eq!(job.state, JobState::Completed, "{id}: {:?}", job.history);
            assert_eq!(outcomes(&job), ["completed"], "{id}");
            assert_eq!(stage.effects(*id), 1, "{id}");
        }
        for id in &self.soon {
            let job = stage.job(*id).await;
            let (from, to) = (job.enqueued_at_ms, job.ended_at_ms);
            let waited = to.expect("ended") - from.expect("enqueued");
            assert!(waited >= SOON.as_millis() as u64, "{id} waited {waited} ms");
        }
        for id in &self.later {
            assert_eq!(stage.job(*id).await.state, JobState::Scheduled);
        }
        stage.is(self.failing, JobState::Retryable).await;
        let job = stage.job(self.failing).await;
        let now = stage.queue.now_ms().await.expect("Redis's time");
        let wait = job.next_run_at_ms.expect("due").saturating_sub(now);
        // 60 s, and up to a tenth more.
        assert!((40_000..=70_000).contains(&wait), "due in {wait} ms");
    }
}

fn failing() -> FaultRule {
    let template = Some("d-invoice".to_owned());
    let fault = Fault::Answer {
        status: 503,
        headers: [].into(),
        body: None,
        effect: false,
    };
    FaultRule::always(fault).only(Only {
        template,
        ..Only::default()
    })
}

/// Seconds since the epoch by the worker's own clock, when it began to work.
fn its_time(worker: &Worker) -> i64 {
    let log = worker.log();
    let line = log.lines().find(|line| line.contains("concurrency="));
    let time = line.and_then(|line| line.split_whitespace().next());
    let time = humantime::parse_rfc3339(time.expect("a line with its time"));
    seconds(time.expect("a time"))
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_secs() as i64
}

/// Calls that take longer than a lease, out before anything else happens.
async fn long_calls(stage: &Stage) -> Vec<JobId> {
    let ids = stage.enqueue(5).await;
    eventually("the calls are out", || async {
        ids.iter().all(|id| stage.effects(*id) == 1)
    })
    .await;
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_an_hour_off_change_nothing() {
    let Some(clocks) = Clocks::make() else { return };
    let stage = Stage::set().await;
    // Of five calls one cannot have all: whoever is killed has some.
    let start = || stage.worker().short_lease().concurrency(4);
    let (ahead, _clock) = clocks.worker(start(), "ahead", AHEAD).await;
    stage.faults([FaultRule::always(Fault::Delay { ms: 2500 })]);
    let long = long_calls(&stage).await;
    let (behind, _clock) = clocks.worker(start(), "behind", BEHIND).await;
    for (worker, off) in [(&ahead, AHEAD), (&behind, BEHIND)] {
        let found = its_time(worker) - seconds(SystemTime::now());
        assert!((found - off).abs() < 60, "its clock is {found} s off");
    }
    for &id in &long {
        stage.is(id, JobState::Completed).await;
        assert_eq!(outcomes(&stage.job(id).await), ["completed"]);
        assert_eq!(stage.effects(id), 1, "its living worker had it");
    }

    stage.faults([failing()]);
    let jobs = Timed::enqueue(&stage).await;
    jobs.check(&stage).await;
    for worker in [&ahead, &behind] {
        assert!(!worker.says("rescued jobs"), "nobody was lost");
        assert!(!worker.says("lease lost"));
        for path in ["/livez", "/readyz"] {
            assert_eq!(worker.get(path).await, (200, "ok\n".to_owned()), "{path}");
        }
    }

    // A lost worker is missed as soon as ever.
    stage.faults([FaultRule::always(Fault::Delay { ms: 2500 })]);
    let out = long_calls(&stage).await;
    ahead.kill().await;
    let killed = Instant::now();
    within(Duration::from_secs(20), "its jobs are rescued", || async {
        stage.stats().await.running > 0 && behind.says("rescued jobs")
    })
    .await;
    println!("rescued after {:?}", killed.elapsed());
    for id in out {
        stage.is(id, JobState::Completed).await;
        let job = stage.job(id).await;
        let lost = job.history.len() - 1;
        assert!(stage.effects(id) <= 1 + lost as u64, "{id}");
        assert!(lost <= 1, "{id}: {:?}", job.history);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_changes_nothing() {
    let Some(clocks) = Clocks::make() else { return };
    let stage = Stage::set().await;
    stage.faults([FaultRule::always(Fault::Delay { ms: 2500 })]);
    let (worker, clock) = clocks.worker(stage.worker().short_lease(), "set", 0).await;
    for off in [AHEAD, BEHIND, 0] {
        let ids = long_calls(&stage).await;
        clock.set(off);
        for id in ids {
            stage.is(id, JobState::Completed).await;
            assert_eq!(outcomes(&stage.job(id).await), ["completed"], "{off}");
            assert_eq!(stage.effects(id), 1, "{off}");
        }
        worker.becomes("/readyz", 200).await;
        assert_eq!(worker.get("/livez").await, (200, "ok\n".to_owned()));
    }
    assert!(!worker.says("lease lost"));
    assert!(!worker.says("rescued jobs"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_ahead_makes_no_job_overdue() {
    let Some(clocks) = Clocks::make() else { return };
    let stage = Stage::set().await;
    stage.faults([FaultRule::always(Fault::Delay { ms: 2500 })]);
    let (worker, clock) = clocks.worker(stage.worker().short_lease(), "set", 0).await;
    let ids = long_calls(&stage).await;
    clock.set(AHEAD);
    gone_by(Duration::from_secs(1), Instant::now()).await;
    assert_eq!(worker.get("/livez").await, (200, "ok\n".to_owned()));
    for id in ids {
        stage.is(id, JobState::Completed).await;
        let took = stage.job(id).await.history[0].entry.duration_ms;
        assert!(took.is_some_and(|ms| ms < 60_000), "it took {took:?} ms");
    }
}
