//! What strangers post: whatever it is, it is read or refused, and nothing panics.

use std::time::{Duration, UNIX_EPOCH};

use base64::prelude::{BASE64_STANDARD, Engine};
use http::request::Parts;
use longshore_integration::{Event, Posted, PublicUrl, Refusal, Source};
use longshore_testing::fuzz::{bytes, cases, text};
use proptest::prelude::*;
use proptest::sample::Index;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

use super::signature::Verifier;
use super::{PostmarkEvents, PublicKey};

const LISTS: &[&str] = &[
    r#"[{"email":"ada@example.com","timestamp":1700000000,"event":"bounce","sg_event_id":"e1","sg_message_id":"m1.x","type":"bounce","reason":"550","longshore_job":"01KBGJDTN7Z2T9K2C7CKFV3H8R"}]"#,
    r#"[{"email":"ada@example.com","event":"dropped","reason":"Bounced Address","sg_message_id":"m1"},{"email":"a@b.c","event":"group_resubscribe","asm_group_id":7}]"#,
];

const POSTMARK: &[&str] = &[
    r#"{"RecordType":"Bounce","MessageID":"883953f4-6105-42a2-a16a-77a8eac79483","Type":"HardBounce","TypeCode":1,"Email":"ada@example.com","BouncedAt":"2026-11-29T09:00:00Z","Metadata":{"longshore_job":"01KBGJDTN7Z2T9K2C7CKFV3H8R"}}"#,
    r#"{"RecordType":"SubscriptionChange","MessageID":"883953f4","Recipient":"a@b.c","SuppressSending":true,"SuppressionReason":"ManualSuppression","Origin":"Recipient"}"#,
    r#"{"RecordType":"Delivery","MessageID":"883953f4","Recipient":"a@b.c"}"#,
];

/// From the tests of SendGrid's SDK.
const KEYS: &[&str] = &[
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==",
];

const TIMES: &[&str] = &["1700000000"];

const LOGINS: &[&str] = &[
    "Basic cG9zdG1hcms6cGFzc3dvcmQ=",
    "bearer cG9zdG1hcms6cGFzc3dvcmQ=",
];

/// Somebody who signs as SendGrid does, and the public half as SendGrid shows it.
fn signer() -> (EcdsaKeyPair, PublicKey) {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key");
    let mut der = BASE64_STANDARD.decode(KEYS[0]).expect("base64");
    der.truncate(26);
    der.extend_from_slice(pair.public_key().as_ref());
    let public = BASE64_STANDARD.encode(der).parse().expect("a key");
    (pair, public)
}

/// A request with these headers, if it is one: not every text can stand in a header.
fn head(headers: &[(&str, &str)]) -> Option<Parts> {
    let request = headers
        .iter()
        .fold(http::Request::post("/"), |request, (name, value)| {
            request.header(*name, *value)
        });
    Some(request.body(()).ok()?.into_parts().0)
}

fn signed_head(signature: &str, time: &str) -> Option<Parts> {
    head(&[
        ("x-twilio-email-event-webhook-signature", signature),
        ("x-twilio-email-event-webhook-timestamp", time),
    ])
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn what_sendgrid_signs_is_verified_and_nothing_else(
        body in bytes(LISTS),
        other in bytes(LISTS),
        time in text(TIMES),
        flipped in any::<Index>(),
    ) {
        let (pair, public) = signer();
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let message = [TIMES[0].as_bytes(), &body].concat();
        let signature = pair.sign(&SystemRandom::new(), &message).expect("signs");
        let written = BASE64_STANDARD.encode(signature);
        let verifier = Verifier::new(vec![public]);
        let good = signed_head(&written, TIMES[0]).expect("a request");
        prop_assert_eq!(verifier.verify(&good, &body, now), Ok(()));
        if let Some(head) = signed_head(&written, &time) {
            let is_same = [time.as_bytes(), &other].concat() == message;
            prop_assert!(is_same || verifier.verify(&head, &other, now).is_err());
        }
        let mut spoilt = signature.as_ref().to_vec();
        let at = flipped.index(spoilt.len());
        spoilt[at] ^= 1;
        let head = signed_head(&BASE64_STANDARD.encode(spoilt), TIMES[0]).expect("a request");
        prop_assert!(verifier.verify(&head, &body, now).is_err(), "byte {}", at);
    }

    #[test]
    fn a_public_key_is_one_or_is_refused(key in text(KEYS)) {
        if let Ok(public) = key.parse::<PublicKey>() {
            // There is one way to write it.
            prop_assert_eq!(BASE64_STANDARD.decode(key.trim()).expect("base64").len(), 91);
            prop_assert_eq!(key.trim().parse(), Ok(public));
        }
    }

    #[test]
    fn postmark_is_known_by_its_password_alone(login in text(LOGINS), twice in any::<bool>()) {
        let source = PostmarkEvents::new("postmark".to_owned(), "password".into());
        let url: PublicUrl = "http://127.0.0.1".parse().expect("a public URL");
        let headers = [("authorization", &*login), ("authorization", LOGINS[0])];
        let Some(head) = head(&headers[..1 + usize::from(twice)]) else { return Ok(()) };
        let posted = Posted { url: &url, head: &head, body: b"{}", at: UNIX_EPOCH };
        if !matches!(source.read(&posted), Err(Refusal::BadSignature(_))) {
            let told = login.split_once(' ').map(|(_, told)| told.trim());
            let told = told.and_then(|told| BASE64_STANDARD.decode(told).ok());
            prop_assert_eq!(told.as_deref(), Some(&b"postmark:password"[..]));
            prop_assert!(login.to_ascii_lowercase().starts_with("basic ") && !twice);
        }
    }

    #[test]
    fn every_event_of_a_list_comes_to_something(body in bytes(LISTS)) {
        if let Ok(read) = super::event::read_all(&body) {
            let list: Vec<serde_json::Value> = serde_json::from_slice(&body).expect("it was read");
            prop_assert_eq!(read.events.len(), list.len());
            prop_assert!(!read.events.iter().any(|event| matches!(event, Event::Job(_))));
        }
    }

    #[test]
    fn postmarks_events_are_read_or_refused(body in bytes(POSTMARK)) {
        if let Ok(event) = serde_json::from_slice(&body) {
            let read = super::postmark::read(&event);
            prop_assert!(!matches!(read, Some(Event::Job(_))));
        }
    }
}
