//! What an answer means, as far as that can be said without knowing the provider.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;

use crate::{DEFAULT_RETRY_AFTER, Response, retry_after};

/// A request that did not get its 2xx. Matched exhaustively, once per job crate, in its `error.rs`.
///
/// Causes are redacted. Responses are as they came: whoever makes a reason out of a body redacts it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProviderError {
    /// No byte of the request was written: DNS, TCP or TLS failed, or took too long. Safe to repeat.
    #[error("never sent: {cause}")]
    NeverSent {
        /// What failed.
        cause: String,
    },
    /// The request may have reached the provider, and no status line came back. The effect may have happened.
    #[error("sent, and no answer came: {cause}")]
    NoAnswer {
        /// How the answer was lost.
        cause: String,
    },
    /// 401: our credentials are refused.
    #[error("credentials refused")]
    Unauthorized {
        /// The answer.
        response: Box<Response>,
    },
    /// 429, or 503 with a `Retry-After`: we are asked to wait.
    #[error("throttled for {} s", retry_after.as_secs())]
    Throttled {
        /// How long, between 1 s and 1 h; 60 s when a 429 does not say.
        retry_after: Duration,
        /// The answer.
        response: Box<Response>,
    },
    /// Any other 5xx, and 408: the provider, or something before it, is in trouble. Only 503 says that nothing was done.
    #[error("unavailable: answered {}", response.status.as_u16())]
    Unavailable {
        /// The answer.
        response: Box<Response>,
    },
    /// Any other 4xx: the provider refuses this request.
    #[error("rejected: answered {}", response.status.as_u16())]
    Rejected {
        /// The answer.
        response: Box<Response>,
    },
    /// A status that no API call is answered with, such as a redirect: most likely it was not the provider that
    /// answered, but something in between.
    #[error("unexpected: answered {}", response.status.as_u16())]
    Unexpected {
        /// The answer.
        response: Box<Response>,
    },
}

impl ProviderError {
    /// Sorts an answer by its status. `now` is the local time, for answers without a `Date`.
    ///
    /// # Errors
    /// Every status but 2xx.
    pub fn check(response: Response, now: SystemTime) -> Result<Response, Self> {
        let status = response.status;
        if status.is_success() {
            return Ok(response);
        }
        let asked_to_wait = status == StatusCode::TOO_MANY_REQUESTS
            || (status == StatusCode::SERVICE_UNAVAILABLE
                && response.headers.contains_key(RETRY_AFTER));
        let wait = retry_after(&response.headers, now);
        let response = Box::new(response);
        Err(match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized { response },
            _ if asked_to_wait => Self::Throttled {
                retry_after: wait.unwrap_or(DEFAULT_RETRY_AFTER),
                response,
            },
            StatusCode::REQUEST_TIMEOUT => Self::Unavailable { response },
            _ if status.is_server_error() => Self::Unavailable { response },
            _ if status.is_client_error() => Self::Rejected { response },
            _ => Self::Unexpected { response },
        })
    }

    /// How long we are asked to wait, where the answer says so itself.
    pub(crate) fn named_wait(&self) -> Option<Duration> {
        retry_after(&self.response()?.headers, SystemTime::now())
    }

    /// The answer, if there was one.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        match self {
            Self::NeverSent { .. } | Self::NoAnswer { .. } => None,
            Self::Unauthorized { response }
            | Self::Throttled { response, .. }
            | Self::Unavailable { response }
            | Self::Rejected { response }
            | Self::Unexpected { response } => Some(response),
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderValue};

    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        for (status, retry_after, meaning) in [
            (200, None, "ok"),
            (202, Some("9"), "ok"),
            (204, None, "ok"),
            (301, None, "unexpected: answered 301"),
            (307, None, "unexpected: answered 307"),
            (400, None, "rejected: answered 400"),
            (400, Some("9"), "rejected: answered 400"),
            (401, None, "credentials refused"),
            (403, None, "rejected: answered 403"),
            (408, None, "unavailable: answered 408"),
            (413, None, "rejected: answered 413"),
            (429, None, "throttled for 60 s"),
            (429, Some("soon"), "throttled for 60 s"),
            (429, Some("9"), "throttled for 9 s"),
            (500, None, "unavailable: answered 500"),
            (502, Some("9"), "unavailable: answered 502"),
            (503, None, "unavailable: answered 503"),
            (503, Some("9"), "throttled for 9 s"),
            (504, None, "unavailable: answered 504"),
            (599, None, "unavailable: answered 599"),
            (999, None, "unexpected: answered 999"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = retry_after {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            }
            let response = Response {
                status: StatusCode::from_u16(status).expect("a status"),
                headers,
                body: Vec::new(),
                complete: true,
            };
            let result = ProviderError::check(response, SystemTime::UNIX_EPOCH);
            let said = result.map_or_else(|error| error.to_string(), |_| "ok".to_owned());
            assert_eq!(said, meaning, "{status} {retry_after:?}");
        }
    }
}
