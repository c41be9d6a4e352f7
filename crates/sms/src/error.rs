//! What Twilio's answers mean for a job: its table.

use std::time::Duration;

use longshore_job::Blame;
use longshore_provider::{AnswerTable, Meaning, Response, Row};
use serde::Deserialize;

use crate::message::NAME;

/// How long a job waits when the sender's queue is full. It holds ten hours of messages and empties by about one a
/// second: after five minutes some hundreds have room again, and a job that asks sooner mostly spends a request to
/// be told the same.
const FULL_QUEUE_WAIT: Duration = Duration::from_secs(5 * 60);

/// Without an idempotency key a second request may be a second message. Twilio's own words quote numbers, so they are never
/// passed on.
pub(crate) struct Answers;

/// What is known of a code, and our words for it.
///
/// Twilio warns that codes can change: one that is not here means what its status means.
fn known(code: u32) -> Option<(Meaning, &'static str)> {
    use Meaning::{Account, Busy};
    let (ours, theirs) = (
        Meaning::Refused(Blame::Ours),
        Meaning::Refused(Blame::Theirs),
    );
    Some(match code {
        20003 => (Account, "the credentials are refused"),
        20404 => (ours, "the account is not there, or not ours"),
        // It says that what is answered so was not begun.
        20429 => (Busy, "too many requests at once"),
        21211 => (theirs, "the number it is for is not valid"),
        21212 => (ours, "the sender is not valid"),
        21408 => (ours, "the account may not send to this country"),
        21601 => (ours, "the sender cannot send text messages"),
        21602 => (ours, "there is no text"),
        21603 => (ours, "there is no sender"),
        21604 => (ours, "there is no number it is for"),
        21606 => (ours, "the sender is not ours, or cannot send text messages"),
        21610 => (theirs, "its recipient wants no messages from this sender"),
        21611 => (
            Meaning::Occupied(FULL_QUEUE_WAIT),
            "too many messages of this sender are waiting",
        ),
        21612 => (ours, "nothing leads from this sender to this number"),
        21614 => (theirs, "the number it is for is not a mobile one"),
        21617 => (ours, "the text is too long"),
        21635 => (theirs, "the number it is for is a landline"),
        30002 => (Account, "the account is suspended"),
        30034 => (ours, "the sender is not registered for this traffic"),
        63038 => (ours, "the account has sent its messages of this day"),
        _ => return None,
    })
}

impl AnswerTable for Answers {
    const NAME: &'static str = NAME;
    const TITLE: &'static str = "Twilio";
    const OWN_SENTENCES: bool = true;
    const REQUEST_ID: &'static [&'static str] = &["twilio-request-id"];

    fn row(&self, response: &Response) -> Row {
        let code = code(response);
        let named = code.and_then(known);
        Row {
            meaning: named.map(|(meaning, _)| meaning).filter(|meaning| {
                // A server that failed says nothing of what it had done by then: then no code is a refusal.
                !response.status.is_server_error() || !matches!(meaning, Meaning::Refused(_))
            }),
            code: code.map(|code| code.to_string()),
            words: code.iter().map(|code| format!("code {code}")).collect(),
            sentence: match (code, named) {
                (_, Some((_, words))) => Some(words.to_owned()),
                (Some(code), None) => {
                    Some(format!("see https://www.twilio.com/docs/errors/{code}"))
                }
                (None, None) => None,
            },
        }
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

#[cfg(test)]
mod tests;
