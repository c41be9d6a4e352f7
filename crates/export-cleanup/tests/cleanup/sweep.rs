//! `sweep_bucket`.

use std::time::Duration;

use longshore_export_cleanup::SweepBucketHandler;
use longshore_export_cleanup::{BucketName, StoreName, SweepBucket};
use longshore_job::{Handler, JobError, Outcome};
use serde_json::json;

use crate::{DAY, Scene, result, script};

fn sweep() -> SweepBucket {
    SweepBucket::new(BucketName::EXPORTS)
}

#[tokio::test]
async fn what_is_old_enough_under_a_prefix_goes_and_nothing_else() {
    let scene = Scene::set().await;
    let bucket = "uploads-test";
    for (key, age) in [
        ("tmp/old", 91 * DAY),
        ("tmp/young", 89 * DAY),
        ("tmp/just", 90 * DAY - Duration::from_secs(60)),
        ("user/tmp/old", 1000 * DAY),
        ("tmpx", 1000 * DAY),
    ] {
        scene.s3.plant(bucket, key, "12345", age);
        scene.s3.plant_upload(bucket, key, age);
        scene.r2.plant("uploads-away", key, "12345", age);
    }
    let handler = SweepBucketHandler::new(scene.cleanup());
    let job = SweepBucket::new(BucketName::UPLOADS);

    let seen = handler
        .run(job.clone().dry_run(), scene.run())
        .await
        .expect("looked");
    let would = json!({ "objects": 1, "bytes": 5, "uploads": 1 });
    assert_eq!(result(seen)["would_delete"], would);
    assert_eq!(
        scene.s3.ledger().summary().accepted,
        0,
        "a rehearsal writes nothing"
    );

    let done = result(handler.run(job.clone(), scene.run()).await.expect("swept"));
    assert_eq!(done["deleted"], would);
    assert_eq!((&done["listed"], &done["kept"]), (&json!(3), &json!({})));
    let left = ["tmp/just", "tmp/young", "tmpx", "user/tmp/old"];
    assert_eq!(scene.s3.keys(bucket), left);
    assert_eq!(scene.s3.uploads(bucket), left);
    assert_eq!(
        scene.r2.keys("uploads-away").len(),
        5,
        "the other store is another sweep"
    );

    let there = job.store(StoreName::R2);
    let done = result(handler.run(there, scene.run()).await.expect("swept"));
    assert_eq!(
        done["deleted"],
        json!({ "objects": 1, "bytes": 5, "uploads": 0 })
    );
    assert_eq!(scene.r2.keys("uploads-away"), left);
}

#[tokio::test]
async fn without_rules_or_a_bucket_nothing_is_touched() {
    let scene = Scene::set().await;
    scene.s3.plant("public-test", "old", "x", 9999 * DAY);
    let handler = SweepBucketHandler::new(scene.cleanup());
    let skipped = handler
        .run(SweepBucket::new(BucketName::PUBLIC), scene.run())
        .await;
    assert!(
        matches!(skipped, Ok(Outcome::Skipped { .. })),
        "{skipped:?}"
    );
    assert_eq!(scene.s3.ledger().requests(), 0);
}

/// Dies at every single moment there is, one after the other, and is taken up again by the next run.
#[tokio::test]
async fn wherever_it_dies_it_goes_on_and_counts_right() {
    let scene = Scene::set().await;
    for n in 0..2_500 {
        let (age, folder) = match n % 5 {
            0 => (DAY, "kept"),
            _ => (8 * DAY, "gone"),
        };
        scene
            .s3
            .plant("exports-test", &format!("{n:04}-{folder}"), "1234567", age);
    }
    let handler = SweepBucketHandler::new(scene.cleanup());
    let mut runs = 0;
    let done = loop {
        // The next checkpoint is taken, the one after it not: in between it may have deleted, or not.
        scene.script.memory.fail_saves_after(1);
        runs += 1;
        match handler.run(sweep(), scene.run()).await {
            Ok(done) => break result(done),
            Err(JobError::Throttled { .. }) if runs < 100 => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert!(runs > 5, "it died in between: {runs}");
    assert_eq!(
        done["deleted"],
        json!({ "objects": 2_000, "bytes": 14_000, "uploads": 0 })
    );
    assert_eq!(done["listed"], 2_500);
    let left = scene.s3.keys("exports-test");
    assert_eq!(left.len(), 500);
    assert!(left.iter().all(|key| key.ends_with("kept")));
    let shown = scene
        .script
        .memory
        .checkpoint(scene.script.id)
        .expect("shown")
        .to_string();
    assert!(
        !shown.contains("gone") && !shown.contains("kept\""),
        "no keys: {shown}"
    );
}

#[tokio::test]
async fn what_the_store_keeps_is_counted_by_its_code() {
    let mut scene = Scene::set().await;
    for key in ["a", "b", "locked"] {
        scene.s3.plant("exports-test", key, "x", 8 * DAY);
    }
    scene
        .s3
        .fail_deletion("exports-test", "locked", "AccessDenied", 99);
    scene
        .s3
        .fail_deletion("exports-test", "b", "InternalError", 1);
    let handler = SweepBucketHandler::new(scene.cleanup());
    let done = result(handler.run(sweep(), scene.run()).await.expect("swept"));
    assert_eq!(done["kept"], json!({ "AccessDenied": 1 }));
    assert_eq!(done["deleted"]["objects"], 2);

    // Where nothing may be deleted, it stops at once. Another job, since this one is done.
    scene.script = script();
    let refused = handler
        .run(sweep(), scene.run())
        .await
        .expect_err("refused");
    assert!(matches!(refused, JobError::Permanent { .. }), "{refused}");
    assert_eq!(refused.answer().code.as_deref(), Some("AccessDenied"));
}

#[tokio::test]
async fn it_stops_and_asks_before_it_deletes_too_much() {
    let scene = Scene::set().await;
    for n in 0..10 {
        let age = if n < 6 { 8 * DAY } else { DAY };
        scene.s3.plant("exports-test", &n.to_string(), "x", age);
    }
    let handler = SweepBucketHandler::new(scene.cleanup_with(Some(0.5)));
    let asked = handler.run(sweep(), scene.run()).await.expect_err("asks");
    assert_eq!(asked.answer().code.as_deref(), Some("max_delete_share"));
    assert!(asked.reason().contains("6 of 10"), "{asked}");
    assert_eq!(scene.s3.keys("exports-test").len(), 10);
    let done = handler
        .run(sweep().confirmed(), scene.run())
        .await
        .expect("swept");
    assert_eq!(result(done)["deleted"]["objects"], 6);

    let handler = SweepBucketHandler::new(scene.cleanup_with(Some(0.6)));
    scene.s3.plant("exports-test", "old", "x", 8 * DAY);
    handler
        .run(sweep(), scene.run())
        .await
        .expect("one of five may go");
}

#[tokio::test]
async fn versions_go_from_the_bottom_and_nothing_old_comes_to_light() {
    let scene = Scene::set().await;
    let s3 = &scene.s3;
    s3.keep_versions("exports-test");
    let bucket = "exports-test";
    // Replaced yesterday: the old version counts from then.
    s3.plant(bucket, "replaced", "1", 30 * DAY);
    s3.plant(bucket, "replaced", "2", DAY);
    // All old, and deleted long ago.
    s3.plant(bucket, "deleted", "1", 30 * DAY);
    s3.plant(bucket, "deleted", "22", 20 * DAY);
    s3.plant_deletion(bucket, "deleted", 10 * DAY);
    // Deleted yesterday: what is under the marker stays there.
    s3.plant(bucket, "fresh", "1", 30 * DAY);
    s3.plant_deletion(bucket, "fresh", DAY);
    // A version that cannot go keeps the marker on it.
    s3.plant(bucket, "locked", "1", 30 * DAY);
    s3.plant_deletion(bucket, "locked", 20 * DAY);
    s3.fail_deletion(bucket, "locked", "AccessDenied", 1);
    s3.plant(bucket, "old", "1", 30 * DAY);
    let handler = SweepBucketHandler::new(scene.cleanup());
    let done = result(handler.run(sweep(), scene.run()).await.expect("swept"));
    assert_eq!(done["versioned"], true);
    assert_eq!(
        done["deleted"],
        json!({ "objects": 4, "bytes": 4, "uploads": 0 })
    );
    assert_eq!(done["kept"], json!({ "AccessDenied": 1 }));
    assert_eq!(
        s3.keys(bucket),
        ["replaced"],
        "and nothing that was deleted"
    );
    assert_eq!(s3.versions(bucket), 6);
}

#[tokio::test]
async fn it_has_its_turn_and_goes_on_after_others() {
    let scene = Scene::set().await;
    for n in 0..1_500 {
        scene
            .s3
            .plant("exports-test", &format!("{n:04}"), "x", 8 * DAY);
    }
    let handler = SweepBucketHandler::new(scene.cleanup().with_time_slice(Duration::ZERO));
    let mut turns = 0;
    let done = loop {
        turns += 1;
        match handler.run(sweep(), scene.run()).await {
            Ok(done) => break result(done),
            Err(JobError::Throttled { .. }) if turns < 20 => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert!(turns > 2, "{turns}");
    assert_eq!(done["deleted"]["objects"], 1_500);
    scene.script.memory.recover();
    assert!(scene.script.memory.checkpoints().len() > 2);
}
