use longshore_provider::{HeaderMap, HeaderValue};

use super::*;

fn response(status: u16, body: &str) -> Box<Response> {
    let id = HeaderValue::from_static("RQ1");
    Box::new(Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::from_iter([("twilio-request-id".parse().expect("a name"), id)]),
        body: body.into(),
        complete: true,
    })
}

/// As the client sorts answers by their status.
fn answered_with(status: u16, body: &str) -> CallError {
    let response = response(status, body);
    let retry_after = Duration::from_secs(7);
    CallError::Provider(match status {
        401 => ProviderError::Unauthorized { response },
        429 => ProviderError::Throttled {
            retry_after,
            response,
        },
        408 | 500.. => ProviderError::Unavailable { response },
        400.. => ProviderError::Rejected { response },
        _ => ProviderError::Unexpected { response },
    })
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
        JobError::Permanent { .. } => "permanent",
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
        (400, 21211, "permanent", "transient"),
        (400, 21212, "permanent", "transient"),
        (400, 21408, "permanent", "transient"),
        (403, 21408, "permanent", "transient"),
        (400, 21601, "permanent", "transient"),
        (400, 21602, "permanent", "transient"),
        (400, 21603, "permanent", "transient"),
        (400, 21604, "permanent", "transient"),
        (400, 21606, "permanent", "transient"),
        (400, 21610, "permanent", "transient"),
        (400, 21612, "permanent", "transient"),
        (400, 21614, "permanent", "transient"),
        (400, 21617, "permanent", "transient"),
        (400, 21635, "permanent", "transient"),
        (404, 20404, "permanent", "transient"),
        (401, 20003, "unauthorized", "unauthorized"),
        (403, 20003, "unauthorized", "unauthorized"),
        (400, 30002, "unauthorized", "unauthorized"),
        (429, 20429, "throttled provider", "throttled provider"),
        (400, 20429, "throttled provider", "throttled provider"),
        (503, 20429, "throttled provider", "throttled provider"),
        (429, 21611, "throttled job", "transient"),
        (400, 21611, "throttled job", "transient"),
        // Unknown ones mean what their status means.
        (400, 21999, "permanent", "transient"),
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
        (400, "", "permanent", "transient", "Twilio answered 400"),
        (404, "{}", "permanent", "transient", "Twilio answered 404"),
        (
            404,
            r#"{"message":"4790000000"}"#,
            "permanent",
            "transient",
            "Twilio answered 404",
        ),
        (403, "[]", "permanent", "transient", "Twilio answered 403"),
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
        (302, "", "transient", "transient", "Twilio answered 302"),
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
fn without_an_answer_it_matters_whether_one_was_asked_for() {
    let never_sent = || {
        CallError::Provider(ProviderError::NeverSent {
            cause: "cannot connect: refused".into(),
        })
    };
    let no_answer = || {
        CallError::Provider(ProviderError::NoAnswer {
            cause: "timed out".into(),
        })
    };
    let not_reached = "Twilio was not reached: cannot connect: refused";
    let lost = "Twilio was asked and no answer came: timed out";
    for (error, expected, code, reason) in [
        (
            of_sending(never_sent()),
            "not_reached",
            "not reached",
            not_reached,
        ),
        (
            of_looking(never_sent()),
            "not_reached",
            "not reached",
            not_reached,
        ),
        (of_sending(no_answer()), "unknown", "no answer", lost),
        (of_looking(no_answer()), "transient", "no answer", lost),
    ] {
        assert_eq!(kind(&error), expected);
        assert_eq!(error.answer().code.as_deref(), Some(code));
        assert_eq!(error.reason(), reason);
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
        CallError::Provider(ProviderError::Throttled {
            retry_after: Duration::from_secs(7),
            response,
        })
    };
    assert_eq!(waits(complaint(429, 20429)), 60);
    assert_eq!(waits(with_header(429, "")), 7);
    assert_eq!(waits(with_header(429, r#"{"code":20429}"#)), 7);
    assert_eq!(waits(complaint(400, 20429)), 60);
    // Its queue does not empty any faster for a header.
    assert_eq!(waits(complaint(429, 21611)), 300);
    assert_eq!(waits(with_header(429, r#"{"code":21611}"#)), 300);

    // A 503 that names a time may have been carried out: waiting and sending again would not ask.
    let unknown = of_sending(with_header(503, r#"{"code":20503}"#));
    assert_eq!(kind(&unknown), "unknown");
    assert_eq!(kind(&of_looking(with_header(503, ""))), "transient");
}

#[test]
fn a_success_without_a_message_is_unknown() {
    let not_understood = || CallError::NotUnderstood(response(201, "<html>Sign in"));
    let error = of_sending(not_understood());
    assert_eq!(kind(&error), "unknown");
    assert_eq!(error.reason(), "Twilio answered 201: <html>Sign in");
    assert_eq!(error.answer().code.as_deref(), Some("201"));
    let error = of_looking(not_understood());
    assert_eq!(kind(&error), "transient");
    // What is JSON may be a message with its number and its text.
    let error = of_sending(CallError::NotUnderstood(response(
        201,
        r#"{"body":"Hello"}"#,
    )));
    assert_eq!(error.reason(), "Twilio answered 201");
}
