//! A service that configuration alone describes: its jobs survive the death of their worker, and refused credentials burn none.

use longshore_client::JobState;
use longshore_client::kinds::CallService;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Act, SERVICE_TOKEN, Stage, eventually, outcomes};
use serde_json::json;

/// Another service.
const PUSH: &str = "{ base_url = 'http://127.0.0.1:9', auth = { type = 'none' }, operations = { send = { method = 'POST', path = '/' } } }";

/// What has a key is made again with it, so that it happens once. What has none is left to an operator.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_was_out_when_its_worker_died_is_repeated_only_with_a_key() {
    let mut stage = Stage::set_for(Act::Service).await;
    stage.set_for_all("SERVICES__PUSH", PUSH);
    stage.faults([FaultRule::always(Fault::Delay { ms: 60_000 })]);
    let keyed = stage.enqueue(5).await;
    let update = CallService::new("crm", "update").path_param("id", "7/8");
    let update = stage.client.enqueue(update.body(&json!({ "name": "Ada" })));
    let plain = update.await.expect("accepted");
    let worker = stage.worker().short_lease().start().await;
    stage.requests(6).await;
    worker.kill().await;
    stage.faults([]);
    let _other = stage.worker().short_lease().start().await;
    stage.is(plain, JobState::Dead).await;
    for id in &keyed {
        stage.is(*id, JobState::Completed).await;
        assert_eq!(outcomes(&stage.job(*id).await), ["lost", "completed"]);
        assert_eq!(stage.effects(*id), 1, "once, under its key");
    }
    assert_eq!(stage.ledger().summary().duplicates, 0);
    let letters = stage.longshore(&["dead", "groups", "--json"]).await.json();
    assert_eq!(letters[0]["queue"], "svc-crm");
    assert_eq!(letters[0]["reason"], "outcome unknown: worker lost");
    // An operator may correct it, but not make it another service's.
    let other = r#"{"service":"push","operation":"send"}"#;
    let id = plain.to_string();
    let edit = [
        "dead", "edit", &id, "--args", other, "--reason", "test", "--force",
    ];
    let refused = stage.longshore(&edit).await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.stderr.contains("a job stays in its own"),
        "{refused:?}"
    );
    let effects = stage.ledger().accepted();
    assert!(
        effects
            .iter()
            .any(|effect| effect.recipient == "update /contacts/7%2F8")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_credentials_pause_the_queue_and_burn_no_job() {
    let stage = Stage::set_for(Act::Service).await;
    stage.service.refuse(SERVICE_TOKEN);
    let ids = stage.enqueue(10).await;
    let _worker = stage.worker().concurrency(2).start().await;
    eventually("the queue says what holds it", || async {
        let rows = stage.longshore(&["queues", "--json"]).await.json();
        let rows = rows.as_array().expect("a list").clone();
        let row = rows.into_iter().find(|row| row["queue"] == "svc-crm");
        let row = row.expect("it has a row");
        row["holds"]
            .as_array()
            .is_some_and(|holds| !holds.is_empty())
            || !row["paused"].is_null()
    })
    .await;
    stage.service.accept(SERVICE_TOKEN);
    let lifted = stage.longshore(&["resume", "svc-crm", "--holds"]).await;
    assert_eq!(lifted.code, Some(0), "{lifted:?}");
    for id in ids {
        stage.is(id, JobState::Completed).await;
        assert_eq!(outcomes(&stage.job(id).await).last(), Some(&"completed"));
        assert_eq!(stage.effects(id), 1);
    }
}
