use longshore_provider::HeaderMap;

use super::*;

fn response(status: u16, body: &str) -> Box<Response> {
    let mut headers = HeaderMap::new();
    headers.insert("x-request-id", "tp_req_7".parse().expect("a value"));
    Box::new(Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers,
        body: body.as_bytes().to_vec(),
        complete: true,
    })
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
    let rejected = |status, code: &str| {
        let body = format!(r#"{{"error":{{"code":"{code}"}}}}"#);
        CallError::Provider(ProviderError::Rejected {
            response: response(status, &body),
        })
    };
    let throttled = |status| {
        CallError::Provider(ProviderError::Throttled {
            retry_after: Duration::from_secs(9),
            response: response(status, ""),
        })
    };
    for (error, writing, looking) in [
        (
            CallError::Provider(ProviderError::NeverSent { cause: cause() }),
            "not_reached [not reached]",
            "not_reached [not reached]",
        ),
        (
            CallError::Provider(ProviderError::NoAnswer { cause: cause() }),
            "unknown [no answer]",
            "transient [no answer]",
        ),
        (
            CallError::Provider(ProviderError::Unavailable {
                response: response(500, r#"{"error":{"code":"trouble"}}"#),
            }),
            "unknown [trouble]",
            "transient [trouble]",
        ),
        (
            CallError::NotUnderstood(response(200, "<html>")),
            "unknown [200]",
            "transient [200]",
        ),
        (
            throttled(429),
            "Job throttled for 9 [429]",
            "Job throttled for 9 [429]",
        ),
        (throttled(503), "unknown [503]", "Job throttled for 9 [503]"),
        (
            CallError::Provider(ProviderError::Unexpected {
                response: response(302, ""),
            }),
            "transient [302]",
            "transient [302]",
        ),
        (
            CallError::Provider(ProviderError::Unauthorized {
                response: response(401, r#"{"error":{"code":"key_refused"}}"#),
            }),
            "permanent [key_refused]",
            "transient [key_refused]",
        ),
        (
            rejected(402, "card_declined"),
            "permanent [card_declined]",
            "transient [card_declined]",
        ),
        (
            rejected(409, "reference_used"),
            "permanent [reference_used]",
            "transient [reference_used]",
        ),
        (
            rejected(422, "no_such_customer"),
            "permanent [no_such_customer]",
            "transient [no_such_customer]",
        ),
        // Not a word, so not believed.
        (
            rejected(422, "ada@example.com"),
            "permanent [422]",
            "transient [422]",
        ),
        (
            CallError::NotAnId,
            "permanent [not an id]",
            "transient [not an id]",
        ),
    ] {
        assert_eq!(shown(&of_writing(&error)), writing, "{error:?}");
        assert_eq!(shown(&of_looking(&error)), looking, "{error:?}");
    }
    assert!(
        !of_writing(&rejected(422, "ada@example.com"))
            .reason()
            .contains("ada")
    );
    assert_eq!(
        of_writing(&rejected(409, "reference_used")).reason(),
        "testpay answered 409, reference_used"
    );
}
