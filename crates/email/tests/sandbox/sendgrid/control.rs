//! Ledger and faults as other processes see them.

use longshore_sandbox::{Effect, Fault, FaultRule, Summary, When};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::{client, counts, mail, send, start};

#[tokio::test]
async fn other_processes_read_the_ledger_and_make_faults() {
    let (at, client) = (start().await, client());
    let url = |path: &str| format!("{}/sandbox/{path}", at.origin());
    let rules = json!({ "rules": [
        { "fault": { "answer": { "status": 503 } }, "when": { "first": 1 } },
        { "fault": { "throttle": { "retry_after_seconds": 2 } }, "when": { "every": 2 },
          "only": { "template": "d-welcome" } },
        { "fault": "hang_up_unread", "when": { "chance": { "probability": 0.0, "seed": 7 } } },
    ]});
    let set = client.put(url("faults")).json(&rules).send().await;
    assert_eq!(set.expect("answered").status(), StatusCode::NO_CONTENT);
    let first = send(&client, &at, &mail("A")).await.expect("answered");
    let second = send(&client, &at, &mail("A")).await.expect("answered");
    let third = send(&client, &at, &mail("A")).await.expect("answered");
    let statuses = [first.status(), second.status(), third.status()];
    assert_eq!(statuses.map(|s| s.as_u16()), [503, 202, 429]);

    let shown: Value = read(&client, &url("faults")).await;
    assert_eq!(shown["rules"][1]["when"], json!({ "every": 2 }));
    assert_eq!(shown["rules"].as_array().map(Vec::len), Some(3));
    let effects: Vec<Effect> = read(&client, &url("ledger")).await;
    assert_eq!(effects, at.ledger().accepted());
    let summary: Summary = read(&client, &url("ledger/summary")).await;
    assert_eq!(summary, at.ledger().summary());
    assert_eq!((summary.requests, summary.accepted), (3, 1));

    for wrong in [
        json!({ "rules": [{ "fault": { "answer": { "status": 99 } } }] }),
        json!({ "rules": [{ "fault": "explode" }] }),
        json!({ "rules": [{ "fault": "hang_up_unread", "wenn": "always" }] }),
    ] {
        let refused = client.put(url("faults")).json(&wrong).send().await;
        let status = refused.expect("answered").status();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    for path in ["faults", "ledger"] {
        let cleared = client.delete(url(path)).send().await;
        assert_eq!(cleared.expect("answered").status(), StatusCode::NO_CONTENT);
    }
    assert!(at.faults().rules().is_empty());
    assert_eq!(counts(&at), (0, 0, 0, 0));
}

#[test]
fn the_programmatic_rules_and_the_json_ones_are_the_same() {
    let rule = FaultRule::new(
        Fault::HangUp { effect: true },
        When::Chance {
            probability: 0.5,
            seed: 7,
        },
    );
    let json = json!({
        "fault": { "hang_up": { "effect": true } },
        "when": { "chance": { "probability": 0.5, "seed": 7 } },
    });
    let read: FaultRule = serde_json::from_value(json).expect("a rule");
    assert_eq!(read, rule);
}

async fn read<T: serde::de::DeserializeOwned>(client: &Client, url: &str) -> T {
    let response = client.get(url).send().await.expect("answered");
    response.json().await.expect("JSON")
}
