//! How it fails when it is told to.

use longshore_sandbox::{Fault, FaultRule, Only};
use serde_json::Value;

use crate::{KEY, client, counts, look_up, start, url};

fn answer(status: u16, body: Option<&str>) -> Fault {
    Fault::Answer {
        status,
        headers: [].into(),
        body: body.map(str::to_owned),
        effect: false,
    }
}

#[tokio::test]
async fn google_says_no_with_a_200() {
    let at = start().await;
    let busy = r#"{"status":"OVER_QUERY_LIMIT","results":[]}"#;
    let only = Only {
        recipient: Some("Oslo".into()),
        ..Only::default()
    };
    at.faults()
        .set(vec![FaultRule::always(answer(200, Some(busy))).only(only)])
        .expect("a valid rule");
    let there = look_up(&at, &[("address", "Oslo")]).await;
    assert_eq!(there["status"], "OVER_QUERY_LIMIT");
    let elsewhere = look_up(&at, &[("address", "Bergen")]).await;
    assert_eq!(elsewhere["status"], "OK");
    assert_eq!(counts(&at), (2, 1));
}

#[tokio::test]
async fn statuses_are_explained_in_googles_words() {
    let at = start().await;
    for (status, word) in [
        (400, "INVALID_REQUEST"),
        (403, "REQUEST_DENIED"),
        (429, "OVER_QUERY_LIMIT"),
        (500, "UNKNOWN_ERROR"),
    ] {
        at.faults()
            .set(vec![FaultRule::always(answer(status, None))])
            .expect("a valid rule");
        let url = url(&at, &[("address", "Oslo"), ("key", KEY)]);
        let response = client().get(url).send().await.expect("answered");
        assert_eq!(response.status(), status);
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(body["status"], word);
    }
    assert_eq!(counts(&at), (4, 0));
}

#[tokio::test]
async fn an_answer_can_be_lost_after_it_was_billed() {
    let at = start().await;
    at.faults()
        .set(vec![FaultRule::first(1, Fault::HangUp { effect: true })])
        .expect("a valid rule");
    let url = url(&at, &[("address", "Oslo"), ("key", KEY)]);
    client().get(url).send().await.expect_err("hung up on");
    assert_eq!(counts(&at), (1, 1));
    assert_eq!(look_up(&at, &[("address", "Oslo")]).await["status"], "OK");
}
