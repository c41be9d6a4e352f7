//! Letters of which the provider has told what became of their messages.

use axum::http::StatusCode;
use longshore_queue::DeliveryUpdate;

use crate::bench::{Bench, Browser};

#[tokio::test]
async fn what_was_delivered_is_told_left_out_of_a_replay_and_discarded() {
    let bench = Bench::new();
    let ids = bench.bury(5, "no", "no").await;
    for id in &ids[..3] {
        let update = DeliveryUpdate {
            message: format!("SM{id}"),
            job: id.parse().ok(),
            state: "delivered".to_owned(),
            rank: 5,
            code: None,
            suppress: None,
        };
        bench.sms.update_delivery(&update).await.expect("is noted");
    }
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let cause = bench.cause().await;
    let page = ada.get(&cause).await.text;
    assert_eq!(page.matches("the message is").count(), 3, "{page}");
    let (replay, discard) = (format!("{cause}/replay"), format!("{cause}/discard"));
    let all = ada.get(&replay).await.text;
    for part in [
        "delivered:",
        "their provider has said so since",
        "delivery=unknown",
        "delivery=delivered",
    ] {
        assert!(all.contains(part), "no {part} in {all}");
    }
    let wrong = ada.get(&format!("{replay}?delivery=arrived")).await;
    assert_eq!(
        wrong.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        wrong.text
    );

    let only = format!("{replay}?delivery=unknown");
    let text = ada.get(&only).await.text;
    assert!(text.contains("Replay 2 letters"), "{text}");
    let carry_on = async || {
        while bench
            .operator
            .advance_operations(|_, _| {})
            .await
            .expect("goes on")
            .is_some_and(|wait| wait.is_zero())
        {}
    };
    for (page, action, left) in [
        (&only, &replay, 3),
        (&format!("{discard}?delivery=delivered"), &discard, 0),
    ] {
        let form = ada.form(page, action).await;
        let fields = [("reason", "told apart"), ("rate", "all")];
        let answer = ada.send(action, &form, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        longshore_tests::eventually("it is done", async || {
            carry_on().await;
            let all = longshore_operator::Target::Queue("sms".to_owned());
            bench.operator.count(&all).await.expect("counts") == left
        })
        .await;
    }
    assert_eq!(bench.sms.stats().await.expect("counts").pending, 2);
}
