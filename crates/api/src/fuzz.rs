//! What callers send: whatever it is, it is read or refused with what is wrong, and nothing panics.

use longshore_testing::fuzz::{cases, text};
use proptest::prelude::*;

use crate::fields::Fields;
use crate::query::Query;
use crate::{form, strict};

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

proptest! {
    #![proptest_config(cases(128))]

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
