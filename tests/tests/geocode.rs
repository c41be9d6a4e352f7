//! Addresses are looked up once: the whole fleet remembers.

use longshore_client::JobState;
use longshore_tests::{Act, Stage, address};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_looked_up_once_for_the_whole_fleet() {
    let stage = Stage::set_for(Act::Geocode).await;
    let workers = [stage.worker().start().await, stage.worker().start().await];
    let first = stage.enqueue(30).await;
    for id in &first {
        stage.is(*id, JobState::Completed).await;
    }
    assert_eq!(stage.ledger().requests(), 30);
    let again = stage.enqueue(30).await;
    for (id, before) in again.iter().zip(&first) {
        stage.is(*id, JobState::Completed).await;
        let (now, then) = (stage.job(*id).await, stage.job(*before).await);
        let (now, then) = (
            now.result.expect("a result"),
            then.result.expect("a result"),
        );
        assert_eq!(then["found"], json!(true));
        assert!(then["lat"].is_number() && then["lng"].is_number(), "{then}");
        assert_eq!((&now["lat"], &now["lng"]), (&then["lat"], &then["lng"]));
        assert_eq!(now["cached"], json!(true));
    }
    assert_eq!(stage.ledger().requests(), 30, "no call more");
    // Neither the key nor an address is in a log.
    for worker in &workers {
        for text in ["key=", address(0).address.as_str(), "Storgata"] {
            assert!(!worker.says(text), "{text} is in the log");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_such_place_is_an_answer_and_a_refused_key_burns_nothing() {
    let stage = Stage::set_for(Act::Geocode).await;
    let _worker = stage.worker().start().await;
    let nowhere = longshore_client::kinds::GeocodeAddress::new("Nowhere 1");
    let id = stage.client.enqueue(nowhere).await.expect("accepted");
    stage.is(id, JobState::Completed).await;
    assert_eq!(stage.job(id).await.result, Some(json!({ "found": false })));

    stage.google_maps.refuse_key("flow");
    let ids = stage.enqueue(5).await;
    longshore_tests::eventually("the queue pauses itself", || async {
        stage.stats().await.paused.is_some()
    })
    .await;
    let paused = stage.stats().await.paused.expect("is paused");
    assert!(
        paused
            .reason
            .contains("google_maps refuses our credentials"),
        "{}",
        paused.reason
    );
    for id in ids {
        stage.is(id, JobState::Pending).await;
        let job = stage.job(id).await;
        assert_eq!(job.run.used, 0, "{:?}", job.history);
    }
}
