//! Redis is full: producers are told so, and what was accepted is carried out all the same.

use std::time::Duration;

use longshore_client::kinds::CreateCustomer;
use longshore_client::{ClientError, JobState};
use longshore_tests::{Act, Stage, email, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_redis_is_drained() {
    let stage = Stage::set().await;
    let worker = stage.worker().short_lease().start().await;
    assert_eq!(stage.longshore(&["pause", "email"]).await.code, Some(0));
    let mut accepted = stage.enqueue(2000).await;
    fill(&stage).await;
    let refused = stage.client.enqueue_all((0..10).map(email)).await;
    match refused {
        Err(ClientError::Queue(error)) => assert!(error.to_string().contains("OOM"), "{error}"),
        Ok(more) => accepted.extend(more),
        Err(error) => panic!("{error}"),
    }
    assert_eq!(stage.longshore(&["resume", "email"]).await.code, Some(0));
    within(Duration::from_secs(15), "all have completed", || async {
        stage.stats().await.counter("completed") == accepted.len() as u64
    })
    .await;
    assert_eq!(stage.ledger().summary().duplicates, 0);
    assert_eq!(worker.get("/readyz").await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_of_a_request_is_kept_in_a_full_redis() {
    let stage = Stage::set_for(Act::Payments).await;
    let customer = stage.client.enqueue(CreateCustomer::new("ada"));
    let id = customer.await.expect("is taken");
    fill(&stage).await;
    let _worker = stage.worker().start().await;
    stage.is(id, JobState::Completed).await;
    assert_eq!(stage.ledger().requests(), 1);
}

/// From now on it has no room.
async fn fill(stage: &Stage) {
    let mut full = redis::cmd("CONFIG");
    full.arg("SET").arg("maxmemory").arg(1);
    let full: Result<String, _> = stage.queue.link().command(&full).await;
    full.expect("is full");
}
