//! `Stripe-Signature`: `t=<unix seconds>,v1=<hex>[,v1=<hex>…]`, an HMAC-SHA256 over `<t>.<body>`.
//!
//! While an endpoint's secret changes there is a `v1` for each of the two. Other schemes than `v1` prove nothing: `v0`
//! is Stripe's for tests. What is signed is the body as it came, byte for byte, so it is verified before it is read.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderName;
use http::request::Parts;
use longshore_provider::secret::{ExposeSecret, Secret};
use ring::hmac;

use longshore_integration::Refusal;

const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

/// How far the time of a signature may be from now, in seconds, before or after: a request that somebody has caught
/// cannot be sent again for ever.
const TOLERANCE: u64 = 300;

/// So many signatures are looked at. Stripe sends two at the most; each costs a hash of the whole body, which anybody
/// could have us do.
const MAX_SIGNATURES: usize = 8;

/// What a signature is checked with, as it is at each request.
pub(super) struct Verifier(Vec<Secret>);

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
struct Signed<'a> {
    /// As it is written: it is part of what is signed.
    time: &'a str,
    seconds: u64,
    signatures: Vec<[u8; 32]>,
}

impl Verifier {
    pub(super) fn new(secrets: Vec<Secret>) -> Self {
        Self(secrets)
    }

    /// The key is the secret as it stands, `whsec_` and all, without the blanks around it. One that is empty is none:
    /// everybody could sign with that.
    fn keys(&self) -> impl Iterator<Item = hmac::Key> {
        self.0.iter().filter_map(|secret| {
            let secret = secret.current();
            let secret = secret.expose_secret().trim();
            (!secret.is_empty()).then(|| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
        })
    }

    /// Whether Stripe has signed this body, not long before `now`.
    pub(super) fn verify(&self, head: &Parts, body: &[u8], now: SystemTime) -> Result<(), Refusal> {
        let signed = Signed::parse(only(head)?)?;
        let mut message = Vec::with_capacity(signed.time.len() + 1 + body.len());
        message.extend_from_slice(signed.time.as_bytes());
        message.push(b'.');
        message.extend_from_slice(body);
        let matches = self.keys().any(|key| {
            let mut signatures = signed.signatures.iter();
            signatures.any(|signature| hmac::verify(&key, &message, signature).is_ok())
        });
        if !matches {
            return Err(Refusal::BadSignature(
                "Stripe-Signature does not match: the endpoint's secret is another",
            ));
        }
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        match signed.seconds.abs_diff(now) <= TOLERANCE {
            true => Ok(()),
            false => Err(Refusal::BadSignature(
                "Stripe-Signature is more than 300 s from now: it is old, or a clock is wrong",
            )),
        }
    }
}

/// The header's value. Stripe sends it once: a second one was added on the way.
fn only(head: &Parts) -> Result<&str, Refusal> {
    let mut values = head.headers.get_all(SIGNATURE).iter();
    let value = values.next().ok_or(Refusal::BadSignature(
        "the Stripe-Signature header is missing",
    ))?;
    if values.next().is_some() {
        return Err(Refusal::BadSignature(
            "the Stripe-Signature header is there twice",
        ));
    }
    value
        .to_str()
        .map_err(|_| Refusal::BadSignature("the Stripe-Signature header is not ASCII"))
}

impl<'a> Signed<'a> {
    fn parse(header: &'a str) -> Result<Self, Refusal> {
        let parts = || {
            let parts = header.split(',').filter_map(|part| part.split_once('='));
            parts.map(|(name, value)| (name.trim(), value.trim()))
        };
        let mut times = parts().filter(|(name, _)| *name == "t");
        let (Some((_, time)), None) = (times.next(), times.next()) else {
            return Err(Refusal::BadSignature("Stripe-Signature has not one t"));
        };
        let seconds = Some(time).filter(|time| time.bytes().all(|b| b.is_ascii_digit()));
        let seconds = seconds.and_then(|time| time.parse().ok());
        let seconds = seconds.ok_or(Refusal::BadSignature(
            "the t of Stripe-Signature is no time",
        ))?;
        let signatures = parts()
            .filter(|(name, _)| *name == "v1")
            .filter_map(|(_, value)| decode(value))
            .take(MAX_SIGNATURES)
            .collect();
        Ok(Self {
            time,
            seconds,
            signatures,
        })
    }
}

/// 32 bytes in hexadecimal; what is none is no signature.
fn decode(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Whether a secret that nobody knows has signed this body, as this header says.
#[cfg(test)]
pub(crate) fn is_verified(header: &str, body: &[u8]) -> bool {
    let Ok(head) = http::Request::builder().header(SIGNATURE, header).body(()) else {
        return false;
    };
    let now = UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    let verifier = Verifier::new(vec!["whsec_nobody_knows".into()]);
    verifier.verify(&head.into_parts().0, body, now).is_ok()
}

#[cfg(test)]
mod tests;
