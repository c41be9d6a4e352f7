use std::time::SystemTime;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use serde::Deserialize;

use super::*;

/// A table that names nothing but a word.
struct Bare;

impl AnswerTable for Bare {
    const NAME: &'static str = "bare";
    const TITLE: &'static str = "Bare";

    fn row(&self, response: &Response) -> Row {
        let known = response.body == br#"{"code":"gone"}"#;
        Row {
            meaning: known.then_some(Meaning::Refused(Blame::Theirs)),
            code: known.then(|| "gone".to_owned()),
            ..Row::default()
        }
    }

    fn clean(&self, text: &str) -> String {
        text.replace("hidden", "[secret]")
    }
}

fn answered(status: u16, wait: Option<&'static str>, body: &str) -> Result<Response, CallError> {
    let mut headers = HeaderMap::new();
    headers.insert("x-request-id", HeaderValue::from_static("req-1"));
    if let Some(wait) = wait {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(wait));
    }
    let response = Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers,
        body: body.into(),
        complete: true,
    };
    ProviderError::check(response, SystemTime::UNIX_EPOCH).map_err(CallError::Provider)
}

fn kind(error: &JobError) -> &'static str {
    match error {
        JobError::Permanent {
            blame: Blame::Ours, ..
        } => "our mistake",
        JobError::Permanent {
            blame: Blame::Theirs,
            ..
        } => "their mistake",
        JobError::Throttled { .. } => "throttled",
        JobError::Transient { .. } => "transient",
        JobError::NotReached { .. } => "not reached",
        JobError::OutcomeUnknown { .. } => "unknown",
        JobError::Unauthorized { .. } => "unauthorized",
    }
}

#[test]
fn what_no_row_names_is_unknown_unless_it_says_that_nothing_was_done() {
    for (status, wait, effect, repeatable, look) in [
        (301, None, "transient", "transient", "transient"),
        (302, None, "unknown", "transient", "transient"),
        (303, None, "unknown", "transient", "transient"),
        (304, None, "unknown", "transient", "transient"),
        (307, None, "transient", "transient", "transient"),
        (308, None, "transient", "transient", "transient"),
        (400, None, "our mistake", "our mistake", "transient"),
        (401, None, "unauthorized", "unauthorized", "unauthorized"),
        (402, None, "unauthorized", "unauthorized", "unauthorized"),
        (403, None, "unauthorized", "unauthorized", "unauthorized"),
        (404, None, "our mistake", "our mistake", "transient"),
        (408, None, "unknown", "transient", "transient"),
        (409, None, "our mistake", "our mistake", "transient"),
        (413, None, "our mistake", "our mistake", "transient"),
        (421, None, "transient", "transient", "transient"),
        (422, None, "our mistake", "our mistake", "transient"),
        (425, None, "transient", "transient", "transient"),
        (429, None, "throttled", "throttled", "throttled"),
        (500, None, "unknown", "transient", "transient"),
        (500, Some("9"), "unknown", "transient", "transient"),
        (501, None, "unknown", "transient", "transient"),
        (502, None, "unknown", "transient", "transient"),
        (503, None, "transient", "transient", "transient"),
        (503, Some("9"), "throttled", "throttled", "throttled"),
        (504, None, "unknown", "transient", "transient"),
        (520, None, "unknown", "transient", "transient"),
        (524, None, "unknown", "transient", "transient"),
        (599, None, "unknown", "transient", "transient"),
        (999, None, "unknown", "transient", "transient"),
    ] {
        let error = answered(status, wait, "").expect_err("no success");
        for (purpose, expected) in [
            (Purpose::Effect, effect),
            (Purpose::Repeatable, repeatable),
            (Purpose::Look, look),
        ] {
            let meant = Bare.job_error(purpose, &error);
            assert_eq!(kind(&meant), expected, "{status} {wait:?} {purpose:?}");
            let answer = meant.answer();
            assert_eq!(answer.provider.as_deref(), Some("bare"));
            assert_eq!(answer.status, Some(status));
            assert_eq!(answer.code, Some(status.to_string()));
            assert_eq!(answer.request_id.as_deref(), Some("req-1"));
        }
    }
}

#[test]
fn without_an_answer_it_matters_whether_one_was_asked_for() {
    let cause = || "reset, hidden".to_owned();
    let not_read = || CallError::NotUnderstood {
        response: Box::new(answered(200, None, "<html>Sign in, hidden").expect("a success")),
        why: "it is not JSON".to_owned(),
    };
    for (error, effect, repeatable, reason) in [
        (
            CallError::from(ProviderError::NeverSent { cause: cause() }),
            "not reached",
            "not reached",
            "Bare was not reached: reset, [secret]",
        ),
        (
            CallError::from(ProviderError::NoAnswer { cause: cause() }),
            "unknown",
            "transient",
            "Bare was asked and no answer came: reset, [secret]",
        ),
        (
            not_read(),
            "unknown",
            "transient",
            "Bare answered 200: <html>Sign in, [secret], and it is not JSON",
        ),
        (
            CallError::NotAsked {
                code: "not an id",
                reason: "it is no id".to_owned(),
            },
            "our mistake",
            "our mistake",
            "it is no id",
        ),
    ] {
        let meant = Bare.job_error(Purpose::Effect, &error);
        assert_eq!((kind(&meant), meant.reason()), (effect, reason));
        let meant = Bare.job_error(Purpose::Repeatable, &error);
        assert_eq!((kind(&meant), meant.reason()), (repeatable, reason));
    }
}

#[test]
fn a_row_goes_before_the_status() {
    let error = answered(500, None, r#"{"code":"gone"}"#).expect_err("no success");
    let meant = Bare.job_error(Purpose::Effect, &error);
    assert_eq!(kind(&meant), "their mistake");
    assert_eq!(meant.answer().code.as_deref(), Some("gone"));
    assert_eq!(meant.reason(), "Bare answered 500");
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only read")]
struct Page {
    data: Vec<Item>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only read")]
struct Item {
    amount: u64,
    status: Status,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Paid,
}

#[test]
fn what_does_not_read_is_told_by_its_field_and_never_by_its_value() {
    for (body, why) in [
        ("", "its body is empty"),
        ("<html>", "it is not JSON"),
        (r#"{"data":[{"amount":1,"#, "it is not JSON"),
        (r#"{"list":[]}"#, "it does not read: missing field `data`"),
        (
            r#"{"data":[{"amount":1}]}"#,
            "it does not read: data[0]: missing field `status`",
        ),
        (
            r#"{"data":[{"amount":1,"status":"paid"},{"amount":"ada@example.com"}]}"#,
            "it does not read: data[1].amount: expected u64",
        ),
        (
            r#"{"data":[{"amount":1,"status":"x, expected Ada at line 1"}]}"#,
            "it does not read: data[0].status: expected `paid`",
        ),
    ] {
        let found = from_json::<Page>(body.as_bytes()).expect_err("not a page");
        assert_eq!(found, why, "{body}");
    }
    let mut response = answered(200, None, r#"{"data":[]}"#).expect("a success");
    response.complete = false;
    assert!(decode::<Page>(&response).is_ok(), "all that is needed came");
    response.body.truncate(5);
    let error = decode::<Page>(&response).expect_err("half of it");
    assert_eq!(error.to_string(), "not understood: its body broke off");
}

#[test]
fn what_the_provider_said_is_told_from_our_own_words() {
    for (status, body, quoted) in [
        (400, "no user Bo here", "no user Bo here"),
        (500, " no\tuser \n hidden ", "no user [secret]"),
        (400, "{}", ""),
        (503, "", ""),
    ] {
        let error = answered(status, None, body).expect_err("no 2xx");
        let error = Bare.job_error(Purpose::Effect, &error);
        let said = error.answer().quoted.as_deref();
        assert_eq!(said, Some(quoted), "{status} {body}");
        assert!(error.reason().ends_with(quoted), "{}", error.reason());
    }
    let cause = "timed out".to_owned();
    let lost = CallError::Provider(ProviderError::NoAnswer { cause });
    let lost = Bare.job_error(Purpose::Effect, &lost);
    assert_eq!(lost.answer().quoted.as_deref(), Some(""));
}
