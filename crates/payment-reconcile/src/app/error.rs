//! What the app's answers mean for a job: its table.
//!
//! An effect has its own key at the app, so telling it again *is* how to find out what became of a lost answer: no call
//! leaves an outcome unknown. A queue whose rule is to hold what is unknown would hold payments back for nothing.
//!
//! Trouble at the app is this job's alone: a queue pauses for its own provider, Stripe. So a job whose secret the app
//! refuses waits, at no attempt. 409 is what those who keep to Stripe's ways answer while the same key is under way, and 404 what an app
//! answers that does not have the order yet.

use longshore_job::{Blame, JobError, Scope};
use longshore_provider::{
    AnswerTable, CallError, Meaning, ProviderError, Purpose, Response, Row, StatusCode,
};
use serde::Deserialize;

use super::NAME;

/// The app's table.
struct Answers;

impl AnswerTable for Answers {
    const NAME: &'static str = NAME;
    const TITLE: &'static str = "the app";
    const WAITS: Scope = Scope::Job;
    const REQUEST_ID: &'static [&'static str] = &["request-id", "x-request-id"];

    /// The app's sentences may name people, so only a single word is passed on.
    fn row(&self, response: &Response) -> Row {
        let word = complaint(&response.body);
        let (meaning, sentence) = match response.status {
            StatusCode::UNAUTHORIZED => (
                Some(Meaning::Account),
                Some("is app.secret the one that the app has?".to_owned()),
            ),
            // The order may come later.
            StatusCode::CONFLICT | StatusCode::NOT_FOUND => (Some(Meaning::NotDone), word),
            // About this effect: whose secret is wrong is told by 401.
            StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => {
                (Some(Meaning::Refused(Blame::Ours)), word)
            }
            _ => (None, word),
        };
        Row {
            meaning,
            sentence: Some(sentence.unwrap_or_default()),
            ..Row::default()
        }
    }
}

/// Of a request that did not get its 2xx.
pub(super) fn of_answer(error: ProviderError) -> JobError {
    Answers.job_error(Purpose::Repeatable, &CallError::Provider(error))
}

/// Of a 2xx that is not what is needed.
pub(super) fn not_understood(response: Response, why: &str) -> JobError {
    let error = CallError::NotUnderstood {
        response: Box::new(response),
        why: why.to_owned(),
    };
    Answers.job_error(Purpose::Repeatable, &error)
}

/// Where apps commonly put a word for what is wrong.
#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    code: Option<serde_json::Value>,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

fn complaint(body: &[u8]) -> Option<String> {
    let complaint: Complaint = serde_json::from_slice(body).ok()?;
    let inner = complaint.error.as_ref().and_then(|error| error.get("code"));
    [complaint.code.as_ref(), inner, complaint.error.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_str)
        .find(|text| is_word(text))
        .map(str::to_owned)
}

/// Of letters, `_`, `-` and `.` only: neither a name of two words, nor an address, nor a number.
fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use longshore_provider::HeaderMap;

    use super::*;

    fn response(status: u16, body: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", "req-7".parse().expect("a value"));
        if matches!(status, 429 | 503) && body.is_empty() {
            headers.insert("retry-after", "9".parse().expect("a value"));
        }
        Response {
            status: StatusCode::from_u16(status).expect("a status"),
            headers,
            body: body.as_bytes().to_vec(),
            complete: true,
        }
    }

    fn shown(error: &JobError) -> String {
        let class = match error {
            JobError::Permanent { .. } => "permanent".to_owned(),
            JobError::Transient { .. } => "transient".to_owned(),
            JobError::NotReached { .. } => "not_reached".to_owned(),
            JobError::Unauthorized { .. } => "unauthorized".to_owned(),
            JobError::Throttled {
                retry_after, scope, ..
            } => format!("{scope:?} throttled for {}", retry_after.as_secs()),
            JobError::OutcomeUnknown { .. } => panic!("{error:?}"),
        };
        let answer = error.answer();
        assert_eq!(answer.provider.as_deref(), Some("app"));
        let code = answer.code.as_deref().unwrap_or_default();
        format!("{class} [{code}] {}", error.reason())
    }

    /// What an answer means, as the client sorts it.
    fn meant(response: Response) -> JobError {
        of_answer(ProviderError::check(response, SystemTime::UNIX_EPOCH).expect_err("no success"))
    }

    #[test]
    fn every_answer_has_its_meaning() {
        for (status, body, expected) in [
            (
                401,
                "",
                "unauthorized [401] the app answered 401: is app.secret the one that the app has?",
            ),
            (429, "", "Job throttled for 9 [429] the app answered 429"),
            (503, "", "Job throttled for 9 [503] the app answered 503"),
            (408, "", "transient [408] the app answered 408"),
            (500, "<html>", "transient [500] the app answered 500"),
            (503, "<html>", "transient [503] the app answered 503"),
            (307, "", "transient [307] the app answered 307"),
            (409, "", "transient [409] the app answered 409"),
            (425, "", "transient [425] the app answered 425"),
            (400, "", "permanent [400] the app answered 400"),
            (403, "", "permanent [403] the app answered 403"),
            (404, "no", "transient [404] the app answered 404"),
            (
                422,
                r#"{"error":"order_unknown"}"#,
                "permanent [422] the app answered 422: order_unknown",
            ),
            (
                422,
                r#"{"error":{"code":"order.closed","message":"Ada's order"}}"#,
                "permanent [422] the app answered 422: order.closed",
            ),
        ] {
            let meant = meant(response(status, body));
            assert_eq!(shown(&meant), expected);
            assert_eq!(meant.answer().request_id.as_deref(), Some("req-7"));
        }
        let cause = || "connection failed".to_owned();
        let lost = of_answer(ProviderError::NoAnswer { cause: cause() });
        let expected =
            "transient [no answer] the app was asked and no answer came: connection failed";
        assert_eq!(shown(&lost), expected);
        let away = of_answer(ProviderError::NeverSent { cause: cause() });
        let expected = "not_reached [not reached] the app was not reached: connection failed";
        assert_eq!(shown(&away), expected);
    }

    #[test]
    fn reasons_name_nobody() {
        for body in [
            r#"{"error":"no order of Ada Lovelace"}"#,
            r#"{"error":{"message":"ada"},"message":"ada"}"#,
            r#"{"code":"ada@example.com"}"#,
            r#"{"code":"4790000000","error":"Lovelace, Ada"}"#,
            r#""ada""#,
            "ada",
        ] {
            let error = meant(response(422, body));
            assert_eq!(error.reason(), "the app answered 422", "{body}");
        }
    }
}
