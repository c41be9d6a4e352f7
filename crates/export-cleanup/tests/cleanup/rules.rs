//! Rules by tag and by size, a bucket of one's own, and reports, which outlive what lies beside them.

use longshore_export_cleanup::{
    ApplyLifecycle, ApplyLifecycleHandler, BucketName, StoreName, SweepBucket, SweepBucketHandler,
};
use longshore_job::Handler;
use longshore_storage::{Bucket, ExpiryRule};
use serde_json::json;

use crate::{DAY, Scene, result};

fn media() -> BucketName {
    BucketName::new("media").expect("a name")
}

fn bucket() -> (BucketName, Bucket) {
    let tagged = ExpiryRule {
        tag: Some(("kind".to_owned(), "temporary".to_owned())),
        ..ExpiryRule::new("", 3)
    };
    let large = ExpiryRule {
        larger_than: Some(4),
        ..ExpiryRule::new("raw/", 7)
    };
    let bucket = Bucket {
        fallback_name: Some("media-away".to_owned()),
        rules: vec![tagged, large],
        ..Bucket::new("media", "media-test")
    };
    (media(), bucket)
}

#[tokio::test]
async fn a_sweep_looks_at_tags_and_sizes() {
    for versioned in [false, true] {
        let scene = Scene::set().await;
        let handler = SweepBucketHandler::new(scene.cleanup_of([bucket()]));
        for (store, name) in [(&scene.s3, "media-test"), (&scene.r2, "media-away")] {
            if versioned {
                store.keep_versions(name);
            }
            for (key, body, age) in [
                ("a-tagged", "1", 4 * DAY),
                ("b-other", "1", 4 * DAY),
                ("c-untagged", "1", 400 * DAY),
                ("d-young", "1", 2 * DAY),
                ("raw/large", "12345", 8 * DAY),
                ("raw/small", "1234", 400 * DAY),
                ("raw/young", "12345", 6 * DAY),
            ] {
                store.plant(name, key, body, age);
                store.plant_upload(name, key, age);
            }
            store.tag(name, "a-tagged", ("kind", "temporary"));
            store.tag(name, "b-other", ("kind", "permanent"));
            store.tag(name, "d-young", ("kind", "temporary"));
        }
        let seen = handler
            .run(SweepBucket::new(media()).dry_run(), scene.run())
            .await;
        let would = json!({ "objects": 2, "bytes": 6, "uploads": 0 });
        assert_eq!(result(seen.expect("seen"))["would_delete"], would);
        let done = handler.run(SweepBucket::new(media()), scene.run()).await;
        assert_eq!(
            result(done.expect("swept"))["deleted"],
            would,
            "{versioned}"
        );
        let left = ["b-other", "c-untagged", "d-young", "raw/small", "raw/young"];
        assert_eq!(scene.s3.keys("media-test"), left);
        // R2 knows no tags: there only the size decides.
        let there = SweepBucket::new(media()).store(StoreName::R2);
        let done = handler.run(there, scene.run()).await.expect("swept");
        let only = json!({ "objects": 1, "bytes": 5, "uploads": 0 });
        assert_eq!(result(done)["deleted"], only);
    }
}

#[tokio::test]
async fn a_store_keeps_the_rules_that_it_knows_and_names_the_others() {
    let scene = Scene::set().await;
    let handler = ApplyLifecycleHandler::new(scene.cleanup_of([bucket()]));
    let apply = async |job| result(handler.run(job, scene.run()).await.expect("applied"));
    let here = apply(ApplyLifecycle::new(media())).await;
    assert_eq!(here["left_to_sweep"], json!([]));
    assert_eq!(here["added"].as_array().map(Vec::len), Some(2));
    let again = apply(ApplyLifecycle::new(media())).await;
    assert_eq!(again["changed"], json!(false));
    let there = apply(ApplyLifecycle::new(media()).store(StoreName::R2)).await;
    assert_eq!(there["left_to_sweep"], json!(["", "raw/"]));
    assert_eq!(there["added"], json!([]));
}

#[tokio::test]
async fn reports_outlive_what_lies_beside_them() {
    let scene = Scene::set().await;
    let exports = Bucket {
        rules: vec![ExpiryRule::new("", 7)],
        reports: Some(ExpiryRule::new("reports/", 400)),
        ..Bucket::new("exports", "exports-test")
    };
    let cleanup = scene.cleanup_of([(BucketName::EXPORTS, exports)]);
    for (key, days) in [("export", 8), ("reports/new", 8), ("reports/old", 401)] {
        scene.s3.plant("exports-test", key, "1", days * DAY);
    }
    let job = ApplyLifecycle::new(BucketName::EXPORTS);
    let applied = ApplyLifecycleHandler::new(cleanup.clone())
        .run(job, scene.run())
        .await;
    let applied = result(applied.expect("applied"));
    // The bucket's own rules know no exception, so what would delete reports is left to the sweeps.
    assert_eq!(applied["added"], json!(["reports/"]));
    assert_eq!(applied["left_to_sweep"], json!([""]));
    let sweep = SweepBucketHandler::new(cleanup);
    let swept = sweep
        .run(SweepBucket::new(BucketName::EXPORTS), scene.run())
        .await;
    assert_eq!(
        result(swept.expect("swept"))["deleted"]["objects"],
        json!(2)
    );
    assert_eq!(scene.s3.keys("exports-test"), ["reports/new"]);
}
