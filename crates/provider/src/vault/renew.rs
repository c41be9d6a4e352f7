//! Keeps the token from running out.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::login::Auth;
use super::token::Token;
use super::{Login, Vault, VaultError};
use crate::Request;

/// Between two tries to keep a token that fails to be kept: this, doubled each time, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

impl Vault {
    /// Renews the token when two thirds of its time are over, and logs in anew when it can be renewed no longer. Nothing
    /// breaks without it: a token that is over is logged in for when it is needed. Never ends by itself.
    pub async fn keep_logged_in(&self) -> Infallible {
        let mut failures = 0;
        loop {
            let other = self.0.logged_in.notified();
            let Some((token, left)) = self.current().and_then(|token| {
                let left = token.left()?;
                Some((token, left))
            }) else {
                other.await;
                continue;
            };
            let wait = match failures {
                0 => two_thirds(&token, left),
                _ => backoff(failures),
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = other => {
                    failures = 0;
                    continue;
                }
            }
            match self.keep(&token).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "the login to Vault is not renewed yet");
                }
            }
        }
    }

    /// Renews it, or logs in anew.
    async fn keep(&self, token: &Arc<Token>) -> Result<(), VaultError> {
        if token.renewable {
            match self.renew(token).await {
                Ok(Some(renewed)) => {
                    self.replace(&Arc::new(renewed));
                    return Ok(());
                }
                // Its longest time is nearly over.
                Ok(None) => {}
                // It may be over altogether, to which Vault says 500: a login tells that from trouble.
                Err(error) => tracing::debug!(%error, "a token was not renewed"),
            }
        }
        if let (Login::Token(_), Some(left)) = (&self.0.login, token.left()) {
            tracing::warn!(
                left_seconds = left.as_secs(),
                "the token that was given for Vault cannot be renewed: put another where providers.vault.token is kept"
            );
        }
        self.token(Some(token.number)).await.map(|_| ())
    }

    /// `None` when Vault gave it clearly less time than it had at its login.
    async fn renew(&self, token: &Token) -> Result<Option<Token>, VaultError> {
        let request = Request::post("/v1/auth/token/renew-self").json(&serde_json::json!({}));
        let request = request.unwrap_or_else(|error| unreachable!("an empty map is JSON: {error}"));
        let asked = Instant::now();
        let response = self.request(Some(token), request).await;
        let response = response.map_err(|error| self.trouble(&error))?;
        let auth = self.auth(&response.body)?;
        Ok(token.renewed(&auth, asked))
    }
}

impl Token {
    /// It with the time that Vault gave it then; `None` where that is clearly less than it had at its login.
    pub(super) fn renewed(&self, auth: &Auth, asked: Instant) -> Option<Self> {
        let shrinks = match (auth.ttl(), self.ttl) {
            (Some(now), Some(before)) => now * 3 < before * 2,
            _ => false,
        };
        (!shrinks).then(|| Self {
            counted_from: asked,
            ttl: auth.ttl(),
            renewable: auth.renewable(),
            ..self.clone()
        })
    }
}

/// Until two thirds of a token's time are over, less up to a tenth, so that a fleet does not renew in one moment.
pub(super) fn two_thirds(token: &Token, left: Duration) -> Duration {
    let ttl = token.ttl.unwrap_or_default();
    let over = ttl.saturating_sub(left);
    let wait = (ttl * 2 / 3).mul_f64(1.0 - 0.1 * chance());
    // A token that nobody renews is asked after more and more often, but not without a breath.
    wait.saturating_sub(over).max(ttl.min(FIRST_WAIT) / 2)
}

fn backoff(failures: u32) -> Duration {
    let wait = FIRST_WAIT * 2_u32.saturating_pow(failures - 1).min(1024);
    wait.min(LONGEST_WAIT).mul_f64(0.5 + 0.5 * chance())
}

/// 0 to 1, by the standard library's own seeds.
fn chance() -> f64 {
    let drawn = RandomState::new().build_hasher().finish();
    drawn as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn tokens_are_renewed_at_two_thirds_of_their_time() {
        let now = Instant::now();
        let token = |ttl| Token {
            header: HeaderValue::from_static("t"),
            number: 1,
            logged_in: now,
            counted_from: now,
            ttl: Some(Duration::from_secs(ttl)),
            renewable: true,
        };
        for _ in 0..100 {
            let whole = Duration::from_secs(3600);
            let wait = two_thirds(&token(3600), whole).as_secs();
            assert!((2160..=2400).contains(&wait), "{wait}");
            let half = two_thirds(&token(3600), whole / 2).as_secs();
            assert!((360..=600).contains(&half), "{half}");
            assert_eq!(two_thirds(&token(3600), Duration::ZERO).as_millis(), 500);
            let waits = [1, 2, 9, 40].map(|failures| backoff(failures).as_secs_f64());
            assert!((0.5..=1.0).contains(&waits[0]), "{waits:?}");
            assert!((1.0..=2.0).contains(&waits[1]), "{waits:?}");
            assert!((128.0..=256.0).contains(&waits[2]), "{waits:?}");
            assert!((150.0..=300.0).contains(&waits[3]), "{waits:?}");
        }
    }
}
