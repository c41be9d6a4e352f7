//! What the app's answers mean for a job: the only place that decides it.
//!
//! | answer | meaning |
//! |---|---|
//! | never sent | `NotReached`: told again, at no attempt |
//! | no answer, 3xx, 5xx, 408, 409, 425 | `Transient`: told again, under the same key |
//! | 401 | `Transient`: the secret is being changed on one side; for long enough, a dead letter |
//! | 429, 503 with a `Retry-After` | `Throttled`, this job alone |
//! | any other 4xx | `Permanent`: a dead letter, by its status |
//!
//! No answer is not `OutcomeUnknown`, which is for what must not happen twice: an effect has its own key at the app, so
//! telling it again *is* how to find out. A queue whose rule is to hold what is unknown would hold payments back for
//! nothing.
//!
//! 401 is not `Unauthorized`, which pauses a queue for its own provider, Stripe. 409 is what those who keep to Stripe's
//! ways answer while the same key is under way.

use std::time::Duration;

use longshore_job::{Answer, Blame, JobError, Scope};
use longshore_provider::{ProviderError, Response, StatusCode};
use serde::Deserialize;

use super::NAME;
use super::ledger::Unread;

/// Of a request that did not get its 2xx.
pub(super) fn of_answer(error: &ProviderError) -> JobError {
    match error {
        ProviderError::NeverSent { cause } => JobError::NotReached {
            reason: format!("the app was not reached: {cause}"),
            answer: coded("not reached"),
        },
        ProviderError::NoAnswer { cause } => JobError::Transient {
            reason: format!("the app was asked and no answer came: {cause}"),
            answer: coded("no answer"),
        },
        ProviderError::Throttled {
            retry_after,
            response,
        } => throttled(*retry_after, response),
        ProviderError::Unauthorized { response } => JobError::Transient {
            reason: format!(
                "{}: is app.secret the one that the app has?",
                answered(response)
            ),
            answer: answer(response),
        },
        ProviderError::Unavailable { response } | ProviderError::Unexpected { response } => {
            transient(response)
        }
        ProviderError::Rejected { response } => match response.status {
            StatusCode::CONFLICT | StatusCode::TOO_EARLY => transient(response),
            _ => JobError::Permanent {
                reason: answered(response),
                answer: answer(response),
                blame: Blame::Theirs,
            },
        },
    }
}

fn throttled(retry_after: Duration, response: &Response) -> JobError {
    JobError::Throttled {
        retry_after,
        scope: Scope::Job,
        reason: answered(response),
        answer: answer(response),
    }
}

fn transient(response: &Response) -> JobError {
    JobError::Transient {
        reason: answered(response),
        answer: answer(response),
    }
}

/// Of a 2xx whose body is needed and did not come to its end.
pub(super) fn broken_off(response: &Response) -> JobError {
    JobError::Transient {
        reason: format!("{}, and its body broke off", answered(response)),
        answer: coded_by(response, "body broke off"),
    }
}

/// Of a 2xx that is no page of a ledger.
pub(super) fn not_a_page(response: &Response, unread: &Unread) -> JobError {
    let Unread(why) = unread;
    JobError::Transient {
        reason: format!(
            "{} with what is no page of payments: {why}",
            answered(response)
        ),
        answer: coded_by(response, "no page of payments"),
    }
}

fn coded(code: &str) -> Answer {
    Answer {
        code: Some(code.to_owned()),
        ..Answer::of(NAME)
    }
}

fn coded_by(response: &Response, code: &str) -> Answer {
    let id = ["request-id", "x-request-id"];
    let id = id.iter().find_map(|name| response.header(name));
    Answer {
        status: Some(response.status.as_u16()),
        request_id: id.filter(|id| id.len() <= 128).map(str::to_owned),
        ..coded(code)
    }
}

/// What dead letters are grouped by is the status.
fn answer(response: &Response) -> Answer {
    coded_by(response, response.status.as_str())
}

/// Where apps commonly put a word for what is wrong.
#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    code: Option<serde_json::Value>,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

/// `the app answered 422: order_unknown`. The app's sentences may name people, so only a single word is passed on.
fn answered(response: &Response) -> String {
    let status = response.status.as_u16();
    match word(&response.body) {
        Some(word) => format!("the app answered {status}: {word}"),
        None => format!("the app answered {status}"),
    }
}

fn word(body: &[u8]) -> Option<String> {
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
    use longshore_provider::HeaderMap;

    use super::*;

    fn response(status: u16, body: &str) -> Box<Response> {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", "req-7".parse().expect("a value"));
        Box::new(Response {
            status: StatusCode::from_u16(status).expect("a status"),
            headers,
            body: body.as_bytes().to_vec(),
            complete: true,
        })
    }

    fn shown(error: &JobError) -> String {
        let class = match error {
            JobError::Permanent { .. } => "permanent".to_owned(),
            JobError::Transient { .. } => "transient".to_owned(),
            JobError::NotReached { .. } => "not_reached".to_owned(),
            JobError::Throttled {
                retry_after, scope, ..
            } => format!("{scope:?} throttled for {}", retry_after.as_secs()),
            other => panic!("{other:?}"),
        };
        let answer = error.answer();
        assert_eq!(answer.provider.as_deref(), Some("app"));
        let code = answer.code.as_deref().unwrap_or_default();
        format!("{class} [{code}] {}", error.reason())
    }

    #[test]
    fn every_answer_has_its_meaning() {
        let cause = || "connection failed".to_owned();
        let rejected = |status, body| ProviderError::Rejected {
            response: response(status, body),
        };
        let unavailable = |status| ProviderError::Unavailable {
            response: response(status, "<html>"),
        };
        for (error, expected) in [
            (
                ProviderError::NeverSent { cause: cause() },
                "not_reached [not reached] the app was not reached: connection failed",
            ),
            (
                ProviderError::NoAnswer { cause: cause() },
                "transient [no answer] the app was asked and no answer came: connection failed",
            ),
            (
                ProviderError::Unauthorized {
                    response: response(401, ""),
                },
                "transient [401] the app answered 401: is app.secret the one that the app has?",
            ),
            (
                ProviderError::Throttled {
                    retry_after: Duration::from_secs(9),
                    response: response(429, ""),
                },
                "Job throttled for 9 [429] the app answered 429",
            ),
            (
                ProviderError::Throttled {
                    retry_after: Duration::from_secs(9),
                    response: response(503, ""),
                },
                "Job throttled for 9 [503] the app answered 503",
            ),
            (unavailable(408), "transient [408] the app answered 408"),
            (unavailable(500), "transient [500] the app answered 500"),
            (unavailable(503), "transient [503] the app answered 503"),
            (
                ProviderError::Unexpected {
                    response: response(307, ""),
                },
                "transient [307] the app answered 307",
            ),
            (rejected(409, ""), "transient [409] the app answered 409"),
            (rejected(425, ""), "transient [425] the app answered 425"),
            (rejected(400, ""), "permanent [400] the app answered 400"),
            (rejected(403, ""), "permanent [403] the app answered 403"),
            (rejected(404, "no"), "permanent [404] the app answered 404"),
            (
                rejected(422, r#"{"error":"order_unknown"}"#),
                "permanent [422] the app answered 422: order_unknown",
            ),
            (
                rejected(
                    422,
                    r#"{"error":{"code":"order.closed","message":"Ada's order"}}"#,
                ),
                "permanent [422] the app answered 422: order.closed",
            ),
        ] {
            let meant = of_answer(&error);
            assert_eq!(shown(&meant), expected);
            if error.response().is_some() {
                assert_eq!(meant.answer().request_id.as_deref(), Some("req-7"));
            }
        }
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
            let error = of_answer(&ProviderError::Rejected {
                response: response(422, body),
            });
            assert_eq!(error.reason(), "the app answered 422", "{body}");
        }
    }
}
