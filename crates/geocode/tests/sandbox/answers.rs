//! What it answers and notes.

use longshore_geocode::sandbox::GoogleMapsSandbox;
use longshore_sandbox::Effect;
use serde_json::{Value, json};

use crate::{KEY, answer, client, counts, look_up, start, url};

#[tokio::test]
async fn an_address_is_found_by_itself_and_by_its_place_id() {
    let at = start().await;
    let address = "Øvre Slottsgate 3 🏠, Oslo & omegn";
    let query = [("address", address), ("region", "no"), ("language", "nb")];
    let found = look_up(&at, &query).await;
    assert_eq!(found["status"], "OK");
    assert_eq!(found["results"].as_array().map(Vec::len), Some(1));
    assert_eq!(found.get("error_message"), None);
    let result = &found["results"][0];
    assert!(result["geometry"]["location"]["lat"].is_f64(), "{result}");
    assert!(result["geometry"]["location"]["lng"].is_f64(), "{result}");
    assert_eq!(result["geometry"]["location_type"], "ROOFTOP");
    assert_eq!(result["types"], json!(["street_address"]));
    assert_eq!(result["formatted_address"], address);
    assert_eq!(result.get("partial_match"), None);
    let id = result["place_id"].as_str().expect("an id");

    let again = look_up(&at, &[("address", "øvre  slottsgate 3 🏠, oslo & OMEGN ")]).await;
    let location = |answer: &Value| answer["results"][0]["geometry"]["location"].clone();
    assert_eq!(location(&again), location(&found));
    let by_id = look_up(&at, &[("place_id", id)]).await;
    assert_eq!(location(&by_id), location(&found));
    let elsewhere = look_up(&at, &[("address", "Ærøskøbing")]).await;
    assert_ne!(location(&elsewhere), location(&found));

    assert_eq!(counts(&at), (4, 4));
    let effects = at.ledger().accepted();
    let Effect {
        seq: 1,
        provider,
        job: None,
        template: None,
        recipient,
        id: noted,
        ..
    } = &effects[0]
    else {
        panic!("{:?}", effects[0]);
    };
    let said = [provider.as_ref(), recipient, noted];
    assert_eq!(said, ["google_maps", address, id]);
    assert_eq!(effects[2].recipient, id);
}

#[tokio::test]
async fn what_is_only_nearly_found_says_so() {
    let at = start().await;
    let found = look_up(&at, &[("address", "Partial Street 7")]).await;
    let result = &found["results"][0];
    assert_eq!(result["partial_match"], true);
    assert_eq!(result["geometry"]["location_type"], "GEOMETRIC_CENTER");
    let id = result["place_id"].as_str().expect("an id");
    let by_id = look_up(&at, &[("place_id", id)]).await;
    assert_eq!(by_id["results"][0].get("partial_match"), None);
}

#[tokio::test]
async fn what_is_not_found_is_not_billed() {
    let at = start().await;
    let unknown = "ChIJ0123456789abcdefghijkl_";
    for (query, status) in [
        (&[("address", "1 Nowhere Lane")][..], "ZERO_RESULTS"),
        (&[("address", "")], "INVALID_REQUEST"),
        (&[("address", " ")], "INVALID_REQUEST"),
        (&[("region", "no")], "INVALID_REQUEST"),
        (&[], "INVALID_REQUEST"),
        (&[("place_id", "Oslo")], "INVALID_REQUEST"),
        (&[("place_id", &unknown[..26])], "INVALID_REQUEST"),
        (&[("place_id", unknown)], "NOT_FOUND"),
        (&[("place_id", unknown), ("address", "Oslo")], "NOT_FOUND"),
    ] {
        let answer = look_up(&at, query).await;
        assert_eq!(answer["status"], status, "{query:?}");
        assert_eq!(answer["results"], json!([]), "{query:?}");
    }
    assert_eq!(counts(&at), (9, 0));
}

#[tokio::test]
async fn keys_are_wanted_and_can_be_refused() {
    let at = start().await;
    at.refuse_key("AIza-revoked");
    for key in [&[][..], &[("key", "")], &[("key", "AIza-revoked")]] {
        let query = [&[("address", "Oslo")], key].concat();
        let answer = answer(url(&at, &query)).await;
        assert_eq!(answer["status"], "REQUEST_DENIED", "{key:?}");
        assert!(answer["error_message"].is_string(), "{answer}");
    }
    assert_eq!(counts(&at), (3, 0));

    at.accept_key("AIza-revoked");
    let query = [("address", "Oslo"), ("key", "AIza-revoked")];
    assert_eq!(answer(url(&at, &query)).await["status"], "OK");
    assert_eq!(counts(&at), (4, 1));
}

#[tokio::test]
async fn other_paths_and_methods_are_not_served() {
    let at = start().await;
    let here = url(&at, &[("address", "Oslo"), ("key", KEY)]);
    let there = here.replace("/json", "/xml");
    for (request, status) in [(client().get(there), 404), (client().post(here), 405)] {
        let response = request.send().await.expect("answered");
        assert_eq!(response.status(), status);
    }
    assert_eq!(counts(&at), (2, 0));
}

#[tokio::test]
async fn stopping_frees_the_port_and_a_ledger_can_outlive_it() {
    let at = start().await;
    look_up(&at, &[("address", "Oslo")]).await;
    let (addr, ledger) = (at.addr(), at.ledger().clone());
    at.stop().await;
    let at = GoogleMapsSandbox::start_with(addr, ledger).await;
    let at = at.expect("the same port");
    look_up(&at, &[("address", "Oslo")]).await;
    assert_eq!(counts(&at), (2, 2));
}
