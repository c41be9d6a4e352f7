//! What a service's answers mean for a job: one table for all services, with what the configuration says of an operation first.

use std::collections::BTreeMap;

use longshore_job::Blame;
use longshore_provider::{AnswerTable, Meaning, Response, Row};
use serde_json::Value;

/// The fields that services say in what is wrong, in the order in which they are looked for.
const SENTENCES: [&str; 8] = [
    "/message",
    "/error/message",
    "/error_description",
    "/detail",
    "/title",
    "/error",
    "/errors/0/message",
    "/errors/0/detail",
];

/// What an operation's configuration says of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerClass {
    /// It was carried out.
    Success,
    /// It is refused, and will be again.
    Refused,
    /// The service asks us to wait.
    Throttled,
    /// It may have been carried out.
    Unknown,
}

/// What an operation's configuration says of statuses. All others mean what they mean by default.
pub type AnswerClasses = BTreeMap<u16, AnswerClass>;

/// The table of one operation.
pub(crate) struct Answers<'a> {
    pub(crate) service: &'static str,
    pub(crate) classes: &'a AnswerClasses,
    /// The credentials in use: no reason may hold them.
    pub(crate) secrets: Vec<String>,
}

impl AnswerTable for Answers<'_> {
    /// Each service has its own.
    const NAME: &'static str = "";
    const TITLE: &'static str = "";

    fn name(&self) -> &'static str {
        self.service
    }

    fn title(&self) -> &str {
        self.service
    }

    fn row(&self, response: &Response) -> Row {
        let status = response.status.as_u16();
        Row {
            meaning: meaning(self.classes.get(&status).copied(), status),
            sentence: sentence(response),
            ..Row::default()
        }
    }

    fn clean(&self, text: &str) -> String {
        let secrets = self.secrets.iter().filter(|secret| !secret.is_empty());
        secrets.fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), "[secret]")
        })
    }
}

/// The configuration has the first word. Of the rest only a few surely say that nothing was done; what is left is unknown.
fn meaning(class: Option<AnswerClass>, status: u16) -> Option<Meaning> {
    match (class, status) {
        (Some(AnswerClass::Refused), _) => Some(Meaning::Refused(Blame::Ours)),
        (Some(AnswerClass::Throttled), _) => Some(Meaning::Busy),
        (Some(AnswerClass::Unknown), _) => Some(Meaning::Unknown),
        // It is no error then; nobody asks.
        (Some(AnswerClass::Success), _) => None,
        (None, 400 | 404 | 409 | 410 | 413 | 422) => Some(Meaning::Refused(Blame::Ours)),
        // Credentials, redirects, "too early": the skeleton knows how these are meant.
        (None, 300..=399 | 401 | 402 | 403 | 407 | 421 | 425 | 429 | 503) => None,
        (None, _) => Some(Meaning::Unknown),
    }
}

/// The service's own sentence, where its answer is JSON with one.
fn sentence(response: &Response) -> Option<String> {
    if response.status.is_redirection() {
        return Some("it is a redirect, and redirects are not followed".to_owned());
    }
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    let mut said = SENTENCES.iter().filter_map(|place| body.pointer(place));
    said.find_map(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests;
