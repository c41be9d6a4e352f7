//! What Postmark's answers mean for a job: the only place that decides it.

use longshore_job::{Answer, Blame, JobError, Scope};
use longshore_provider::{DEFAULT_RETRY_AFTER, ProviderError, Response, StatusCode, excerpt};

use super::{Said, SendError, answer, waits_for_sendgrid};

/// What an `ErrorCode` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The account, the server or the sender may not send: nothing can be sent until that is mended.
    Unauthorized,
    /// This mail is refused.
    Refused,
    /// Postmark does not have the template, and SendGrid may.
    NoTemplate,
    /// Too much at once.
    TooMany,
    /// Not now.
    Away,
}

/// Postmark's `ErrorCode`s that a single mail by template may be answered with, and the words that go into a code. Others
/// go by the status.
fn meaning(error_code: u32) -> Option<(Meaning, &'static str)> {
    use Meaning::{Away, NoTemplate, Refused, TooMany, Unauthorized};
    Some(match error_code {
        10 => (Unauthorized, "bad token"),
        100 => (Away, "maintenance"),
        300 => (Refused, "invalid email request"),
        400 => (Unauthorized, "sender not found"),
        401 => (Unauthorized, "sender not confirmed"),
        402 => (Refused, "invalid JSON"),
        403 => (Refused, "incompatible JSON"),
        405 => (Unauthorized, "not allowed to send"),
        406 => (Refused, "inactive recipient"),
        409 => (Refused, "JSON required"),
        410 => (Refused, "too many messages"),
        411 => (Refused, "forbidden attachment type"),
        412 => (Unauthorized, "account pending"),
        413 => (Unauthorized, "account may not send"),
        429 => (TooMany, "rate limit"),
        1101 => (NoTemplate, "template not found"),
        _ => return None,
    })
}

impl From<SendError> for JobError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Unwritable(error) => {
                Self::permanent(format!("the mail cannot be written as JSON: {error}"))
            }
            SendError::Provider(error) => from_provider(error),
            SendError::Refused(response) => {
                by_code(&response).unwrap_or_else(|| refused(&response))
            }
            SendError::NotUnderstood(response) => unknown(&response),
        }
    }
}

fn from_provider(error: ProviderError) -> JobError {
    match error {
        ProviderError::NeverSent { cause } => JobError::NotReached {
            reason: format!("Postmark was not reached: {cause}"),
            answer: answer(None, Some("not reached".to_owned())),
        },
        // Without an idempotency key a second request may be a second mail; the queue's rule decides.
        ProviderError::NoAnswer { cause } => JobError::OutcomeUnknown {
            reason: format!("the mail was sent to Postmark and no answer came: {cause}"),
            answer: answer(None, Some("no answer".to_owned())),
        },
        ProviderError::Unauthorized { response } => unauthorized(&response),
        ProviderError::Throttled {
            retry_after,
            response,
        } => JobError::Throttled {
            retry_after,
            scope: Scope::Provider,
            reason: answered(&response),
            answer: told(&response),
        },
        // It says which errors of its own left nothing behind; of others nobody knows.
        ProviderError::Unavailable { response } => {
            by_code(&response).unwrap_or_else(|| match response.status {
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => away(&response),
                _ => unknown(&response),
            })
        }
        ProviderError::Rejected { response } => by_code(&response).unwrap_or_else(|| {
            match response.status {
                // Documented nowhere, so about us and not about this mail.
                StatusCode::FORBIDDEN => unauthorized(&response),
                _ => refused(&response),
            }
        }),
        // Not Postmark's answer: a wrong `base_url`, or a proxy in between. It took nothing on, and the mail is not to
        // blame.
        ProviderError::Unexpected { response } => away(&response),
    }
}

/// What its `ErrorCode` says, whatever the status.
fn by_code(response: &Response) -> Option<JobError> {
    let (meaning, words) = meaning(Said::of(response)?.error_code)?;
    Some(match meaning {
        Meaning::Unauthorized => unauthorized(response),
        Meaning::Refused => refused(response),
        Meaning::NoTemplate => waits_for_sendgrid(format!("{words}: {}", answered(response))),
        Meaning::TooMany => JobError::Throttled {
            retry_after: DEFAULT_RETRY_AFTER,
            scope: Scope::Provider,
            reason: answered(response),
            answer: told(response),
        },
        Meaning::Away => away(response),
    })
}

fn unauthorized(response: &Response) -> JobError {
    JobError::Unauthorized {
        reason: answered(response),
        answer: told(response),
    }
}

fn refused(response: &Response) -> JobError {
    JobError::Permanent {
        reason: answered(response),
        answer: told(response),
        blame: Blame::Theirs,
    }
}

fn away(response: &Response) -> JobError {
    JobError::Transient {
        reason: answered(response),
        answer: told(response),
    }
}

fn unknown(response: &Response) -> JobError {
    JobError::OutcomeUnknown {
        reason: answered(response),
        answer: told(response),
    }
}

fn told(response: &Response) -> Answer {
    answer(Some(response.status.as_u16()), Some(code(response)))
}

/// What dead letters are grouped by: `406 inactive recipient`, or the status where Postmark gives no code. Its messages
/// quote the address.
fn code(response: &Response) -> String {
    let status = response.status.as_u16();
    match Said::of(response).map(|said| said.error_code) {
        None | Some(0) => format!("HTTP {status}"),
        Some(error_code) => match meaning(error_code) {
            Some((_, words)) => format!("{error_code} {words}"),
            None => error_code.to_string(),
        },
    }
}

/// `Postmark answered 422: You tried to send to a recipient that has been marked as inactive. (406)`
fn answered(response: &Response) -> String {
    let status = response.status.as_u16();
    let said = match Said::of(response) {
        Some(Said {
            error_code,
            message: Some(message),
            ..
        }) => excerpt(&format!("{message} ({error_code})")),
        _ => response.excerpt(),
    };
    match said.is_empty() {
        true => format!("Postmark answered {status}"),
        false => format!("Postmark answered {status}: {said}"),
    }
}

#[cfg(test)]
mod tests;
