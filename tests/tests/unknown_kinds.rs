//! Deploys: a worker meets jobs of kinds that it does not know. They stand apart until a worker comes that does.

use std::time::Duration;

use longshore_client::{JobId, JobState};
use longshore_job::RetrySchedule;
use longshore_queue::{OnUnknown, Policy, Retention};
use longshore_tests::{Stage, eventually};
use longshore_worker::{Fleet, FleetOptions, Handlers, WorkSettings};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A worker of the queue that knows none of its kinds, as one of another version would.
struct OldWorker {
    stop: mpsc::Sender<()>,
    fleet: JoinHandle<()>,
}

impl OldWorker {
    fn start(stage: &Stage) -> Self {
        let settings = WorkSettings {
            concurrency: 5,
            max_running: None,
            timeout: Duration::from_secs(20),
            policy: Policy {
                schedule: RetrySchedule::default(),
                on_unknown: OnUnknown::Retry,
            },
            unknown_kind: Duration::from_secs(3600),
            retention: Retention {
                keep: Duration::from_secs(3600),
                max_bytes: None,
            },
            heartbeat: Duration::from_millis(300),
            lost_after: Duration::from_secs(1),
        };
        let fleet = Fleet::new(FleetOptions {
            name: "old".to_owned(),
            host: "old".to_owned(),
            http_addr: ([127, 0, 0, 1], 0).into(),
            drain: Duration::from_secs(5),
        })
        .queue(stage.queue.clone(), settings, Handlers::new());
        let (stop, stopped) = mpsc::channel(1);
        let fleet = tokio::spawn(async move {
            let left = fleet.run(stopped).await.expect("ends well");
            assert_eq!(left.unsettled.len(), 0);
        });
        Self { stop, fleet }
    }

    async fn stop(self) {
        let _ = self.stop.send(()).await;
        self.fleet.await.expect("no panic");
    }
}

/// A handover: what the old version parks, the new one carries out within seconds of its start, and nothing is counted as
/// an attempt. While both run, the new one has what the old one does not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_old_worker_does_not_know_runs_on_a_new_one() {
    let stage = Stage::set().await;
    let old = OldWorker::start(&stage);
    let before = stage.enqueue(20).await;
    eventually("all are parked", || async {
        stage.stats().await.parked == 20
    })
    .await;
    let rows = stage.longshore(&["queues", "--json"]).await.json();
    let rows = rows.as_array().expect("rows");
    let row = rows.iter().find(|row| row["queue"] == "email");
    let row = row.expect("a row");
    assert_eq!(
        (&row["pending"], &row["scheduled"]),
        (&json!(20), &json!(0))
    );
    let parked = row["parked"].as_array().expect("a list");
    assert_eq!((parked.len(), &parked[0]["jobs"]), (1, &json!(20)));
    assert_eq!(parked[0]["kind"], "send_email");

    let new = stage.worker().short_lease().start().await;
    stage.completed(20).await;
    let beside = stage.enqueue(20).await;
    stage.completed(40).await;
    stage
        .done_once(&[before.clone(), beside.clone()].concat())
        .await;
    for id in before.iter().chain(&beside) {
        let job = stage.job(*id).await;
        assert_eq!(job.history[0].entry.attempt, 1, "no attempt was used");
        assert!(job.waits <= 1, "{id} was parked {} times", job.waits);
    }
    let said = stage.longshore(&["doctor", "--json"]).await;
    assert!(said.stdout.contains("send_email by 1 of 2"), "{said:?}");
    old.stop().await;
    drop(new);
}

/// What nobody knows is shown wherever one looks, and is a dead letter when nobody knew it for an hour.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_knows_is_parked_and_buried_after_an_hour() {
    let stage = Stage::set().await;
    let worker = stage.worker().short_lease().start().await;
    let id = JobId::generate();
    stage
        .push(id, br#"{"kind":"send_fax","v":1,"args":{}}"#)
        .await;
    eventually("it is parked", || async { stage.stats().await.parked == 1 }).await;
    let text = id.to_string();
    let job = stage.longshore(&["job", &text, "--json"]).await.json();
    assert_eq!(
        (&job["state"], &job["attempt"]),
        (&json!("pending"), &json!(0))
    );
    assert!(job["parked_since"].is_string(), "{job}");
    assert_eq!(job["put_back"]["outcome"], "kind_unknown");
    let shown = stage.longshore(&["job", &text]).await.stdout;
    assert!(shown.contains("\nparked "), "{shown}");
    let shown = stage.longshore(&["queues"]).await.stdout;
    let says = "email: 1 job of kind send_fax is parked since ";
    assert!(shown.contains(says), "{shown}");
    let found = stage.longshore(&["doctor"]).await.stdout;
    assert!(found.contains(says), "{found}");
    let metrics = worker.get("/metrics").await.1;
    for line in [
        "longshore_parked_jobs{queue=\"email\"} 1",
        "longshore_jobs{queue=\"email\",state=\"pending\"} 1",
        "longshore_jobs{queue=\"email\",state=\"scheduled\"} 0",
    ] {
        assert!(metrics.contains(line), "no {line} in {metrics}");
    }
    // Others go on beside it.
    let good = stage.enqueue(3).await;
    stage.completed(good.len() as u64).await;

    moved(&stage, "3570").await;
    stage.enqueue(1).await;
    stage.completed(4).await;
    assert_eq!(stage.job(id).await.state, JobState::Pending, "not yet");
    moved(&stage, "30").await;
    stage.is(id, JobState::Dead).await;
    worker.has_said("job is a dead letter").await;
    let groups = stage.longshore(&["dead", "groups", "--json"]).await.json();
    let reason = groups[0]["reason"].as_str().expect("says why");
    assert!(reason.contains("kind unknown"), "{reason}");
    // Replayed, it has its hour again.
    stage.longshore(&["dead", "replay", &text]).await;
    eventually("it is parked again", || async {
        stage.stats().await.parked == 1
    })
    .await;
    let stats = stage.stats().await;
    assert_eq!((stats.pending, stats.dead), (1, 0));
}

/// Moves the clock for what is parked: one job, in the list of all and in that by kind.
async fn moved(stage: &Stage, seconds: &str) {
    let keys = stage.queue.keys();
    let link = stage.queue.link();
    let of = async |words: &[&str]| {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        let answer: Vec<String> = link.command(&command).await.expect("looks");
        answer
    };
    let listed = of(&["ZRANGE", &keys.parked_kinds, "0", "-1"]).await;
    let [member] = &listed[..] else {
        panic!("{listed:?}");
    };
    let words: Vec<&str> = member.split(' ').collect();
    let [digest, _, id] = words[..] else {
        panic!("{member}");
    };
    let mut earlier = redis::cmd("ZINCRBY");
    earlier
        .arg(&keys.parked)
        .arg(format!("-{seconds}000"))
        .arg(id);
    let since: f64 = link.command(&earlier).await.expect("back-dates");
    let mut change = redis::pipe();
    change
        .cmd("ZADD")
        .arg(&keys.parked_kinds)
        .arg(0)
        .arg(format!("{digest} {since:017.3} {id}"));
    change.cmd("ZREM").arg(&keys.parked_kinds).arg(member);
    let _: (u8, u8) = link.pipeline(&change).await.expect("back-dates");
}
