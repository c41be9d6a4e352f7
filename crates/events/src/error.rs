//! What the application's answers mean for a job: its table.
//!
//! Each attempt has the same `webhook-id`, so telling an event again is harmless, and no call leaves an outcome unknown.
//!
//! Receivers answer a signature that they do not accept with 401, or with 400 like much else. A 401 is about our secret, so
//! the queue pauses itself, and nothing is lost while the two secrets differ. All other refusals may pass: a route that is not
//! deployed yet, a rule of a firewall, a bug. They are tried again on the schedule. Only 410 says that nobody wants to be
//! told there any more.

use longshore_job::{Blame, JobError};
use longshore_provider::{AnswerTable, CallError, Meaning, ProviderError, Purpose, Response, Row};

/// The endpoint's name, as configuration and metrics have it.
pub(crate) const NAME: &str = "events";

/// The application's table.
struct Answers;

impl AnswerTable for Answers {
    const NAME: &'static str = NAME;
    const TITLE: &'static str = "the application";
    const OWN_SENTENCES: bool = true;

    /// What receivers write may name people, so none of it is passed on.
    fn row(&self, response: &Response) -> Row {
        let (meaning, sentence) = match response.status.as_u16() {
            401 => (
                Some(Meaning::Account),
                "is events.secret the one that it checks signatures with?",
            ),
            410 => (
                Some(Meaning::Refused(Blame::Ours)),
                "nobody takes events at events.url any more",
            ),
            300..=399 => (
                Some(Meaning::NotDone),
                "events.url is redirected, and redirects are not followed",
            ),
            // How these are meant, the skeleton knows.
            407 | 408 | 429 => (None, ""),
            400..=499 => (Some(Meaning::NotDone), ""),
            _ => (None, ""),
        };
        Row {
            meaning,
            sentence: Some(sentence.to_owned()),
            ..Row::default()
        }
    }
}

/// Of a request that did not get its 2xx.
pub(crate) fn of_answer(error: ProviderError) -> JobError {
    Answers.job_error(Purpose::Repeatable, &CallError::Provider(error))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use longshore_provider::{HeaderMap, StatusCode};

    use super::*;

    fn shown(status: u16, wait: Option<&str>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(wait) = wait {
            headers.insert("retry-after", wait.parse().expect("a value"));
        }
        let response = Response {
            status: StatusCode::from_u16(status).expect("a status"),
            headers,
            body: b"Ada Lovelace is not our customer".to_vec(),
            complete: true,
        };
        let error = ProviderError::check(response, SystemTime::UNIX_EPOCH).expect_err("no success");
        let error = of_answer(error);
        assert!(!error.reason().contains("Ada"), "{}", error.reason());
        match &error {
            JobError::Permanent { .. } => "permanent".to_owned(),
            JobError::Transient { .. } => "transient".to_owned(),
            JobError::Unauthorized { .. } => "unauthorized".to_owned(),
            JobError::Throttled {
                retry_after, scope, ..
            } => format!("{scope:?} throttled for {}", retry_after.as_secs()),
            JobError::NotReached { .. } | JobError::OutcomeUnknown { .. } => panic!("{error:?}"),
        }
    }

    #[test]
    fn every_answer_has_its_meaning() {
        for (status, wait, expected) in [
            (401, None, "unauthorized"),
            (410, None, "permanent"),
            (429, Some("9"), "Provider throttled for 9"),
            (429, None, "Provider throttled for 60"),
            (503, Some("9"), "Provider throttled for 9"),
            (503, None, "transient"),
            (400, None, "transient"),
            (403, None, "transient"),
            (404, None, "transient"),
            (408, None, "transient"),
            (409, None, "transient"),
            (422, None, "transient"),
            (301, None, "transient"),
            (302, None, "transient"),
            (308, None, "transient"),
            (500, None, "transient"),
            (504, None, "transient"),
        ] {
            assert_eq!(shown(status, wait), expected, "{status}");
        }
        let cause = || "timed out".to_owned();
        let lost = of_answer(ProviderError::NoAnswer { cause: cause() });
        assert!(matches!(lost, JobError::Transient { .. }), "{lost:?}");
        let away = of_answer(ProviderError::NeverSent { cause: cause() });
        assert!(matches!(away, JobError::NotReached { .. }), "{away:?}");
    }
}
