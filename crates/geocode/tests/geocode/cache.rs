//! What the fleet remembers, for how long, and what happens when it does not.

use std::time::Duration;

use longshore_geocode::GeocodeAddress;
use longshore_job::{Answer, JobError};
use longshore_sandbox::Fault;
use serde_json::{Value, json};

use crate::{ADDRESS, Scene, code, says};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Found by everyone, always at the same place.
fn job() -> GeocodeAddress {
    GeocodeAddress::new(ADDRESS).region("no").language("nb")
}

/// The same result, but for whether and when it was asked for.
fn place(result: &Value) -> Value {
    let mut place = result.clone();
    let fields = place.as_object_mut().expect("an object");
    fields.remove("cached");
    fields.remove("geocoded_at");
    place
}

#[tokio::test]
async fn an_address_is_asked_for_once() {
    let scene = Scene::set().await;
    let (first, _) = scene.done(job()).await;
    let shouted = GeocodeAddress::new(format!("  {}\n", ADDRESS.to_uppercase()));
    for again in [job(), shouted.region("no").language("nb")] {
        let (result, answer) = scene.done(again).await;
        let mut expected = first.clone();
        expected["cached"] = true.into();
        assert_eq!(result, expected);
        assert_eq!(answer, Answer::default(), "nobody was asked");
    }
    assert_eq!(scene.counts(), (1, 1, 1));
    // Another question, perhaps with another answer.
    scene.done(GeocodeAddress::new(ADDRESS)).await;
    assert_eq!(scene.counts(), (2, 2, 2));
}

#[tokio::test]
async fn coordinates_are_kept_for_thirty_days_and_place_ids_for_a_year() {
    let scene = Scene::set().await;
    let (first, _) = scene.done(job()).await;
    let id = first["place_id"].as_str().expect("an id");
    let kept = scene.kept();
    let times: Vec<_> = kept
        .iter()
        .map(|(key, _, seconds)| (key.split(':').next().unwrap_or_default(), *seconds))
        .collect();
    let days = |days| days * DAY.as_secs();
    assert_eq!(times, [("place-id", days(365)), ("place", days(30))]);
    for (key, value, _) in &kept {
        let (_, hash) = key.split_once(':').expect("a hash");
        assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()));
        assert!(!value.contains("fuglveien"), "{value}");
    }
    let id_alone = &kept[0].1;
    assert_eq!(id_alone, id, "nothing that has to go after 30 days");

    scene.script.memory.advance(30 * DAY - SECOND);
    assert_eq!(scene.done(job()).await.0["cached"], true);
    scene.script.memory.advance(SECOND);
    let (again, answer) = scene.done(job()).await;
    assert_eq!((place(&again), again.get("cached")), (place(&first), None));
    assert_eq!(answer.provider.as_deref(), Some("google_maps"));
    assert_eq!(scene.sought(), [ADDRESS, id], "by the place id");
    assert_eq!(scene.done(job()).await.0["cached"], true);

    // The year begins again with each time Google says the id.
    scene.script.memory.advance(365 * DAY - SECOND);
    scene.done(job()).await;
    scene.script.memory.advance(365 * DAY);
    scene.done(job()).await;
    assert_eq!(scene.sought(), [ADDRESS, id, id, ADDRESS]);
    assert_eq!(scene.counts(), (4, 4, 4));
}

#[tokio::test]
async fn no_such_place_is_remembered_for_a_day() {
    let scene = Scene::set().await;
    let nowhere = || GeocodeAddress::new("1 Nowhere Lane");
    scene.done(nowhere()).await;
    scene.script.memory.advance(DAY - SECOND);
    let (result, answer) = scene.done(nowhere()).await;
    assert_eq!(result, json!({ "found": false, "cached": true }));
    assert_eq!(answer, Answer::default());
    assert_eq!(scene.counts(), (1, 0, 1));
    scene.script.memory.advance(SECOND);
    let (result, _) = scene.done(nowhere()).await;
    assert_eq!(result, json!({ "found": false }));
    assert_eq!(scene.counts(), (2, 0, 2));
}

#[tokio::test]
async fn a_place_that_google_no_longer_knows_is_looked_up_by_its_address() {
    let gone = |status| json!({ "status": status, "results": [] });
    for answer in [
        says(200, &gone("NOT_FOUND")),
        says(200, &gone("ZERO_RESULTS")),
        says(200, &gone("INVALID_REQUEST")),
        says(400, &gone("INVALID_REQUEST")),
        says(404, &gone("NOT_FOUND")),
    ] {
        let scene = Scene::set().await;
        let (first, _) = scene.done(job()).await;
        let id = first["place_id"].as_str().expect("an id");
        scene.script.memory.advance(30 * DAY);
        scene.fault_for(id, answer);
        let (again, _) = scene.done(job()).await;
        assert_eq!(place(&again), place(&first));
        assert_eq!(scene.sought(), [ADDRESS, ADDRESS]);
        assert_eq!(scene.counts(), (3, 2, 3), "the gate is asked each time");
    }
}

#[tokio::test]
async fn trouble_with_a_place_id_is_trouble_and_no_second_request() {
    let scene = Scene::set().await;
    let (first, _) = scene.done(job()).await;
    let id = first["place_id"].as_str().expect("an id");
    scene.script.memory.advance(30 * DAY);
    let ill = json!({ "status": "UNKNOWN_ERROR", "results": [] });
    scene.fault_for(id, says(200, &ill));
    let error = scene.run(job()).await.expect_err("ill");
    assert!(matches!(error, JobError::Transient { .. }), "{error:?}");
    scene.fault_for(id, Fault::HangUp { effect: false });
    let error = scene.run(job()).await.expect_err("no answer");
    assert_eq!(code(&error), "no answer");
    assert_eq!(scene.counts(), (3, 1, 3));
}

#[tokio::test]
async fn a_partial_match_is_looked_up_by_its_address_again() {
    let scene = Scene::set().await;
    let address = "Partial Street 7";
    let (first, _) = scene.done(GeocodeAddress::new(address)).await;
    assert_eq!(first["partial_match"], true);
    let (again, _) = scene.done(GeocodeAddress::new(address)).await;
    assert_eq!(again["cached"], true);
    assert_eq!(again["partial_match"], true);
    scene.script.memory.advance(30 * DAY);
    let (again, _) = scene.done(GeocodeAddress::new(address)).await;
    assert_eq!(again["partial_match"], true, "still");
    assert_eq!(scene.sought(), [address, address]);
}

#[tokio::test]
async fn a_cache_that_is_down_costs_a_request_and_no_job() {
    let scene = Scene::set().await;
    scene.script.memory.fail_all();
    let (first, _) = scene.done(job()).await;
    let (again, _) = scene.done(job()).await;
    assert_eq!(place(&again), place(&first));
    assert_eq!(again.get("cached"), None);
    assert_eq!(scene.counts(), (2, 2, 2));
}

#[tokio::test]
async fn what_does_not_decode_is_not_there() {
    let scene = Scene::set().await;
    let (first, _) = scene.done(job()).await;
    for (requests, garbage) in [
        (2, &b"\xff\xfe"[..]),
        (3, b""),
        (5, b"{}"),
        (7, br#"{"found":{"lat":1.0}}"#),
    ] {
        scene.script.memory.overwrite_kept(garbage);
        let (again, _) = scene.done(job()).await;
        assert_eq!(place(&again), place(&first));
        // A text may be a place id for all we know; Google knows that it is none.
        let count = scene.provider.ledger().requests();
        assert_eq!(count, requests, "{garbage:?}");
        assert_eq!(scene.done(job()).await.0["cached"], true, "mended");
    }
    assert_eq!(scene.sought(), [ADDRESS; 5]);
}
