//! `move_back`.

use std::time::Duration;

use longshore_export_cleanup::MoveBackHandler;
use longshore_export_cleanup::{BucketName, MoveBack};
use longshore_job::{Handler, JobError};
use serde_json::json;

use crate::{DAY, Scene, result};

#[tokio::test]
async fn what_was_written_elsewhere_comes_back_once() {
    let scene = Scene::set().await;
    for n in 0..120 {
        let key = format!("reconcile/{n:03}.csv");
        scene
            .r2
            .plant("exports-away", &key, "a,b", Duration::from_secs(60));
    }
    scene.r2.plant("exports-away", "stale", "old", DAY);
    scene
        .s3
        .plant("exports-test", "stale", "new", Duration::from_secs(60));
    let handler = MoveBackHandler::new(scene.cleanup());
    let job = MoveBack::new(BucketName::EXPORTS);
    scene.script.memory.fail_saves_after(1);
    let cut = handler
        .run(job.clone(), scene.run())
        .await
        .expect_err("killed");
    assert!(matches!(cut, JobError::Throttled { .. }), "{cut}");
    scene.script.memory.recover();
    let done = result(handler.run(job.clone(), scene.run()).await.expect("moved"));
    assert_eq!(
        (&done["superseded"], &done["changed"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(scene.r2.keys("exports-away"), ["stale"]);
    assert_eq!(scene.s3.keys("exports-test").len(), 121);
    assert_eq!(
        scene.s3.body("exports-test", "stale").as_deref(),
        Some(&b"new"[..])
    );
    assert_eq!(
        scene
            .s3
            .body("exports-test", "reconcile/007.csv")
            .as_deref(),
        Some(&b"a,b"[..])
    );
}
