//! Signatures as Standard Webhooks has them: `v1,` and the base64 of an HMAC-SHA256 over `<id>.<timestamp>.<body>`, under a
//! secret that is written `whsec_` and base64. Several stand in one header, with blanks between them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use longshore_provider::secret::{ExposeSecret, Secret, Unusable};
use ring::hmac;

const PREFIX: &str = "whsec_";

/// What is wrong with a secret that cannot be used.
pub(crate) const BAD_SECRET: &str = "it is not `whsec_` and the base64 of 24 to 64 bytes; make one: echo whsec_$(openssl rand -base64 32)";

/// Signs what goes to the application.
#[derive(Clone)]
pub(crate) struct Signer(Vec<Secret>);

impl Signer {
    /// With each of these, the one in use first. `None` where one of them is no such secret; from now on none becomes one that is
    /// not.
    pub(crate) fn new(secrets: Vec<Secret>) -> Option<Self> {
        let rule = |secret: &str| match key(secret) {
            Some(_) => Ok(()),
            None => Err(Unusable(BAD_SECRET)),
        };
        let all = secrets.iter().all(|secret| secret.require(rule).is_ok());
        all.then_some(Self(secrets))
    }

    /// The value of `webhook-signature`.
    pub(crate) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let secrets = self.0.iter().map(Secret::current);
        let signatures: Vec<String> = secrets
            .filter_map(|secret| key(secret.expose_secret()))
            .map(|key| format!("v1,{}", signature(&key, id, timestamp, body)))
            .collect();
        signatures.join(" ")
    }
}

/// What a secret is the text of.
pub(crate) fn key(secret: &str) -> Option<hmac::Key> {
    let bytes = BASE64_STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    let fits = (24..=64).contains(&bytes.len());
    fits.then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// One signature, in base64.
pub(crate) fn signature(key: &hmac::Key, id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut signing = hmac::Context::with_key(key);
    signing.update(format!("{id}.{timestamp}.").as_bytes());
    signing.update(body);
    BASE64_STANDARD.encode(signing.sign())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the standard's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn signatures_are_as_the_standards_libraries_make_them() {
        let signer = Signer::new(vec![SECRET.into()]).expect("a secret");
        let body = br#"{"test": 2432232314}"#;
        let signed = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_a_secret_changes_both_sign() {
        let old = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let signer = Signer::new(vec![SECRET.into(), old.into()]).expect("secrets");
        let signed = signer.sign("id", 1, b"{}");
        let signatures: Vec<_> = signed.split(' ').collect();
        assert_eq!(signatures.len(), 2);
        assert_ne!(signatures[0], signatures[1]);
    }

    #[test]
    fn other_texts_are_no_secrets() {
        for text in [
            "",
            "whsec_",
            "whsec_AAAA",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_!",
        ] {
            assert!(
                Signer::new(vec![SECRET.into(), text.into()]).is_none(),
                "{text}"
            );
        }
    }
}
