//! `apply_lifecycle`.

use longshore_export_cleanup::ApplyLifecycleHandler;
use longshore_export_cleanup::{ApplyLifecycle, BucketName, StoreName};
use longshore_job::Handler;
use serde_json::json;

use crate::{Scene, result};

#[tokio::test]
async fn the_three_buckets_end_with_their_rules() {
    let scene = Scene::set().await;
    let handler = ApplyLifecycleHandler::new(scene.cleanup());
    let apply = async |job| result(handler.run(job, scene.run()).await.expect("applied"));
    for (bucket, added) in [
        (BucketName::UPLOADS, json!(["tmp/"])),
        (BucketName::EXPORTS, json!([""])),
        (BucketName::PUBLIC, json!([])),
    ] {
        let first = apply(ApplyLifecycle::new(bucket.clone())).await;
        assert_eq!(first["added"], added);
        let again = apply(ApplyLifecycle::new(bucket)).await;
        assert_eq!(
            (&again["changed"], &again["unchanged"]),
            (&json!(false), &added)
        );
    }
    assert_eq!(
        scene.s3.ledger().summary().accepted,
        2,
        "the second time wrote nothing"
    );
    let there = apply(ApplyLifecycle::new(BucketName::EXPORTS).store(StoreName::R2)).await;
    assert_eq!(
        (&there["store"], &there["added"]),
        (&json!("r2"), &json!([""]))
    );
}
