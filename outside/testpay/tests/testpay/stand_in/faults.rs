//! How it fails when it is told to.

use harbour_testpay::sandbox::TestPaySandbox;
use longshore_sandbox::{Fault, FaultRule, Only};
use serde_json::json;

use super::{KEY, an_order, client, effects, get, made, post, start};

#[tokio::test]
async fn an_answer_can_be_lost_with_its_effect_or_without() {
    for (effect, status) in [(true, 200), (false, 404)] {
        let at = start().await;
        at.faults()
            .set(vec![FaultRule::first(1, Fault::HangUp { effect })])
            .expect("a valid rule");
        let request = client().post(format!("{}/v1/payments/J1", at.origin()));
        let request = request
            .header("X-Api-Key", KEY)
            .body(an_order().to_string());
        request.send().await.expect_err("hung up on");
        assert_eq!(get(&at, "/v1/payments/J1").await.0, status);
        made(&at, "/v1/payments/J1", an_order()).await;
        assert_eq!(effects(&at), 1);
    }
}

#[tokio::test]
async fn statuses_are_explained_in_its_words_and_can_be_for_one_job() {
    let at = start().await;
    let only = Only {
        job: Some("J1".into()),
        ..Only::default()
    };
    for (status, code) in [
        (429, "too_many_requests"),
        (500, "trouble"),
        (418, "bad_request"),
    ] {
        let fault = Fault::Answer {
            status,
            headers: [].into(),
            body: None,
            effect: false,
        };
        let rule = FaultRule::always(fault).only(only.clone());
        at.faults().set(vec![rule]).expect("a valid rule");
        let answer = post(&at, "/v1/payments/J1-2", an_order()).await;
        assert_eq!(answer, (status, json!({ "error": { "code": code } })));
    }
    made(&at, "/v1/payments/J2", an_order()).await;
    assert_eq!(effects(&at), 1);
}

#[tokio::test]
async fn stopping_frees_the_port_and_a_ledger_can_outlive_it() {
    let at = start().await;
    made(&at, "/v1/payments/J1", an_order()).await;
    let (addr, ledger) = (at.addr(), at.ledger().clone());
    at.stop().await;
    let at = TestPaySandbox::start_with(addr, ledger).await;
    let at = at.expect("the same port");
    made(&at, "/v1/payments/J2", an_order()).await;
    assert_eq!(effects(&at), 2);
}
