//! Args as operators see them without asking: their shape, and what names no person.

use longshore_job::{Envelope, KindSpec, Kinds};
use serde_json::{Map, Value};

/// What stands in the place of a value.
pub(crate) const REDACTED: &str = "[redacted]";

/// The args of a payload: whole if `reveal`, else with every value but the kind's public args redacted. `None` when
/// the payload does not decode. Of a kind that is not among `kinds` nothing is public.
#[must_use]
pub fn redact_args(kinds: &Kinds, payload: &[u8], reveal: bool) -> Option<Value> {
    let envelope = Envelope::parse(payload).ok()?;
    let args: Value = serde_json::from_str(envelope.args.get()).ok()?;
    Some(match reveal {
        true => args,
        false => redacted(kinds, args, &envelope.kind),
    })
}

/// Which top-level fields of something a kind calls public.
pub(crate) type Public = fn(&KindSpec) -> &'static [&'static str];

/// Those fields; of an unknown kind none.
pub(crate) fn public_of(kinds: &Kinds, kind: &str, public: Public) -> &'static [&'static str] {
    kinds.find(kind).map_or(&[][..], public)
}

/// Args of this kind with every value redacted but the public ones.
pub(crate) fn redacted(kinds: &Kinds, args: Value, kind: &str) -> Value {
    redacted_but(args, public_of(kinds, kind, |spec| spec.public_args))
}

/// An object with every value redacted but those of its public fields.
pub(crate) fn redacted_but(mut object: Value, public: &[&str]) -> Value {
    match &mut object {
        Value::Object(fields) => {
            let private = fields
                .iter_mut()
                .filter(|(name, _)| !public.contains(&name.as_str()));
            private.for_each(|(_, value)| redact(value));
            redact_names(fields);
        }
        other => redact(other),
    }
    object
}

fn redact(value: &mut Value) {
    match value {
        Value::Null => {}
        Value::Array(values) => values.iter_mut().for_each(redact),
        Value::Object(fields) => {
            fields.values_mut().for_each(redact);
            redact_names(fields);
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            *value = Value::String(REDACTED.to_owned());
        }
    }
}

/// Looks like a name in a program: `send_email`.
pub(crate) fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Fields have names like `order_number`. What does not look like one may be an address or a number.
fn redact_names(fields: &mut Map<String, Value>) {
    if fields.keys().all(|name| is_name(name)) {
        return;
    }
    let mut number = 0;
    *fields = std::mem::take(fields)
        .into_iter()
        .map(|(name, value)| {
            if is_name(&name) {
                return (name, value);
            }
            number += 1;
            (format!("[redacted {number}]"), value)
        })
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use longshore_email::SendEmail;
    use serde_json::json;

    fn mails() -> Kinds {
        Kinds::new([KindSpec::of::<SendEmail>()])
    }

    #[test]
    fn only_the_shape_and_the_public_args_are_shown() {
        let payload = br#"{"kind":"send_email","v":1,"args":{"template":"welcome","to":{"email":"a@b.co"},"data":{"n":1,"l":["x",null]}}}"#;
        assert_eq!(
            redact_args(&mails(), payload, false),
            Some(
                json!({"template": "welcome", "to": {"email": REDACTED}, "data": {"n": REDACTED, "l": [REDACTED, null]}})
            )
        );
        let revealed = redact_args(&mails(), payload, true).expect("decodes");
        assert_eq!(revealed["to"]["email"], "a@b.co");
    }

    #[test]
    fn names_that_may_be_personal_are_redacted_too() {
        let payload = br#"{"kind":"send_email","v":1,"args":{"template":"x","data":{"ada@example.com":1,"4790000000":2,"order-No":3}}}"#;
        assert_eq!(
            redact_args(&mails(), payload, false),
            Some(
                json!({"template": "x", "data": {"[redacted 1]": REDACTED, "[redacted 2]": REDACTED, "order-No": REDACTED}})
            )
        );
        let revealed = redact_args(&mails(), payload, true).expect("decodes");
        assert_eq!(revealed["data"]["ada@example.com"], 1);
    }

    #[test]
    fn of_an_unknown_kind_nothing_is_public_and_garbage_has_no_args() {
        let payload = br#"{"kind":"other","v":1,"args":{"template":"x"}}"#;
        assert_eq!(
            redact_args(&mails(), payload, false),
            Some(json!({"template": REDACTED}))
        );
        assert_eq!(redact_args(&mails(), b"\xff", false), None);
    }
}
