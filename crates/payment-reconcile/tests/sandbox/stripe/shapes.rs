//! What is wrong with the shape of a request, or with what it names.

use reqwest::Method;
use serde_json::json;

use super::{get, made, post, read, request, start, text};

#[tokio::test]
async fn wrong_parameters_are_named() {
    let at = start().await;
    let intents = "/v1/payment_intents";
    for (path, form, code, param) in [
        (intents, "currency=nok", "parameter_missing", "amount"),
        (
            intents,
            "amount=&currency=nok",
            "parameter_invalid_empty",
            "amount",
        ),
        (
            intents,
            "amount=1.5&currency=nok",
            "parameter_invalid_integer",
            "amount",
        ),
        (
            intents,
            "amount=0&currency=nok",
            "parameter_invalid_integer",
            "amount",
        ),
        (
            intents,
            "amount=-5&currency=nok",
            "parameter_invalid_integer",
            "amount",
        ),
        (
            intents,
            "amount=100000000&currency=nok",
            "amount_too_large",
            "amount",
        ),
        (intents, "amount=1", "parameter_missing", "currency"),
        (intents, "amount=1&currency=NOK", "", "currency"),
        (intents, "amount=1&currency=xxx", "", "currency"),
        (intents, "amount=1&currency=nok&confirm=yes", "", "confirm"),
        (
            intents,
            "amount=1&currency=nok&off_session=true",
            "",
            "off_session",
        ),
        (
            intents,
            "amount=1&currency=nok&return_url=x",
            "",
            "return_url",
        ),
        (
            intents,
            "amount=1&currency=nok&order=1",
            "parameter_unknown",
            "order",
        ),
        (
            intents,
            "amount=1&currency=nok&automatic_payment_methods[allow_redirects]=never",
            "parameter_missing",
            "automatic_payment_methods[enabled]",
        ),
        (
            intents,
            "amount=1&currency=nok&customer=cus_none",
            "resource_missing",
            "customer",
        ),
        (
            intents,
            "amount=1&currency=nok&payment_method=pm_none",
            "resource_missing",
            "payment_method",
        ),
        ("/v1/customers", "email=kari", "email_invalid", "email"),
        (
            "/v1/customers",
            "metadata=1",
            "parameter_unknown",
            "metadata",
        ),
        (
            "/v1/customers",
            r#"{"email":"kari@example.com"}"#,
            "parameter_unknown",
            r#"{"email":"kari@example.com"}"#,
        ),
        (
            "/v1/subscriptions",
            "items[0][price]=price_1",
            "parameter_missing",
            "customer",
        ),
        (
            "/v1/subscriptions",
            "customer=cus_1",
            "parameter_missing",
            "items[0][price]",
        ),
        (
            "/v1/subscriptions",
            "customer=cus_1&items[0][price]=price_1",
            "resource_missing",
            "customer",
        ),
    ] {
        let request = request(&at, Method::POST, path).body(form);
        let (status, body) = read(request.send().await.expect("answered")).await;
        assert_eq!(status, 400, "{form}");
        let error = &body["error"];
        assert_eq!(error["type"], "invalid_request_error", "{form}");
        assert_eq!(error["code"].as_str().unwrap_or_default(), code, "{form}");
        assert_eq!(error["param"], param, "{form}");
        assert!(error["message"].is_string());
    }
    assert_eq!(at.ledger().summary().accepted, 0);
    assert!(at.events().is_empty());
}

#[tokio::test]
async fn brackets_may_be_encoded() {
    let at = start().await;
    for form in [
        "amount=1&currency=nok&metadata[orderId]=o%2F1+2",
        "amount=1&currency=nok&metadata%5BorderId%5D=o%2F1%202",
    ] {
        let request = request(&at, Method::POST, "/v1/payment_intents").body(form);
        let (_, made) = read(request.send().await.expect("answered")).await;
        assert_eq!(made["metadata"], json!({ "orderId": "o/1 2" }), "{form}");
    }
}

#[tokio::test]
async fn what_a_path_names_has_to_be_there() {
    let at = start().await;
    for (path, param) in [
        ("/v1/customers/cus_none", "id"),
        ("/v1/payment_intents/pi_none", "intent"),
        ("/v1/subscriptions/sub_none", "id"),
        ("/v1/charges/ch_none", "charge"),
        ("/v1/refunds/re_none", "id"),
        ("/v1/disputes/dp_none", "id"),
        ("/v1/invoices/in_none", "id"),
        ("/v1/events/evt_none", "id"),
    ] {
        let (status, body) = get(&at, path).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (404, &json!("resource_missing"))
        );
        assert_eq!(body["error"]["param"], param, "{path}");
    }
    let confirm = "/v1/payment_intents/pi_none/confirm";
    assert_eq!(post(&at, confirm, &[]).await.0, 404);
    for (path, method) in [
        ("/v1/payouts", Method::POST),
        ("/v1/payouts", Method::GET),
        ("/v1/customers/cus_1", Method::DELETE),
        ("/v1/customers", Method::PUT),
        ("/v2/customers", Method::POST),
        ("/", Method::GET),
    ] {
        let request = request(&at, method, path);
        let (status, body) = read(request.send().await.expect("answered")).await;
        assert_eq!(status, 404, "{path}");
        assert!(text(&body["error"], "message").starts_with("Unrecognized request URL"));
    }
}

/// What one mode made, the other does not see.
#[tokio::test]
async fn modes_see_nothing_of_each_other() {
    let at = start().await;
    let url = at.origin() + "/v1/customers";
    let live = super::client().post(&url).bearer_auth("sk_live_sandbox");
    let (_, live) = read(live.send().await.expect("answered")).await;
    assert_eq!(live["livemode"], true);
    let test = made(&at, "/v1/customers", &[]).await;
    let path = format!("/v1/customers/{}", text(&live, "id"));
    assert_eq!(get(&at, &path).await.0, 404);
    let fields = [
        ("customer", text(&live, "id")),
        ("items[0][price]", "price_1"),
    ];
    assert_eq!(post(&at, "/v1/subscriptions", &fields).await.0, 400);
    let (_, list) = get(&at, "/v1/customers").await;
    assert_eq!(list["data"], json!([test]));
}
