use std::time::Duration;

use http::{HeaderValue, Request};
use serde::Deserialize;

use super::*;

/// What the official SDK signed, and verified again.
#[derive(Deserialize)]
struct Made {
    made_by: String,
    vectors: Vec<Vector>,
}

/// One request.
#[derive(Clone, Deserialize)]
struct Vector {
    name: String,
    body: String,
    secrets: Vec<String>,
    header: String,
    now: u64,
}

fn made() -> Made {
    let text = include_str!("../../../tests/stripe_signatures.json");
    serde_json::from_str(text).expect("vectors")
}

fn vector(name: &str) -> Vector {
    let mut vectors = made().vectors.into_iter();
    vectors.find(|vector| vector.name == name).expect(name)
}

fn head(values: &[&[u8]]) -> Parts {
    let mut request = Request::builder().method("POST").uri("/webhooks/stripe");
    for value in values {
        let value = HeaderValue::from_bytes(value).expect("a value");
        request = request.header("Stripe-Signature", value);
    }
    request.body(()).expect("a request").into_parts().0
}

impl Vector {
    fn verify_with(&self, values: &[&[u8]], body: &[u8], now: u64) -> Result<(), Refusal> {
        let secrets: Vec<Secret> = self.secrets.iter().map(|s| s.as_str().into()).collect();
        let now = UNIX_EPOCH + Duration::from_secs(now);
        Verifier::new(secrets).verify(&head(values), body, now)
    }

    fn verify(&self) -> Result<(), Refusal> {
        self.verify_with(&[self.header.as_bytes()], self.body.as_bytes(), self.now)
    }

    fn with_header(&self, header: impl Into<String>) -> Self {
        Self {
            header: header.into(),
            ..self.clone()
        }
    }

    fn with_secrets(&self, secrets: &[&str]) -> Self {
        Self {
            secrets: secrets.iter().map(|&secret| secret.to_owned()).collect(),
            ..self.clone()
        }
    }

    /// What the refusal says.
    fn refused(&self) -> &'static str {
        match self.verify() {
            Err(Refusal::BadSignature(why)) => why,
            other => panic!("{}: {other:?}", self.name),
        }
    }
}

/// Every text that differs from this one in a single byte, or lacks one.
fn spoilt(text: &str) -> impl Iterator<Item = Vec<u8>> {
    (0..text.len()).flat_map(move |at| {
        let others = [1, 2, 0x20].map(|change| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= change;
            bytes
        });
        let mut shorter = text.as_bytes().to_vec();
        shorter.remove(at);
        others.into_iter().chain([shorter])
    })
}

const MISMATCH: &str = "Stripe-Signature does not match: the endpoint's secret is another";

#[test]
fn what_the_official_sdk_signs_is_verified() {
    let made = made();
    assert!(made.made_by.starts_with("stripe 7.0.0"), "{}", made.made_by);
    assert_eq!(made.vectors.len(), 12);
    for vector in made.vectors {
        assert_eq!(vector.verify(), Ok(()), "{}", vector.name);
    }
}

#[test]
fn every_byte_of_the_body_counts() {
    for name in ["the smallest event", "letters of all kinds", "an event"] {
        let vector = vector(name);
        let mut tried = 0;
        for body in spoilt(&vector.body) {
            let header = vector.header.as_bytes();
            let verified = vector.verify_with(&[header], &body, vector.now);
            assert_eq!(verified, Err(Refusal::BadSignature(MISMATCH)), "{name}");
            tried += 1;
        }
        assert!(tried > 100, "{name}: {tried}");
    }
    let header = vector("an event").header;
    for body in [&b""[..], b"{}", b"\xff"] {
        let verified = vector("an event").verify_with(&[header.as_bytes()], body, 1_700_000_000);
        assert_eq!(verified, Err(Refusal::BadSignature(MISMATCH)));
    }
}

#[test]
fn every_byte_of_the_header_counts() {
    let vector = vector("an event");
    let mut tried = 0;
    for header in spoilt(&vector.header) {
        // The digits of a hash mean the same in capitals.
        let same = header.eq_ignore_ascii_case(vector.header.as_bytes())
            && header[..16] == vector.header.as_bytes()[..16];
        if same || HeaderValue::from_bytes(&header).is_err() {
            continue;
        }
        let verified = vector.verify_with(&[&header], vector.body.as_bytes(), vector.now);
        let shown = String::from_utf8_lossy(&header).into_owned();
        assert!(matches!(verified, Err(Refusal::BadSignature(_))), "{shown}");
        tried += 1;
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn another_secret_does_not_do() {
    let vector = vector("an event");
    let [ours] = &*vector.secrets else {
        panic!("one secret");
    };
    for secret in spoilt(ours) {
        let secret = String::from_utf8(secret).expect("ASCII");
        if secret.trim() == ours {
            continue;
        }
        assert_eq!(vector.with_secrets(&[&secret]).refused(), MISMATCH);
    }
    let bare = ours.strip_prefix("whsec_").expect("begins so");
    for others in [&[][..], &[""], &[" "], &[bare], &["whsec_other", ""]] {
        assert_eq!(
            vector.with_secrets(others).refused(),
            MISMATCH,
            "{others:?}"
        );
    }
    // Nobody can sign with an empty one.
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"");
    let tag = hmac::sign(&key, format!("1700000000.{}", vector.body).as_bytes());
    let tag = hex::encode(tag);
    let forged = vector.with_header(format!("t=1700000000,v1={tag}"));
    assert_eq!(forged.with_secrets(&["", " \n"]).refused(), MISMATCH);

    let blank = format!(" {ours}\n");
    for several in [
        &[&*blank][..],
        &["whsec_other", ours],
        &[ours, "whsec_other"],
    ] {
        assert_eq!(vector.with_secrets(several).verify(), Ok(()));
    }
}

#[test]
fn any_of_the_signatures_will_do() {
    let vector = vector("an event");
    let (_, ours) = vector.header.split_once("v1=").expect("a v1");
    let zeros = "0".repeat(64);
    for (header, verified) in [
        (format!("t=1700000000,v1={zeros},v1={ours}"), true),
        (format!("t=1700000000,v1=x,v1=,v1,v1={ours}"), true),
        (format!("t=1700000000, v1={ours}"), true),
        (format!("t=1700000000,v1={}", ours.to_uppercase()), true),
        (format!("t=1700000000,v1={zeros}"), false),
        (format!("t=1700000000,v1={ours}0"), false),
        (format!("t=1700000000,v0={ours}"), false),
        (format!("t=1700000000,V1={ours}"), false),
        (format!("t=1700000000,v1=={ours}"), false),
        ("t=1700000000".to_owned(), false),
        ("t=1700000000,v1=".to_owned(), false),
    ] {
        let result = vector.with_header(&*header).verify();
        assert_eq!(result.is_ok(), verified, "{header}");
        assert!(verified || result == Err(Refusal::BadSignature(MISMATCH)));
    }
    // So many are looked at, and no more.
    let flood = |n| format!("t=1700000000,{}v1={ours}", format!("v1={zeros},").repeat(n));
    assert_eq!(vector.with_header(flood(7)).verify(), Ok(()));
    assert_eq!(vector.with_header(flood(8)).refused(), MISMATCH);
}

#[test]
fn a_header_that_cannot_be_read_is_refused() {
    let vector = vector("an event");
    let (_, ours) = vector.header.split_once("v1=").expect("a v1");
    let (not_one, no_time) = (
        "Stripe-Signature has not one t",
        "the t of Stripe-Signature is no time",
    );
    for (header, reason) in [
        (String::new(), not_one),
        (",,,=,".to_owned(), not_one),
        (format!("v1={ours}"), not_one),
        (format!("T=1700000000,v1={ours}"), not_one),
        (format!("t=1700000000,v1={ours},t=1700000000"), not_one),
        (format!("t=,v1={ours}"), no_time),
        (format!("t=-1700000000,v1={ours}"), no_time),
        (format!("t=+1700000000,v1={ours}"), no_time),
        (format!("t=1700000000.0,v1={ours}"), no_time),
        (format!("t=99999999999999999999,v1={ours}"), no_time),
        (format!("t=now,v1={ours}"), no_time),
        (format!("t=01700000000,v1={ours}"), MISMATCH),
    ] {
        assert_eq!(vector.with_header(&*header).refused(), reason, "{header}");
    }
    let header = vector.header.as_bytes();
    for (values, reason) in [
        (&[][..], "the Stripe-Signature header is missing"),
        (
            &[header, header],
            "the Stripe-Signature header is there twice",
        ),
        (
            &[header, b"t=1,v1=x"],
            "the Stripe-Signature header is there twice",
        ),
        (
            &["t=1700000000,v1=ø".as_bytes()],
            "the Stripe-Signature header is not ASCII",
        ),
    ] {
        let verified = vector.verify_with(values, vector.body.as_bytes(), vector.now);
        assert_eq!(verified, Err(Refusal::BadSignature(reason)));
    }
}

#[test]
fn five_minutes_and_no_second_more_on_both_sides() {
    let vector = vector("an event");
    for (now, verified) in [
        (1_700_000_000, true),
        (1_700_000_300, true),
        (1_699_999_700, true),
        (1_700_000_301, false),
        (1_699_999_699, false),
        (0, false),
        (4_000_000_000, false),
    ] {
        let header = vector.header.as_bytes();
        let result = vector.verify_with(&[header], vector.body.as_bytes(), now);
        assert_eq!(result.is_ok(), verified, "{now}");
    }
    let late = Vector {
        now: 1_700_000_301,
        ..vector
    };
    assert_eq!(
        late.refused(),
        "Stripe-Signature is more than 300 s from now: it is old, or a clock is wrong"
    );
}

/// A secret that is the wrong one first, and then the right one.
struct Rolled(std::sync::atomic::AtomicBool, String);

impl longshore_provider::secret::SecretSource for Rolled {
    async fn fetch(
        &self,
    ) -> Result<longshore_provider::secret::SecretString, longshore_provider::secret::SecretError>
    {
        let rolled = self.0.swap(true, std::sync::atomic::Ordering::AcqRel);
        Ok(if rolled { &self.1 } else { "whsec_old" }.into())
    }
}

#[tokio::test]
async fn a_secret_is_checked_as_it_is_now() {
    let vector = vector("an event");
    let source = Rolled(false.into(), vector.secrets[0].clone());
    let secret = Secret::open("rolled", source).await.expect("a secret");
    let verifier = Verifier::new(vec![secret.clone()]);
    let verify = || {
        let now = UNIX_EPOCH + Duration::from_secs(vector.now);
        let head = head(&[vector.header.as_bytes()]);
        verifier.verify(&head, vector.body.as_bytes(), now)
    };
    assert_eq!(verify(), Err(Refusal::BadSignature(MISMATCH)));
    secret.refresh().await;
    assert_eq!(verify(), Ok(()));
}
