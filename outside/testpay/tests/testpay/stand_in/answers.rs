//! What it answers and notes.

use reqwest::Method;
use serde_json::json;

use super::{KEY, an_order, an_order_with, ask, client, effects, get, id, made, post, start};

#[tokio::test]
async fn a_payment_from_customer_to_collection() {
    let at = start().await;
    let customer = made(&at, "/v1/customers/J1", json!({ "user": "user-7" })).await;
    assert!(id(&customer).starts_with("tp_cus_"));
    let body = an_order_with(&json!({ "customer": id(&customer) }));
    let payment = made(&at, "/v1/payments/J2-1", body).await;
    assert!(id(&payment).starts_with("tp_pay_"));
    assert_eq!(payment["status"], "open");
    assert_eq!(
        payment["amount"],
        json!({ "value": 1000, "currency": "NOK" })
    );
    let path = format!("/v1/payments/{}/collections/J3", id(&payment));
    let collected = made(&at, &path, json!({ "method": "card" })).await;
    assert_eq!(collected["status"], "collected");
    for path in [
        format!("/v1/payments/{}", id(&payment)),
        "/v1/payments/J2-1".to_owned(),
    ] {
        assert_eq!(get(&at, &path).await, (200, collected.clone()), "{path}");
    }
    let noted = at.ledger().accepted();
    let noted: Vec<_> = noted
        .iter()
        .map(|effect| {
            assert_eq!(effect.provider, "testpay");
            (effect.job.as_deref(), &*effect.recipient, &*effect.id)
        })
        .collect();
    let expected = [
        (Some("J1"), "customer", id(&customer)),
        (Some("J2"), "payment", id(&payment)),
        (Some("J3"), "collection", id(&payment)),
    ];
    assert_eq!(noted, expected);
}

#[tokio::test]
async fn the_same_reference_is_the_same_thing() {
    let at = start().await;
    let user = || json!({ "user": "user-7" });
    let customer = made(&at, "/v1/customers/J1", user()).await;
    assert_eq!(made(&at, "/v1/customers/J1", user()).await, customer);
    let other = post(&at, "/v1/customers/J1", json!({ "user": "user-8" })).await;
    let used = (409, json!({ "error": { "code": "reference_used" } }));
    assert_eq!(other, used);

    let order = || an_order_with(&json!({ "method": "card", "collect": true }));
    let payment = made(&at, "/v1/payments/J2", order()).await;
    assert_eq!(payment["status"], "collected");
    assert_eq!(made(&at, "/v1/payments/J2", order()).await, payment);
    assert_eq!(post(&at, "/v1/payments/J2", an_order()).await, used);
    let path = format!("/v1/payments/{}/collections/J3", id(&payment));
    let twice = post(&at, &path, json!({})).await;
    let code = json!({ "error": { "code": "collected_already" } });
    assert_eq!(twice, (409, code));
    assert_eq!(effects(&at), 2, "made and collected at once is one");

    let path = "/v1/subscriptions/J4";
    let body = || json!({ "customer": id(&customer), "user": "user-7", "plan": "gold" });
    let subscription = made(&at, path, body()).await;
    assert!(id(&subscription).starts_with("tp_sub_"));
    assert_eq!(subscription["status"], "running");
    assert_eq!(made(&at, path, body()).await, subscription);
    for reference in ["J5", "J5", "J6"] {
        let path = format!(
            "/v1/subscriptions/{}/endings/{reference}",
            id(&subscription)
        );
        let ended = made(&at, &path, json!({ "credit_unused": true })).await;
        assert_eq!(ended["status"], "ended", "{reference}");
    }
    assert_eq!(effects(&at), 4, "it ends once");
    assert_eq!(at.customers().len(), 1);
    assert_eq!(at.payments(), [payment]);
    assert_eq!(at.subscriptions()[0]["status"], "ended");
}

#[tokio::test]
async fn a_declined_payment_can_be_collected_by_another_method() {
    let at = start().await;
    let declined = (402, json!({ "error": { "code": "card_declined" } }));
    let order = || an_order_with(&json!({ "method": "card_declined", "collect": true }));
    for round in ["first", "again"] {
        let answer = post(&at, "/v1/payments/J1", order()).await;
        assert_eq!(answer, declined, "{round}");
    }
    assert_eq!(effects(&at), 1, "it is there");
    let path = |reference| format!("/v1/payments/J1/collections/{reference}");
    for reference in ["J2", "J2", "J3"] {
        assert_eq!(post(&at, &path(reference), json!({})).await, declined);
    }
    assert_eq!(effects(&at), 1, "nothing was collected");
    let other = json!({ "method": "card" });
    assert_eq!(post(&at, &path("J2"), other.clone()).await.0, 409);
    let collected = made(&at, &path("J4"), other).await;
    assert_eq!(collected["status"], "collected");
    assert_eq!(
        post(&at, &path("J2"), json!({})).await,
        declined,
        "as it was"
    );
    assert_eq!(effects(&at), 2);
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let at = start().await;
    let nobody = an_order_with(&json!({ "customer": "tp_cus_none" }));
    let no_method = an_order_with(&json!({ "collect": true }));
    let amount = |value, currency| {
        an_order_with(&json!({ "amount": { "value": value, "currency": currency } }))
    };
    for (path, body, status, code) in [
        (
            "/v1/customers/J1",
            json!({ "usr": "user-7" }),
            422,
            "invalid_body",
        ),
        (
            "/v1/customers/a_b",
            json!({ "user": "user-7" }),
            422,
            "invalid_reference",
        ),
        ("/v1/payments/J1", nobody, 422, "no_such_customer"),
        ("/v1/payments/J1", no_method, 422, "no_method"),
        ("/v1/payments/J1", amount(0, "NOK"), 422, "invalid_amount"),
        (
            "/v1/payments/J1",
            amount(1000, "nok"),
            422,
            "invalid_currency",
        ),
        (
            "/v1/payments/tp_pay_1/collections/J1",
            json!({}),
            404,
            "not_found",
        ),
        (
            "/v1/subscriptions/tp_sub_1/endings/J1",
            json!({}),
            404,
            "not_found",
        ),
        ("/v2/payments/J1", an_order(), 404, "not_found"),
    ] {
        let expected = (status, json!({ "error": { "code": code } }));
        assert_eq!(post(&at, path, body).await, expected, "{path}");
    }
    assert_eq!(get(&at, "/v1/payments/J1").await.0, 404);
    assert_eq!(
        ask(&at, Method::DELETE, "/v1/payments/J1", None).await.0,
        405
    );
    assert_eq!(effects(&at), 0);
}

#[tokio::test]
async fn keys_are_wanted_and_can_be_refused() {
    let at = start().await;
    let url = format!("{}/v1/payments/J1", at.origin());
    let response = client().get(url).send().await.expect("answered");
    assert_eq!(response.status(), 401);
    at.refuse_key(KEY);
    assert_eq!(post(&at, "/v1/payments/J1", an_order()).await.0, 401);
    at.accept_key(KEY);
    assert_eq!(post(&at, "/v1/payments/J1", an_order()).await.0, 200);
}
