//! What it answers and notes when all is well, and when the request is not.

use longshore_email::sandbox::SendGridSandbox;
use longshore_sandbox::Effect;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{client, counts, mail, send, start};

#[tokio::test]
async fn mails_are_accepted_and_noted() {
    let (at, client) = (start().await, client());
    let mut ids = Vec::new();
    for job in ["A", "B", "A"] {
        let response = send(&client, &at, &mail(job)).await.expect("answered");
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        let id = response.headers()["x-message-id"].to_str().expect("ASCII");
        ids.push(id.to_owned());
        assert_eq!(response.text().await.expect("a body"), "");
    }
    assert_eq!(counts(&at), (3, 3, 2, 1));
    let effects = at.ledger().accepted();
    let noted: Vec<_> = effects.iter().map(|effect| &effect.id).collect();
    assert_eq!(noted, ids.iter().collect::<Vec<_>>());
    let Effect {
        seq: 1,
        provider,
        job: Some(job),
        template: Some(template),
        recipient,
        ..
    } = &effects[0]
    else {
        panic!("{:?}", effects[0]);
    };
    let said = [provider.as_ref(), job, template, recipient];
    assert_eq!(said, ["sendgrid", "A", "d-welcome", "ada@example.com"]);
    assert_eq!(at.ledger().count_by_job()["A"], 2);
}

#[tokio::test]
async fn refusals_are_explained_and_have_no_effect() {
    let (at, client) = (start().await, client());
    at.refuse_key("SG.revoked");
    let url = format!("{}/v3/mail/send", at.origin());
    let good = mail("A");
    let mut spoilt = mail("A");
    spoilt["personalizations"][0]["to"][0]["email"] = json!("ada");
    let field = json!("personalizations.0.to.0.email");
    for (request, status, field) in [
        (client.post(&url).json(&good), 401, json!(null)),
        (
            client.post(&url).bearer_auth("SG.revoked").json(&good),
            401,
            json!(null),
        ),
        (
            client.post(&url).bearer_auth("").json(&good),
            401,
            json!(null),
        ),
        (
            client.post(&url).bearer_auth("SG.x").json(&spoilt),
            400,
            field,
        ),
        (client.post(&url).bearer_auth("SG.x"), 400, json!(null)),
        (client.get(&url).bearer_auth("SG.x"), 405, json!(null)),
        (
            client.get(at.origin()).bearer_auth("SG.x"),
            404,
            json!(null),
        ),
    ] {
        let response = request.send().await.expect("answered");
        assert_eq!(response.status(), status);
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(body["errors"][0]["field"], field, "{body}");
        assert!(body["errors"][0]["message"].is_string(), "{body}");
    }
    assert_eq!(counts(&at), (7, 0, 0, 0));

    at.accept_key("SG.revoked");
    let again = client.post(&url).bearer_auth("SG.revoked").json(&good);
    let status = again.send().await.expect("answered").status();
    assert_eq!(status, StatusCode::ACCEPTED);

    at.take_only(["SG.old", "SG.new"]);
    for (key, status) in [("SG.old", 202), ("SG.new", 202), ("SG.x", 401)] {
        let sent = client.post(&url).bearer_auth(key).json(&good).send().await;
        assert_eq!(sent.expect("answered").status(), status, "{key}");
    }
}

#[tokio::test]
async fn sandbox_mode_checks_and_sends_nothing() {
    let (at, client) = (start().await, client());
    let mut checked = mail("A");
    checked["mail_settings"] = json!({ "sandbox_mode": { "enable": true } });
    let response = send(&client, &at, &checked).await.expect("answered");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(counts(&at), (1, 0, 0, 0));
}

#[tokio::test]
async fn stopping_frees_the_port_and_a_ledger_can_outlive_it() {
    let (at, client) = (start().await, client());
    send(&client, &at, &mail("A")).await.expect("answered");
    let (addr, ledger) = (at.addr(), at.ledger().clone());
    at.stop().await;
    let refused = client.get(format!("http://{addr}/")).send().await;
    assert!(refused.expect_err("nobody there").is_connect());

    let at = SendGridSandbox::start_with(addr, ledger).await;
    let at = at.expect("the same port");
    send(&client, &at, &mail("A")).await.expect("answered");
    assert_eq!(counts(&at), (2, 2, 1, 1));
}
