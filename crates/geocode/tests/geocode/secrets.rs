//! Neither the key nor an address gets out.

use std::time::Duration;

use longshore_geocode::GeocodeAddress;
use longshore_geocode::{GoogleMaps, GoogleMapsConfig, SetupError};
use longshore_sandbox::Fault;
use longshore_testing::Logs;
use serde_json::json;

use crate::{ADDRESS, Scene, says};

/// Nothing like Google's, so that no pattern finds it, and with signs that a query encodes.
const SECRET: &str = "mellon/speak+friend";

fn assert_nothing_in(text: &str) {
    // Four digits alone are in times and ports, now and then.
    let place = ["0154 Oslo", "0154%20Oslo", "0154+Oslo"];
    let parts = ["mellon", "speak", "fuglveien", "%98vre"];
    for part in parts.into_iter().chain(place) {
        assert!(!text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn neither_key_nor_address_stands_in_errors_debug_forms_and_logs() {
    let logs = Logs::listen();
    let scene = Scene::set_with(|config| {
        config.api_key = SECRET.into();
        config.timeout = Duration::from_millis(400);
    })
    .await;
    let message = format!("{SECRET} and /json?key=mellon%2Fspeak%2Bfriend&x=1 are not good");
    let denied = json!({ "status": "REQUEST_DENIED", "error_message": message, "results": [] });
    let encoded: String = form_urlencoded::byte_serialize(ADDRESS.as_bytes()).collect();
    let page = json!(format!(
        "{message}: {ADDRESS}, ?address={encoded}&key={SECRET}"
    ));
    for fault in [
        says(200, &denied),
        says(400, &denied),
        says(403, &denied),
        says(500, &denied),
        says(200, &page),
        says(429, &page),
        says(302, &page),
        says(400, &page),
        says(404, &page),
        Fault::HangUpUnread,
        Fault::HangUp { effect: false },
        Fault::NeverAnswer { effect: false },
    ] {
        scene.fault(fault);
        let error = scene.run(GeocodeAddress::new(ADDRESS)).await;
        let error = error.expect_err("no place");
        assert_nothing_in(&format!("{error} {error:?} {}", error.reason()));
    }
    scene.provider.faults().clear();
    scene.done(GeocodeAddress::new(ADDRESS)).await;
    scene.script.memory.fail_all();
    scene.done(GeocodeAddress::new(ADDRESS)).await;
    scene.provider.refuse_key(SECRET);
    let error = scene.run(GeocodeAddress::new(ADDRESS)).await;
    assert_nothing_in(&format!("{:?}", error.expect_err("the very key was sent")));

    assert_nothing_in(&format!("{:?} {:?}", scene.handler, scene.kept()));
    let text = logs.text();
    assert!(text.contains("request over"), "requests are logged: {text}");
    assert!(text.contains("the cache cannot be asked"), "{text}");
    assert!(text.contains("the cache cannot be written"), "{text}");
    assert_nothing_in(&text);
}

#[test]
fn a_configuration_does_not_show_its_key() {
    let config = |api_key: &str| GoogleMapsConfig {
        base_url: "http://127.0.0.1:1".parse().expect("an origin"),
        api_key: api_key.into(),
        timeout: Duration::from_secs(5),
    };
    assert_nothing_in(&format!("{:?}", config(SECRET)));
    assert_nothing_in(&format!("{:?}", GoogleMaps::new(&config(SECRET))));
    let error = GoogleMaps::new(&config(""));
    assert_eq!(error.expect_err("no key"), SetupError::NoApiKey);
}
