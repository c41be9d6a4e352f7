//! What must not get in, and what is said of it.

use longshore_tests::{Act, Stage};
use serde_json::Value;

use super::door::Door;

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_body_is_refused_with_what_is_wrong_and_enqueues_nothing() {
    let stage = Stage::set_for(Act::Sms).await;
    let door = Door::open(&stage).await;
    let with = |field: &str| {
        format!(r#"{{"kind":"send_sms","args":{{"to":"+4790000000","body":"x"}},{field}}}"#)
    };
    let args = |args: &str| format!(r#"{{"kind":"send_sms","args":{args}}}"#);
    let mail = |data: &str| {
        format!(
            r#"{{"kind":"send_email","args":{{"template":"welcome","to":{{"email":"a@b.co"}},"data":{data}}}}}"#
        )
    };
    let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
    let table: Vec<(u16, &str, &str, Vec<u8>)> = vec![
        (422, "invalid_json", "is empty", Vec::new()),
        (422, "invalid_json", "is empty", b" \n".to_vec()),
        (422, "invalid_json", "UTF-8", b"{\"kind\":\"\xff\"}".to_vec()),
        (422, "invalid_json", "no JSON", b"{".to_vec()),
        (422, "invalid_json", "must be a JSON object", b"[]".to_vec()),
        (422, "invalid_json", "must be a JSON object", b"null".to_vec()),
        (422, "invalid_json", "stands twice", args(r#"{"to":"+4790000000","to":"+4790000001","body":"x"}"#).into()),
        (422, "invalid_json", "stands twice", mail(r#"{"a":{"b":1,"b":2}}"#).into()),
        (422, "invalid_json", "127 levels", mail(&deep(200)).into()),
        (422, "invalid_json", "127 levels", deep(100_000).into()),
        (422, "invalid_json", "no JSON", mail(r#"{"a":"\ud83d"}"#).into()),
        (422, "invalid_json", "out of range", mail(r#"{"a":1e999}"#).into()),
        (422, "unknown_kind", "the kinds are send_email", br#"{"kind":"send_fax","args":{}}"#.to_vec()),
        (422, "invalid_option", "kind", br#"{"args":{}}"#.to_vec()),
        (422, "invalid_args", "is missing", br#"{"kind":"send_sms"}"#.to_vec()),
        (422, "invalid_args", "must be an object", args(r#"["+4790000000","x"]"#).into()),
        (422, "invalid_args", "is missing", args("null").into()),
        (422, "invalid_args", "E.164", args(r#"{"to":"79","body":"x"}"#).into()),
        (422, "invalid_args", "must be an object", mail("7").into()),
        (422, "invalid_args", "64 bits", br#"{"kind":"create_payment_intent","args":{"order_id":"o","user_id":"u","amount":1e30,"currency":"nok"}}"#.to_vec()),
        (422, "invalid_args", "at least 0", br#"{"kind":"create_payment_intent","args":{"order_id":"o","user_id":"u","amount":-1,"currency":"nok"}}"#.to_vec()),
        (422, "invalid_args", "256 KiB", mail(&format!("{{\"a\":\"{}\"}}", "x".repeat(270_000))).into()),
        (413, "body_too_large", "300 KiB", mail(&format!("{{\"a\":\"{}\"}}", "x".repeat(310_000))).into()),
        (413, "body_too_large", "300 KiB", vec![b' '; 4_000_000]),
        (422, "invalid_option", "90s", with(r#""in":"soon""#).into()),
        (422, "invalid_option", "90s", with(r#""in":"-5s""#).into()),
        (422, "invalid_option", "in: must be a text", with(r#""in":90"#).into()),
        (422, "invalid_option", "hundred years", with(r#""in":"200years""#).into()),
        (422, "invalid_option", "RFC 3339", with(r#""at":"tomorrow""#).into()),
        (422, "invalid_option", "one of the two", with(r#""in":"1h","at":"2126-01-01T00:00:00Z""#).into()),
        (422, "invalid_option", "before the job is due", with(r#""in":"1h","expires_in":"1m""#).into()),
        (422, "invalid_option", "more than 0", with(r#""expires_in":"0s""#).into()),
        (422, "invalid_option", "high, normal or low", with(r#""priority":"urgent""#).into()),
        (422, "invalid_option", "1 to 256 bytes", with(r#""key":"""#).into()),
        (422, "invalid_option", "1 to 256 bytes", with(&format!(r#""key":"{}""#, "k".repeat(257))).into()),
        (422, "invalid_option", "control", with(r#""tenant":"a\u0000b""#).into()),
        (422, "invalid_option", "at most 10", with(r#""tags":["1","2","3","4","5","6","7","8","9","10","11"]"#).into()),
        (422, "invalid_option", "list of texts", with(r#""tags":"vip""#).into()),
        (422, "invalid_option", "not known here", with(r#""delay":"1h""#).into()),
    ];
    for (status, code, told, body) in table {
        let answered = door.send("POST", "/v1/jobs", &[JSON], &body).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        assert_eq!(answered.status, status, "{shown}: {}", answered.body);
        assert_eq!(
            answered.json()["error"]["code"],
            code,
            "{shown}: {}",
            answered.body
        );
        assert!(answered.body.contains(told), "{shown}: {}", answered.body);
    }
    // What only looks wrong is kept as it is.
    let odd = mail(r#"{"a":"\u0000","n":18446744073709551616,"t":{"t":1}}"#);
    assert_eq!(
        door.send("POST", "/v1/jobs", &[JSON], odd.as_bytes())
            .await
            .status,
        201
    );
    assert_eq!(stage.stats().await.pending, 0, "no text was enqueued");
}

/// A kind's own check tells all that it finds, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_a_kind_finds_wrong_is_told_at_once() {
    let stage = Stage::set_for(Act::Sms).await;
    let door = Door::open(&stage).await;
    let args = |args: &str| format!(r#"{{"kind":"send_sms","args":{args}}}"#);
    for (body, places) in [
        (
            args(r#"{"to":"79","body":" "}"#),
            &["args.to", "args.body"][..],
        ),
        (
            r#"{"kind":"create_payment_intent","args":{"order_id":"a b","user_id":"","amount":0,"currency":"NOK","off_session":true}}"#.to_owned(),
            &["args.order_id", "args.user_id", "args.amount", "args.currency", "args.off_session"],
        ),
    ] {
        let answered = door.send("POST", "/v1/jobs", &[JSON], body.as_bytes()).await;
        let error = &answered.json()["error"];
        let found = error["findings"].as_array().expect("findings").iter();
        let found: Vec<_> = found.filter_map(|of| of["path"].as_str()).collect();
        assert_eq!(found, places, "{error}");
    }
}

/// Status and code; method, path, headers and body.
type Sent = (
    u16,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [u8],
);

const ORDER: &[u8] =
    br#"{"kind":"send_sms","args":{"to":"+4790000000","body":"Your table is ready."},"key":"a"}"#;

const WRONG: &[Sent] = &[
    (
        415,
        "unsupported_media_type",
        "POST",
        "/v1/jobs",
        &[],
        ORDER,
    ),
    (
        415,
        "unsupported_media_type",
        "POST",
        "/v1/jobs",
        &[("Content-Type", "text/plain")],
        ORDER,
    ),
    (
        415,
        "unsupported_media_type",
        "POST",
        "/v1/jobs",
        &[("Content-Type", "application/json; charset=latin1")],
        ORDER,
    ),
    (
        415,
        "unsupported_media_type",
        "POST",
        "/v1/jobs",
        &[(
            "Content-Type",
            "application/json; charset=utf-8; Charset = \"latin1\"",
        )],
        ORDER,
    ),
    (
        415,
        "unsupported_encoding",
        "POST",
        "/v1/jobs",
        &[JSON, ("Content-Encoding", "gzip")],
        ORDER,
    ),
    (
        415,
        "unsupported_media_type",
        "POST",
        "/v1/jobs/bulk",
        &[JSON],
        ORDER,
    ),
    (
        422,
        "invalid_option",
        "POST",
        "/v1/jobs",
        &[JSON, ("Idempotency-Key", "b")],
        ORDER,
    ),
    (
        422,
        "invalid_option",
        "POST",
        "/v1/jobs",
        &[JSON, ("Idempotency-Key", "a"), ("Idempotency-Key", "a")],
        ORDER,
    ),
    (
        422,
        "invalid_option",
        "POST",
        "/v1/jobs/bulk",
        &[
            ("Content-Type", "application/x-ndjson"),
            ("Idempotency-Key", ""),
        ],
        ORDER,
    ),
    (
        422,
        "invalid_json",
        "POST",
        "/v1/jobs/bulk",
        &[("Content-Type", "application/x-ndjson")],
        b"\n \r\n",
    ),
    (
        404,
        "not_found",
        "GET",
        "/v1/jobs/01JD2Z5V9GQ8X0T6M3K7W4R1YB",
        &[],
        b"",
    ),
    // Times that no clock has shown.
    (
        404,
        "not_found",
        "GET",
        "/v1/jobs/7ZZZZZZZZZZZZZZZZZZZZZZZZZ?wait=1s",
        &[],
        b"",
    ),
    (
        404,
        "not_found",
        "POST",
        "/v1/jobs/00000000000000000000000000/cancel",
        &[],
        b"",
    ),
    (
        404,
        "not_found",
        "POST",
        "/v1/jobs/7ZZZZZZZZZZZZZZZZZZZZZZZZZ/reschedule",
        &[JSON],
        br#"{"in":"1h"}"#,
    ),
    (
        422,
        "invalid_id",
        "GET",
        "/v1/jobs/8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        &[],
        b"",
    ),
    (
        422,
        "invalid_id",
        "GET",
        "/v1/jobs/01jd2z5v9gq8x0t6m3k7w4r1yb",
        &[],
        b"",
    ),
    (422, "invalid_id", "GET", "/v1/jobs/7", &[], b""),
    (422, "invalid_id", "GET", "/v1/jobs/%FF", &[], b""),
    (
        422,
        "invalid_option",
        "POST",
        "/v1/jobs?key=b",
        &[JSON],
        ORDER,
    ),
    (422, "invalid_id", "POST", "/v1/jobs/7/cancel", &[], b""),
    (
        422,
        "invalid_option",
        "GET",
        "/v1/jobs/01JD2Z5V9GQ8X0T6M3K7W4R1YB?wait=-1",
        &[],
        b"",
    ),
    (
        422,
        "invalid_option",
        "GET",
        "/v1/jobs/01JD2Z5V9GQ8X0T6M3K7W4R1YB?wait=1s&wait=2s",
        &[],
        b"",
    ),
    (
        422,
        "invalid_option",
        "GET",
        "/v1/jobs/01JD2Z5V9GQ8X0T6M3K7W4R1YB?weit=1s",
        &[],
        b"",
    ),
    (
        422,
        "invalid_option",
        "GET",
        "/v1/jobs?kind=send_sms",
        &[],
        b"",
    ),
    (
        422,
        "unknown_kind",
        "GET",
        "/v1/jobs?kind=send_fax&key=a",
        &[],
        b"",
    ),
    (
        422,
        "invalid_option",
        "POST",
        "/v1/uploads",
        &[JSON],
        br#"{"user":"../x","content_type":"image/png","length":1,"extension":"png"}"#,
    ),
    (
        422,
        "invalid_option",
        "POST",
        "/v1/downloads",
        &[JSON],
        br#"{"key":"../a"}"#,
    ),
    (404, "not_found", "GET", "/v2/jobs", &[], b""),
    (405, "method_not_allowed", "DELETE", "/v1/jobs", &[], b""),
    (405, "method_not_allowed", "OPTIONS", "/v1/kinds", &[], b""),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_request_is_refused_in_the_one_form_of_all_errors() {
    let stage = Stage::set_for(Act::Sms).await;
    let door = Door::open(&stage).await;
    for &(status, code, method, path, headers, body) in WRONG {
        let answered = door.send(method, path, headers, body).await;
        assert_eq!(
            answered.status, status,
            "{method} {path} {headers:?}: {}",
            answered.body
        );
        let error = &answered.json()["error"];
        assert_eq!(error["code"], code, "{method} {path} {headers:?}: {error}");
        assert!(
            error["message"].is_string() && error["findings"].is_array(),
            "{error}"
        );
        assert!(
            answered.head.contains("content-type: application/json"),
            "{}",
            answered.head
        );
    }
    let answered = door.send("DELETE", "/v1/jobs", &[], b"").await;
    assert!(answered.head.contains("allow: "), "{}", answered.head);
    let answered = door.send("HEAD", "/v1/kinds", &[], b"").await;
    assert_eq!((answered.status, &*answered.body), (200, ""));
    // The header alone is the key; the same key in both is one.
    for status in [201, 200] {
        let keyed = [JSON, ("Idempotency-Key", "a")];
        assert_eq!(
            door.send("POST", "/v1/jobs", &keyed, ORDER).await.status,
            status
        );
    }
    let (status, document) = door.get("/openapi.json").await;
    assert_eq!((status, &document["openapi"]), (200, &Value::from("3.1.0")));
    assert_eq!(stage.stats().await.pending, 1);
    assert!(door.api().says("status=415"), "each request is a line");
}
