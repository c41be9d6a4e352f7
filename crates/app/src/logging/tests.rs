use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::*;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What stands on stderr of what this logs.
fn written(filter: &str, json: bool, log: impl FnOnce()) -> String {
    let written = Written::default();
    let writer = written.clone();
    let as_json = AsJson::default();
    as_json.set(json);
    let subscriber = subscriber(
        EnvFilter::new(filter),
        move || writer.clone(),
        false,
        Ours(vec!["harbour_slack"]),
        &as_json,
    );
    tracing::subscriber::with_default(subscriber, log);
    let written = written.0.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&written).into_owned()
}

/// What is logged with this filter of what our crates and others say.
fn logged(filter: &str, json: bool) -> String {
    written(filter, json, || {
        let others = tracing::info_span!(target: "aws_sdk_s3::operation", "GetObject", key = "planted-in-a-span");
        let _entered = others.enter();
        tracing::trace!(target: "aws_smithy_runtime", token = "planted-at-trace", "request");
        tracing::debug!(target: "hyper::proto::h1", "planted-at-debug");
        tracing::error!(target: "rustls", "planted-at-error");
        tracing::warn!(target: "longshoreman", "planted-by-a-namesake");
        let ours = tracing::info_span!(target: "longshore_worker::layers", "job", job_id = "ours-in-a-span");
        let _entered = ours.enter();
        tracing::trace!(target: "longshore_queue", "ours-at-trace");
        tracing::info!(target: "longshore", "ours-at-info");
        tracing::info!(target: "harbour_slack::client", "an-integrations");
    })
}

#[test]
fn others_are_never_heard_whatever_is_asked_for() {
    for filter in [
        "trace",
        "info,aws_sdk_s3=trace,aws_smithy_runtime=trace,hyper=trace,rustls=trace,longshoreman=trace",
    ] {
        for json in [false, true] {
            let said = logged(filter, json);
            assert!(!said.contains("planted"), "{filter}: {said}");
            assert!(said.contains("ours-at-info"), "{filter}: {said}");
            assert!(said.contains("ours-in-a-span"), "{filter}: {said}");
            assert!(said.contains("an-integrations"), "{filter}: {said}");
        }
    }
    assert!(logged("trace", false).contains("ours-at-trace"));
    assert!(!logged("info", false).contains("ours-at-trace"));
}

/// What a provider may have said, and a person may have written.
const HOSTILE: &str = "a\nb\r\n\"c\" \u{1b}[31m\u{2028}{\"level\":\"ERROR\"}";

fn run_of_a_job() {
    let run = tracing::info_span!(
        target: "longshore_worker",
        "job",
        queue = "email",
        job_id = %HOSTILE,
        kind = tracing::field::Empty,
        attempt = 1_u32,
        level = "of a span",
        absent = None::<&str>,
    );
    let _entered = run.enter();
    run.record("kind", "send_email");
    let part = tracing::info_span!(target: "longshore_worker", "part", attempt = 2_u32);
    let _entered = part.enter();
    tracing::warn!(
        target: "longshore_worker",
        queue = "sms",
        error = %HOSTILE,
        duration_ms = 15_u128,
        wait_seconds = 0.5,
        never = f64::NAN,
        ours = true,
        "it failed: {HOSTILE}"
    );
}

#[test]
fn json_lines_are_flat_and_the_innermost_field_wins() {
    let line = written("info", true, run_of_a_job);
    assert!(line.ends_with('\n') && line.lines().count() == 1, "{line}");
    // As written, not as parsed: of two fields with one name a parser would see one.
    assert_eq!(line.matches("\"attempt\":").count(), 1, "{line}");
    let mut parsed: Value = serde_json::from_str(&line).expect("JSON");
    let timestamp = parsed["timestamp"].take();
    let timestamp = timestamp.as_str().expect("a text");
    let parts: Vec<_> = timestamp.split(['T', '.', 'Z']).map(str::len).collect();
    assert_eq!(parts, [10, 8, 3, 0], "{timestamp}");
    timestamp.parse::<jiff::Timestamp>().expect("RFC 3339");
    assert_eq!(
        parsed,
        json!({
            "timestamp": null, "level": "WARN", "target": "longshore_worker",
            "message": format!("it failed: {HOSTILE}"),
            "queue": "sms", "job_id": HOSTILE, "kind": "send_email", "attempt": 2, "error": HOSTILE,
            "duration_ms": 15, "wait_seconds": 0.5, "never": null, "ours": true,
        })
    );
}

#[test]
fn no_text_makes_two_lines_of_one() {
    let line = written("info", false, run_of_a_job);
    assert!(line.ends_with('\n') && line.lines().count() == 1, "{line}");
    assert!(line.contains(r"it failed: a\nb\r\n"), "{line}");
}

#[test]
fn a_filter_that_asks_for_others_is_answered() {
    for filter in ["hyper=trace", "info,aws_sdk_s3", "longshoreman=info"] {
        assert!(Ours::default().names_others(filter), "{filter}");
    }
    for filter in [
        "",
        "trace",
        "info,longshore=debug",
        "longshore_queue::claim=trace",
        "harbour_slack=debug",
        "INFO,[job]=trace",
    ] {
        assert!(
            !Ours(vec!["harbour_slack"]).names_others(filter),
            "{filter}"
        );
    }
}
