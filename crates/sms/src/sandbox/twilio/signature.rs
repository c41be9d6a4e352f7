//! What Twilio signs its callbacks with.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;

/// The algorithm of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// With the account's auth token.
    Sha1,
    /// With a shared key.
    Sha256,
}

/// The signature of a form that is posted to this URL: of the URL, then each name and value, sorted, each pair once.
pub(super) fn sign(
    algorithm: Algorithm,
    key: &str,
    url: &str,
    params: &[(String, String)],
) -> String {
    let mut sorted: Vec<_> = params.iter().collect();
    sorted.sort();
    sorted.dedup();
    let mut signed = url.to_owned();
    for (name, value) in sorted {
        signed.push_str(name);
        signed.push_str(value);
    }
    let algorithm = match algorithm {
        Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::Sha256 => hmac::HMAC_SHA256,
    };
    let key = hmac::Key::new(algorithm, key.as_bytes());
    BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of twilio-python 9.13.0, and computed by its `RequestValidator` where they have none.
    #[test]
    fn signatures_are_twilios() {
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        for (algorithm, params, signature) in [
            (
                Algorithm::Sha1,
                &[
                    ("From", "+14158675309"),
                    ("CallSid", "CA1234567890ABCDE"),
                    ("Caller", "+14158675309"),
                    ("Digits", "1234"),
                    ("To", "+18005551212"),
                ][..],
                "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
            ),
            (
                Algorithm::Sha1,
                &[
                    ("Sid", "CA123"),
                    ("SidAccount", "AC123"),
                    ("Digits", "5678"),
                    ("Digits", "1234"),
                    ("Digits", "1234"),
                ],
                "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
            ),
            (
                Algorithm::Sha256,
                &[("To", "+4790000000"), ("Body", "blå")],
                "bJHkJS78AnNQWsvUEAvuQOclK5u52eER1ZaVgnTXmE8=",
            ),
        ] {
            let params: Vec<_> = params
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            assert_eq!(sign(algorithm, "12345", url, &params), signature);
        }
    }
}
