//! What an answer of a store means: the one table.

use std::time::Duration;

use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use longshore_job::{Answer, Blame, JobError, NotNow, Scope, Word};
use longshore_provider::{DEFAULT_RETRY_AFTER, MAX_RETRY_AFTER, MIN_RETRY_AFTER, redact};

use crate::store::Name;

/// An operation that did not succeed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct Error {
    /// What is to be done about it.
    pub class: Class,
    /// What the store said.
    pub answer: Answer,
    /// What failed, why, and perhaps what helps. Names no object: keys hold ids of users.
    pub reason: String,
}

/// What is to be done about an operation that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// Nothing was sent: the store may not be called now.
    NotNow(NotNow),
    /// It was asked too much: again after this.
    Throttled(Duration),
    /// It did not answer, or not as it should, on every try.
    Unavailable,
    /// Another operation on the same thing is under way.
    Busy,
    /// It does not take our credentials, or there are none.
    Unauthorized,
    /// This machine's clock is wrong.
    Skewed,
    /// The object is not what it was expected to be.
    Changed,
    /// There is no such object, upload or configuration.
    Missing,
    /// This store does not know the operation.
    Unsupported,
    /// It refused, and would again.
    Refused,
}

/// What an answer that is no success means. `code` is S3's own, which `HEAD` leaves out.
pub(crate) fn classify(status: u16, code: Option<&str>, named: Option<Duration>) -> Class {
    let later = || Class::Throttled(named.unwrap_or(DEFAULT_RETRY_AFTER));
    match (code.unwrap_or_default(), status) {
        ("SlowDown" | "RequestLimitExceeded" | "BandwidthLimitExceeded", _) => later(),
        // R2 says `TooManyRequests`: one write a second per key.
        (_, 429) => later(),
        (code, _) if code.starts_with("Throttl") => later(),
        ("InternalError" | "ServiceUnavailable" | "RequestTimeout", _) => Class::Unavailable,
        ("OperationAborted" | "ConditionalRequestConflict", _) => Class::Busy,
        (
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "Unauthorized"
            | "AuthFailure",
            _,
        )
        | (_, 401) => Class::Unauthorized,
        ("RequestTimeTooSkewed", _) => Class::Skewed,
        ("PreconditionFailed", _) | (_, 412) => Class::Changed,
        // About the bucket, not about what was looked for in it.
        ("NoSuchBucket" | "PermanentRedirect" | "AuthorizationHeaderMalformed", _) => {
            Class::Refused
        }
        (_, 404) => Class::Missing,
        ("NotImplemented", _) | (_, 501) => Class::Unsupported,
        (_, 500..) => Class::Unavailable,
        // AccessDenied too: it is about one bucket or one right, not about the credentials.
        _ => Class::Refused,
    }
}

/// What helps, where it is known.
fn advice(class: &Class, code: Option<&str>) -> &'static str {
    match (class, code.unwrap_or_default()) {
        (_, "NoSuchBucket") => ": there is no such bucket; set buckets.<bucket>.name",
        (_, "PermanentRedirect" | "AuthorizationHeaderMalformed") => {
            ": the bucket is in another region; set the provider's region"
        }
        (_, "AccessDenied") => ": grant it to the role or key that is used, then replay",
        (Class::Skewed, _) => ": this machine's clock is wrong; synchronise it",
        (Class::Unauthorized, _) => ": its credentials are not taken; renew them",
        _ => "",
    }
}

impl Error {
    /// One of our own.
    pub(crate) fn ours(store: Name, class: Class, reason: impl Into<String>) -> Self {
        Self {
            class,
            answer: Answer::of(store.as_str()),
            reason: reason.into(),
        }
    }

    /// What became of an operation, in words: `list exports-prod`.
    pub(crate) fn read<E>(store: Name, doing: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata,
    {
        if let SdkError::DispatchFailure(failure) = error
            && let Some(connector) = failure.as_connector_error()
            && let Some(not_now) = behind(connector).find_map(|e| e.downcast_ref::<NotNow>())
        {
            return Self {
                reason: not_now.to_string(),
                class: Class::NotNow(not_now.clone()),
                answer: Answer::of(store.as_str()),
            };
        }
        let Some(response) = error.raw_response() else {
            return Self::unanswered(store, doing, error);
        };
        let status = response.status().as_u16();
        let code = match error {
            SdkError::ServiceError(error) => error.err().code(),
            // It could not be read: then it is not as it should be, whatever its status.
            _ => Some("InternalError"),
        };
        let class = classify(status, code, retry_after(response));
        let told = code.map_or_else(|| status.to_string(), str::to_owned);
        Self {
            reason: format!("{store} did not {doing} ({told}){}", advice(&class, code)),
            class,
            answer: Answer {
                status: Some(status),
                code: Some(told),
                request_id: response
                    .headers()
                    .get("x-amz-request-id")
                    .map(str::to_owned),
                ..Answer::of(store.as_str())
            },
        }
    }

    fn unanswered<E>(store: Name, doing: &str, error: &SdkError<E, HttpResponse>) -> Self {
        let (class, cause) = match error {
            SdkError::DispatchFailure(failure) => {
                let cause = failure.as_connector_error().map(innermost);
                match (failure.is_io() || failure.is_timeout(), failure.is_user()) {
                    (true, _) => (Class::Unavailable, cause),
                    (false, true) => (Class::Refused, cause),
                    // Credentials could not be had. Whether that passes is not said: it costs no attempt.
                    (false, false) => (Class::Unauthorized, cause),
                }
            }
            SdkError::ConstructionFailure(_) => (Class::Refused, None),
            _ => (Class::Unavailable, None),
        };
        let cause = match (&class, cause) {
            (_, Some(cause)) => redact(&cause),
            (Class::Refused, None) => "the request cannot be made".to_owned(),
            (_, None) => "no answer".to_owned(),
        };
        Self::ours(store, class, format!("{store} did not {doing}: {cause}"))
    }
}

fn behind<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn innermost(error: &aws_smithy_runtime_api::client::result::ConnectorError) -> String {
    behind(error).last().unwrap_or(error).to_string()
}

/// `x-amz-retry-after`, in milliseconds: how S3 says "later". At least a second, at most an hour.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let ms = response.headers().get("x-amz-retry-after")?.parse().ok()?;
    Some(Duration::from_millis(ms).clamp(MIN_RETRY_AFTER, MAX_RETRY_AFTER))
}

/// S3's code in an answer that is no success. Its body is in memory, and small.
fn code(response: &HttpResponse) -> Option<&str> {
    let body = std::str::from_utf8(response.body().bytes()?).ok()?;
    let (_, rest) = body.split_once("<Code>")?;
    Some(rest.split_once("</Code>")?.0)
}

/// What one try says of the store, for its breaker.
pub(crate) fn word(response: &HttpResponse) -> Word {
    let status = response.status();
    if status.is_success() {
        return Word::Well;
    }
    let named = retry_after(response);
    match classify(status.as_u16(), code(response), named) {
        Class::Unavailable => Word::Ill,
        // A busy prefix or key, as long as no time is named: the SDK waits, and the job after it.
        Class::Throttled(_) => named.map_or(Word::Nothing, Word::Hold),
        Class::Unauthorized => Word::Refused {
            reason: code(response).unwrap_or("Unauthorized").to_owned(),
        },
        Class::Skewed | Class::NotNow(_) => Word::Nothing,
        Class::Busy | Class::Changed | Class::Missing | Class::Unsupported | Class::Refused => {
            Word::Well
        }
    }
}

/// What the SDK does not try again by itself, and is worth it: R2's 429, and what another operation stood in the way of.
#[derive(Debug)]
pub(crate) struct Again;

impl ClassifyRetry for Again {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(response) = context.response() else {
            return RetryAction::NoActionIndicated;
        };
        match response.status().as_u16() {
            429 => RetryAction::throttling_error(),
            409 if classify(409, code(response), None) == Class::Busy => {
                RetryAction::transient_error()
            }
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "Again"
    }
}

/// A store that does not take our credentials, or may not be called, is waited for at the cost of no attempt: its own
/// queue was told, and pauses itself.
impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        let Error {
            class,
            answer,
            reason,
        } = error;
        let wait = |retry_after, reason, answer| Self::Throttled {
            retry_after,
            scope: Scope::Job,
            reason,
            answer,
        };
        match class {
            Class::NotNow(not_now) => not_now.into(),
            Class::Throttled(after) => wait(after, reason, answer),
            Class::Unauthorized => wait(DEFAULT_RETRY_AFTER, reason, answer),
            Class::Unavailable | Class::Busy | Class::Skewed => Self::Transient { reason, answer },
            Class::Changed | Class::Missing | Class::Unsupported | Class::Refused => {
                Self::Permanent {
                    reason,
                    answer,
                    blame: Blame::Theirs,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
