//! Redis is full: producers are told so, and what was accepted is carried out all the same.

use std::time::Duration;

use longshore_client::ClientError;
use longshore_tests::{Stage, email, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_redis_is_drained() {
    let stage = Stage::set().await;
    let link = stage.queue.link();
    let worker = stage.worker().short_lease().start().await;
    assert_eq!(stage.longshore(&["pause", "email"]).await.code, Some(0));
    let mut accepted = stage.enqueue(2000).await;
    let _: String = link
        .command(redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(1))
        .await
        .expect("is full");
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
