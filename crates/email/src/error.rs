//! What SendGrid's answers mean for a job: its table.

use longshore_job::Blame;
use longshore_provider::{AnswerTable, Meaning, Response, Row, excerpt};
use serde::Deserialize;

/// The provider's name, as configuration and metrics have it.
pub(crate) const NAME: &str = "sendgrid";

/// The id that SendGrid gives a mail, for its support desk; its events begin with it.
pub(crate) const MESSAGE_ID: &str = "x-message-id";

/// How many of SendGrid's complaints go into a reason, each at most 500 characters long.
const MAX_COMPLAINTS: usize = 5;

/// The longest field name that goes into a code.
const MAX_FIELD_CHARS: usize = 100;

/// Without an idempotency key a second request may be a second mail. No status but 4xx and 503 says that nothing was done.
/// 401 is also said when the credits are used up, and 403 of a sender that is not verified: the account's trouble.
pub(crate) struct Answers;

impl AnswerTable for Answers {
    const NAME: &'static str = NAME;
    const TITLE: &'static str = "SendGrid";
    const REQUEST_ID: &'static [&'static str] = &[MESSAGE_ID];

    fn row(&self, response: &Response) -> Row {
        let complaints = complaints(response);
        let field = complaints.iter().find_map(|c| c.field.as_deref());
        let field = field.and_then(stable);
        let status = response.status.as_u16();
        Row {
            meaning: match (status, field.as_deref()) {
                (400, Some(field)) if is_recipient(field) => Some(Meaning::Refused(Blame::Theirs)),
                _ => None,
            },
            code: field.map(|field| format!("{status} {field}")),
            words: Vec::new(),
            sentence: sentence(complaints),
        }
    }
}

/// The address that the mail is for is what is wrong.
fn is_recipient(field: &str) -> bool {
    field.starts_with("personalizations.") && field.ends_with(".email")
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

/// `Does not contain a valid address. (personalizations.0.to.0.email)`
fn sentence(complaints: Vec<Complaint>) -> Option<String> {
    let said: Vec<String> = complaints
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
    (!said.is_empty()).then(|| said.join(" "))
}

#[cfg(test)]
mod tests;
