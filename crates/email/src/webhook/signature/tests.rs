use std::time::Duration;

use http::Request;
use serde::Deserialize;

use super::*;

/// What the official SDK verifies.
#[derive(Deserialize)]
struct Made {
    made_by: String,
    vectors: Vec<Vector>,
    /// Of "with a line end": r and s as they are, 32 bytes each.
    raw_signature: String,
    /// Of the same, with a dot between time and body.
    dotted_signature: String,
}

/// One request.
#[derive(Clone, Deserialize)]
struct Vector {
    name: String,
    keys: Vec<String>,
    timestamp: String,
    body: String,
    signature: String,
}

fn made() -> Made {
    let text = include_str!("../../../tests/sendgrid_signatures.json");
    serde_json::from_str(text).expect("vectors")
}

fn vector(name: &str) -> Vector {
    let mut vectors = made().vectors.into_iter();
    vectors.find(|vector| vector.name == name).expect(name)
}

const SIGNED_BY: &str = "X-Twilio-Email-Event-Webhook-Signature";
const SIGNED_AT: &str = "X-Twilio-Email-Event-Webhook-Timestamp";
const MISMATCH: &str = "the signature does not match: the endpoint's public key is another";

impl Vector {
    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            (SIGNED_BY, self.signature.clone()),
            (SIGNED_AT, self.timestamp.clone()),
        ]
    }

    fn verify_with(
        &self,
        headers: &[(&'static str, String)],
        body: &[u8],
        now: u64,
    ) -> Result<(), Refusal> {
        let keys = self.keys.iter().map(|key| key.parse().expect("a key"));
        let mut request = Request::builder().method("POST");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let head = request.body(()).expect("a request").into_parts().0;
        let now = UNIX_EPOCH + Duration::from_secs(now);
        Verifier::new(keys.collect()).verify(&head, body, now)
    }

    fn at(&self) -> u64 {
        self.timestamp.parse().expect("a time")
    }

    fn verify_at(&self, now: u64) -> Result<(), Refusal> {
        self.verify_with(&self.headers(), self.body.as_bytes(), now)
    }

    /// What the refusal says.
    fn refused(&self) -> &'static str {
        self.refused_with(&self.headers())
    }

    fn refused_with(&self, headers: &[(&'static str, String)]) -> &'static str {
        match self.verify_with(headers, self.body.as_bytes(), 1_700_000_000) {
            Err(Refusal::BadSignature(why)) => why,
            other => panic!("{}: {other:?}", self.name),
        }
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }
}

#[test]
fn what_the_official_sdk_verifies_is_verified() {
    let made = made();
    let sdk = "@sendgrid/eventwebhook 8.0.0";
    assert!(made.made_by.starts_with(sdk), "{}", made.made_by);
    assert_eq!(made.vectors.len(), 20);
    for vector in made.vectors {
        assert_eq!(vector.verify_at(vector.at()), Ok(()), "{}", vector.name);
    }
}

#[test]
fn every_byte_of_the_body_counts() {
    let vector = vector("in lines, with a line end");
    for at in 0..vector.body.len() {
        let mut changed = vector.body.clone().into_bytes();
        changed[at] ^= 1;
        let mut shorter = vector.body.clone().into_bytes();
        shorter.remove(at);
        for body in [changed, shorter] {
            let refused = vector.verify_with(&vector.headers(), &body, vector.at());
            assert_eq!(refused, Err(Refusal::BadSignature(MISMATCH)), "{at}");
        }
    }
    // The line end belongs to it.
    let trimmed = vector.with(|vector| vector.body.truncate(vector.body.len() - 2));
    assert_eq!(trimmed.refused(), MISMATCH);
}

#[test]
fn the_time_is_signed_too() {
    let later = vector("with a line end").with(|vector| vector.timestamp = "1700000001".into());
    assert_eq!(later.refused(), MISMATCH);
}

#[test]
fn another_key_has_not_signed_it() {
    let theirs = vector("the SDK's own").keys;
    let vector = vector("with a line end");
    assert_eq!(vector.with(|v| v.keys = theirs.clone()).refused(), MISMATCH);
    assert_eq!(vector.with(|v| v.keys.clear()).refused(), MISMATCH);
    let both = vector.with(|v| v.keys.splice(0..0, theirs).for_each(drop));
    assert_eq!(both.verify_at(both.at()), Ok(()));
}

#[test]
fn other_forms_of_a_signature_are_none() {
    let made = made();
    let vector = vector("with a line end");
    for signature in [
        made.raw_signature,
        made.dotted_signature,
        String::new(),
        BASE64_STANDARD.encode([0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00]),
    ] {
        assert_eq!(vector.with(|v| v.signature = signature).refused(), MISMATCH);
    }
    let odd = vector.with(|v| v.signature.push('!'));
    assert_eq!(odd.refused(), "the signature is not base64");
}

#[test]
fn retries_of_a_day_are_taken_and_older_ones_are_not() {
    let vector = vector("with a line end");
    let day = 24 * 3600;
    for (age, taken) in [
        (0, true),
        (day, true),
        (day + 3600, true),
        (day + 3601, false),
        (30 * day, false),
    ] {
        let verified = vector.verify_at(vector.at() + age);
        assert_eq!(verified.is_ok(), taken, "{age}");
    }
    assert!(vector.verify_at(vector.at() - 300).is_ok());
    assert!(vector.verify_at(vector.at() - 301).is_err());
}

#[test]
fn both_headers_have_to_be_there_once() {
    let vector = vector("with a line end");
    let [signature, time] = &vector.headers()[..] else {
        unreachable!("two headers")
    };
    let (signature, time) = (signature.clone(), time.clone());
    for (headers, why) in [
        (vec![time.clone()], "the signature header is missing"),
        (vec![signature.clone()], "the timestamp header is missing"),
        (
            vec![signature.clone(), signature.clone(), time.clone()],
            "the signature header is there twice",
        ),
        (
            vec![signature.clone(), time.clone(), time.clone()],
            "the timestamp header is there twice",
        ),
    ] {
        let refused = vector.refused_with(&headers);
        assert!(refused.starts_with(why), "{refused}");
    }
}
