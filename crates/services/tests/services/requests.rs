//! What is sent.

use longshore_job::{Envelope, Handler, Job, JobError, Prepared};
use longshore_provider::secret::Secret;
use longshore_services::{AuthHeader, AuthMethod, CallService};
use serde_json::json;

use super::{Scene, ping};

#[tokio::test]
async fn a_request_is_what_the_operation_and_the_job_say() {
    let scene = Scene::set().await;
    let args = r#"{"service":"crm","operation":"create","query":{"a b":"1&2=ø"},"body":{"amount": 1.10,"name":"Ada"}}"#;
    let job: CallService = serde_json::from_str(args).expect("args");
    let script = scene.script.for_new_job();
    let run = script.run();
    let key = run.idempotency_key.clone();
    scene.handler.run(job, run).await.expect("done");
    let update = CallService::new("crm", "update").path_param("id", "../a?b#c/%2e");
    scene.done(update).await;
    scene.done(ping()).await;

    let came = scene.came();
    assert_eq!(came[0].method, "POST");
    assert_eq!(came[0].path_and_query, "/v1/contacts?a+b=1%262%3D%C3%B8");
    assert_eq!(came[0].body, r#"{"amount": 1.10,"name":"Ada"}"#);
    assert_eq!(came[0].headers["content-type"], "application/json");
    assert_eq!(came[0].headers["x-api-version"], "2");
    assert_eq!(came[0].headers["idempotency-key"], key);
    assert!(!came[0].headers.contains_key("authorization"));
    assert_eq!(came[1].method, "PATCH");
    let path = "/v1/contacts/..%2Fa%3Fb%23c%2F%252e";
    assert_eq!(came[1].path_and_query, path);
    assert_eq!(
        (came[2].method.as_str(), came[2].body.as_str()),
        ("GET", "")
    );
    // A GET does not count as sent.
    let gate = &scene.script.gate;
    assert_eq!((gate.sends(), gate.reads()), (2, 1));
}

#[tokio::test]
async fn credentials_go_where_they_belong() {
    let secret = || Secret::from("s3cr3t");
    let header = || AuthHeader::new(secret()).expect("a header");
    let name: &str = "x-api-key";
    for (auth, at, expected) in [
        (
            AuthMethod::Bearer(header()),
            "authorization",
            "Bearer s3cr3t",
        ),
        (
            AuthMethod::Basic {
                user: "shop".to_owned(),
                password: secret(),
            },
            "authorization",
            "Basic c2hvcDpzM2NyM3Q=",
        ),
        (
            AuthMethod::Header {
                name: name.parse().expect("a name"),
                value: header(),
            },
            name,
            "s3cr3t",
        ),
    ] {
        let shown = format!("{auth:?}");
        let scene = Scene::set_with(|_| auth).await;
        scene.done(ping()).await;
        assert_eq!(scene.came()[0].headers[at], expected);
        let shown = format!("{shown} {:?}", scene.handler);
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
    assert!(AuthHeader::new(Secret::from("two\nlines")).is_err());
}

/// A plain producer does not know the configuration.
#[tokio::test]
async fn what_a_service_cannot_do_is_a_dead_letter_that_says_so_and_nothing_is_sent() {
    let scene = Scene::set().await;
    for (job, code, said) in [
        (
            CallService::new("crm", "nope"),
            "unknown operation",
            "services.crm has no operation of its name; there are create, delete, ping, update",
        ),
        (
            CallService::new("push", "ping"),
            "another service",
            "it waited in the queue of crm and is for another service",
        ),
        (
            CallService::new("crm", "update"),
            "wrong args",
            "path_params: lacks id",
        ),
        (
            CallService::new("crm", "ping").body(&json!({})),
            "wrong args",
            "body: a GET has none",
        ),
    ] {
        let error = scene.failed(job).await;
        assert!(matches!(error, JobError::Permanent { .. }), "{error:?}");
        assert_eq!(error.answer().code.as_deref(), Some(code));
        assert_eq!(error.reason(), said);
    }
    assert_eq!(scene.server.ledger().requests(), 0);
}

#[tokio::test]
async fn only_what_does_no_harm_twice_may_be_repeated() {
    let scene = Scene::set().await;
    for (operation, may) in [
        ("ping", true),
        ("create", true),
        ("update", false),
        ("delete", false),
        ("nope", false),
    ] {
        let job = CallService::new("crm", operation);
        assert_eq!(scene.handler.may_repeat(&job), may, "{operation}");
    }
}

#[test]
fn args_are_golden_and_say_their_queue() {
    let golden = include_str!("../golden/call_service.v1.json").trim_end();
    let envelope = Envelope::parse(golden.as_bytes()).expect("an envelope");
    let job: CallService = envelope.decode().expect("its args");
    let again = Prepared::new(&job).expect("good");
    assert_eq!(String::from_utf8_lossy(&again.payload), golden);
    assert_eq!((again.kind, &*again.queue), (CallService::KIND, "svc-crm"));
}

#[test]
fn wrong_args_are_refused_at_every_door() {
    let long = "x".repeat(2001);
    for (args, said) in [
        (
            json!({ "service": "CRM", "operation": "a" }),
            "service: must",
        ),
        (
            json!({ "service": "a/b", "operation": "a" }),
            "service: must",
        ),
        (json!({ "service": "", "operation": "a" }), "service: must"),
        (
            json!({ "service": "crm", "operation": "a b" }),
            "operation: must",
        ),
        (
            json!({ "service": "crm", "operation": "a", "path_params": { "id": "" } }),
            "path_params: has an empty value",
        ),
        (
            json!({ "service": "crm", "operation": "a", "path_params": { "id": ".." } }),
            "path_params: has a value of dots alone",
        ),
        (
            json!({ "service": "crm", "operation": "a", "query": { "q": long } }),
            "query: has a value of more than 2000 bytes",
        ),
    ] {
        let job: CallService = serde_json::from_value(args.clone()).expect("of the form");
        let wrong = job.check().expect_err("refused").to_string();
        assert!(wrong.contains(said), "{args}: {wrong}");
    }
    for args in [
        json!({ "service": "crm" }),
        json!({ "service": "crm", "operation": "a", "path_params": { "id": 7 } }),
        json!({ "service": "crm", "operation": "a", "query": ["x"] }),
        json!({ "service": "crm", "operation": "a", "extra": 1 }),
    ] {
        assert!(
            serde_json::from_value::<CallService>(args.clone()).is_err(),
            "{args}"
        );
    }
}
