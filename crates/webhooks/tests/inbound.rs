//! What people answer to texts, from the socket to the list of those that get none.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use longshore_job::{AddressHash, SUPPRESSED};
use support::{ACCOUNT, AUTH_TOKEN, Callback, NUMBER, Scene};

fn text(sid: &str, body: &str) -> Callback {
    Callback {
        path: "/webhooks/twilio/inbound".to_owned(),
        body: format!(
            "ToCountry=NO&SmsMessageSid={sid}&NumMedia=0&SmsStatus=received&Body={body}&To=%2B4780000000\
             &MessageSid={sid}&AccountSid={ACCOUNT}&From=%2B{NUMBER}&ApiVersion=2010-04-01"
        ),
        secret: AUTH_TOKEN,
        sha256: false,
        chunked: false,
    }
}

fn number() -> String {
    format!("+{NUMBER}")
}

#[tokio::test]
async fn stop_puts_a_number_on_the_list_and_start_takes_it_off() {
    let scene = Scene::set_for_inbound().await;
    let answer = scene.post(&text("SM1", "Hei")).await;
    let nothing = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>";
    assert_eq!((answer.status, &*answer.body), (200, nothing));
    assert!(
        answer.head.contains("content-type: text/xml"),
        "{}",
        answer.head
    );
    assert_eq!(scene.suppressed(&number()).await, None);

    let stop = text("SM2", "Stop");
    assert_eq!(scene.post(&stop).await.body, nothing);
    let entry = scene.suppressed(&number()).await.expect("on the list");
    assert_eq!((&*entry.reason, entry.job), ("opt_out", None));
    assert_eq!(scene.status(&text("SM3", "START")).await, 200);
    assert_eq!(scene.suppressed(&number()).await, None);
    // Twilio sends it again: it is known.
    assert_eq!(scene.status(&stop).await, 200);
    assert_eq!(scene.suppressed(&number()).await, None);
    assert_eq!(scene.counted("ignored").await, 1);
    assert_eq!(scene.counted("noted").await, 2);
}

/// An operator had another reason.
#[tokio::test]
async fn start_undoes_an_opt_out_alone() {
    let scene = Scene::set_for_inbound().await;
    let hash = AddressHash::of(&number());
    let entry = r#"{"reason":"operator","at":1}"#;
    let assigned = scene.queue.assign(SUPPRESSED, hash.as_str(), entry).await;
    assigned.expect("assigned");
    for (sid, word) in [("SM1", "START"), ("SM2", "STOP"), ("SM3", "START")] {
        assert_eq!(scene.status(&text(sid, word)).await, 200);
        let entry = scene.suppressed(&number()).await.expect("stays");
        assert_eq!(entry.reason, "operator");
    }
}

#[tokio::test]
async fn what_twilio_did_not_sign_changes_nothing() {
    let scene = Scene::set_for_inbound().await;
    let forged = Callback {
        secret: "another",
        ..text("SM1", "STOP")
    };
    assert_eq!(scene.status(&forged).await, 400);
    assert_eq!(scene.suppressed(&number()).await, None);
}
