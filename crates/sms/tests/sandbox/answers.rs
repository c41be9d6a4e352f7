//! What it answers to a new message, and what it does.

use longshore_sandbox::{Fault, FaultRule, Only};
use longshore_sms::sandbox::{PlantedMessage, TwilioSandbox};
use serde_json::{Value, json};

use crate::{
    ACCOUNT, DEADLINE, FROM, TO, TOKEN, client, create, form, get, path, send, start, text,
};

fn counts(at: &TwilioSandbox) -> (u64, u64, u64) {
    let summary = at.ledger().summary();
    (summary.requests, summary.accepted, at.reads())
}

#[tokio::test]
async fn a_message_is_accepted_and_noted() {
    let at = start().await;
    at.change_callbacks(|callbacks| callbacks.held = true);
    let body = "Blåbær & grønn saus: 100+1 %\n🫐";
    let sent = send(&at, &[("Body", body)]).await;
    let sid = text(&sent, "sid").to_owned();
    assert!(sid.len() == 34 && sid.starts_with("SM"), "{sid}");
    let uri = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json");
    let created = text(&sent, "date_created");
    assert!(created.ends_with(" +0000"), "{created}");
    let expected = json!({
        "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": body,
        "date_created": created, "date_sent": null, "date_updated": created,
        "direction": "outbound-api", "error_code": null, "error_message": null,
        "from": FROM, "messaging_service_sid": null, "num_media": "0", "num_segments": "1",
        "price": null, "price_unit": "USD", "sid": sid, "status": "queued",
        "subresource_uris": { "media": uri.replace(".json", "/Media.json") },
        "to": TO, "uri": uri,
    });
    assert_eq!(sent, expected);
    assert_eq!(
        get(&at, &uri).await.json::<Value>().await.expect("JSON"),
        sent
    );
    let effects = at.ledger().accepted();
    assert_eq!(
        (effects[0].id.as_str(), effects[0].recipient.as_str()),
        (&*sid, TO)
    );
    assert_eq!(effects[0].job, None);
    assert_eq!(counts(&at), (2, 1, 1));
}

#[tokio::test]
async fn a_messaging_service_picks_the_sender_later() {
    let at = start().await;
    at.change_callbacks(|callbacks| callbacks.held = true);
    let fields = [
        ("To", TO),
        ("MessagingServiceSid", "MG1"),
        ("Body", "Hello"),
    ];
    let response = create(&at, &fields).send().await.expect("answered");
    let sent: Value = response.json().await.expect("JSON");
    assert_eq!(text(&sent, "status"), "accepted");
    assert_eq!(text(&sent, "num_segments"), "0");
    assert_eq!(sent["from"], json!(null));
}

#[tokio::test]
async fn the_job_is_in_the_status_callback() {
    let at = start().await;
    // Nobody listens there, which is nobody's business here.
    let url = "http://127.0.0.1:9/hook?a=b&job=01JOB#rc=0";
    send(&at, &[("StatusCallback", url)]).await;
    assert_eq!(at.ledger().accepted()[0].job.as_deref(), Some("01JOB"));
}

#[tokio::test]
async fn refusals_have_twilios_codes() {
    let at = start().await;
    let good = [("To", TO), ("From", FROM), ("Body", "Hello")];
    let long = "å".repeat(1601);
    for (changed, status, code) in [
        (("To", ""), 400, 21604),
        (("Body", ""), 400, 21602),
        (("Body", &*long), 400, 21617),
        (("From", ""), 400, 21603),
        (("To", "90000000"), 400, 21211),
        (("To", "+0790000000"), 400, 21211),
        (("To", "+15005550001"), 400, 21211),
        (("To", "+15005550002"), 400, 21612),
        (("To", "+15005550003"), 400, 21408),
        (("To", "+15005550004"), 400, 21610),
        (("To", "+15005550009"), 400, 21614),
        (("From", "+15005550001"), 400, 21212),
        (("From", "+1500"), 400, 21212),
        (("From", "+15005550007"), 400, 21606),
        (("From", "+15005550008"), 429, 21611),
        (("StatusCallback", "not a url"), 400, 21609),
    ] {
        let mut fields: Vec<_> = good.into_iter().filter(|(n, _)| *n != changed.0).collect();
        fields.push(changed);
        let response = create(&at, &fields).send().await.expect("answered");
        assert_eq!(response.status(), status, "{changed:?}");
        assert!(response.headers().contains_key("twilio-request-id"));
        let said: Value = response.json().await.expect("JSON");
        assert_eq!(said["code"], code, "{changed:?}");
        assert_eq!(said["status"], status, "{changed:?}");
        let more = format!("https://www.twilio.com/docs/errors/{code}");
        assert_eq!(said["more_info"], more);
        assert!(said["message"].is_string());
    }
    assert_eq!(
        (at.ledger().summary().accepted, at.messages().len()),
        (0, 0)
    );
}

#[tokio::test]
async fn who_asks_has_to_be_known_and_sees_what_is_its_own() {
    let at = start().await;
    at.refuse_secret("revoked");
    let good = form(&[("To", TO), ("From", FROM), ("Body", "Hello")]);
    let other = "ACffffffffffffffffffffffffffffffff";
    for (path, user, secret, status, code) in [
        (path(ACCOUNT), ACCOUNT, "revoked", 401, 20003),
        (path(ACCOUNT), "SK1", "revoked", 401, 20003),
        (path(ACCOUNT), ACCOUNT, "", 401, 20003),
        (path(ACCOUNT), "ada", TOKEN, 401, 20003),
        (path(other), ACCOUNT, TOKEN, 404, 20404),
        (
            "/2010-04-01/Accounts".to_owned(),
            ACCOUNT,
            TOKEN,
            404,
            20404,
        ),
        (path(ACCOUNT), ACCOUNT, TOKEN, 201, 0),
        (path(ACCOUNT), "SK1", "a-secret", 201, 0),
    ] {
        let request = client()
            .post(at.origin() + &path)
            .basic_auth(user, Some(secret));
        let response = request.body(good.clone()).send().await.expect("answered");
        assert_eq!(response.status(), status, "{path} {user} {secret}");
        let said: Value = response.json().await.expect("JSON");
        assert_eq!(said["code"].as_u64().unwrap_or(0), code, "{said}");
    }
    let unknown = get(&at, &path(ACCOUNT).replace(".json", "/SM1.json")).await;
    assert_eq!(unknown.status(), 404);
    // Known by its sid, but another account's.
    let sid = at.plant(PlantedMessage::new(other, TO, "Hello"));
    let theirs = get(
        &at,
        &path(ACCOUNT).replace(".json", &format!("/{sid}.json")),
    )
    .await;
    assert_eq!(theirs.status(), 404);
    at.accept_secret("revoked");
    let request = client()
        .get(at.origin() + &path(ACCOUNT))
        .basic_auth(ACCOUNT, Some("revoked"));
    assert_eq!(request.send().await.expect("answered").status(), 200);
}

/// A message is there exactly when the ledger has it, whatever became of the answer.
#[tokio::test]
async fn faults_decide_what_is_carried_out() {
    let at = start().await;
    for (fault, kept) in [
        (Fault::HangUp { effect: true }, 1),
        (Fault::HangUp { effect: false }, 1),
        (
            Fault::Garbage {
                status: 500,
                effect: true,
            },
            2,
        ),
        (
            Fault::Throttle {
                retry_after_seconds: None,
                reset_in_seconds: None,
            },
            2,
        ),
        (Fault::Delay { ms: 1 }, 3),
        (Fault::HangUpUnread, 3),
    ] {
        at.faults()
            .set(vec![FaultRule::always(fault.clone())])
            .expect("a valid rule");
        let fields = [("To", TO), ("From", FROM), ("Body", "Hello")];
        // What it is answered is for other tests.
        let _ = create(&at, &fields).send().await;
        let kept_sids: Vec<_> = at.messages().into_iter().rev().map(|m| m.sid).collect();
        let noted: Vec<_> = at.ledger().accepted().into_iter().map(|e| e.id).collect();
        assert_eq!(kept_sids, noted, "{fault:?}");
        assert_eq!(noted.len(), kept, "{fault:?}");
    }
    let only = Only {
        recipient: Some("+4791111111".into()),
        ..Only::default()
    };
    let rule = FaultRule::always(Fault::NeverAnswer { effect: true }).only(only);
    at.faults().set(vec![rule]).expect("a valid rule");
    let fields = [("To", "+4791111111"), ("From", FROM), ("Body", "Hello")];
    let noted = at.ledger().wait_until(DEADLINE, |s| s.accepted == 4);
    tokio::select! {
        answer = create(&at, &fields).send() => panic!("{answer:?}"),
        noted = noted => assert_eq!(noted.expect("noted").accepted, 4),
    }
    assert_eq!(at.messages().len(), 4);
}

#[tokio::test]
async fn a_throttle_is_explained_in_twilios_way() {
    let at = start().await;
    let fault = Fault::Throttle {
        retry_after_seconds: Some(7),
        reset_in_seconds: None,
    };
    at.faults()
        .set(vec![FaultRule::always(fault)])
        .expect("a valid rule");
    let response = get(&at, &path(ACCOUNT)).await;
    assert_eq!(response.headers()["retry-after"], "7");
    let said: Value = response.json().await.expect("JSON");
    assert_eq!(
        (&said["code"], &said["status"]),
        (&json!(20429), &json!(429))
    );
}
