//! `X-Twilio-Email-Event-Webhook-Signature`: ECDSA on P-256 with SHA-256, in DER, in base64, over the timestamp of the other
//! header and the body as it came, byte for byte, with nothing in between.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::prelude::{BASE64_STANDARD, Engine};
use http::HeaderName;
use http::request::Parts;

use super::PublicKey;
use longshore_integration::Refusal;

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-email-event-webhook-signature");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-twilio-email-event-webhook-timestamp");

/// How old a signature may be, in seconds. SendGrid repeats for 24 hours what was not answered, and does not say whether it
/// signs it again: an event that comes with its first signature must not be lost. So the usual 300 s do not do here. What
/// somebody sends again meanwhile changes nothing: updates only go forward, and what suppresses is known by its id.
const TOLERANCE: u64 = 25 * 3600;

/// How far ahead of our clock its time may be, in seconds.
const AHEAD: u64 = 300;

/// What a signature is checked with.
pub(super) struct Verifier(Vec<PublicKey>);

impl Verifier {
    pub(super) fn new(keys: Vec<PublicKey>) -> Self {
        Self(keys)
    }

    /// Whether SendGrid has signed this body, not too long before `now`.
    pub(super) fn verify(&self, head: &Parts, body: &[u8], now: SystemTime) -> Result<(), Refusal> {
        let signature = only(
            head,
            &SIGNATURE,
            "the signature header is missing: have SendGrid sign its events",
            "the signature header is there twice, or is not ASCII",
        )?;
        let time = only(
            head,
            &TIMESTAMP,
            "the timestamp header is missing: have SendGrid sign its events",
            "the timestamp header is there twice, or is not ASCII",
        )?;
        let signature = BASE64_STANDARD
            .decode(signature)
            .map_err(|_| Refusal::BadSignature("the signature is not base64"))?;
        let message = [time.as_bytes(), body].concat();
        if !self
            .0
            .iter()
            .any(|key| key.has_signed(&message, &signature))
        {
            return Err(Refusal::BadSignature(
                "the signature does not match: the endpoint's public key is another",
            ));
        }
        let seconds = Some(time).filter(|time| time.bytes().all(|b| b.is_ascii_digit()));
        let seconds: u64 = seconds
            .and_then(|time| time.parse().ok())
            .ok_or(Refusal::BadSignature("the timestamp is no time"))?;
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        match seconds <= now.saturating_add(AHEAD) && now.saturating_sub(seconds) <= TOLERANCE {
            true => Ok(()),
            false => Err(Refusal::BadSignature(
                "the timestamp is more than 25 h old, or ahead of our clock",
            )),
        }
    }
}

/// A header's value. SendGrid sends it once: a second one was added on the way.
fn only<'a>(
    head: &'a Parts,
    name: &HeaderName,
    missing: &'static str,
    odd: &'static str,
) -> Result<&'a str, Refusal> {
    let mut values = head.headers.get_all(name).iter();
    let value = values.next().ok_or(Refusal::BadSignature(missing))?;
    match (value.to_str(), values.next()) {
        (Ok(value), None) => Ok(value),
        _ => Err(Refusal::BadSignature(odd)),
    }
}

#[cfg(test)]
mod tests;
