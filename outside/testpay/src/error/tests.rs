use std::time::SystemTime;

use longshore_provider::HeaderMap;

use super::*;

fn response(status: u16, body: &str) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert("x-request-id", "tp_req_7".parse().expect("a value"));
    if matches!(status, 429 | 503) {
        headers.insert("retry-after", "9".parse().expect("a value"));
    }
    Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers,
        body: body.as_bytes().to_vec(),
        complete: true,
    }
}

/// As the client sorts it.
fn sorted(status: u16, body: &str) -> CallError {
    let error = ProviderError::check(response(status, body), SystemTime::UNIX_EPOCH);
    error.expect_err("no success").into()
}

/// `permanent [card_declined]`
fn shown(error: &JobError) -> String {
    let class = match error {
        JobError::Permanent { .. } => "permanent".to_owned(),
        JobError::Transient { .. } => "transient".to_owned(),
        JobError::NotReached { .. } => "not_reached".to_owned(),
        JobError::OutcomeUnknown { .. } => "unknown".to_owned(),
        JobError::Throttled {
            retry_after, scope, ..
        } => format!("{scope:?} throttled for {}", retry_after.as_secs()),
        JobError::Unauthorized { .. } => "unauthorized".to_owned(),
    };
    let answer = error.answer();
    assert_eq!(answer.provider.as_deref(), Some("testpay"));
    assert_eq!(
        answer.status.is_some(),
        answer.request_id.as_deref() == Some("tp_req_7")
    );
    let code = answer.code.as_deref().unwrap_or_default();
    format!("{class} [{code}]")
}

#[test]
fn every_answer_has_its_meaning() {
    let cause = || "reset".to_owned();
    let coded = |status, code: &str| sorted(status, &format!(r#"{{"error":{{"code":"{code}"}}}}"#));
    for (error, writing, looking) in [
        (
            CallError::from(ProviderError::NeverSent { cause: cause() }),
            "not_reached [not reached]",
            "not_reached [not reached]",
        ),
        (
            CallError::from(ProviderError::NoAnswer { cause: cause() }),
            "unknown [no answer]",
            "transient [no answer]",
        ),
        (
            coded(500, "trouble"),
            "unknown [trouble]",
            "transient [trouble]",
        ),
        (
            CallError::NotUnderstood {
                response: Box::new(response(200, "<html>")),
                why: String::new(),
            },
            "unknown [200 not understood]",
            "transient [200 not understood]",
        ),
        (
            sorted(429, ""),
            "Job throttled for 9 [429]",
            "Job throttled for 9 [429]",
        ),
        (
            sorted(503, ""),
            "Job throttled for 9 [503]",
            "Job throttled for 9 [503]",
        ),
        (sorted(302, ""), "unknown [302]", "transient [302]"),
        (
            coded(401, "key_refused"),
            "unauthorized [key_refused]",
            "unauthorized [key_refused]",
        ),
        (
            coded(402, "card_declined"),
            "permanent [card_declined]",
            "transient [card_declined]",
        ),
        (
            coded(409, "reference_used"),
            "permanent [reference_used]",
            "transient [reference_used]",
        ),
        (
            coded(422, "no_such_customer"),
            "permanent [no_such_customer]",
            "transient [no_such_customer]",
        ),
        // Not a word, so not believed.
        (
            coded(422, "ada@example.com"),
            "permanent [422]",
            "transient [422]",
        ),
        (
            CallError::NotAsked {
                code: "not an id",
                reason: "it is none".to_owned(),
            },
            "permanent [not an id]",
            "transient [not an id]",
        ),
    ] {
        assert_eq!(shown(&of_writing(&error)), writing, "{error:?}");
        assert_eq!(shown(&of_looking(&error)), looking, "{error:?}");
    }
    let quoting = of_writing(&coded(422, "ada@example.com"));
    assert!(!quoting.reason().contains("ada"));
    assert_eq!(
        of_writing(&coded(409, "reference_used")).reason(),
        "testpay answered 409, reference_used"
    );
}
