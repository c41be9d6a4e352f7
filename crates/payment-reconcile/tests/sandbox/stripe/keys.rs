//! Who asks, and what each answer is known by.

use reqwest::Method;
use serde_json::json;

use super::{KEY, client, get, read, request, start};

#[tokio::test]
async fn secret_keys_are_taken_unless_they_were_refused() {
    let at = start().await;
    at.refuse_key("sk_test_revoked");
    let url = at.origin() + "/v1/customers";
    for (key, status) in [
        ("sk_test_sandbox", 200),
        ("sk_live_sandbox", 200),
        ("sk_test_revoked", 401),
        ("pk_test_sandbox", 401),
        ("whsec_sandbox", 401),
    ] {
        let bearer = client().get(&url).bearer_auth(key).send().await;
        let (bearer, body) = read(bearer.expect("answered")).await;
        assert_eq!(bearer, status, "{key}");
        if status == 401 {
            assert_eq!(body["error"]["type"], "invalid_request_error");
            assert!(!body.to_string().contains(key), "{body}");
        }
        let none: Option<&str> = None;
        let basic = client().get(&url).basic_auth(key, none).send().await;
        assert_eq!(basic.expect("answered").status(), status, "{key}");
    }
    let nobody = client().get(&url).send().await.expect("answered");
    assert_eq!(nobody.status(), 401);
    at.accept_key("sk_test_revoked");
    let again = client()
        .get(&url)
        .bearer_auth("sk_test_revoked")
        .send()
        .await;
    assert_eq!(again.expect("answered").status(), 200);
}

#[tokio::test]
async fn versions_are_noted_and_each_answer_has_an_id() {
    let at = start().await;
    let asked = request(&at, Method::GET, "/v1/events").header("stripe-version", "2023-10-16");
    let answer = asked.send().await.expect("answered");
    let id = answer.headers()["request-id"].to_str().expect("ASCII");
    assert!(id.starts_with("req_"), "{id}");
    assert_eq!(answer.headers()["stripe-version"], "2023-10-16");
    let refused = client().get(at.origin() + "/v1/events").send().await;
    assert!(
        refused
            .expect("answered")
            .headers()
            .contains_key("request-id")
    );
    get(&at, "/v1/events").await;
    let noted = at.requests();
    let versions: Vec<_> = noted.iter().map(|noted| noted.version.as_deref()).collect();
    assert_eq!(versions, [Some("2023-10-16"), None, None]);
    let statuses: Vec<_> = noted.iter().map(|noted| noted.status).collect();
    assert_eq!(statuses, [200, 401, 200]);
    assert_eq!(
        (&*noted[0].method, &*noted[0].path, &*noted[0].id),
        ("GET", "/v1/events", id)
    );
    assert!(!format!("{noted:?}").contains(KEY));
    assert_eq!(json!(at.ledger().requests()), 3);
}
