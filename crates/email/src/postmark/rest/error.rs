//! What Postmark's answers mean for a job: its table.

use longshore_job::{Blame, JobError};
use longshore_provider::{AnswerTable, CallError, Meaning, Purpose, Response, Row};

use super::Said;
use crate::postmark::NAME;
use crate::postmark::waits_quoting;

/// Postmark does not have the template, and SendGrid may.
const NO_TEMPLATE: u32 = 1101;

/// Without an idempotency key a second request may be a second mail. Which errors of its own left nothing behind Postmark
/// says by its `ErrorCode`; of other failures nobody knows.
pub(super) struct Answers;

/// Postmark's `ErrorCode`s that a single mail by template may be answered with, whatever the status, and the words that go
/// into a code.
fn known(error_code: u32) -> Option<(Meaning, &'static str)> {
    use Meaning::{Account, Busy, NotDone};
    let (ours, theirs) = (
        Meaning::Refused(Blame::Ours),
        Meaning::Refused(Blame::Theirs),
    );
    Some(match error_code {
        10 => (Account, "bad token"),
        100 => (NotDone, "maintenance"),
        300 => (ours, "invalid email request"),
        400 => (Account, "sender not found"),
        401 => (Account, "sender not confirmed"),
        402 => (ours, "invalid JSON"),
        403 => (ours, "incompatible JSON"),
        405 => (Account, "not allowed to send"),
        406 => (theirs, "inactive recipient"),
        409 => (ours, "JSON required"),
        410 => (ours, "too many messages"),
        411 => (ours, "forbidden attachment type"),
        412 => (Account, "account pending"),
        413 => (Account, "account may not send"),
        429 => (Busy, "rate limit"),
        NO_TEMPLATE => (ours, "template not found"),
        _ => return None,
    })
}

impl AnswerTable for Answers {
    const NAME: &'static str = NAME;
    const TITLE: &'static str = "Postmark";

    fn row(&self, response: &Response) -> Row {
        let status = response.status.as_u16();
        let said = Said::of(response);
        let message = said.as_ref().and_then(|said| said.message.as_deref());
        let error_code = said.as_ref().map(|said| said.error_code);
        let error_code = error_code.filter(|&error_code| error_code != 0);
        let named = error_code.and_then(known);
        // A server that failed says nothing of what it had done by then: then no code is a refusal.
        let believed = |(meaning, _): &(Meaning, &str)| {
            !response.status.is_server_error() || !matches!(meaning, Meaning::Refused(_))
        };
        let named = named.filter(believed);
        // The address that the mail is for is what is wrong with it.
        let recipients = ["'To'", "'Cc'", "'Bcc'"];
        let is_recipient =
            message.is_some_and(|message| recipients.iter().any(|field| message.contains(field)));
        Row {
            meaning: match (named, error_code) {
                (Some(_), Some(300)) if is_recipient => Some(Meaning::Refused(Blame::Theirs)),
                (Some((meaning, _)), _) => Some(meaning),
                // A 200 that says an error was no acceptance.
                (None, Some(_)) if response.status.is_success() => {
                    Some(Meaning::Refused(Blame::Ours))
                }
                (None, _) => None,
            },
            // Error codes and statuses are numbers of the same size.
            code: Some(match (error_code, named) {
                (None, _) => format!("HTTP {status}"),
                (Some(error_code), Some((_, words))) => format!("{error_code} {words}"),
                (Some(error_code), None) => error_code.to_string(),
            }),
            words: Vec::new(),
            sentence: message
                .zip(said.as_ref())
                .map(|(message, said)| format!("{message} ({})", said.error_code)),
        }
    }
}

/// What a mail means for its job that Postmark has not surely taken on.
pub(super) fn of_sending(error: &CallError) -> JobError {
    if let Some(response) = error.response()
        && Said::of(response).is_some_and(|said| said.error_code == NO_TEMPLATE)
    {
        let (reason, answer) = Answers.reason_and_answer(response);
        let quoted = answer.quoted.unwrap_or_default();
        return waits_quoting(format!("template not found: {reason}"), quoted);
    }
    Answers.job_error(Purpose::Effect, error)
}

#[cfg(test)]
mod tests;
