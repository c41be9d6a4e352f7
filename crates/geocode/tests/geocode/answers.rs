//! What Google says, and what becomes of the job.

use std::time::Duration;

use longshore_geocode::GeocodeAddress;
use longshore_job::{Handler, JobError, Scope};
use longshore_sandbox::Fault;
use longshore_testing::ScriptedGate;
use serde_json::json;

use crate::{ADDRESS, KEY, Scene, code, says, script};

#[tokio::test]
async fn an_address_is_found_with_all_its_letters() {
    let scene = Scene::set().await;
    let (result, answer) = scene.done(GeocodeAddress::new(ADDRESS)).await;
    assert_eq!(scene.counts(), (1, 1, 1));
    assert_eq!(scene.sought(), [ADDRESS], "as it was written");

    let effect = &scene.provider.ledger().accepted()[0];
    assert_eq!(result["found"], true);
    assert!(result["lat"].is_f64() && result["lng"].is_f64(), "{result}");
    assert_eq!(result["location_type"], "ROOFTOP");
    assert_eq!(result["place_id"], json!(effect.id));
    assert_eq!(result["partial_match"], false);
    assert_eq!(result["types"], json!(["street_address"]));
    let at = result["geocoded_at"].as_str().expect("a time");
    assert!(at.starts_with("20") && at.ends_with('Z'), "{at}");
    let fields = result.as_object().map(serde_json::Map::len);
    assert_eq!(fields, Some(9), "and nothing else: {result}");
    assert_eq!(result["results"], 1);
    assert!(!result.to_string().contains("fuglveien"), "{result}");

    assert_eq!(answer.provider.as_deref(), Some("google_maps"));
    assert_eq!(answer.status, Some(200));
    assert_eq!(answer.code, None);
}

#[tokio::test]
async fn no_such_place_is_an_answer() {
    let scene = Scene::set().await;
    let (result, answer) = scene.done(GeocodeAddress::new("1 Nowhere Lane")).await;
    assert_eq!(result, json!({ "found": false }));
    assert_eq!(answer.provider.as_deref(), Some("google_maps"));
    assert_eq!(scene.counts(), (1, 0, 1));
}

#[tokio::test]
async fn nothing_leaves_while_the_gate_is_shut() {
    let mut scene = Scene::set().await;
    let shut = script(ScriptedGate::shut());
    let open = std::mem::replace(&mut scene.script, shut.clone());
    tokio::select! {
        biased;
        outcome = scene.run(GeocodeAddress::new("Oslo")) => panic!("{outcome:?}"),
        () = shut.gate.held_back() => {}
    }
    // Whatever had been sent would have come before this one.
    scene.script = open;
    scene.done(GeocodeAddress::new("Bergen")).await;
    assert_eq!(shut.gate.reads(), 1);
    assert_eq!(scene.sought(), ["Bergen"]);
    assert_eq!(scene.counts(), (1, 1, 1));
}

#[tokio::test]
async fn googles_words_decide() {
    let scene = Scene::set().await;
    let ok = json!({ "status": "OK", "results": [] });
    let odd = json!({ "status": "OK", "results": [{ "place_id": "ChIJ1", "types": [] }] });
    for (http, body, kind, group) in [
        (200, word("INVALID_REQUEST"), "permanent", "INVALID_REQUEST"),
        (400, word("INVALID_REQUEST"), "permanent", "INVALID_REQUEST"),
        (
            200,
            word("OVER_QUERY_LIMIT"),
            "throttled",
            "OVER_QUERY_LIMIT",
        ),
        (
            429,
            word("OVER_QUERY_LIMIT"),
            "throttled",
            "OVER_QUERY_LIMIT",
        ),
        (
            200,
            word("OVER_DAILY_LIMIT"),
            "unauthorized",
            "OVER_DAILY_LIMIT",
        ),
        (
            200,
            word("REQUEST_DENIED"),
            "unauthorized",
            "REQUEST_DENIED",
        ),
        (
            400,
            word("REQUEST_DENIED"),
            "unauthorized",
            "REQUEST_DENIED",
        ),
        (403, word("UNKNOWN_ERROR"), "unauthorized", "UNKNOWN_ERROR"),
        (200, word("UNKNOWN_ERROR"), "transient", "UNKNOWN_ERROR"),
        (503, word("UNKNOWN_ERROR"), "transient", "UNKNOWN_ERROR"),
        (400, word("OK"), "transient", "OK"),
        (400, word("A_NEW_WORD"), "permanent", "A_NEW_WORD"),
        (200, word("A_NEW_WORD"), "transient", "A_NEW_WORD"),
        (200, word("NOT_FOUND"), "transient", "NOT_FOUND"),
        (200, ok, "transient", "OK not understood"),
        (200, odd, "transient", "OK not understood"),
        (
            200,
            json!({ "results": [] }),
            "transient",
            "200 not understood",
        ),
        (200, json!("OK"), "transient", "200 not understood"),
        (204, json!(""), "transient", "204 not understood"),
        (404, json!("nobody here"), "transient", "404"),
        (302, json!(""), "transient", "302"),
    ] {
        scene.fault(says(http, &body));
        let error = scene.run(GeocodeAddress::new("Oslo")).await;
        let error = error.expect_err("no place");
        let found = match error {
            JobError::Permanent { .. } => "permanent",
            JobError::Throttled { scope, .. } => {
                assert_eq!(scope, Scope::Provider);
                "throttled"
            }
            JobError::Transient { .. } => "transient",
            JobError::NotReached { .. } => "not_reached",
            JobError::OutcomeUnknown { .. } => "unknown",
            JobError::Unauthorized { .. } => "unauthorized",
        };
        assert_eq!((found, code(&error)), (kind, group), "{http} {body}");
        assert_eq!(error.answer().status, Some(http));
    }
    assert_eq!(scene.counts(), (21, 0, 21), "one request per run");
    assert_eq!(scene.kept(), [], "no failure is remembered");
}

fn word(status: &str) -> serde_json::Value {
    json!({ "status": status, "results": [] })
}

#[tokio::test]
async fn a_refused_key_is_not_the_jobs_fault() {
    let scene = Scene::set().await;
    scene.provider.refuse_key(KEY);
    let error = scene.run(GeocodeAddress::new("Oslo")).await;
    let error = error.expect_err("refused");
    assert!(matches!(error, JobError::Unauthorized { .. }), "{error:?}");
    let reason = "Google Maps answered 200, REQUEST_DENIED: The provided API key is invalid.";
    assert_eq!(error.reason(), reason);
    scene.provider.accept_key(KEY);
    scene.done(GeocodeAddress::new("Oslo")).await;
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_nothing_unknown() {
    let scene = Scene::set_with(|config| config.timeout = Duration::from_millis(400)).await;
    for fault in [
        Fault::HangUpUnread,
        Fault::HangUp { effect: true },
        Fault::NeverAnswer { effect: true },
    ] {
        scene.fault(fault.clone());
        let error = scene.run(GeocodeAddress::new("Oslo")).await;
        let error = error.expect_err("no answer");
        assert!(matches!(error, JobError::Transient { .. }), "{error:?}");
        assert_eq!(code(&error), "no answer", "{fault:?}");
    }
    let garbage = Fault::Garbage {
        status: 200,
        effect: true,
    };
    scene.fault(garbage);
    let error = scene.run(GeocodeAddress::new("Oslo")).await;
    let error = error.expect_err("garbage");
    assert!(matches!(error, JobError::Transient { .. }), "{error:?}");
    assert_eq!(scene.counts(), (4, 3, 4), "one request per run");
}

#[tokio::test]
async fn a_provider_that_is_not_there_costs_no_attempt() {
    let Scene {
        provider, handler, ..
    } = Scene::set().await;
    provider.stop().await;
    let run = script(ScriptedGate::open()).run();
    let error = handler.run(GeocodeAddress::new("Oslo"), run).await;
    let error = error.expect_err("nobody there");
    assert!(matches!(error, JobError::NotReached { .. }), "{error:?}");
    assert_eq!(code(&error), "not reached");
}
