//! Takes out of a reason what it quotes of the job's own args.
//!
//! Job crates redact what can be told by its looks: addresses, numbers, keys. A name cannot; but what a provider quotes
//! back came from the args, and those are known here. Reasons go from here to the log, the history, an operator's
//! table and Sentry.

use longshore_job::{Envelope, JobError, Outcome, kinds};
use serde_json::Value;

use super::End;

/// What stands in the place of a value.
const REDACTED: &str = "[redacted]";

/// Shorter ones are words of every day, such as a currency.
const SHORTEST: usize = 4;

/// Takes a run's args out of the reason that it ended with.
pub(super) fn take_out(end: &mut End, payload: &[u8]) {
    let End::Ran(end) = end else { return };
    let reason = match end {
        Ok(Outcome::Done { .. }) => return,
        Ok(Outcome::Skipped { reason })
        | Err(
            JobError::Permanent { reason, .. }
            | JobError::Throttled { reason, .. }
            | JobError::Transient { reason, .. }
            | JobError::NotReached { reason, .. }
            | JobError::OutcomeUnknown { reason, .. }
            | JobError::Unauthorized { reason, .. },
        ) => reason,
    };
    for private in private_texts(payload) {
        *reason = without(reason, &private);
    }
}

/// What is private in a job's args: every text of them, then the words of it that look like names or numbers, the
/// longest first.
fn private_texts(payload: &[u8]) -> Vec<String> {
    let Ok(envelope) = Envelope::parse(payload) else {
        return Vec::new();
    };
    let public = kinds::find(&envelope.kind).map_or(&[][..], |spec| spec.public_args);
    let mut texts = Vec::new();
    if let Ok(Value::Object(args)) = serde_json::from_str(envelope.args.get()) {
        for (name, value) in &args {
            if !public.contains(&name.as_str()) {
                collect(value, &mut texts);
            }
        }
    }
    let words: Vec<_> = texts.iter().flat_map(|text| names(text)).collect();
    texts.extend(words);
    texts.retain(|text| text.chars().count() >= SHORTEST);
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts.dedup();
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => texts.push(text.trim().to_owned()),
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, texts)),
    }
}

/// Words with a capital or a digit in them. Others are as likely to be the provider's own.
fn names(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| word.contains(|c: char| c.is_uppercase() || c.is_numeric()))
        .map(str::to_owned)
        .collect()
}

/// A text without a private one, whatever the case of its letters.
fn without(text: &str, private: &str) -> String {
    let mut rest = text;
    let mut clean = String::new();
    while let Some(at) = find(rest, private) {
        clean += &rest[..at];
        clean += REDACTED;
        rest = &rest[at + private.len()..];
    }
    clean + rest
}

/// Where it begins. What is ASCII of it may be in another case.
fn find(text: &str, private: &str) -> Option<usize> {
    let (text, private) = (text.as_bytes(), private.as_bytes());
    // A whole character begins where it is found, since one begins the private text.
    text.windows(private.len())
        .position(|part| part.eq_ignore_ascii_case(private))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYLOAD: &[u8] = r#"{"kind":"send_email","v":1,"args":{"template":"Welcome Mail",
        "to":{"email":"ada@example.com","name":"Åda Hansen"},"data":{"street":["Storgata 7"],"n":1,"x":"ok","it":"invalid"}}}"#
        .as_bytes();

    fn cleaned(reason: &str) -> String {
        let mut end = End::Ran(Err(JobError::permanent(reason)));
        take_out(&mut end, PAYLOAD);
        match end {
            End::Ran(Err(error)) => error.reason().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_quoted_of_the_args_is_taken_out() {
        for (reason, clean) in [
            ("no Åda Hansen there", "no [redacted] there"),
            ("Mr HANSEN, hansen", "Mr [redacted], [redacted]"),
            ("ADA@example.com of Storgata 7", "[redacted] of [redacted]"),
            ("in Storgata only", "in [redacted] only"),
            // Public, too short, or nobody's.
            (
                "Welcome Mail is unknown, ok 1",
                "Welcome Mail is unknown, ok 1",
            ),
            ("", ""),
        ] {
            assert_eq!(cleaned(reason), clean);
        }
    }

    #[test]
    fn a_payload_that_is_none_has_no_args() {
        assert!(private_texts(b"\xff").is_empty());
    }
}
