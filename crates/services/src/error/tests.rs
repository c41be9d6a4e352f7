use std::time::SystemTime;

use longshore_job::JobError;
use longshore_provider::{CallError, HeaderMap, ProviderError, Purpose, StatusCode};

use super::*;

fn response(status: u16, body: &str) -> Response {
    Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::new(),
        body: body.as_bytes().to_vec(),
        complete: true,
    }
}

fn job_error(classes: &AnswerClasses, purpose: Purpose, response: Response) -> JobError {
    let answers = Answers {
        service: "crm",
        classes,
        secrets: vec!["s3cr3t-of-ours".to_owned()],
    };
    let error = match ProviderError::check(response, SystemTime::UNIX_EPOCH) {
        Err(error) => error,
        // As the client sorts a 2xx that is no success.
        Ok(response) => ProviderError::Unexpected {
            response: Box::new(response),
        },
    };
    answers.job_error(purpose, &CallError::Provider(error))
}

fn word(error: &JobError) -> &'static str {
    match error {
        JobError::Permanent { .. } => "permanent",
        JobError::Throttled { .. } => "throttled",
        JobError::Transient { .. } => "transient",
        JobError::NotReached { .. } => "not_reached",
        JobError::OutcomeUnknown { .. } => "unknown",
        JobError::Unauthorized { .. } => "unauthorized",
    }
}

#[test]
fn what_no_list_names_is_as_careful_as_can_be() {
    for (status, effect, read) in [
        (400, "permanent", "permanent"),
        (401, "unauthorized", "unauthorized"),
        (402, "unauthorized", "unauthorized"),
        (403, "unauthorized", "unauthorized"),
        (404, "permanent", "permanent"),
        (405, "unknown", "transient"),
        (408, "unknown", "transient"),
        (409, "permanent", "permanent"),
        (410, "permanent", "permanent"),
        (413, "permanent", "permanent"),
        (418, "unknown", "transient"),
        (422, "permanent", "permanent"),
        (425, "transient", "transient"),
        (429, "throttled", "throttled"),
        (301, "transient", "transient"),
        (302, "unknown", "transient"),
        (307, "transient", "transient"),
        (500, "unknown", "transient"),
        (502, "unknown", "transient"),
        (503, "transient", "transient"),
        (504, "unknown", "transient"),
        (522, "unknown", "transient"),
    ] {
        let none = AnswerClasses::new();
        let of = |purpose| word(&job_error(&none, purpose, response(status, "")));
        assert_eq!(of(Purpose::Effect), effect, "{status}");
        assert_eq!(of(Purpose::Repeatable), read, "{status}");
    }
}

#[test]
fn a_list_has_the_last_word() {
    let classes: AnswerClasses = [
        (500, AnswerClass::Refused),
        (420, AnswerClass::Throttled),
        (409, AnswerClass::Unknown),
        (202, AnswerClass::Unknown),
        (403, AnswerClass::Refused),
        (503, AnswerClass::Unknown),
    ]
    .into();
    for (status, expected) in [
        (500, "permanent"),
        (420, "throttled"),
        (409, "unknown"),
        (202, "unknown"),
        (403, "permanent"),
        (503, "unknown"),
        (502, "unknown"),
    ] {
        let error = job_error(&classes, Purpose::Effect, response(status, ""));
        assert_eq!(word(&error), expected, "{status}");
    }
}

#[test]
fn a_reason_has_the_services_sentence_and_no_secret() {
    let none = AnswerClasses::new();
    let reason = |body: &str| {
        let error = job_error(&none, Purpose::Effect, response(422, body));
        assert_eq!(error.answer().provider.as_deref(), Some("crm"));
        assert_eq!(error.answer().code.as_deref(), Some("422"));
        error.reason().to_owned()
    };
    let said = reason(r#"{"error":{"message":"the name is taken"}}"#);
    assert_eq!(said, "crm answered 422: the name is taken");
    let said = reason(r#"{"message":"token s3cr3t-of-ours of ada@example.com"}"#);
    assert!(!said.contains("s3cr3t") && !said.contains("ada"), "{said}");
    assert_eq!(reason(r#"{"data":["Ada"]}"#), "crm answered 422");
}
