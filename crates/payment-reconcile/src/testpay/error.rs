//! What testpay's answers mean for a job: the only place that decides it.
//!
//! | answer | of a write | of a look |
//! |---|---|---|
//! | never sent | `NotReached` | `NotReached` |
//! | no answer, 5xx, 408, a 2xx that is none | `OutcomeUnknown`: under its reference it may be made again | `Transient` |
//! | 429 | `Throttled`, this job alone | the same |
//! | 503 with a `Retry-After` | `OutcomeUnknown` | `Throttled`, this job alone |
//! | 3xx | `Transient`: somebody in between | `Transient` |
//! | 401 | `Permanent`, `key_refused` | `Transient` |
//! | 402 and any other 4xx | `Permanent`, by its code | `Transient` |
//!
//! 401 is not `Unauthorized`, which pauses a queue: a queue pauses for its own provider alone, and this one is Stripe's.
//! A key that testpay refuses holds nobody up but its own customers, whose jobs can be replayed. For the same reason
//! nothing is throttled but the job.
//!
//! No look is refused for good: nothing that is said to it is about the request that is looked for.

use std::time::Duration;

use longshore_job::{Answer, Blame, JobError, Scope};
use longshore_provider::{ProviderError, Response, StatusCode};
use serde::Deserialize;

use super::NAME;

/// The longest code that is believed.
const MAX_CODE_BYTES: usize = 80;

/// A call that did not give what it was made for.
#[derive(Debug)]
pub(super) enum CallError {
    /// No 2xx.
    Provider(ProviderError),
    /// A 2xx without what belongs in it.
    NotUnderstood(Box<Response>),
    /// The id is none of testpay's, so nothing was asked: it would have been part of the URL.
    NotAnId,
}

/// What an answer, or its absence, comes to.
enum Meaning {
    /// No request was made.
    NotReached,
    /// It was not carried out, and may be.
    NotNow,
    /// Whether it was carried out is not known.
    Lost,
    /// The same, and we are asked to wait.
    LostFor(Duration),
    /// We ask too often.
    Busy(Duration),
    /// It is refused.
    Refused,
}

/// Of a request that changes something, under a reference.
pub(super) fn of_writing(error: &CallError) -> JobError {
    let Said { reason, answer } = said(error);
    match meaning(error) {
        Meaning::NotReached => JobError::NotReached { reason, answer },
        Meaning::NotNow => JobError::Transient { reason, answer },
        Meaning::Lost | Meaning::LostFor(_) => JobError::OutcomeUnknown { reason, answer },
        Meaning::Busy(wait) => throttled(wait, reason, answer),
        Meaning::Refused => JobError::Permanent {
            reason,
            answer,
            blame: Blame::Theirs,
        },
    }
}

/// Of a request that looks for what an earlier one has done.
pub(super) fn of_looking(error: &CallError) -> JobError {
    let Said { reason, answer } = said(error);
    match meaning(error) {
        Meaning::NotReached => JobError::NotReached { reason, answer },
        Meaning::NotNow | Meaning::Lost | Meaning::Refused => {
            JobError::Transient { reason, answer }
        }
        Meaning::LostFor(wait) | Meaning::Busy(wait) => throttled(wait, reason, answer),
    }
}

fn throttled(retry_after: Duration, reason: String, answer: Answer) -> JobError {
    JobError::Throttled {
        retry_after,
        scope: Scope::Job,
        reason,
        answer,
    }
}

fn meaning(error: &CallError) -> Meaning {
    let error = match error {
        CallError::Provider(error) => error,
        CallError::NotUnderstood(_) => return Meaning::Lost,
        CallError::NotAnId => return Meaning::Refused,
    };
    match error {
        ProviderError::NeverSent { .. } => Meaning::NotReached,
        ProviderError::Unexpected { .. } => Meaning::NotNow,
        ProviderError::NoAnswer { .. } | ProviderError::Unavailable { .. } => Meaning::Lost,
        ProviderError::Throttled {
            retry_after,
            response,
        } => match response.status {
            StatusCode::TOO_MANY_REQUESTS => Meaning::Busy(*retry_after),
            _ => Meaning::LostFor(*retry_after),
        },
        ProviderError::Unauthorized { .. } | ProviderError::Rejected { .. } => Meaning::Refused,
    }
}

/// Whether this is a refusal that an earlier request under the same reference may have escaped. Not so a decline: that
/// is the reference's own answer.
pub(super) fn may_hide_an_earlier_one(error: &CallError) -> bool {
    let CallError::Provider(provider) = error else {
        return false;
    };
    let status = provider.response().map(|response| response.status);
    matches!(meaning(error), Meaning::Refused) && status != Some(StatusCode::PAYMENT_REQUIRED)
}

/// Whether what is asked for is not there.
pub(super) fn is_missing(error: &CallError) -> bool {
    match error {
        CallError::NotAnId => true,
        CallError::Provider(ProviderError::Rejected { response }) => {
            response.status == StatusCode::NOT_FOUND
        }
        CallError::Provider(_) | CallError::NotUnderstood(_) => false,
    }
}

/// A payment that was declined, as it was found when it was looked for.
pub(super) fn declined(code: &str) -> JobError {
    let code = word(code).unwrap_or("declined");
    JobError::Permanent {
        reason: format!("testpay has the payment as declined: {code}"),
        answer: coded(code),
        blame: Blame::Theirs,
    }
}

/// What is known of an answer that was a good one.
pub(super) fn answer(response: &Response) -> Answer {
    Answer {
        status: Some(response.status.as_u16()),
        request_id: response.header("x-request-id").map(str::to_owned),
        ..Answer::of(NAME)
    }
}

fn coded(code: &str) -> Answer {
    Answer {
        code: Some(code.to_owned()),
        ..Answer::of(NAME)
    }
}

/// What is told of an answer, or of its absence.
struct Said {
    reason: String,
    answer: Answer,
}

fn said(error: &CallError) -> Said {
    let unanswered = |reason, code| Said {
        reason,
        answer: coded(code),
    };
    let error = match error {
        CallError::Provider(error) => error,
        CallError::NotUnderstood(response) => return answered(response),
        CallError::NotAnId => {
            let reason = "the id is none of testpay's: letters, digits, _ and - only";
            return unanswered(reason.to_owned(), "not an id");
        }
    };
    match error {
        ProviderError::NeverSent { cause } => {
            unanswered(format!("testpay was not reached: {cause}"), "not reached")
        }
        ProviderError::NoAnswer { cause } => unanswered(
            format!("testpay was asked and no answer came: {cause}"),
            "no answer",
        ),
        ProviderError::Throttled { response, .. }
        | ProviderError::Unauthorized { response }
        | ProviderError::Unavailable { response }
        | ProviderError::Rejected { response }
        | ProviderError::Unexpected { response } => answered(response),
    }
}

/// `{"error":{"code":"reference_used"}}`
#[derive(Deserialize)]
struct Complaint {
    error: Code,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

/// `testpay answered 409, reference_used`
fn answered(response: &Response) -> Said {
    let status = response.status.as_u16();
    let complaint = serde_json::from_slice::<Complaint>(&response.body).ok();
    let code = complaint.as_ref().and_then(|c| word(&c.error.code));
    let reason = match code {
        Some(code) => format!("testpay answered {status}, {code}"),
        None => format!("testpay answered {status}"),
    };
    let code = code.map_or_else(|| status.to_string(), str::to_owned);
    Said {
        reason,
        answer: Answer {
            code: Some(code),
            ..answer(response)
        },
    }
}

/// A word, if it looks like one: it becomes part of what dead letters are grouped by.
fn word(text: &str) -> Option<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let fits = !text.is_empty() && text.len() <= MAX_CODE_BYTES && text.bytes().all(plain);
    fits.then_some(text)
}

#[cfg(test)]
mod tests;
