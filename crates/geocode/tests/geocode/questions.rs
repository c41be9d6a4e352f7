//! What else can be asked: within bounds and components, and what is at coordinates.

use std::time::Duration;

use longshore_geocode::{Components, GeocodeAddress, MapBounds};
use longshore_job::{Job, JobError};
use serde_json::json;

use crate::{Scene, code, says};

fn in_norway() -> Components {
    Components {
        country: Some("NO".to_owned()),
        postal_code: Some("0154".to_owned()),
        ..Components::default()
    }
}

const OSLO: MapBounds = MapBounds {
    southwest: [59.8, 10.5],
    northeast: [60.0, 10.9],
};

#[tokio::test]
async fn components_and_bounds_are_asked_for_and_are_other_questions() {
    let scene = Scene::set().await;
    let plain = || GeocodeAddress::new("Storgata 1").language("nb");
    for job in [
        plain(),
        plain().components(in_norway()),
        plain().bounds(OSLO),
        plain().components(in_norway()).bounds(OSLO),
    ] {
        job.check().expect("right");
        scene.done(job.clone()).await;
        assert_eq!(scene.done(job).await.0["cached"], true);
    }
    assert_eq!(scene.counts().0, 4, "each is kept by itself");
    let alone = GeocodeAddress::new("").components(in_norway());
    alone.check().expect("right");
    assert_eq!(scene.done(alone).await.0["found"], true);
    assert_eq!(scene.sought()[4], "country:NO|postal_code:0154");
}

#[tokio::test]
async fn what_is_at_coordinates_is_told_and_not_kept() {
    let scene = Scene::set().await;
    let job = || GeocodeAddress::at(59.913_868_1, 10.752_245_4).language("no");
    job().check().expect("right");
    for _ in 0..2 {
        let (result, _) = scene.done(job()).await;
        assert_eq!(result["address"], "Street at 59.9138681,10.7522454");
        assert_eq!(result["found"], true);
    }
    assert_eq!(scene.counts(), (2, 2, 2));
    assert_eq!(scene.kept(), [], "an address may not be kept");
    let (nothing, _) = scene.done(GeocodeAddress::at(-89.0, 0.0)).await;
    assert_eq!(nothing, json!({ "found": false }));
    // Who may not see the args does not see where somebody was either.
    for personal in ["address", "lat", "lng", "latlng", "components"] {
        assert!(
            !GeocodeAddress::PUBLIC_RESULT.contains(&personal),
            "{personal}"
        );
        assert!(
            !GeocodeAddress::PUBLIC_ARGS.contains(&personal),
            "{personal}"
        );
    }
}

#[tokio::test]
async fn several_places_are_counted_and_never_kept_by_an_id() {
    let scene = Scene::set().await;
    let job = || GeocodeAddress::new("several Storgata");
    let (result, _) = scene.done(job()).await;
    assert_eq!(
        (&result["results"], &result["partial_match"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(
        scene.done(job()).await.0["results"],
        2,
        "kept with the place"
    );
    scene
        .script
        .memory
        .advance(Duration::from_secs(30 * 24 * 3600));
    assert_eq!(
        scene.done(job()).await.0["results"],
        2,
        "asked by the address again"
    );
    assert_eq!(scene.sought(), ["several Storgata", "several Storgata"]);
}

#[tokio::test]
async fn coordinates_stand_in_no_reason() {
    let scene = Scene::set().await;
    let quoted = json!({ "status": "INVALID_REQUEST", "error_message": "bad latlng 59.1234567,10.1 (59.1234567%2C10.1)" });
    scene.fault(says(400, &quoted));
    let error = scene
        .run(GeocodeAddress::at(59.123_456_7, 10.1))
        .await
        .expect_err("refused");
    assert!(matches!(error, JobError::Permanent { .. }) && code(&error) == "INVALID_REQUEST");
    assert!(!format!("{error:?}").contains("59.12"), "{error:?}");
}

#[test]
fn what_google_would_refuse_is_refused_before() {
    let wrong = |job: GeocodeAddress, field: &str| {
        let found = job.check().expect_err("wrong").to_string();
        assert!(found.contains(field), "{field}: {found}");
    };
    wrong(GeocodeAddress::new(" "), "address");
    wrong(GeocodeAddress::at(91.0, 0.0), "latlng");
    wrong(GeocodeAddress::at(f64::NAN, 0.0), "latlng");
    wrong(GeocodeAddress::at(59.0, 10.0).region("no"), "latlng");
    wrong(GeocodeAddress::at(59.0, 10.0).bounds(OSLO), "latlng");
    wrong(
        GeocodeAddress::new("x").components(Components::default()),
        "components",
    );
    let injected = Components {
        route: Some("a|country:SE".to_owned()),
        ..Components::default()
    };
    wrong(GeocodeAddress::new("x").components(injected), "components");
    let upside_down = MapBounds {
        southwest: OSLO.northeast,
        northeast: OSLO.southwest,
    };
    wrong(GeocodeAddress::new("x").bounds(upside_down), "bounds");
    let old: GeocodeAddress =
        serde_json::from_value(json!({ "address": "x", "language": "nb" })).expect("old args");
    assert_eq!(old, GeocodeAddress::new("x").language("nb"));
    let reverse = serde_json::to_value(GeocodeAddress::at(1.5, 2.5)).expect("JSON");
    assert_eq!(reverse, json!({ "latlng": [1.5, 2.5] }));
}
