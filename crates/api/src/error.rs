//! Why a request gets no success: one form for all answers, `{"error":{"code","message","findings":[…]}}`.

use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use longshore_client::{ClientError, QueueError};
use longshore_job::JobId;
use longshore_listener::Unread;
use longshore_operator::{OperatorError, ThisProgram};
use serde::Serialize;
use serde_json::json;

/// When a client that was sent away for now should come again, in seconds.
pub(crate) const RETRY_AFTER_SECONDS: u64 = 2;

/// What is wrong with one part of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Which line of a bulk, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    /// Where: `args.to.email`, `expires_in`; empty for the whole.
    pub(crate) path: String,
    /// What is wrong, and what would be right. Quotes nothing.
    pub(crate) problem: String,
}

impl Finding {
    pub(crate) fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            line: None,
            path: path.into(),
            problem: problem.into(),
        }
    }
}

/// An answer that is no success.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) findings: Vec<Finding>,
    /// The job that it is about, where that is not the one that was asked for.
    job_id: Option<JobId>,
    /// Jobs of a bulk that may have been enqueued.
    pub(crate) in_doubt: Vec<InDoubt>,
    retry_after: Option<u64>,
    /// What is left of the body would be read as the next request.
    closes: bool,
}

/// A job of a bulk that may have been enqueued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InDoubt {
    /// Which line, from 1.
    pub(crate) line: usize,
    /// The id that the job has if it was enqueued.
    pub(crate) id: String,
}

/// As JSON has it.
#[derive(Serialize)]
struct Shown<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
    findings: &'a [Finding],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    in_doubt: &'a [InDoubt],
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            findings: Vec::new(),
            job_id: None,
            in_doubt: Vec::new(),
            retry_after: None,
            closes: false,
        }
    }

    /// The request cannot be carried out as it is.
    pub(crate) fn wrong(code: &'static str, findings: Vec<Finding>) -> Self {
        let message = match findings.as_slice() {
            [] => "the request is wrong".to_owned(),
            [one] if one.path.is_empty() => one.problem.clone(),
            [one] => format!("{}: {}", one.path, one.problem),
            more => format!("{} things are wrong: see the findings", more.len()),
        };
        Self {
            findings,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
        }
    }

    pub(crate) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// No queue knows the job.
    pub(crate) fn no_job() -> Self {
        Self::not_found("there is no such job, or it ended so long ago that it is forgotten")
    }

    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// It may go well in a moment.
    pub(crate) fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message).after(RETRY_AFTER_SECONDS)
    }

    pub(crate) fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn about(mut self, job: JobId) -> Self {
        self.job_id = Some(job);
        self
    }

    /// Says which line of a bulk it is about.
    pub(crate) fn at_line(mut self, line: usize) -> Self {
        if self.findings.is_empty() {
            self.findings.push(Finding::new("", self.message.clone()));
        }
        for finding in &mut self.findings {
            finding.line = Some(line);
        }
        self
    }

    /// As JSON has it, with what more is to be said.
    pub(crate) fn json(&self) -> serde_json::Value {
        json!({"error": Shown {
            code: self.code,
            message: &self.message,
            job_id: self.job_id.map(|id| id.to_string()),
            findings: &self.findings,
            in_doubt: &self.in_doubt,
        }})
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut answer = (self.status, self.json().to_string()).into_response();
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

const OTHER_ARGS: &str =
    "the key stands for a job with other args: use another key for another job";

/// A line of a bulk whose key stands for another job.
pub(crate) fn key_taken(holder: JobId, line: usize) -> ApiError {
    let mut error = ApiError::conflict("key_taken", OTHER_ARGS).about(holder);
    let problem = format!("stands for job {holder}, which has other args");
    error.findings.push(Finding::new("key", problem));
    error.at_line(line)
}

/// A body that was not read. `most` is the limit that it met, in words.
pub(crate) fn unread(why: Unread, most: &str) -> ApiError {
    let error = match why {
        Unread::TooLarge => ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("the body is over {most}"),
        ),
        Unread::TooSlow => ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_too_slow",
            "the body did not come in time",
        ),
        Unread::Busy => ApiError::unavailable("busy", "too many requests at once: send it again"),
        Unread::Broken => ApiError::new(
            StatusCode::BAD_REQUEST,
            "body_broken",
            "the body broke off, or its chunks are malformed",
        ),
    };
    ApiError {
        closes: true,
        ..error
    }
}

/// What Redis said, told without where it is.
fn of_redis(code: &'static str, error: &QueueError) -> ApiError {
    match error {
        QueueError::Full { queue, .. } => ApiError::unavailable(
            code,
            format!("too many jobs wait in the queue {queue}: send fewer, or send it again later"),
        )
        .after(5),
        QueueError::NotCopied { .. } => ApiError::unavailable(
            code,
            "accepted, and a failover now would lose it, since too few replicas have it: ask for it by its id or its key \
             before you send it again",
        ),
        QueueError::Unreachable { .. } | QueueError::Passing { .. } => ApiError::unavailable(
            code,
            "the queue cannot be reached at the moment: send it again, with the same key",
        ),
        _ => ApiError::unavailable(
            code,
            ThisProgram::get().commands(
                "the queue refuses it: whoever operates it finds the cause in the log, or with `longshore doctor`",
            ),
        )
        .after(30),
    }
}

impl From<ClientError> for ApiError {
    fn from(error: ClientError) -> Self {
        let code = error.code();
        match &error {
            ClientError::InvalidArgs(wrong) => {
                Self::wrong(code, wrong.findings().map(of_args).collect())
            }
            ClientError::InvalidOption(what) => Self::wrong(code, vec![of_option(what)]),
            ClientError::KeyTaken { holder, .. } => Self::conflict(code, OTHER_ARGS).about(*holder),
            ClientError::NotFound { .. } => Self::no_job(),
            ClientError::NotCopied { ids, source } => {
                let told = of_redis(code, source);
                match ids.first() {
                    Some(id) => told.about(*id),
                    None => told,
                }
            }
            ClientError::Queue(source) | ClientError::Away { source } => of_redis(code, source),
            // What it came to stands beside it.
            ClientError::Interrupted { source, .. } => ClientError::Queue(source.clone()).into(),
            other => Self::wrong(code, vec![Finding::new("", other.to_string())]),
        }
    }
}

impl From<OperatorError> for ApiError {
    fn from(error: OperatorError) -> Self {
        match error {
            OperatorError::Queue(source) => ClientError::from(source).into(),
            OperatorError::UnknownJob(_) | OperatorError::InvalidId(_) => Self::no_job(),
            other => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                other.to_string(),
            ),
        }
    }
}

/// `to: is not a number` → where, and what.
pub(crate) fn of_args(text: &str) -> Finding {
    let of = of_option(text);
    let path = match of.path.as_str() {
        "" => "args".to_owned(),
        "args" => of.path,
        inner => format!("args.{inner}"),
    };
    Finding { path, ..of }
}

/// The same of what stands beside the args.
pub(crate) fn of_option(text: &str) -> Finding {
    let is_place = |place: &str| {
        !place.is_empty()
            && place
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_.[]".contains(&b))
    };
    match text.split_once(": ") {
        Some((place, problem)) if is_place(place) => Finding::new(place, problem),
        _ => Finding::new("", text),
    }
}
