//! What callers send: whatever it is, it is read or refused with what is wrong, and nothing panics.

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use longshore_testing::fuzz::{bytes, cases, text};
use mime::Mime;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::select;

use crate::fields::Fields;
use crate::query::Query;
use crate::{body, form, strict};

const NAMES: &[&str] = &[
    "kind",
    "args",
    "key",
    "in",
    "at",
    "expires_in",
    "expires_at",
    "priority",
    "tenant",
    "tags",
];

const JOBS: &[&str] = &[
    r#"{"kind":"send_sms","args":{"to":"+4790000000","body":"Hi"},"key":"k","in":"90s","priority":"high","tenant":"t","tags":["a","b"]}"#,
    r#"{"kind":"send_email","args":{"template":"welcome","to":{"email":"a@b.c"},"data":{"n":1.5}},"at":"2026-11-29T09:00:00Z","expires_in":"1h"}"#,
];

const QUERIES: &[&str] = &["kind=send_sms&key=a%2Fb", "wait=20s", "wait=%zz&kind"];

const TYPES: &[&str] = &[
    "application/json",
    "Application/JSON ; Charset = \"UTF-8\"; v=1",
    "application/x-ndjson;charset=utf8",
    "application/json;charset=latin1",
    "text/plain",
];

const ENCODINGS: &[&str] = &["identity", "gzip", "IDENTITY"];

/// A request's head, if it can be one: not every text stands in a header.
fn head(content_type: Option<&[u8]>, encoding: Option<&str>) -> Option<Parts> {
    let mut request = Request::post("/v1/jobs");
    if let Some(content_type) = content_type {
        request = request.header(CONTENT_TYPE, content_type);
    }
    if let Some(encoding) = encoding {
        request = request.header(CONTENT_ENCODING, encoding);
    }
    Some(request.body(()).ok()?.into_parts().0)
}

/// Whether a reader that is not ours finds one of these types there, and no other charset than UTF-8.
fn says(content_type: &[u8], subtypes: &[&str]) -> bool {
    let text = String::from_utf8_lossy(content_type);
    let essence = text.split(';').next().unwrap_or_default().trim();
    let is_one = essence.parse::<Mime>().is_ok_and(|essence| {
        essence.type_() == mime::APPLICATION && subtypes.contains(&essence.subtype().as_str())
    });
    let whole = text.trim().parse::<Mime>();
    let charset = whole.ok().and_then(|whole| {
        let charset = whole.get_param(mime::CHARSET)?;
        Some(charset.as_str().to_ascii_lowercase())
    });
    is_one && charset.is_none_or(|charset| charset == "utf-8" || charset == "utf8")
}

/// Runs a future that waits for nobody.
fn now<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.expect("a runtime").block_on(future)
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn a_body_is_read_as_it_stands_or_not_at_all(
        content_type in weighted(0.9, bytes(TYPES)),
        encoding in weighted(0.3, text(ENCODINGS)),
        sent in bytes(JOBS),
    ) {
        let Some(head) = head(content_type.as_deref(), encoding.as_deref()) else { return Ok(()) };
        let content_type = content_type.unwrap_or_default();
        let is_plain = encoding.is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"));
        let sent_again = || Body::from(sent.clone());
        let lines = &["x-ndjson", "ndjson", "jsonl", "x-jsonlines"][..];
        for (read, subtypes) in [
            (now(body::json(&head, sent_again())).map(Some), &["json"][..]),
            (now(body::json_if_any(&head, sent_again())), &["json"]),
            (now(body::lines(&head, sent_again())).map(Some), lines),
        ] {
            let Ok(Some(read)) = read else { continue };
            prop_assert!(is_plain && says(&content_type, subtypes));
            prop_assert_eq!(&*read.bytes, &*sent);
        }
    }

    #[test]
    fn json_is_read_however_its_type_is_written(
        essence in select(&["application/json", "APPLICATION/JSON", "Application/Json"][..]),
        charset in of(select(&["utf-8", "UTF-8", "\"utf-8\"", "\"Utf-8\"", "utf8"][..])),
        name in select(&["charset", "Charset", "CHARSET"][..]),
        other in of("[a-b]{1,8}"),
        blank in select(&["", " ", "\t", "  "][..]),
    ) {
        let charset = charset.map(|charset| format!("{name}{blank}={blank}{charset}"));
        let other = other.map(|other| format!("{other}=1"));
        let parts: Vec<_> = [Some(essence.to_owned()), other, charset].into_iter().flatten().collect();
        let content_type = parts.join(&format!("{blank};{blank}"));
        let head = head(Some(content_type.as_bytes()), None).expect("a header");
        prop_assert!(now(body::json(&head, Body::from("{}"))).is_ok(), "{content_type}");
    }

    #[test]
    fn a_body_that_is_taken_means_the_same_to_every_reader(body in text(JOBS)) {
        if strict::check(&body).is_ok() {
            let value: Result<serde_json::Value, _> = serde_json::from_str(&body);
            prop_assert!(value.is_ok(), "{body}");
        }
        let Ok(mut fields) = Fields::read(&body, NAMES) else { return Ok(()) };
        let _ = (fields.needed("kind"), fields.text("key"), fields.duration("in"), fields.time("at"));
        let _ = (fields.duration("expires_in"), fields.time("expires_at"), fields.value::<Vec<String>>("tags", "a list"));
        if let Err(findings) = fields.done() {
            prop_assert!(!findings.is_empty());
        }
    }

    #[test]
    fn args_are_compared_with_any_schema(schema in text(JOBS), args in text(JOBS)) {
        let read = |text: &str| serde_json::from_str(text).unwrap_or_default();
        let _ = form::findings(&read(&schema), &read(&args), "args");
    }

    #[test]
    fn queries_are_read_or_refused(query in text(QUERIES)) {
        let mut query = Query::read(Some(&query), &["kind", "key", "wait"]);
        let _ = query.needed("kind");
        let _ = query.done(());
    }
}
