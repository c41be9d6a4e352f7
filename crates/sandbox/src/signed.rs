//! Signatures over a time and a body in one header, as Stripe makes them: `t=1700000000,v1=<hex>`, where the digits are
//! the HMAC-SHA256 of the time, a dot and the body.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::hmac;

/// Now, in seconds since the Unix epoch.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// The header's value, with a `v1` for each secret: there are several while a secret is being replaced.
pub fn header<'a>(secrets: impl IntoIterator<Item = &'a str>, seconds: u64, body: &[u8]) -> String {
    let mut header = format!("t={seconds}");
    for secret in secrets {
        let signature = hmac::sign(&key(secret), &signed(seconds, body));
        header = format!("{header},v1={}", hex::encode(signature));
    }
    header
}

/// The time in a header, in seconds since the Unix epoch, if one `v1` of it is of this secret and body. It is not
/// compared with any clock.
#[must_use]
pub fn time_of(header: &str, secret: &str, body: &[u8]) -> Option<u64> {
    let parts = || header.split(',').filter_map(|part| part.split_once('='));
    let seconds = parts().find(|(name, _)| *name == "t")?.1.parse().ok()?;
    let right = hex::encode(hmac::sign(&key(secret), &signed(seconds, body)));
    parts()
        .any(|(name, value)| name == "v1" && value == right)
        .then_some(seconds)
}

fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

fn signed(seconds: u64, body: &[u8]) -> Vec<u8> {
    [format!("{seconds}.").as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by Stripe's own libraries.
    #[test]
    fn signatures_are_stripes() {
        let body = br#"{"id":"evt_test","object":"event"}"#;
        let right = "8042376f6ca064adbe037642a718227dfd59047137eb49497a54c49eb0cfb724";
        let whole = format!("t=1700000000,v1={right}");
        let secret = "whsec_test_secret";
        assert_eq!(header([secret], 1_700_000_000, body), whole);
        assert_eq!(time_of(&whole, secret, body), Some(1_700_000_000));
        let rolled = header(["another", secret], 1_700_000_000, body);
        assert!(rolled.ends_with(&format!(",v1={right}")), "{rolled}");
        assert_eq!(time_of(&rolled, secret, body), Some(1_700_000_000));
        for (header, secret, body) in [
            (&*whole, "another", &body[..]),
            (&*whole, secret, b"{}"),
            (&*whole.replace("17", "18"), secret, body),
            (&*whole.replace("v1", "v0"), secret, body),
            ("", secret, body),
        ] {
            assert_eq!(time_of(header, secret, body), None, "{header}");
        }
    }
}
