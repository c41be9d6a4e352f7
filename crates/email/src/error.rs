//! What SendGrid's answers mean for a job: the only place that decides it.

use longshore_job::{Answer, Blame, JobError, Scope};
use longshore_provider::{ProviderError, Response, StatusCode, excerpt};
use serde::Deserialize;

use crate::sendgrid::{NAME, SendError, message_id};

/// How many of SendGrid's complaints go into a reason, each at most 500 characters long.
const MAX_COMPLAINTS: usize = 5;

/// The longest field name that goes into a code.
const MAX_FIELD_CHARS: usize = 100;

impl From<SendError> for JobError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Unwritable(error) => {
                Self::permanent(format!("the mail cannot be written as JSON: {error}"))
            }
            SendError::Provider(error) => from_provider(error),
            SendError::NotUnderstood(response) => Self::OutcomeUnknown {
                reason: answered(&response),
                answer: answer(&response),
            },
        }
    }
}

fn from_provider(error: ProviderError) -> JobError {
    match error {
        ProviderError::NeverSent { cause } => JobError::NotReached {
            reason: format!("SendGrid was not reached: {cause}"),
            answer: coded("not reached"),
        },
        // Without an idempotency key a second request may be a second mail; the queue's rule decides.
        ProviderError::NoAnswer { cause } => JobError::OutcomeUnknown {
            reason: format!("the mail was sent to SendGrid and no answer came: {cause}"),
            answer: coded("no answer"),
        },
        // Also said when the credits are used up. Either way it is the account, not the job.
        ProviderError::Unauthorized { response } => JobError::Unauthorized {
            reason: answered(&response),
            answer: answer(&response),
        },
        ProviderError::Throttled {
            retry_after,
            response,
        } => JobError::Throttled {
            retry_after,
            scope: Scope::Provider,
            reason: answered(&response),
            answer: answer(&response),
        },
        ProviderError::Unavailable { response } => JobError::Transient {
            reason: answered(&response),
            answer: answer(&response),
        },
        // The sender is not verified, or the key lacks a scope: no mail at all can be sent until that is mended.
        ProviderError::Rejected { response } if response.status == StatusCode::FORBIDDEN => {
            JobError::Unauthorized {
                reason: answered(&response),
                answer: answer(&response),
            }
        }
        ProviderError::Rejected { response } => JobError::Permanent {
            reason: answered(&response),
            answer: answer(&response),
            blame: Blame::Theirs,
        },
        // Not SendGrid's answer: a wrong `base_url`, or a proxy in between. It took nothing on, and the mail is
        // not to blame.
        ProviderError::Unexpected { response } => JobError::Transient {
            reason: answered(&response),
            answer: answer(&response),
        },
    }
}

/// An answer that never came, or that no request was made for.
pub(crate) fn coded(code: &str) -> Answer {
    Answer {
        code: Some(code.to_owned()),
        ..Answer::of(NAME)
    }
}

fn answer(response: &Response) -> Answer {
    Answer {
        status: Some(response.status.as_u16()),
        request_id: message_id(response),
        ..coded(&code(response))
    }
}

/// SendGrid's form of an error.
#[derive(Deserialize)]
struct Errors {
    errors: Vec<Complaint>,
}

#[derive(Deserialize)]
struct Complaint {
    message: Option<String>,
    field: Option<String>,
}

fn complaints(response: &Response) -> Vec<Complaint> {
    serde_json::from_slice(&response.body).map_or_else(|_| Vec::new(), |Errors { errors }| errors)
}

/// What dead letters are grouped by: the status, and the first field that is complained about. Never the message,
/// which quotes what it is about.
fn code(response: &Response) -> String {
    let status = response.status.as_u16();
    let first = complaints(response).into_iter().find_map(|c| c.field);
    match first.as_deref().and_then(stable) {
        Some(field) => format!("{status} {field}"),
        None => status.to_string(),
    }
}

/// A field without the places in lists, which differ from mail to mail: `personalizations.0.to.0.email` and
/// `personalizations[0].to[0].email` are both `personalizations.to.email`. `None` when it does not look like one.
fn stable(field: &str) -> Option<String> {
    let names: Vec<&str> = field
        .split(['.', '[', ']'])
        .filter(|name| !name.bytes().all(|b| b.is_ascii_digit()))
        .collect();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let named = names.iter().all(|name| name.bytes().all(plain));
    let field = names.join(".");
    (named && !field.is_empty() && field.len() <= MAX_FIELD_CHARS).then_some(field)
}

/// `SendGrid answered 400: Does not contain a valid address. (personalizations.0.to.0.email)`
fn answered(response: &Response) -> String {
    let said: Vec<String> = complaints(response)
        .into_iter()
        .take(MAX_COMPLAINTS)
        .filter_map(|complaint| {
            let message = complaint.message?;
            Some(match complaint.field {
                Some(field) => excerpt(&format!("{message} ({field})")),
                None => excerpt(&message),
            })
        })
        .collect();
    let said = match said.is_empty() {
        true => response.excerpt(),
        false => said.join(" "),
    };
    let status = response.status.as_u16();
    match said.is_empty() {
        true => format!("SendGrid answered {status}"),
        false => format!("SendGrid answered {status}: {said}"),
    }
}

#[cfg(test)]
mod tests;
