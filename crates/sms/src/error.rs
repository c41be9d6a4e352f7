//! What Twilio's answers mean for a job: the only place that decides it.

use std::time::{Duration, SystemTime};

use longshore_job::{Answer, Blame, JobError, Scope};
use longshore_provider::{DEFAULT_RETRY_AFTER, ProviderError, Response, StatusCode, retry_after};
use serde::Deserialize;

use crate::twilio::{CallError, NAME};

/// How long a job waits when the sender's queue is full. It holds ten hours of messages and empties by about one a
/// second: after five minutes some hundreds have room again, and a job that asks sooner mostly spends a request to
/// be told the same.
const FULL_QUEUE_WAIT: Duration = Duration::from_secs(5 * 60);

/// The header with Twilio's id for a request, for its support desk.
const REQUEST_ID: &str = "twilio-request-id";

/// What an answer, or its absence, comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// No request was made.
    NotReached,
    /// The request went out, and whether it was carried out is not known.
    Lost,
    /// This message, or one like it, is refused.
    Refused,
    /// Our credentials, or our account, are refused.
    Account,
    /// All of Twilio's API asks us to wait. What is answered so was not begun.
    Busy,
    /// The number that it is from has too much waiting.
    SenderFull,
    /// Not Twilio's answer: a wrong `base_url`, or a proxy in between.
    NotTwilio,
}

/// What is known of a code, and our words for it. Twilio's own words quote numbers, so they are never passed on.
///
/// Twilio warns that codes can change: one that is not here means what its status means.
fn known(code: u32) -> Option<(Meaning, &'static str)> {
    use Meaning::{Account, Busy, Refused, SenderFull};
    Some(match code {
        20003 => (Account, "the credentials are refused"),
        20404 => (Refused, "the account is not there, or not ours"),
        20429 => (Busy, "too many requests at once"),
        21211 => (Refused, "the number it is for is not valid"),
        21212 => (Refused, "the sender is not valid"),
        21408 => (Refused, "the account may not send to this country"),
        21601 => (Refused, "the sender cannot send text messages"),
        21602 => (Refused, "there is no text"),
        21603 => (Refused, "there is no sender"),
        21604 => (Refused, "there is no number it is for"),
        21606 => (
            Refused,
            "the sender is not ours, or cannot send text messages",
        ),
        21610 => (Refused, "its recipient wants no messages from this sender"),
        21611 => (SenderFull, "too many messages of this sender are waiting"),
        21612 => (Refused, "nothing leads from this sender to this number"),
        21614 => (Refused, "the number it is for is not a mobile one"),
        21617 => (Refused, "the text is too long"),
        21635 => (Refused, "the number it is for is a landline"),
        30002 => (Account, "the account is suspended"),
        _ => return None,
    })
}

/// By Twilio's code, else by status.
fn meaning(error: &ProviderError) -> Meaning {
    let by_status = match error {
        ProviderError::NeverSent { .. } => Meaning::NotReached,
        ProviderError::NoAnswer { .. } => Meaning::Lost,
        ProviderError::Unauthorized { .. } => Meaning::Account,
        // A 503 that names a time does not say that nothing was begun.
        ProviderError::Throttled { response, .. }
            if response.status != StatusCode::TOO_MANY_REQUESTS =>
        {
            Meaning::Lost
        }
        ProviderError::Throttled { .. } => Meaning::Busy,
        // Twilio's 5xx come from all depths: the message may have been taken on. Looking is cheap, a second message
        // is not.
        ProviderError::Unavailable { .. } => Meaning::Lost,
        ProviderError::Rejected { .. } => Meaning::Refused,
        ProviderError::Unexpected { .. } => Meaning::NotTwilio,
    };
    let code = error.response().and_then(code);
    let by_code = code.and_then(known).map(|(meaning, _)| meaning);
    by_code.unwrap_or(by_status)
}

/// Of a request that sends a message.
pub(crate) fn of_sending(error: CallError) -> JobError {
    let error = match error {
        // A 2xx without a message: something in between may have made it up, with or without passing the request on.
        CallError::NotUnderstood(response) => {
            return JobError::OutcomeUnknown {
                reason: answered(&response),
                answer: answer(&response),
            };
        }
        CallError::Provider(error) => error,
    };
    let (reason, answer) = said(&error);
    match meaning(&error) {
        Meaning::NotReached => JobError::NotReached { reason, answer },
        Meaning::NotTwilio => JobError::Transient { reason, answer },
        // Without an idempotency key a second request may be a second message; the queue's rule decides.
        Meaning::Lost => JobError::OutcomeUnknown { reason, answer },
        Meaning::Refused => JobError::Permanent {
            reason,
            answer,
            blame: Blame::Theirs,
        },
        Meaning::Account => JobError::Unauthorized { reason, answer },
        Meaning::Busy => JobError::Throttled {
            retry_after: wait(&error),
            scope: Scope::Provider,
            reason,
            answer,
        },
        Meaning::SenderFull => JobError::Throttled {
            retry_after: FULL_QUEUE_WAIT,
            scope: Scope::Job,
            reason,
            answer,
        },
    }
}

/// Of a request that only looks. Nothing that is said to it is about the message, so no refusal is final.
pub(crate) fn of_looking(error: CallError) -> JobError {
    let error = match error {
        CallError::NotUnderstood(response) => {
            return JobError::Transient {
                reason: answered(&response),
                answer: answer(&response),
            };
        }
        CallError::Provider(error) => error,
    };
    let (reason, answer) = said(&error);
    match meaning(&error) {
        Meaning::NotReached => JobError::NotReached { reason, answer },
        Meaning::NotTwilio | Meaning::Lost | Meaning::Refused | Meaning::SenderFull => {
            JobError::Transient { reason, answer }
        }
        Meaning::Account => JobError::Unauthorized { reason, answer },
        Meaning::Busy => JobError::Throttled {
            retry_after: wait(&error),
            scope: Scope::Provider,
            reason,
            answer,
        },
    }
}

fn wait(error: &ProviderError) -> Duration {
    let headers = error.response().map(|response| &response.headers);
    let named = headers.and_then(|headers| retry_after(headers, SystemTime::now()));
    named.unwrap_or(DEFAULT_RETRY_AFTER)
}

fn said(error: &ProviderError) -> (String, Answer) {
    match error {
        ProviderError::NeverSent { cause } => (
            format!("Twilio was not reached: {cause}"),
            coded("not reached"),
        ),
        ProviderError::NoAnswer { cause } => (
            format!("Twilio was asked and no answer came: {cause}"),
            coded("no answer"),
        ),
        ProviderError::Unauthorized { response }
        | ProviderError::Throttled { response, .. }
        | ProviderError::Unavailable { response }
        | ProviderError::Rejected { response }
        | ProviderError::Unexpected { response } => (answered(response), answer(response)),
    }
}

/// An answer that never came, or that no request was made for.
pub(crate) fn coded(code: &str) -> Answer {
    Answer {
        code: Some(code.to_owned()),
        ..Answer::of(NAME)
    }
}

/// What dead letters are grouped by is Twilio's code, or else the status.
fn answer(response: &Response) -> Answer {
    let status = response.status.as_u16();
    let code = code(response).unwrap_or(u32::from(status));
    Answer {
        status: Some(status),
        request_id: response.header(REQUEST_ID).map(str::to_owned),
        ..coded(&code.to_string())
    }
}

/// Twilio's form of an error, as far as it names nobody.
#[derive(Deserialize)]
struct Complaint {
    code: u32,
}

fn code(response: &Response) -> Option<u32> {
    let complaint: Complaint = serde_json::from_slice(&response.body).ok()?;
    Some(complaint.code)
}

/// `Twilio answered 400, code 21211: the number it is for is not valid`
fn answered(response: &Response) -> String {
    let status = response.status.as_u16();
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&response.body).is_ok();
    match code(response).map(|code| (code, known(code))) {
        Some((code, Some((_, words)))) => format!("Twilio answered {status}, code {code}: {words}"),
        Some((code, None)) => format!(
            "Twilio answered {status}, code {code}: see https://www.twilio.com/docs/errors/{code}"
        ),
        None if is_json || response.body.is_empty() => format!("Twilio answered {status}"),
        None => match response.excerpt() {
            said if said.is_empty() => format!("Twilio answered {status}"),
            said => format!("Twilio answered {status}: {said}"),
        },
    }
}

#[cfg(test)]
mod tests;
