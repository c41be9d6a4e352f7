//! Who may call: bearer tokens, what each may do, and how often.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use longshore_provider::secret::{ExposeSecret, Secret};
use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// At most so many calls of one token wait for jobs at the same time, so that there is room for others.
const MOST_WAITING: usize = 200;

/// A token, as it is configured.
#[derive(Clone)]
pub struct ApiToken {
    /// Its name: jobs, the audit, logs and metrics name it.
    pub name: String,
    /// What the caller sends.
    pub secret: Secret,
    /// The kinds that it may enqueue, read and change; `None` = all.
    pub kinds: Option<BTreeSet<String>>,
    /// How many calls it may make per second; `None` = any.
    pub rate_per_second: Option<f64>,
    /// Whether it may have uploads and downloads signed.
    pub uploads: bool,
}

/// A caller, known by its token.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) token: ApiToken,
    calls: Option<Mutex<Calls>>,
    /// How many more of its calls may wait for jobs.
    pub(crate) waiting: Semaphore,
}

/// How many calls are left.
#[derive(Debug)]
struct Calls {
    per_second: f64,
    left: f64,
    at: Instant,
}

/// All tokens. A secret that is rotated is known by its new value at once.
pub(crate) struct Tokens {
    callers: Vec<Arc<Caller>>,
    /// Made anew by each process: what is compared are digests, so the time that it takes says nothing.
    key: hmac::Key,
}

impl Tokens {
    /// # Panics
    /// When the system gives no random bits.
    pub(crate) fn new(tokens: Vec<ApiToken>) -> Self {
        let callers = tokens.into_iter().map(|token| Arc::new(Caller::new(token)));
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        Self {
            callers: callers.collect(),
            key: key.expect("the system gives random bits"),
        }
    }

    /// Who sent these headers.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Result<&Arc<Caller>, ApiError> {
        let refused = |message| {
            Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                message,
            ))
        };
        let Some(header) = headers.get(AUTHORIZATION) else {
            return refused("send a token: `Authorization: Bearer TOKEN`");
        };
        let sent = header.as_bytes();
        let (scheme, token) = sent.split_at(sent.len().min(7));
        if !scheme.eq_ignore_ascii_case(b"bearer ") {
            return refused("send the token as `Authorization: Bearer TOKEN`");
        }
        let token = token.trim_ascii();
        // All of them, whichever it is.
        let (known, count) = self
            .callers
            .iter()
            .fold((None, 0), |(known, count), caller| {
                let secret = caller.token.secret.current();
                let digest = hmac::sign(&self.key, secret.expose_secret().as_bytes());
                match hmac::verify(&self.key, token, digest.as_ref()).is_ok() {
                    true => (Some(caller), count + 1),
                    false => (known, count),
                }
            });
        match known {
            Some(caller) if count == 1 => Ok(caller),
            // Since one of them was changed.
            Some(_) => refused(
                "two tokens have this secret, so nobody can tell who calls: change one of them",
            ),
            None => refused("the token is not known"),
        }
    }
}

impl Caller {
    fn new(token: ApiToken) -> Self {
        let calls = token.rate_per_second.map(|per_second| {
            Mutex::new(Calls {
                per_second,
                left: per_second.max(1.0),
                at: Instant::now(),
            })
        });
        let waiting = Semaphore::new(MOST_WAITING);
        Self {
            token,
            calls,
            waiting,
        }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// When there were too many.
    pub(crate) fn admit(&self) -> Result<(), ApiError> {
        let Some(calls) = &self.calls else {
            return Ok(());
        };
        let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.refill(Instant::now());
        if calls.left >= 1.0 {
            calls.left -= 1.0;
            return Ok(());
        }
        let wait = ((1.0 - calls.left) / calls.per_second).ceil().max(1.0);
        let rate = calls.per_second;
        let error = ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            format!("this token may make {rate} calls per second"),
        );
        Err(error.after(wait as u64))
    }

    /// Counts the jobs of a bulk like as many calls more: those that are too many, its next calls wait for.
    pub(crate) fn charge(&self, more: usize) {
        if let Some(calls) = &self.calls {
            let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
            calls.left -= more as f64;
        }
    }

    pub(crate) fn may(&self, kind: &str) -> bool {
        let kinds = self.token.kinds.as_ref();
        kinds.is_none_or(|kinds| kinds.contains(kind))
    }

    /// Whether it may do something with jobs of this kind.
    ///
    /// # Errors
    /// When it may not.
    pub(crate) fn allow(&self, kind: Option<&str>) -> Result<(), ApiError> {
        let Some(kinds) = &self.token.kinds else {
            return Ok(());
        };
        if kind.is_some_and(|kind| kinds.contains(kind)) {
            return Ok(());
        }
        let kinds: Vec<_> = kinds.iter().map(String::as_str).collect();
        Err(forbidden(format!(
            "this token is for jobs of {}",
            kinds.join(", ")
        )))
    }

    /// Whether it may have uploads and downloads signed.
    ///
    /// # Errors
    /// When it may not.
    pub(crate) fn allow_files(&self) -> Result<(), ApiError> {
        match self.token.uploads {
            true => Ok(()),
            false => Err(forbidden("this token may not have files signed".to_owned())),
        }
    }
}

fn forbidden(message: String) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "forbidden", message)
}

impl Calls {
    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.left = (self.left + passed * self.per_second).min(self.per_second.max(1.0));
    }
}

/// Names it, and never its secret.
impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiToken")
            .field("name", &self.name)
            .field("kinds", &self.kinds)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_rate_allows_a_second_of_calls_at_once_and_then_so_many_per_second() {
        let begun = Instant::now();
        let mut calls = Calls {
            per_second: 4.0,
            left: 4.0,
            at: begun,
        };
        calls.left -= 4.0;
        calls.refill(begun + Duration::from_millis(500));
        assert!((calls.left - 2.0).abs() < 1e-9);
        // A bulk of a hundred is paid off in 24.5 s.
        calls.left -= 100.0;
        calls.refill(begun + Duration::from_secs(25));
        assert!((calls.left - 0.0).abs() < 1e-9);
        calls.refill(begun + Duration::from_secs(1000));
        assert!((calls.left - 4.0).abs() < 1e-9, "no more than a second's");
    }
}
