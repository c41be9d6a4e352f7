//! What Google's answers mean for a job: its table.

use std::time::Duration;

use longshore_job::Blame;
use longshore_provider::{AnswerTable, Meaning, Response, Row};

use crate::google_maps::NAME;
use crate::key::Redactions;
use crate::status::{Status, StatusBody};

/// Looking up changes nothing, so a lost answer leaves nothing unknown.
pub(crate) struct Answers<'a>(pub(crate) Redactions<'a>);

impl AnswerTable for Answers<'_> {
    const NAME: &'static str = NAME;
    const TITLE: &'static str = "Google Maps";

    /// How long nobody asks after `OVER_QUERY_LIMIT`, which says neither until when nor which limit it is: the one of a
    /// minute or the one of a day. A minute is over by then for sure. If it was the day's, one job a minute finds out
    /// that it still is, which costs no attempt, and bothers Google little enough not to be blocked for it.
    const WAIT: Duration = Duration::from_secs(60);

    fn row(&self, response: &Response) -> Row {
        let said = StatusBody::by(response);
        let word = said.as_ref().and_then(|said| said.status.code());
        let word = word.map(|word| self.0.key.remove_from(word));
        Row {
            meaning: meaning(
                response.status.as_u16(),
                said.as_ref().map(|said| &said.status),
            ),
            code: word.clone(),
            words: word.into_iter().collect(),
            sentence: said.map(|said| said.error_message.unwrap_or_default()),
        }
    }

    fn clean(&self, text: &str) -> String {
        self.0.remove_from(text)
    }
}

/// Google's own word, where it is there, is more exact than 400 and the like, and most of them come with 200.
fn meaning(http: u16, status: Option<&Status>) -> Option<Meaning> {
    Some(match (http, status) {
        // The project is blocked, or the key may not be used from here.
        (403, _) => Meaning::Account,
        (_, Some(Status::InvalidRequest)) => Meaning::Refused(Blame::Ours),
        (_, Some(Status::OverQueryLimit)) => Meaning::Busy,
        // The key, the bill or the project's own limit: no address at all can be looked up until that is mended.
        (_, Some(Status::OverDailyLimit | Status::RequestDenied)) => Meaning::Account,
        // Google says that it may work the next time.
        (_, Some(Status::UnknownError)) => Meaning::Unknown,
        // Not Google's word, so about the path and not about the address: a wrong `base_url`.
        (404, _) => Meaning::NotDone,
        // No answers to an address, and what is not documented: nothing is known, so it is not for good.
        (_, Some(Status::Ok | Status::ZeroResults | Status::NotFound))
        | (200..=299, Some(Status::Other(_))) => Meaning::Unknown,
        (_, Some(Status::Other(_)) | None) => return None,
    })
}

#[cfg(test)]
mod tests;
