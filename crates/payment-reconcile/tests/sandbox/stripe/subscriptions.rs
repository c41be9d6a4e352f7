//! Subscriptions, from beginning to end.

use reqwest::Method;
use serde_json::json;

use super::{effects, get, made, post, read, request, start, text};

#[tokio::test]
async fn a_subscription_begins_and_is_cancelled() {
    let at = start().await;
    let customer = made(&at, "/v1/customers", &[]).await;
    let customer = text(&customer, "id");
    let fields = [
        ("customer", customer),
        ("items[0][price]", "price_monthly"),
        ("items[0][quantity]", "3"),
        ("metadata[longshore_job]", "01SUB"),
    ];
    let made = made(&at, "/v1/subscriptions", &fields).await;
    let id = text(&made, "id");
    assert!(id.starts_with("sub_"), "{id}");
    assert_eq!(made["status"], "active");
    assert_eq!(made["customer"], customer);
    let item = &made["items"]["data"][0];
    assert_eq!(
        (&item["price"]["id"], &item["quantity"]),
        (&json!("price_monthly"), &json!(3))
    );
    assert!(made["current_period_end"].as_u64() > made["created"].as_u64());
    let path = format!("/v1/subscriptions/{id}");
    assert_eq!(get(&at, &path).await, (200, made.clone()));
    let of_customer = format!("/v1/subscriptions?customer={customer}");
    assert_eq!(get(&at, &of_customer).await.1["data"], json!([made]));

    let wrong = request(&at, Method::DELETE, &format!("{path}?prorate=perhaps"));
    let (status, body) = read(wrong.send().await.expect("answered")).await;
    assert_eq!((status, &body["error"]["param"]), (400, &json!("prorate")));
    let cancel = request(&at, Method::DELETE, &format!("{path}?prorate=true"));
    let cancel = cancel.body("invoice_now=true&cancellation_details[comment]=too+dear");
    let (status, ended) = read(cancel.send().await.expect("answered")).await;
    assert_eq!(status, 200, "{ended}");
    assert_eq!(ended["status"], "canceled");
    assert_eq!(ended["canceled_at"], ended["ended_at"]);
    assert!(ended["ended_at"].is_u64());
    assert_eq!(ended["cancellation_details"]["comment"], "too dear");
    let expected = [
        ("customer".to_owned(), None),
        ("subscription".to_owned(), Some("01SUB".to_owned())),
        ("cancellation".to_owned(), None),
    ];
    assert_eq!(effects(&at), expected);

    // One that has ended cannot be ended, and lists leave it out unless they are asked.
    let again = request(&at, Method::DELETE, &path);
    let (status, body) = read(again.send().await.expect("answered")).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (404, &json!("resource_missing"))
    );
    assert_eq!(get(&at, &of_customer).await.1["data"], json!([]));
    let all = format!("{of_customer}&status=all");
    assert_eq!(get(&at, &all).await.1["data"], json!([ended]));
    assert_eq!(at.subscriptions(), [ended]);
}

#[tokio::test]
async fn a_price_may_be_missing() {
    let at = start().await;
    let customer = made(&at, "/v1/customers", &[]).await;
    let fields = [
        ("customer", text(&customer, "id")),
        ("items[0][price]", "price_missing"),
    ];
    let (status, body) = post(&at, "/v1/subscriptions", &fields).await;
    assert_eq!(status, 400);
    assert_eq!(body["error"]["param"], "items[0][price]");
}
