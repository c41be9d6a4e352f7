//! What an answer of a store means: the one table. All that is done at a store comes to the same when it is done again, so
//! no call leaves an outcome unknown.

mod attempt;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use longshore_job::{Answer, Blame, JobError, NotNow, Scope};
use longshore_provider::answers::word as word_of;
use longshore_provider::{
    AnswerTable, DEFAULT_RETRY_AFTER, HeaderName, HeaderValue, MAX_RETRY_AFTER, MIN_RETRY_AFTER,
    Meaning, Purpose, Response, Row, StatusCode, excerpt, redact,
};

use crate::name::Name;
use crate::transport::NeverSent;

pub(crate) use attempt::{Again, is_cut_off, report_of_response};

/// An operation that did not succeed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct Error {
    /// What is to be done about it.
    pub class: ErrorClass,
    /// What the store said.
    pub answer: Answer,
    /// What failed, why, and perhaps what helps. Names no object: keys hold ids of users.
    pub reason: String,
}

/// What is to be done about an operation that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorClass {
    /// Nothing was sent: the store may not be called now.
    NotNow(NotNow),
    /// It was asked too much: again after this.
    Throttled(Duration),
    /// It was not reached, on every try: nothing was sent.
    NotReached,
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
pub(crate) fn classify(status: u16, code: Option<&str>, named: Option<Duration>) -> ErrorClass {
    let later = || ErrorClass::Throttled(named.unwrap_or(DEFAULT_RETRY_AFTER));
    match (code.unwrap_or_default(), status) {
        ("SlowDown" | "RequestLimitExceeded" | "BandwidthLimitExceeded", _) => later(),
        // R2 says `TooManyRequests`: one write a second per key.
        (_, 429) => later(),
        (code, _) if code.starts_with("Throttl") => later(),
        (_, 503) if named.is_some() => later(),
        ("InternalError" | "ServiceUnavailable" | "RequestTimeout", _) => ErrorClass::Unavailable,
        ("OperationAborted" | "ConditionalRequestConflict", _) => ErrorClass::Busy,
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
        | (_, 401) => ErrorClass::Unauthorized,
        ("RequestTimeTooSkewed", _) => ErrorClass::Skewed,
        ("PreconditionFailed", _) | (_, 412) => ErrorClass::Changed,
        // About the bucket, not about what was looked for in it.
        ("NoSuchBucket" | "PermanentRedirect" | "AuthorizationHeaderMalformed", _) => {
            ErrorClass::Refused
        }
        (_, 404) => ErrorClass::Missing,
        ("NotImplemented", _) | (_, 501) => ErrorClass::Unsupported,
        (_, 500..) => ErrorClass::Unavailable,
        // AccessDenied too: it is about one bucket or one right, not about the credentials. A 301 is another region's bucket.
        (_, 301 | 400..=407 | 409..=424 | 426..=499) => ErrorClass::Refused,
        // What does not say that it is refused is not: a page of something in between, a 200 that does not read.
        _ => ErrorClass::Unavailable,
    }
}

/// The table, as the skeleton of all tables has it.
struct Answers(Name);

impl AnswerTable for Answers {
    const NAME: &'static str = "s3";
    const TITLE: &'static str = "the store";
    const WAITS: Scope = Scope::Job;
    const REQUEST_ID: &'static [&'static str] = &["x-amz-request-id", "cf-ray"];

    fn name(&self) -> &'static str {
        self.0.as_str()
    }

    fn row(&self, response: &Response) -> Row {
        let body = String::from_utf8_lossy(&response.body);
        let code = element(&body, "Code").and_then(word_of);
        let class = classify(response.status.as_u16(), code, named(response));
        Row {
            meaning: class.meaning(),
            code: code.map(str::to_owned),
            words: Vec::new(),
            sentence: element(&body, "Message").map(|message| without_keys(message, &body)),
        }
    }
}

impl ErrorClass {
    /// `None` where nothing was asked.
    fn meaning(&self) -> Option<Meaning> {
        Some(match self {
            Self::NotNow(_) | Self::NotReached => return None,
            // A store that does not take our credentials, or wants to be asked less, is waited for by each job: its own
            // queue was told, and holds or pauses itself.
            Self::Throttled(wait) => Meaning::Occupied(*wait),
            Self::Unauthorized => Meaning::Occupied(DEFAULT_RETRY_AFTER),
            Self::Unavailable => Meaning::Unknown,
            Self::Busy | Self::Skewed => Meaning::NotDone,
            // Which object there is, and what may be done with it, is a matter of settings and code.
            Self::Changed | Self::Missing | Self::Unsupported | Self::Refused => {
                Meaning::Refused(Blame::Ours)
            }
        })
    }
}

/// What an element of an answer in XML holds.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

/// A sentence of S3's without the keys that it quotes, which hold ids of users.
fn without_keys(message: &str, body: &str) -> String {
    let mut text = message.to_owned();
    for name in ["Key", "Resource"] {
        if let Some(key) = element(body, name).filter(|key| key.len() > 1) {
            text = text.replace(key.trim_start_matches('/'), "[key]");
        }
    }
    let words = text.split(' ').map(|word| match word.split_once(":s3:::") {
        // `arn:aws:s3:::bucket/key`
        Some((arn, object)) => match object.split_once('/') {
            Some((bucket, _)) => format!("{arn}:s3:::{bucket}/[key]"),
            None => word.to_owned(),
        },
        None => word.to_owned(),
    });
    let text = words.collect::<Vec<_>>().join(" ");
    text.replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

/// As the skeleton has answers.
fn response_of(answer: &HttpResponse) -> Response {
    let headers = answer.headers().iter().filter_map(|(name, value)| {
        let name = HeaderName::try_from(name).ok()?;
        Some((name, HeaderValue::try_from(value).ok()?))
    });
    Response {
        status: StatusCode::from_u16(answer.status().as_u16()).unwrap_or_default(),
        headers: headers.collect(),
        body: answer.body().bytes().unwrap_or_default().to_vec(),
        complete: true,
    }
}

/// The region that a bucket is in, where an answer says so.
fn region(response: &Response) -> Option<String> {
    let body = String::from_utf8_lossy(&response.body);
    let told = response.header("x-amz-bucket-region");
    told.or_else(|| element(&body, "Region"))
        .and_then(word_of)
        .map(str::to_owned)
}

/// What helps, where it is known.
fn advice(store: Name, class: &ErrorClass, code: Option<&str>, region: Option<&str>) -> String {
    match (class, code.unwrap_or_default(), region) {
        (_, "NoSuchBucket", _) => ": there is no such bucket; set buckets.<bucket>.name".to_owned(),
        (
            ErrorClass::Refused,
            "PermanentRedirect" | "AuthorizationHeaderMalformed" | "301",
            Some(at),
        ) => {
            format!(": the bucket is in the region {at}; set providers.{store}.region to it")
        }
        (
            ErrorClass::Refused,
            "PermanentRedirect" | "AuthorizationHeaderMalformed" | "301",
            None,
        ) => {
            format!(": the bucket is in another region; set providers.{store}.region")
        }
        (_, "AccessDenied", _) => {
            ": grant it to the role or key that is used, then replay".to_owned()
        }
        (ErrorClass::Skewed, ..) => ": this machine's clock is wrong; synchronise it".to_owned(),
        (ErrorClass::Unauthorized, ..) => ": its credentials are not taken; renew them".to_owned(),
        _ => String::new(),
    }
}

impl Error {
    /// One of our own.
    pub(crate) fn local(store: Name, class: ErrorClass, reason: impl Into<String>) -> Self {
        Self {
            class,
            answer: Answer::of(store.as_str()).quoting_nothing(),
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
                class: ErrorClass::NotNow(not_now.clone()),
                answer: Answer::of(store.as_str()),
            };
        }
        let Some(response) = error.raw_response() else {
            return Self::unanswered(store, doing, error);
        };
        let response = response_of(response);
        let status = response.status.as_u16();
        let answers = Answers(store);
        let row = answers.row(&response);
        let code = match error {
            SdkError::ServiceError(error) => error.err().code().map(str::to_owned),
            _ => None,
        };
        let code = code.or(row.code);
        // One that could not be read is not as it should be, whatever its status.
        let class = match error {
            SdkError::ServiceError(_) => classify(status, code.as_deref(), named(&response)),
            _ => ErrorClass::Unavailable,
        };
        let told = match response.status.is_success() && code.is_none() {
            true => format!("{status} not understood"),
            false => code.unwrap_or_else(|| status.to_string()),
        };
        let said = row.sentence.map(|sentence| excerpt(&sentence));
        let quoted = said.unwrap_or_default();
        let said = match quoted.as_str() {
            "" => String::new(),
            quoted => format!(": {quoted}"),
        };
        let help = advice(store, &class, Some(&told), region(&response).as_deref());
        Self {
            reason: format!("{store} did not {doing} ({told}){said}{help}"),
            class,
            answer: Answer {
                code: Some(told),
                quoted: Some(quoted),
                ..answers.answer(&response)
            },
        }
    }

    fn unanswered<E>(store: Name, doing: &str, error: &SdkError<E, HttpResponse>) -> Self {
        let (class, cause) = match error {
            SdkError::DispatchFailure(failure)
                if failure.as_connector_error().and_then(never_sent).is_some() =>
            {
                (
                    ErrorClass::NotReached,
                    failure.as_connector_error().map(innermost),
                )
            }
            SdkError::DispatchFailure(failure) => {
                let cause = failure.as_connector_error().map(innermost);
                match (failure.is_io() || failure.is_timeout(), failure.is_user()) {
                    (true, _) => (ErrorClass::Unavailable, cause),
                    (false, true) => (ErrorClass::Refused, cause),
                    // Credentials could not be had. Whether that passes is not said: it costs no attempt.
                    (false, false) => (ErrorClass::Unauthorized, cause),
                }
            }
            SdkError::ConstructionFailure(_) => (ErrorClass::Refused, None),
            _ => (ErrorClass::Unavailable, None),
        };
        let cause = match (&class, cause) {
            (_, Some(cause)) => redact(&cause),
            (ErrorClass::Refused, None) => "the request cannot be made".to_owned(),
            (_, None) => "no answer".to_owned(),
        };
        Self::local(store, class, format!("{store} did not {doing}: {cause}"))
    }
}

fn behind<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// What is known of a try whose request was never sent, if it was that.
pub(crate) fn never_sent(error: &ConnectorError) -> Option<&NeverSent> {
    behind(error).find_map(|error| error.downcast_ref())
}

fn innermost(error: &ConnectorError) -> String {
    behind(error).last().unwrap_or(error).to_string()
}

/// `x-amz-retry-after`, in milliseconds: how S3 says "later". At least a second, at most an hour.
fn named(response: &Response) -> Option<Duration> {
    let ms = response.header("x-amz-retry-after")?.parse().ok()?;
    Some(Duration::from_millis(ms).clamp(MIN_RETRY_AFTER, MAX_RETRY_AFTER))
}

/// A store that may not be called is waited for at the cost of no attempt.
impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        let Error {
            class,
            answer,
            reason,
        } = error;
        match (class.meaning(), class) {
            (_, ErrorClass::NotNow(not_now)) => not_now.into(),
            (_, ErrorClass::NotReached) => Self::NotReached { reason, answer },
            (Some(meaning), _) => meaning.means(Purpose::Repeatable, reason, answer, None),
            (None, _) => Self::Transient { reason, answer },
        }
    }
}
