use std::time::SystemTime;

use longshore_job::{JobError, Scope};
use longshore_provider::{
    CallError, HeaderMap, HeaderValue, ProviderError, Purpose, StatusCode, decode,
};

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "shorter where it is called")]
fn of_sending(error: CallError) -> JobError {
    Answers.job_error(Purpose::Effect, &error)
}

#[expect(clippy::needless_pass_by_value, reason = "shorter where it is called")]
fn of_looking(error: CallError) -> JobError {
    Answers.job_error(Purpose::Look, &error)
}

fn response(status: u16, body: &str) -> Response {
    let id = HeaderValue::from_static("RQ1");
    Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::from_iter([("twilio-request-id".parse().expect("a name"), id)]),
        body: body.into(),
        complete: true,
    }
}

fn sorted(response: Response) -> CallError {
    let error = ProviderError::check(response, SystemTime::UNIX_EPOCH);
    CallError::Provider(error.expect_err("no success"))
}

/// As the client sorts answers by their status.
fn answered_with(status: u16, body: &str) -> CallError {
    sorted(response(status, body))
}

/// As Twilio writes it, quoting the number in several ways.
fn complaint(status: u16, code: u32) -> CallError {
    let body = format!(
        r#"{{"code":{code},"message":"The 'To' number 4790000000 (+4790000000) got 'Hello'","more_info":"https://www.twilio.com/docs/errors/{code}","status":{status}}}"#
    );
    answered_with(status, &body)
}

fn kind(error: &JobError) -> &'static str {
    match error {
        JobError::Permanent {
            blame: Blame::Ours, ..
        } => "ours",
        JobError::Permanent {
            blame: Blame::Theirs,
            ..
        } => "theirs",
        JobError::Throttled { scope, .. } => match scope {
            Scope::Job => "throttled job",
            Scope::Provider => "throttled provider",
        },
        JobError::Transient { .. } => "transient",
        JobError::NotReached { .. } => "not_reached",
        JobError::OutcomeUnknown { .. } => "unknown",
        JobError::Unauthorized { .. } => "unauthorized",
    }
}

#[test]
fn codes_decide_before_statuses() {
    for (status, code, sending, looking) in [
        (400, 21211, "theirs", "transient"),
        (400, 21212, "ours", "transient"),
        (400, 21408, "ours", "transient"),
        (403, 21408, "ours", "transient"),
        (400, 21601, "ours", "transient"),
        (400, 21602, "ours", "transient"),
        (400, 21603, "ours", "transient"),
        (400, 21604, "ours", "transient"),
        (400, 21606, "ours", "transient"),
        (400, 21610, "theirs", "transient"),
        (400, 21612, "ours", "transient"),
        (400, 21614, "theirs", "transient"),
        (400, 21617, "ours", "transient"),
        (400, 21635, "theirs", "transient"),
        (404, 20404, "ours", "transient"),
        (401, 20003, "unauthorized", "unauthorized"),
        (403, 20003, "unauthorized", "unauthorized"),
        (400, 30002, "unauthorized", "unauthorized"),
        (429, 20429, "throttled provider", "throttled provider"),
        (400, 20429, "throttled provider", "throttled provider"),
        (503, 20429, "throttled provider", "throttled provider"),
        (429, 21611, "throttled job", "throttled job"),
        (400, 21611, "throttled job", "throttled job"),
        // Unknown ones mean what their status means.
        (400, 21999, "ours", "transient"),
        (401, 21999, "unauthorized", "unauthorized"),
        (429, 21999, "throttled provider", "throttled provider"),
        (500, 20500, "unknown", "transient"),
    ] {
        for (error, expected) in [
            (of_sending(complaint(status, code)), sending),
            (of_looking(complaint(status, code)), looking),
        ] {
            assert_eq!(kind(&error), expected, "{status} {code}");
            let answer = error.answer();
            assert_eq!(answer.provider.as_deref(), Some("twilio"));
            assert_eq!(answer.status, Some(status));
            assert_eq!(answer.code, Some(code.to_string()));
            assert_eq!(answer.request_id.as_deref(), Some("RQ1"));
            let reason = error.reason();
            let begin = format!("Twilio answered {status}, code {code}: ");
            assert!(reason.starts_with(&begin), "{reason}");
            assert!(!reason.contains("47900"), "{reason}");
            assert!(!reason.contains("Hello"), "{reason}");
        }
    }
}

#[test]
fn without_a_code_the_status_decides() {
    let html = "<h1>upstream of +4790000000 is down</h1>";
    for (status, body, sending, looking, reason) in [
        (400, "", "ours", "transient", "Twilio answered 400"),
        (404, "{}", "ours", "transient", "Twilio answered 404"),
        (
            404,
            r#"{"message":"4790000000"}"#,
            "ours",
            "transient",
            "Twilio answered 404",
        ),
        (
            403,
            "[]",
            "unauthorized",
            "unauthorized",
            "Twilio answered 403",
        ),
        (
            401,
            "",
            "unauthorized",
            "unauthorized",
            "Twilio answered 401",
        ),
        (
            429,
            "slow down",
            "throttled provider",
            "throttled provider",
            "Twilio answered 429: slow down",
        ),
        (408, "", "unknown", "transient", "Twilio answered 408"),
        (
            502,
            html,
            "unknown",
            "transient",
            "Twilio answered 502: <h1>upstream of [phone] is down</h1>",
        ),
        (500, "\u{0}", "unknown", "transient", "Twilio answered 500"),
        (503, "", "transient", "transient", "Twilio answered 503"),
        (302, "", "unknown", "transient", "Twilio answered 302"),
    ] {
        for (error, expected) in [
            (of_sending(answered_with(status, body)), sending),
            (of_looking(answered_with(status, body)), looking),
        ] {
            assert_eq!(kind(&error), expected, "{status} {body:?}");
            assert_eq!(error.reason(), reason);
            assert_eq!(error.answer().code, Some(status.to_string()));
        }
    }
}

#[test]
fn waits_are_the_providers_or_ours() {
    let waits = |error| match of_sending(error) {
        JobError::Throttled { retry_after, .. } => retry_after.as_secs(),
        error => panic!("{error:?}"),
    };
    let with_header = |status, body: &str| {
        let mut response = response(status, body);
        let headers = &mut response.headers;
        headers.insert("retry-after", HeaderValue::from_static("7"));
        sorted(response)
    };
    assert_eq!(waits(complaint(429, 20429)), 60);
    assert_eq!(waits(with_header(429, "")), 7);
    assert_eq!(waits(with_header(429, r#"{"code":20429}"#)), 7);
    assert_eq!(waits(complaint(400, 20429)), 60);
    // Its queue does not empty any faster for a header.
    assert_eq!(waits(complaint(429, 21611)), 300);
    assert_eq!(waits(with_header(429, r#"{"code":21611}"#)), 300);

    // It says that nothing was done, and until when that is so.
    assert_eq!(waits(with_header(503, r#"{"code":20503}"#)), 7);
}

#[test]
fn a_success_without_a_message_is_unknown() {
    let not_understood = |body| match decode::<crate::message::Message>(&response(201, body)) {
        Err(error) => error,
        Ok(_) => panic!("a message"),
    };
    let html = || not_understood("<html>Sign in");
    let error = of_sending(html());
    assert_eq!(kind(&error), "unknown");
    assert_eq!(
        error.reason(),
        "Twilio answered 201: <html>Sign in, and it is not JSON"
    );
    assert_eq!(error.answer().code.as_deref(), Some("201 not understood"));
    assert_eq!(kind(&of_looking(html())), "transient");
    // What is JSON may be a message with its number and its text.
    let error = not_understood(r#"{"body":"Hello"}"#);
    assert_eq!(
        of_sending(error).reason(),
        "Twilio answered 201, and it does not read: missing field `sid`"
    );
}

/// Nothing of a 5xx says that the text did not go out, whatever code stands in it.
#[test]
fn a_server_that_failed_refuses_nothing() {
    for (status, is_refused) in [(400, true), (500, false), (502, false), (503, false)] {
        let error = of_sending(complaint(status, 21211));
        let refused = matches!(error, JobError::Permanent { .. });
        assert_eq!(refused, is_refused, "{status}: {error:?}");
    }
}
