//! The public key that SendGrid shows for an endpoint: a SubjectPublicKeyInfo in DER, in base64.

use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine};
use ring::agreement::{self, ECDH_P256, EphemeralPrivateKey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

/// What stands before the point: a sequence of the algorithm (an EC key on P-256) and a string of 65 bytes. There is one
/// way to write it in DER, so anything else is another kind of key.
const BEFORE_THE_POINT: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A public key on P-256, known to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey([u8; 65]);

/// Why a text is not a public key. It is not quoted: it may be the private half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicKey {
    /// There is armour around it.
    #[error("is in PEM form")]
    Pem,
    /// Not base64.
    #[error("is not base64")]
    NotBase64,
    /// Another kind of key, or half of one.
    #[error("is not an ECDSA key on P-256 (a SubjectPublicKeyInfo)")]
    NotP256,
    /// A character is another.
    #[error("looks like a key and is none: a character in it is wrong")]
    NoPoint,
}

impl InvalidPublicKey {
    /// What to do instead.
    #[must_use]
    pub fn cure(self) -> &'static str {
        match self {
            Self::Pem => "leave out the lines with dashes, and write the rest as one line",
            Self::NotBase64 | Self::NotP256 | Self::NoPoint => {
                "copy it again as SendGrid shows it: 124 characters that begin with MFkw; it is public, so write it here"
            }
        }
    }
}

impl PublicKey {
    /// Whether its other half has signed this.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.0)
            .verify(message, signature)
            .is_ok()
    }

    /// Whether the point is on the curve. Nothing says so but using it: here, agreeing on a key that nobody keeps.
    fn is_point(&self) -> bool {
        let random = SystemRandom::new();
        let Ok(ours) = EphemeralPrivateKey::generate(&ECDH_P256, &random) else {
            return false;
        };
        let theirs = agreement::UnparsedPublicKey::new(&ECDH_P256, self.0);
        agreement::agree_ephemeral(ours, &theirs, |_| ()).is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = InvalidPublicKey;

    fn from_str(text: &str) -> Result<Self, InvalidPublicKey> {
        let text = text.trim();
        if text.contains("-----") {
            return Err(InvalidPublicKey::Pem);
        }
        let der = BASE64_STANDARD.decode(text);
        let der = der.map_err(|_| InvalidPublicKey::NotBase64)?;
        let point = der.strip_prefix(&BEFORE_THE_POINT);
        let point = point.and_then(|point| <[u8; 65]>::try_from(point).ok());
        // 4: both coordinates in full.
        let point = point.filter(|point| point[0] == 4);
        let key = Self(point.ok_or(InvalidPublicKey::NotP256)?);
        match key.is_point() {
            true => Ok(key),
            false => Err(InvalidPublicKey::NoPoint),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of SendGrid's SDK.
    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==";

    /// With something of it changed, in bytes.
    fn altered(change: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut der = BASE64_STANDARD.decode(KEY).expect("base64");
        change(&mut der);
        BASE64_STANDARD.encode(der)
    }

    #[test]
    fn a_key_is_read_as_sendgrid_shows_it() {
        let key: PublicKey = KEY.parse().expect("a key");
        assert_eq!(format!(" {KEY}\n").parse(), Ok(key));
    }

    #[test]
    fn what_is_no_key_is_told_apart() {
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{KEY}\n-----END PUBLIC KEY-----");
        for (text, why) in [
            (pem, InvalidPublicKey::Pem),
            ("env:SENDGRID_KEY".to_owned(), InvalidPublicKey::NotBase64),
            (
                KEY.trim_end_matches('=').to_owned(),
                InvalidPublicKey::NotBase64,
            ),
            (String::new(), InvalidPublicKey::NotP256),
            (KEY[..64].to_owned(), InvalidPublicKey::NotP256),
            (altered(|der| der.push(0)), InvalidPublicKey::NotP256),
            (altered(|der| der.truncate(90)), InvalidPublicKey::NotP256),
            // Another curve; a compressed point; the point alone.
            (altered(|der| der[22] = 6), InvalidPublicKey::NotP256),
            (altered(|der| der[26] = 2), InvalidPublicKey::NotP256),
            (
                altered(|der| drop(der.drain(..26))),
                InvalidPublicKey::NotP256,
            ),
            (altered(|der| der[40] ^= 1), InvalidPublicKey::NoPoint),
            (altered(|der| der[90] ^= 1), InvalidPublicKey::NoPoint),
        ] {
            assert_eq!(text.parse::<PublicKey>(), Err(why), "{text}");
        }
    }

    #[test]
    fn the_cure_says_how_a_key_looks() {
        assert!(InvalidPublicKey::Pem.cure().contains("lines with dashes"));
        let looks = format!("{} characters that begin with {}", KEY.len(), &KEY[..4]);
        for why in [
            InvalidPublicKey::NotBase64,
            InvalidPublicKey::NotP256,
            InvalidPublicKey::NoPoint,
        ] {
            assert!(why.cure().contains(&looks), "{why}");
        }
    }
}
