//! What answers become.

use longshore_job::{JobError, OnUnknown};
use longshore_queue::Fate;
use longshore_services::CallService;
use serde_json::json;

use super::{Scene, json as json_answer, ping};

#[tokio::test]
async fn a_result_is_the_status_and_a_small_body_without_secrets() {
    let scene = Scene::set().await;
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(20_000));
    scene.answers([
        json_answer(
            201,
            r#"{"id":7,"access_token":"abc","nested":[{"client-secret":"s"}]}"#,
        ),
        (204, "text/plain", String::new()),
        (200, "text/plain", "queued".to_owned()),
        json_answer(200, &large),
    ]);
    let create = || CallService::new("crm", "create");
    let body =
        json!({ "id": 7, "access_token": "[secret]", "nested": [{ "client-secret": "[secret]" }] });
    let expected = json!({ "status": 201, "body": body });
    assert_eq!(scene.done(create()).await, expected);
    assert_eq!(scene.done(create()).await, json!({ "status": 204 }));
    let text = scene.done(create()).await;
    assert_eq!(
        (&text["body_bytes"], text["body"].is_null()),
        (&json!(6), true)
    );
    let large = scene.done(create()).await;
    assert_eq!(large["body_bytes"], json!(20_011));
    let digest = large["body_sha256"].as_str().map(str::len);
    assert_eq!(digest, Some(64), "{large}");
}

#[tokio::test]
async fn what_may_come_from_something_in_between_is_unknown() {
    let scene = Scene::set().await;
    let garbage = || {
        [
            (
                200,
                "text/html; charset=utf-8",
                "<h1>Welcome</h1>".to_owned(),
            ),
            json_answer(200, r#"{"id":"#),
            json_answer(502, ""),
        ]
    };
    scene.answers(garbage());
    for _ in garbage() {
        let error = scene.failed(CallService::new("crm", "create")).await;
        assert!(
            matches!(error, JobError::OutcomeUnknown { .. }),
            "{error:?}"
        );
    }
    scene.answers(garbage());
    for _ in garbage() {
        let error = scene.failed(ping()).await;
        assert!(matches!(error, JobError::Transient { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn lists_say_what_a_status_means() {
    let scene = Scene::set().await;
    let delete = || CallService::new("crm", "delete").path_param("id", "7");
    scene.answers([
        json_answer(404, r#"{"error":"gone"}"#),
        json_answer(409, ""),
    ]);
    assert_eq!(scene.done(delete()).await["status"], 404);
    let error = scene.failed(delete()).await;
    assert!(
        matches!(error, JobError::OutcomeUnknown { .. }),
        "{error:?}"
    );
}

/// The run, the time limit and the rescue all ask the same.
#[tokio::test]
async fn a_lost_answer_is_held_unless_the_request_may_be_repeated() {
    let scene = Scene::set().await;
    for (operation, configured, is_retried) in [
        ("create", None, true),
        ("update", None, false),
        ("ping", None, true),
        ("update", Some(OnUnknown::Retry), true),
    ] {
        scene.answers([json_answer(500, "")]);
        let mut job = CallService::new("crm", operation);
        if operation == "update" {
            job = job.path_param("id", "7");
        }
        let handlers = longshore_job::Handlers::new().with(scene.handler.clone());
        let overrides = longshore_job::KindOverrides {
            on_unknown: configured,
            ..Default::default()
        };
        let handlers = handlers.with_overrides(|_| overrides.clone());
        let script = scene.script.for_new_job().with_provider("crm");
        let ran = script.run_among(&handlers, &job).await.expect("accepted");
        let retried = matches!(ran.decision.fate, Fate::Retry { .. });
        assert_eq!(retried, is_retried, "{operation} {configured:?}: {ran:?}");
    }
}
