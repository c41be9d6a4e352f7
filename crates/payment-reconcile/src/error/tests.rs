use std::time::SystemTime;

use longshore_job::Scope;
use longshore_provider::{HeaderMap, HeaderValue};

use super::*;

fn response(status: u16, body: &str, should_retry: Option<&'static str>) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert("request-id", HeaderValue::from_static("req_1"));
    if let Some(advice) = should_retry {
        headers.insert("stripe-should-retry", HeaderValue::from_static(advice));
    }
    Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers,
        body: body.into(),
        complete: true,
    }
}

/// As the client sorts answers by their status.
fn sorted_by_client(response: Response) -> CallError {
    let error = ProviderError::check(response, SystemTime::UNIX_EPOCH);
    CallError::Provider(error.expect_err("no success"))
}

fn not_an_id() -> CallError {
    CallError::NotAsked {
        code: "not an id",
        reason: "it is none".to_owned(),
    }
}

fn answered_with(status: u16, body: &str) -> CallError {
    sorted_by_client(response(status, body, None))
}

/// A refusal as Stripe writes it, with what must not be passed on.
fn complaint(status: u16, kind: &str, code: &str, advice: Option<&'static str>) -> CallError {
    let code = match code {
        "" => String::new(),
        code => format!(r#""code":"{code}","doc_url":"https://stripe.com/docs","#),
    };
    let body = format!(
        r#"{{"error":{{"type":"{kind}",{code}"message":"No, ada@example.com: pi_1_secret_abc","payment_intent":{{"id":"pi_1","client_secret":"pi_1_secret_xyz"}}}}}}"#
    );
    sorted_by_client(response(status, &body, advice))
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
fn statuses_decide_before_types() {
    let invalid = "invalid_request_error";
    let (refused, all) = ("permanent", "transient");
    for (status, kind_word, code, writing, looking, grouped_by) in [
        (
            400,
            invalid,
            "parameter_missing",
            refused,
            all,
            "parameter_missing",
        ),
        (400, invalid, "", refused, all, invalid),
        (
            404,
            invalid,
            "resource_missing",
            refused,
            all,
            "resource_missing",
        ),
        (
            400,
            "idempotency_error",
            "",
            refused,
            all,
            "idempotency_error",
        ),
        (401, invalid, "", "unauthorized", "unauthorized", invalid),
        (
            401,
            "card_error",
            "card_declined",
            "unauthorized",
            "unauthorized",
            "card_declined",
        ),
        (
            402,
            "card_error",
            "expired_card",
            refused,
            all,
            "expired_card",
        ),
        // A restricted key without a right.
        (403, invalid, "", "unauthorized", "unauthorized", invalid),
        (
            403,
            invalid,
            "resource_missing",
            refused,
            all,
            "resource_missing",
        ),
        (
            409,
            invalid,
            "idempotency_key_in_use",
            all,
            all,
            "idempotency_key_in_use",
        ),
        (409, invalid, "", all, all, invalid),
        (424, "api_error", "", all, all, "api_error"),
        (
            429,
            invalid,
            "lock_timeout",
            "throttled job",
            "throttled job",
            "lock_timeout",
        ),
        (
            429,
            invalid,
            "rate_limit",
            "throttled provider",
            "throttled provider",
            "rate_limit",
        ),
        (
            429,
            invalid,
            "",
            "throttled provider",
            "throttled provider",
            invalid,
        ),
        (
            400,
            invalid,
            "rate_limit",
            "throttled provider",
            "throttled provider",
            "rate_limit",
        ),
        (500, "api_error", "", "unknown", all, "api_error"),
        (503, "api_error", "", "unknown", all, "api_error"),
        (408, invalid, "", "unknown", all, invalid),
        (504, "api_error", "", "unknown", all, "api_error"),
        (302, invalid, "", "unknown", all, invalid),
    ] {
        let error = || complaint(status, kind_word, code, None);
        let reading = match writing {
            "unknown" => "transient",
            writing => writing,
        };
        for (error, expected) in [
            (of_writing(error()), writing),
            (of_reading(error()), reading),
            (of_looking(error()), looking),
        ] {
            assert_eq!(kind(&error), expected, "{status} {code}");
            let answer = error.answer();
            assert_eq!(answer.provider.as_deref(), Some("stripe"));
            assert_eq!(answer.status, Some(status));
            assert_eq!(answer.code.as_deref(), Some(grouped_by), "{status} {code}");
            assert_eq!(answer.request_id.as_deref(), Some("req_1"));
            let reason = error.reason();
            let begin = format!("Stripe answered {status}");
            assert!(reason.starts_with(&begin), "{reason}");
            for secret in ["ada", "abc", "xyz"] {
                assert!(!reason.contains(secret), "{reason}");
            }
        }
    }
}

#[test]
fn advice_beats_the_rules_where_it_can_mean_something() {
    let (yes, no) = (Some("true"), Some("false"));
    for (status, code, advice, writing, reading) in [
        // Worth another attempt under the same key, so no refusal.
        (400, "parameter_missing", yes, "transient", "transient"),
        (402, "card_declined", yes, "transient", "transient"),
        (403, "", yes, "unauthorized", "unauthorized"),
        (404, "resource_missing", yes, "transient", "transient"),
        (409, "", yes, "transient", "transient"),
        (500, "", yes, "unknown", "transient"),
        (401, "", yes, "unauthorized", "unauthorized"),
        (
            429,
            "rate_limit",
            yes,
            "throttled provider",
            "throttled provider",
        ),
        (429, "lock_timeout", yes, "throttled job", "throttled job"),
        // Final, unless it is not about this request.
        (409, "", no, "permanent", "permanent"),
        (424, "", no, "permanent", "permanent"),
        (409, "idempotency_key_in_use", no, "transient", "transient"),
        (402, "card_declined", no, "permanent", "permanent"),
        (500, "", no, "unknown", "transient"),
        (401, "", no, "unauthorized", "unauthorized"),
        (
            429,
            "rate_limit",
            no,
            "throttled provider",
            "throttled provider",
        ),
        (429, "lock_timeout", no, "throttled job", "throttled job"),
        // No advice.
        (
            402,
            "card_declined",
            Some("maybe"),
            "permanent",
            "permanent",
        ),
    ] {
        let error = || complaint(status, "api_error", code, advice);
        assert_eq!(
            kind(&of_writing(error())),
            writing,
            "{status} {code} {advice:?}"
        );
        assert_eq!(
            kind(&of_reading(error())),
            reading,
            "{status} {code} {advice:?}"
        );
        assert_ne!(kind(&of_looking(error())), "permanent", "{status} {code}");
    }
}

#[test]
fn a_refusal_says_whose_mistake_it_is() {
    for (status, kind_word, code, blame) in [
        (402, "card_error", "card_declined", Blame::Theirs),
        (400, "card_error", "incorrect_number", Blame::Theirs),
        (400, "invalid_request_error", "email_invalid", Blame::Theirs),
        (
            400,
            "invalid_request_error",
            "parameter_missing",
            Blame::Ours,
        ),
        (400, "invalid_request_error", "", Blame::Ours),
        (
            404,
            "invalid_request_error",
            "resource_missing",
            Blame::Ours,
        ),
        (400, "idempotency_error", "", Blame::Ours),
    ] {
        let error = of_writing(complaint(status, kind_word, code, None));
        assert_eq!(error.blame(), Some(blame), "{status} {code}");
    }
    assert_eq!(declined(None, None).blame(), Some(Blame::Theirs));
}

#[test]
fn declines_are_told_apart_by_the_banks_reason() {
    let body = r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","param":"payment_method","message":"Your card has insufficient funds."}}"#;
    let error = of_writing(answered_with(402, body));
    assert_eq!(kind(&error), "permanent");
    assert_eq!(error.answer().code.as_deref(), Some("insufficient_funds"));
    assert_eq!(
        error.reason(),
        "Stripe answered 402, card_declined, insufficient_funds, for payment_method"
    );
    let details = &error.answer().details;
    assert_eq!(details["decline_code"], "insufficient_funds");
    assert_eq!(details.get("payment_intent"), None, "the answer names none");
    let odd = r#"{"error":{"type":"card_error","decline_code":"two words","payment_intent":{"id":"pi_1"}}}"#;
    let odd = of_writing(answered_with(402, odd));
    let details = &odd.answer().details;
    assert_eq!(details.len(), 1, "what is no word is not told: {details:?}");
    assert_eq!(details["payment_intent"], "pi_1");
    let found = declined(Some("card_declined"), Some("lost_card"));
    assert_eq!(kind(&found), "permanent");
    assert_eq!(found.answer().details["decline_code"], "lost_card");
    assert_eq!(found.answer().code.as_deref(), Some("lost_card"));
    assert_eq!(
        declined(None, None).answer().code.as_deref(),
        Some("card_declined")
    );
}

#[test]
fn what_is_not_stripes_form_is_told_in_short() {
    for (status, body, code, reason) in [
        (400, "", "400", "Stripe answered 400"),
        (400, "[]", "400", "Stripe answered 400"),
        // OAuth's form.
        (
            400,
            r#"{"error":"ada@example.com"}"#,
            "400",
            "Stripe answered 400",
        ),
        (
            400,
            r#"{"error":{"type":"t","code":"ada@example.com"}}"#,
            "t",
            "Stripe answered 400",
        ),
        (
            400,
            r#"{"error":{"type":"invalid_request_error","message":"Unknown parameter for a@b.no"}}"#,
            "invalid_request_error",
            "Stripe answered 400: Unknown parameter for [email]",
        ),
        (
            502,
            "<h1>upstream of +4790000000 is down</h1>",
            "502",
            "Stripe answered 502: <h1>upstream of [phone] is down</h1>",
        ),
    ] {
        let error = of_writing(answered_with(status, body));
        assert_eq!(error.reason(), reason);
        assert_eq!(error.answer().code.as_deref(), Some(code), "{body}");
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
    let odd = || CallError::NotUnderstood {
        response: Box::new(response(200, "<html>Sign in", None)),
        why: String::new(),
    };
    for (error, expected, code) in [
        (of_writing(never_sent()), "not_reached", "not reached"),
        (of_reading(never_sent()), "not_reached", "not reached"),
        (of_writing(no_answer()), "unknown", "no answer"),
        (of_reading(no_answer()), "transient", "no answer"),
        (of_looking(no_answer()), "transient", "no answer"),
        (of_writing(odd()), "unknown", "200 not understood"),
        (of_reading(odd()), "transient", "200 not understood"),
        (of_writing(not_an_id()), "permanent", "not an id"),
        (of_reading(not_an_id()), "permanent", "not an id"),
    ] {
        assert_eq!(kind(&error), expected, "{code}");
        assert_eq!(error.answer().code.as_deref(), Some(code));
    }
}

#[test]
fn waits_are_stripes_or_ours() {
    let waits = |error| match error {
        JobError::Throttled { retry_after, .. } => retry_after.as_secs(),
        error => panic!("{error:?}"),
    };
    assert_eq!(
        waits(of_writing(complaint(429, "t", "rate_limit", None))),
        2
    );
    assert_eq!(
        waits(of_writing(complaint(429, "t", "lock_timeout", None))),
        5
    );
    // Waiting and sending again would not ask what became of it; reading may.
    let with_header = || {
        let mut response = response(503, "", None);
        let wait = HeaderValue::from_static("7");
        response.headers.insert("retry-after", wait);
        sorted_by_client(response)
    };
    assert_eq!(kind(&of_writing(with_header())), "unknown");
    assert_eq!(waits(of_reading(with_header())), 7);
}

#[test]
fn failures_say_what_becomes_of_the_key() {
    let marked = |status| {
        let mut response = response(status, "", None);
        let mark = HeaderValue::from_static("true");
        response.headers.insert("idempotent-replayed", mark);
        sorted_by_client(response)
    };
    let advised = |status, advice| complaint(status, "api_error", "", Some(advice));
    for (error, expected) in [
        (answered_with(500, ""), Some(Failure::Passing)),
        (answered_with(424, ""), Some(Failure::Passing)),
        (advised(500, "true"), Some(Failure::Passing)),
        (advised(500, "false"), Some(Failure::Final)),
        (marked(500), Some(Failure::Saved)),
        (marked(402), None),
        (answered_with(408, ""), None),
        (answered_with(429, ""), None),
        (not_an_id(), None),
    ] {
        assert_eq!(failure(&error), expected, "{error:?}");
    }
}

#[test]
fn some_refusals_may_hide_an_earlier_request() {
    let refused = |status, kind, advice| complaint(status, kind, "", advice);
    let (invalid, no) = ("invalid_request_error", Some("false"));
    for (error, expected) in [
        (refused(403, invalid, None), false),
        (refused(400, "idempotency_error", None), true),
        (refused(400, invalid, None), true),
        (refused(409, invalid, no), true),
        (refused(402, "card_error", None), false),
        // What is no refusal begins no new generation.
        (refused(409, invalid, None), false),
        (refused(403, invalid, Some("true")), false),
        (refused(401, invalid, None), false),
        (refused(429, invalid, None), false),
        (refused(500, "idempotency_error", None), false),
        (not_an_id(), false),
    ] {
        assert_eq!(may_hide_an_earlier_one(&error), expected, "{error:?}");
    }
}
