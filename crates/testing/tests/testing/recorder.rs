//! The code that enqueues.

use std::time::Duration;

use longshore_client::{ClientError, EnqueueOptions, JobId, JobState, QueueError, Rescheduled};
use longshore_job::Prepared;
use longshore_testing::Recorder;
use serde_json::json;

use crate::{Act, act};

#[tokio::test]
async fn a_recorders_client_refuses_what_any_client_does() {
    let recorder = Recorder::new();
    let client = recorder.client();
    let wrong = client.enqueue(act("")).await.expect_err("wrong args");
    assert!(matches!(wrong, ClientError::InvalidArgs(_)), "{wrong:?}");
    let minute = Duration::from_secs(60);
    let late = client.enqueue(act("work")).delay(minute).expires_in(minute);
    let late = late.await.expect_err("it would never run");
    assert!(matches!(late, ClientError::InvalidOption(_)), "{late:?}");
    recorder.assert_nothing();

    let first = client.enqueue(act("work")).key("k").await;
    let first = first.expect("taken");
    let same = client.enqueue(act("work")).key("k").send().await;
    let same = same.expect("known");
    assert_eq!((same.id, same.duplicate), (first, true));
    let other = client.enqueue(act("fail")).key("k").await;
    let other = other.expect_err("the key stands for something else");
    assert!(matches!(other, ClientError::KeyTaken { holder, .. } if holder == first));
    let recorded = recorder.assert_only(&act("work"));
    assert_eq!((recorded.id, recorded.queue.as_str()), (first, "stage"));

    // Many at once: all or none, and a key that clashes far down is found before the first.
    let many = |clash: bool| {
        let jobs = (0..600).map(move |n| {
            let options = EnqueueOptions {
                key: Some(if clash && n == 599 {
                    "k".to_owned()
                } else {
                    n.to_string()
                }),
                ..EnqueueOptions::default()
            };
            (Prepared::new(&act("fail")).expect("fine args"), options)
        });
        jobs.collect::<Vec<_>>()
    };
    let clash = client.enqueue_prepared(many(true)).await;
    assert!(
        matches!(clash, Err(ClientError::KeyTaken { place: 599, .. })),
        "{clash:?}"
    );
    recorder.assert_count::<Act>(1);
    let all = client.enqueue_prepared(many(false)).await;
    assert_eq!(all.expect("taken").len(), 600);
}

#[tokio::test]
async fn a_producer_that_waits_or_meets_an_outage_can_be_tested() {
    let recorder = Recorder::new();
    let client = recorder.client();
    let soon = Duration::from_millis(20);
    let waits = client.enqueue_and_wait(act("work"), soon).await;
    let ClientError::StillRunning { id, .. } = waits.expect_err("nothing runs here") else {
        panic!("it does not end");
    };
    let status = client.status(id).await.expect("asked").expect("known");
    assert_eq!(status.state, JobState::Pending);
    let day = Duration::from_secs(24 * 3600);
    let later = client.enqueue(act("work")).delay(day).await.expect("taken");
    let status = client.status(later).await.expect("asked").expect("known");
    assert_eq!(status.state, JobState::Scheduled);
    assert!(status.next_run_at > status.enqueued_at);
    assert_eq!(status.kind.as_deref(), Some("act"));
    let now = client.reschedule(later, Duration::ZERO, "now").await;
    assert_eq!(now.expect("asked"), Rescheduled::Yes);
    let status = client.wait(later, soon).await.expect_err("nothing runs");
    assert_eq!(status.code(), "still_running");
    let status = client.status(later).await.expect("asked").expect("known");
    assert_eq!(
        (status.state, status.next_run_at),
        (JobState::Pending, None)
    );
    let keyed = client.enqueue(act("work")).key("k").await.expect("taken");
    let found = client.find::<Act>("k").await.expect("asked");
    assert_eq!(found, Some(keyed));
    let free = client.find_by_name("act", "other").await.expect("asked");
    assert_eq!(free, None);
    let unknown = client.wait(JobId::generate(), day).await;
    assert_eq!(unknown.expect_err("is not").code(), "not_found");

    recorder.complete::<Act>(json!({ "ok": true }));
    let ended = client.enqueue_and_wait(act("work"), day).await;
    let ended = ended.expect("it ends at once");
    assert_eq!(
        (ended.state, ended.result),
        (JobState::Completed, Some(json!({ "ok": true })))
    );
    recorder.bury::<Act>("refused");
    let ended = client.enqueue_and_wait(act("work"), day).await;
    let ended = ended.expect("it ends at once");
    assert_eq!(
        (ended.state, ended.reason.as_deref()),
        (JobState::Dead, Some("refused"))
    );

    recorder.clear();
    recorder.fail();
    let away = client.enqueue(act("work")).await.expect_err("away");
    assert!(matches!(
        away,
        ClientError::Queue(QueueError::Unreachable { .. })
    ));
    recorder.recover();
    recorder.assert_nothing();
}
