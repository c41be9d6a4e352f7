//! The token that secrets are read with.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::header::HeaderValue;

use super::{Vault, VaultError};
use crate::Request;

/// From this age on a token is logged in for anew when a path is forbidden: its role may have other policies by now.
const OLD: Duration = Duration::from_secs(3600);

/// What a login gave.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) header: HeaderValue,
    /// Which login it is of, so that one that was refused is told from the next.
    pub(super) number: u64,
    pub(super) logged_in: Instant,
    /// When its time was last counted from: its login, or a renewal.
    pub(super) counted_from: Instant,
    /// How long it lives from then; `None` = for ever.
    pub(super) ttl: Option<Duration>,
    pub(super) renewable: bool,
}

impl Token {
    /// How much of its time is left; `None` = it lives for ever.
    pub(super) fn left(&self) -> Option<Duration> {
        let ttl = self.ttl?;
        Some(ttl.saturating_sub(self.counted_from.elapsed()))
    }

    fn is_over(&self) -> bool {
        self.left() == Some(Duration::ZERO)
    }
}

impl Vault {
    /// A token, logged in for unless there is one that is not over and not the refused one.
    pub(super) async fn token(&self, refused: Option<u64>) -> Result<Arc<Token>, VaultError> {
        let good = || {
            self.current()
                .filter(|token| Some(token.number) != refused && !token.is_over())
        };
        if let Some(token) = good() {
            return Ok(token);
        }
        let log_in = async {
            // Somebody else may have been quicker.
            if let Some(token) = good() {
                return Ok(token);
            }
            let number = self.current().map_or(0, |token| token.number) + 1;
            let token = Arc::new(self.log_in(number).await?);
            self.replace(&token);
            tracing::info!(
                vault = self.0.addr,
                ttl_seconds = token.ttl.map(|ttl| ttl.as_secs()),
                "logged in to Vault"
            );
            Ok(token)
        };
        self.0.logging_in.run(log_in).await
    }

    /// Whether another login may get further than this token, which was refused something.
    pub(super) async fn may_be_over(&self, token: &Token) -> Result<bool, VaultError> {
        if token.logged_in.elapsed() >= OLD {
            return Ok(true);
        }
        let request = Request::get("/v1/auth/token/lookup-self");
        match self.request(Some(token), request).await {
            Ok(_) => Ok(false),
            Err(error) => match error.response().map(|response| response.status) {
                Some(StatusCode::FORBIDDEN) => Ok(true),
                _ => Err(self.trouble(&error)),
            },
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("number", &self.number)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}
