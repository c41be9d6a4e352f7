use std::collections::BTreeMap;
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

/// A table whose sentences are its own, and whose 429 may have been carried out.
struct Own;

impl AnswerTable for Own {
    const NAME: &'static str = "own";
    const TITLE: &'static str = "Own";
    const OWN_SENTENCES: bool = true;

    fn row(&self, response: &Response) -> Row {
        match response.status.as_u16() {
            429 => Row {
                meaning: Some(Meaning::Unknown),
                sentence: Some("it is full".to_owned()),
                ..Row::default()
            },
            _ => Row::default(),
        }
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
    for (error, effect, repeatable, code, reason) in [
        (
            CallError::from(ProviderError::NeverSent { cause: cause() }),
            "not reached",
            "not reached",
            "not reached",
            "Bare was not reached: reset, [secret]",
        ),
        (
            CallError::from(ProviderError::NoAnswer { cause: cause() }),
            "unknown",
            "transient",
            "no answer",
            "Bare was asked and no answer came: reset, [secret]",
        ),
        (
            not_read(),
            "unknown",
            "transient",
            "200 not understood",
            "Bare answered 200: <html>Sign in, [secret], and it is not JSON",
        ),
        (
            CallError::NotAsked {
                code: "not an id",
                reason: "it is no id".to_owned(),
            },
            "our mistake",
            "our mistake",
            "not an id",
            "it is no id",
        ),
    ] {
        let meant = Bare.job_error(Purpose::Effect, &error);
        assert_eq!((kind(&meant), meant.reason()), (effect, reason));
        assert_eq!(meant.answer().provider.as_deref(), Some("bare"));
        assert_eq!(meant.answer().code.as_deref(), Some(code), "{reason}");
        let status = error.response().map(|response| response.status.as_u16());
        assert_eq!(meant.answer().status, status, "{reason}");
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

#[test]
fn what_may_have_been_done_waits_as_it_is_asked_to_where_nothing_is_at_stake() {
    let error = answered(429, Some("9"), "").expect_err("no success");
    for (purpose, expected) in [
        (Purpose::Effect, "unknown"),
        (Purpose::Repeatable, "throttled"),
        (Purpose::Look, "throttled"),
    ] {
        let meant = Own.job_error(purpose, &error);
        assert_eq!(kind(&meant), expected, "{purpose:?}");
        if let JobError::Throttled { retry_after, .. } = meant {
            assert_eq!(retry_after, Duration::from_secs(9));
        }
    }
}

#[test]
fn a_sentence_of_our_own_quotes_nothing() {
    for (status, reason, quoted) in [
        (429, "Own answered 429: it is full", ""),
        (400, "Own answered 400: no user Bo", "no user Bo"),
    ] {
        let error = answered(status, None, "no user Bo").expect_err("no success");
        let meant = Own.job_error(Purpose::Effect, &error);
        assert_eq!(meant.reason(), reason);
        assert_eq!(meant.answer().quoted.as_deref(), Some(quoted), "{reason}");
    }
}

#[test]
fn only_what_looks_like_a_word_may_become_a_code() {
    let longest = "x".repeat(80);
    for text in ["card_declined", "21211", "a-b.C", &longest] {
        assert_eq!(word(text), Some(text));
    }
    let longer = "x".repeat(81);
    for text in ["", "no user", "ada@example.com", "blåbær", &longer] {
        assert_eq!(word(text), None, "{text}");
    }
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
        (r#"{"data":[]} ] "#, "it is not JSON"),
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

/// Where a provider chooses the names of fields, a person may stand in one.
#[test]
fn a_field_is_told_only_where_its_name_is_one() {
    let (longest, longer) = ("x".repeat(100), "x".repeat(101));
    for (name, told) in [
        ("price_1", true),
        (&*longest, true),
        (&*longer, false),
        ("ada@example.com", false),
        ("", false),
    ] {
        let body = format!(r#"{{"{name}":"much"}}"#);
        let read = from_json::<BTreeMap<String, u64>>(body.as_bytes());
        let expected = match told {
            true => format!("it does not read: {name}: expected u64"),
            false => "it does not read: expected u64".to_owned(),
        };
        assert_eq!(read, Err(expected));
    }
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

#[test]
fn a_repeatable_request_whose_outcome_is_not_known_fails_and_may_have_been_carried_out() {
    let of = |table: fn(Purpose, &CallError) -> JobError, purpose, status, wait| {
        let error = answered(status, wait, "").expect_err("no success");
        table(purpose, &error).answer().unknown
    };
    let bare: fn(Purpose, &CallError) -> JobError = |purpose, error| Bare.job_error(purpose, error);
    let own: fn(Purpose, &CallError) -> JobError = |purpose, error| Own.job_error(purpose, error);
    assert!(of(bare, Purpose::Repeatable, 500, None));
    assert!(!of(bare, Purpose::Repeatable, 503, None));
    assert!(!of(bare, Purpose::Repeatable, 429, Some("9")));
    assert!(!of(bare, Purpose::Look, 500, None));
    // It names a time, and may have been carried out.
    assert!(of(own, Purpose::Repeatable, 429, Some("9")));
    assert!(!of(own, Purpose::Look, 429, Some("9")));
}
