//! What somebody who watches over a fleet is told.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_job::{JobId, RetrySchedule};
use longshore_queue::{JobState, Lease, NewJob, OnUnknown, Policy, WorkerId};
use longshore_testing::Logs;
use longshore_tests::eventually;
use longshore_worker::{CurrentJob, NewDeadLetter, Watch, WorkSettings, current_job};
use support::{Bench, Does, new_job, settings};

/// Notes what it is told of dead letters.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<Note>>);

#[derive(Debug, Clone, PartialEq)]
struct Note {
    job_id: Option<JobId>,
    kind: Option<String>,
    attempt: u32,
    cause: String,
    group: String,
}

impl Watch for Notes {
    fn dead(&self, letter: &NewDeadLetter<'_>) {
        assert_eq!(letter.queue, "probe");
        self.0.lock().expect("not poisoned").push(Note {
            job_id: letter.job_id,
            kind: letter.kind.map(str::to_owned),
            attempt: letter.attempt,
            cause: letter.cause.to_string(),
            group: letter.group.to_owned(),
        });
    }

    fn refused(&self, queue: &str, provider: &str) {
        panic!("nobody refuses anything: {queue} {provider}");
    }
}

impl Notes {
    fn all(&self) -> Vec<Note> {
        self.0.lock().expect("not poisoned").clone()
    }
}

fn no_retry() -> WorkSettings {
    WorkSettings {
        policy: Policy {
            schedule: RetrySchedule::from_secs(&[]),
            on_unknown: OnUnknown::Hold,
        },
        ..settings()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_dead_letter_is_told_once_with_its_group() {
    let notes = Arc::<Notes>::default();
    let mut bench = Bench::new();
    bench.watch = Some(Arc::clone(&notes) as _);
    // One that is not settled by its own worker: that one is lost with it.
    let lost = bench.enqueue(Does::Sends).await;
    let queue = &bench.queue;
    let lease = Lease::new(WorkerId::generate("lost"));
    let joined = queue.join(&lease, Duration::from_secs(1)).await;
    joined.expect("joins");
    let claim = queue.claim(&lease, 1, None).await.expect("claims");
    assert_eq!(claim.jobs.len(), 1);
    let fleet = bench.start_with(no_retry(), Duration::from_secs(5));
    let well = bench.enqueue(Does::Nothing).await;
    let failed = bench.enqueue(Does::Fails).await;
    let refused = bench.enqueue(Does::IsRefused).await;
    bench.is(well, JobState::Completed).await;
    eventually("all are told", || async { notes.all().len() == 3 }).await;
    fleet.stop().await;

    let told = notes.all();
    assert_eq!(told.len(), 3, "{told:?}");
    let groups = queue.dead_groups().await.expect("groups");
    for (id, cause) in [
        (failed, "failed"),
        (refused, "refused"),
        (lost, "outcome unknown"),
    ] {
        let note = told.iter().find(|note| note.job_id == Some(id));
        let note = note.unwrap_or_else(|| panic!("{id} was not told: {told:?}"));
        assert_eq!(note.kind.as_deref(), Some("probe"));
        assert_eq!(note.attempt, 1);
        assert!(note.cause.starts_with(cause), "{note:?}");
        assert!(groups.iter().any(|group| group.id == note.group));
        bench.is(id, JobState::Dead).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_hook_knows_the_job() {
    static HEARD: Mutex<Option<CurrentJob>> = Mutex::new(None);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match current_job() {
        Some(job) => *HEARD.lock().expect("not poisoned") = Some(job),
        None => hook(panic),
    }));
    let bench = Bench::new();
    let fleet = bench.start();
    let id = bench.enqueue(Does::Panics).await;
    bench.is(id, JobState::Retryable).await;
    let heard = HEARD.lock().expect("not poisoned").take().expect("heard");
    assert_eq!(&*heard.queue, "probe");
    assert_eq!((heard.job_id, heard.attempt), (Some(id), 1));
    assert!(current_job().is_none(), "no job runs here");
    fleet.stop().await;
}

// On one thread, which is the only one that logs here.
#[tokio::test]
async fn what_a_run_logs_stands_in_its_producers_trace() {
    let logs = Logs::listen();
    let bench = Bench::new();
    let fleet = bench.start();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let job = NewJob {
        traceparent: Some(format!("00-{trace}-b7ad6b7169203331-01")),
        ..new_job(Does::Logs)
    };
    let enqueued = bench.queue.enqueue(&[job]).await.expect("enqueues");
    let id = enqueued[0].id;
    bench.is(id, JobState::Completed).await;
    fleet.stop().await;

    let log = logs.text();
    let line = log.lines().find(|line| line.contains("as asked"));
    let line = line.unwrap_or_else(|| panic!("it was not logged: {log}"));
    let span =
        format!("job{{queue=\"probe\" job_id={id} attempt=1 trace_id=\"{trace}\" kind=\"probe\"}}");
    assert!(line.contains(&span), "{line}");
}
