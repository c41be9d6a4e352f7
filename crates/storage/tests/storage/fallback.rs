//! Which store a write goes to, and where a read looks.

use std::time::Duration;

use longshore_storage::objects::NewObject;
use longshore_storage::sandbox::S3Sandbox;
use longshore_storage::{Bucket, ErrorClass, Name, Stores};

use crate::breaker::breaker;
use crate::{LOOPBACK, bucket, store};

fn report() -> NewObject {
    NewObject {
        key: "reconcile/x.csv".to_owned(),
        content_type: "text/csv".to_owned(),
        body: b"a,b".to_vec(),
    }
}

#[tokio::test]
async fn while_s3_is_away_a_write_goes_to_r2_where_the_bucket_has_a_stand_in() {
    let s3 = S3Sandbox::start(LOOPBACK).await.expect("started");
    let r2 = S3Sandbox::start(LOOPBACK).await.expect("started");
    let stores =
        Stores::new(store(Name::S3, &s3.origin())).with_fallback(store(Name::R2, &r2.origin()));
    let script = breaker();
    let placed = stores
        .put(&script.run(), &bucket(), &report())
        .await
        .expect("put");
    assert_eq!(
        (placed.store, placed.bucket.as_str()),
        (Name::S3, "exports-test")
    );
    r2.plant("exports-away", "meanwhile", "hello", Duration::ZERO);
    s3.stop().await;

    let placed = stores
        .put(&script.run(), &bucket(), &report())
        .await
        .expect("put");
    assert_eq!(
        (placed.store, placed.bucket.as_str()),
        (Name::R2, "exports-away")
    );
    assert_eq!(
        r2.body("exports-away", "reconcile/x.csv").as_deref(),
        Some(&b"a,b"[..])
    );
    let read = stores
        .get(&script.run(), &bucket(), "meanwhile", 5)
        .await
        .expect("from R2");
    assert_eq!(read, b"hello");

    let alone = Bucket {
        fallback_name: None,
        ..bucket()
    };
    let error = stores
        .put(&script.run(), &alone, &report())
        .await
        .expect_err("waits for S3");
    assert!(matches!(error.class, ErrorClass::NotNow(_)));
    let error = stores
        .get(&script.run(), &bucket(), "nothing", 5)
        .await
        .expect_err("neither");
    assert!(
        matches!(error.class, ErrorClass::NotNow(_)),
        "S3 may have it"
    );
}

#[tokio::test]
async fn what_s3_refuses_is_not_tried_elsewhere() {
    let s3 = S3Sandbox::start(LOOPBACK).await.expect("started");
    let r2 = S3Sandbox::start(LOOPBACK).await.expect("started");
    let stores =
        Stores::new(store(Name::S3, &s3.origin())).with_fallback(store(Name::R2, &r2.origin()));
    s3.refuse_key();
    let script = breaker();
    let error = stores
        .put(&script.run(), &bucket(), &report())
        .await
        .expect_err("refused");
    assert_eq!(error.class, ErrorClass::Unauthorized);
    assert_eq!(r2.ledger().requests(), 0);
}
