//! What events are signed with.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

/// What stands before a point on P-256 in a SubjectPublicKeyInfo.
const BEFORE_THE_POINT: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The public half of the development key, which `config/local.toml` has.
pub(super) const DEVELOPMENT_PUBLIC_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEp0SweUYlZ/q8nXSMDftrYUru1L37DWsVy8T00S3X1b/hnA8Rnf3n7Ac9+qkPNZeorlmI1y2C0QiomKAngiRKjQ==";

/// Its other half. Not a secret: whoever develops has it.
const DEVELOPMENT_PRIVATE_KEY: &str = "S/T5u8HVDgvmtBWjrVc3snOI+xkJaMhvstRWb36xcZQ=";

/// A key pair on P-256.
pub(super) struct SigningKey(EcdsaKeyPair);

impl SigningKey {
    /// One that nobody else has.
    pub(super) fn generate() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pair = EcdsaKeyPair::generate_pkcs8(algorithm, &random)
            .map_err(|_| ())
            .and_then(|pkcs8| {
                EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).map_err(|_| ())
            });
        Self(pair.unwrap_or_else(|()| panic!("the system gives no random bytes")))
    }

    /// The one that everybody has.
    pub(super) fn development() -> Self {
        let decode = |text: &str| {
            let bytes = BASE64_STANDARD.decode(text);
            bytes.unwrap_or_else(|error| unreachable!("the development key: {error}"))
        };
        let public = decode(DEVELOPMENT_PUBLIC_KEY);
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            &decode(DEVELOPMENT_PRIVATE_KEY),
            &public[BEFORE_THE_POINT.len()..],
            &SystemRandom::new(),
        );
        Self(pair.unwrap_or_else(|error| unreachable!("the development key: {error}")))
    }

    /// The public half as SendGrid shows it.
    pub(super) fn public(&self) -> String {
        let point = self.0.public_key().as_ref();
        BASE64_STANDARD.encode([&BEFORE_THE_POINT[..], point].concat())
    }

    /// A signature over a time and a body, in DER, in base64.
    pub(super) fn sign(&self, time: &str, body: &[u8]) -> String {
        let message = [time.as_bytes(), body].concat();
        let signature = self.0.sign(&SystemRandom::new(), &message);
        let signature = signature.unwrap_or_else(|_| panic!("the system gives no random bytes"));
        BASE64_STANDARD.encode(signature)
    }
}

/// Hides the private half.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

    use super::*;

    #[test]
    fn what_is_signed_is_verified_by_the_public_half() {
        let development = SigningKey::development();
        assert_eq!(development.public(), DEVELOPMENT_PUBLIC_KEY);
        for key in [development, SigningKey::generate()] {
            let spki = BASE64_STANDARD.decode(key.public()).expect("base64");
            let point = spki
                .strip_prefix(&BEFORE_THE_POINT)
                .expect("a key on P-256");
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
            let signature = BASE64_STANDARD.decode(key.sign("17", b"[]\r\n"));
            let signature = signature.expect("base64");
            assert!(public.verify(b"17[]\r\n", &signature).is_ok());
            assert!(public.verify(b"17[]", &signature).is_err());
        }
    }
}
