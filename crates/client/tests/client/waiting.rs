//! Waiting for a job's end.

use std::time::Duration;

use longshore_client::kinds::SendEmail;
use longshore_client::{ClientError, JobState};

use crate::{Bench, welcome};

#[tokio::test]
async fn a_user_who_waits_gets_the_result_or_is_told_that_it_goes_on() {
    let bench = Bench::new();
    let limit = Duration::from_secs(20);
    let (status, ()) = tokio::join!(
        bench.client.enqueue_and_wait(welcome(), limit),
        bench.work()
    );
    let status = status.expect("completes");
    assert_eq!(status.state, JobState::Completed);
    assert_eq!(
        status.result,
        Some(serde_json::json!({ "message_id": "m-1" }))
    );
    let short = Duration::from_millis(50);
    let error = bench
        .client
        .enqueue_and_wait(welcome(), short)
        .await
        .expect_err("nobody works");
    assert!(matches!(error, ClientError::StillRunning { .. }), "{error}");
}

#[tokio::test]
async fn two_who_wait_for_the_same_job_and_one_who_gave_up_do_not_disturb_each_other() {
    let bench = Bench::new();
    let keyed = || bench.client.enqueue(welcome()).key("once");
    let id = keyed().await.expect("enqueues");
    assert_eq!(keyed().await.expect("is known"), id);
    let wait = async |for_ms| {
        let limit = Duration::from_millis(for_ms);
        bench.client.wait_for::<SendEmail>(id, limit).await
    };
    let error = wait(20).await.expect_err("nobody works");
    assert!(matches!(error, ClientError::StillRunning { .. }), "{error}");
    let (one, other, ()) = tokio::join!(wait(20_000), wait(20_000), bench.work());
    for status in [one, other] {
        assert_eq!(status.expect("completes").state, JobState::Completed);
    }
    let after = wait(20_000).await.expect("has ended before");
    assert_eq!(after.state, JobState::Completed);
}
