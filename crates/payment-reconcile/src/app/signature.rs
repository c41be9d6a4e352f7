//! `Longshore-Signature: t=<unix seconds>,v1=<hex>`: an HMAC-SHA256 over `<t>.<body>`, as Stripe signs its events.
//!
//! The app should refuse a `t` that is more than 300 s away, and compare in constant time.

use longshore_provider::secret::{ExposeSecret, Secret, Unusable};
use ring::hmac;

/// Signs what goes to the app.
#[derive(Clone)]
pub(super) struct Signer(Secret);

impl Signer {
    /// `None` for an empty secret: everybody could sign with that, and from now on it never becomes one.
    pub(super) fn new(secret: &Secret) -> Option<Self> {
        let rule = |secret: &str| match secret.is_empty() {
            true => Err(Unusable("it is empty")),
            false => Ok(()),
        };
        secret.require(rule).ok()?;
        Some(Self(secret.clone()))
    }

    /// The header's value for a body that is signed at this time, in seconds since the epoch.
    pub(super) fn sign(&self, time: i64, body: &[u8]) -> String {
        let secret = self.0.current();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let mut signing = hmac::Context::with_key(&key);
        signing.update(format!("{time}.").as_bytes());
        signing.update(body);
        format!("t={time},v1={}", hex::encode(signing.sign()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scheme is Stripe's, so what Stripe's own library makes of this secret and body is what we have to make.
    #[test]
    fn signatures_are_as_stripes_scheme_makes_them() {
        let signer = Signer::new(&"whsec_test_secret".into()).expect("a secret");
        let body = br#"{"id":"evt_test","object":"event"}"#;
        assert_eq!(
            signer.sign(1_700_000_000, body),
            "t=1700000000,v1=8042376f6ca064adbe037642a718227dfd59047137eb49497a54c49eb0cfb724"
        );
        assert!(Signer::new(&"".into()).is_none());
    }
}
