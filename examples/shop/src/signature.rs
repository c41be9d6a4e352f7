//! Signatures of Standard Webhooks (standardwebhooks.com). Its official libraries do the same.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// How old a request may be: an older one may be somebody's who has seen it.
const FRESH: Duration = Duration::from_secs(300);

/// Makes and checks signatures by one secret.
#[derive(Clone)]
pub struct Signatures(Arc<hmac::Key>);

/// A secret that is not of the form `whsec_<base64>`.
#[derive(Debug)]
pub struct WrongSecret;

impl Signatures {
    /// By the secret that both sides know, `whsec_<base64>`.
    ///
    /// # Errors
    /// When it is of another form.
    pub fn new(secret: &str) -> Result<Self, WrongSecret> {
        let base64 = secret.strip_prefix("whsec_").ok_or(WrongSecret)?;
        let key = STANDARD.decode(base64).map_err(|_| WrongSecret)?;
        Ok(Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &key))))
    }

    /// Whether one of the request's signatures is right, and it is fresh.
    #[must_use]
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: SystemTime) -> bool {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let (Some(id), Some(timestamp), Some(signatures)) = (
            header("webhook-id"),
            header("webhook-timestamp"),
            header("webhook-signature"),
        ) else {
            return false;
        };
        let sent = timestamp.parse().map(Duration::from_secs);
        let Ok(now) = now.duration_since(UNIX_EPOCH) else {
            return false;
        };
        let signed = signed(id, timestamp, body);
        sent.is_ok_and(|sent| now.abs_diff(sent) <= FRESH)
            && signatures
                .split(' ')
                .filter_map(|signature| signature.strip_prefix("v1,"))
                .filter_map(|signature| STANDARD.decode(signature).ok())
                // Compares in constant time.
                .any(|signature| hmac::verify(&self.0, &signed, &signature).is_ok())
    }

    /// The signature of a request, as its sender makes it.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let tag = hmac::sign(&self.0, &signed(id, timestamp, body));
        format!("v1,{}", STANDARD.encode(tag))
    }
}

fn signed(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

/// Shows nothing of the secret.
impl fmt::Debug for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signatures").finish_non_exhaustive()
    }
}
