//! Any answer of any provider: the real handlers against a server that answers so. Nothing panics, garbage completes nothing, and
//! what was perhaps done is never taken for refused.

mod args;

use std::time::Duration;

use longshore_job::{JobError, Outcome};
use longshore_testing::Script;
use longshore_testing::fuzz::{bytes, cases};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use super::Scene;
use super::calls::{CALLS, Call, Kind};

/// Each call is answered here. So it is never over before that, however busy the machine is.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// Answers of theirs, good and bad ones.
const BODIES: &[&str] = &[
    "",
    r#"{"id":"cus_1"}"#,
    r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","message":"No."}}"#,
    r#"{"error":{"type":"invalid_request_error","code":"resource_missing","param":"customer"}}"#,
    r#"{"ErrorCode":0,"Message":"OK","MessageID":"m-1"}"#,
    r#"{"ErrorCode":406,"Message":"You tried to send to a recipient that has been marked as inactive."}"#,
    r#"{"sid":"SM0123456789abcdef0123456789abcdef","status":"queued"}"#,
    r#"{"code":21211,"message":"The 'To' number is not valid","status":400}"#,
    r#"{"status":"OK","results":[{"geometry":{"location":{"lat":59.9,"lng":10.7}},"formatted_address":"Oslo"}]}"#,
    r#"{"status":"OVER_QUERY_LIMIT","results":[]}"#,
    r#"{"errors":[{"message":"Bad","field":"personalizations.0.to.0.email","help":null}]}"#,
    "<html><body>502</body></html>",
];

const HEADERS: &[&str] = &[
    "retry-after: 7",
    "retry-after: -1",
    "retry-after: 99999999999999999999",
    "retry-after: Sat, 28 Nov 2026 00:00:09 GMT",
    "x-ratelimit-reset: 1",
    "stripe-should-retry: true",
    "stripe-should-retry: false",
    "idempotent-replayed: true",
    "content-type: application/json",
    "content-type: text/html; charset=\"\u{e6}",
    "request-id: req_1",
    "x-request-id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "location: http://127.0.0.1:1/",
];

const STATUSES: [u16; 28] = [
    200, 201, 202, 204, 206, 226, 299, 300, 301, 302, 304, 307, 400, 401, 402, 403, 404, 408, 409,
    422, 425, 429, 499, 500, 502, 503, 520, 599,
];

fn answer() -> impl Strategy<Value = (u16, Vec<&'static str>, Vec<u8>)> {
    let status = prop_oneof![4 => select(&STATUSES[..]), 1 => 200_u16..600];
    (status, vec(select(HEADERS), 0..3), bytes(BODIES))
}

fn written(status: u16, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let head = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Whether a provider's good answer is known by what is in it.
fn may_be_done(call: &Call, body: &[u8]) -> bool {
    let text = |value: &Value, field: &str| value[field].as_str().is_some_and(|id| !id.is_empty());
    let said: Option<Value> = serde_json::from_slice(body).ok();
    match (call.provider, said) {
        ("stripe", said) => said.is_some_and(|said| text(&said, "id")),
        ("twilio", said) => said.is_some_and(|said| text(&said, "sid")),
        ("postmark", said) => said.is_some_and(|said| said["ErrorCode"] == 0),
        ("google_maps", said) => said.is_some_and(|said| text(&said, "status")),
        // They take what they answer 2xx to, whatever they say.
        _ => true,
    }
}

/// What must not be, whatever the answer is.
fn wrong(
    call: &Call,
    status: u16,
    body: &[u8],
    end: &Result<Outcome, JobError>,
) -> Option<&'static str> {
    let is_good = (200..300).contains(&status);
    match end {
        Ok(_) if !is_good => Some("completed without a 2xx"),
        Ok(_) if !may_be_done(call, body) => Some("completed of garbage"),
        Err(JobError::NotReached { .. }) => Some("an answer came"),
        Err(JobError::Permanent { .. }) if status >= 500 => Some("a 5xx is no refusal"),
        Err(JobError::Transient { .. })
            if call.kind == Kind::Effect && is_good && call.provider != "crm" =>
        {
            Some("an effect that may have happened is tried again as if it had not")
        }
        Err(error) if error.reason().chars().count() > 10_000 => Some("the reason is too long"),
        _ => None,
    }
}

/// The end of one run. An answer may say that it is an old one, and then its job asks when it was sent before.
async fn ran(scene: &Scene) -> Result<Outcome, JobError> {
    let mut script = Script::new();
    script.route = scene.call.route;
    let ago = Duration::from_secs;
    script.memory.set_requests_out(ago(700), ago(600));
    let payload = scene.call.payload.as_bytes();
    let end = scene.handlers.try_out(payload, script.run()).await;
    end.expect("its kind is known")
}

/// The few of every test run are always the same: what is found by chance is found by `just fuzz`.
fn runner(few: u32) -> TestRunner {
    let few = cases(few);
    match std::env::var_os("LONGSHORE_FUZZ_CASES") {
        Some(_) => TestRunner::new(few),
        None => TestRunner::new_with_rng(few, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    }
}

#[test]
fn any_answer_of_any_provider_has_an_end_that_is_safe() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    // What a store's SDK does with an answer takes seconds of its own: it tries again by itself.
    for call in CALLS.iter().filter(|call| call.queue_of != "s3") {
        let scene = runtime.block_on(Scene::set(call, true, ANSWERED_WITHIN));
        let tried = runner(4).run(&answer(), |(status, headers, body)| {
            scene.server.answers(written(status, &headers, &body));
            let end = runtime.block_on(ran(&scene));
            match wrong(call, status, &body, &end) {
                Some(wrong) => Err(TestCaseError::fail(format!("{wrong}: {end:?}"))),
                None => Ok(()),
            }
        });
        assert!(
            tried.is_ok(),
            "{}: {}",
            call.provider,
            tried.expect_err("failed")
        );
    }
}
