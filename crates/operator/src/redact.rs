//! Args as operators see them without asking: their shape, and what names no person.

use longshore_job::{Envelope, KindSpec, Kinds, Names};
use serde_json::{Map, Value};

/// What stands in the place of a value.
pub(crate) const REDACTED: &str = "[redacted]";

/// The args of a payload: whole if `reveal`, else with every value but the kind's public args redacted, and every name but
/// those of the kind's own structs. `None` when the payload does not decode. Of a kind that is not among `kinds` nothing is
/// public.
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

/// Args of this kind with every value redacted but the public ones, and every name but the kind's own.
pub(crate) fn redacted(kinds: &Kinds, args: Value, kind: &str) -> Value {
    let names = kinds.find(kind).map(|spec| spec.names(args.clone()));
    let public = public_of(kinds, kind, |spec| spec.public_args);
    Hidden {
        names: names.unwrap_or_default(),
        public,
    }
    .of(args)
}

/// An object with all redacted but its public fields.
pub(crate) fn redacted_but(object: Value, public: &'static [&'static str]) -> Value {
    Hidden {
        names: Names::new(),
        public,
    }
    .of(object)
}

/// What is hidden of a value, by what is not.
struct Hidden {
    /// The program's names.
    names: Names,
    /// Top-level fields that are shown whole.
    public: &'static [&'static str],
}

impl Hidden {
    fn of(&self, mut value: Value) -> Value {
        match &mut value {
            Value::Object(fields) => {
                let private = fields.iter_mut().filter(|(name, _)| !self.is_public(name));
                private.for_each(|(_, value)| self.redact(value));
                self.redact_names(fields, |name| self.is_public(name));
            }
            other => self.redact(other),
        }
        value
    }

    fn is_public(&self, name: &str) -> bool {
        self.public.contains(&name)
    }

    fn redact(&self, value: &mut Value) {
        match value {
            Value::Null => {}
            Value::Array(values) => values.iter_mut().for_each(|value| self.redact(value)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|value| self.redact(value));
                self.redact_names(fields, |_| false);
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                *value = Value::String(REDACTED.to_owned());
            }
        }
    }

    /// What is not a name of the program's may be an address, a number or a person.
    fn redact_names(&self, fields: &mut Map<String, Value>, is_public: impl Fn(&str) -> bool) {
        let mut number = 0;
        *fields = std::mem::take(fields)
            .into_iter()
            .map(|(name, value)| {
                if self.names.contains(name.as_str()) || is_public(&name) {
                    return (name, value);
                }
                number += 1;
                (format!("[redacted {number}]"), value)
            })
            .collect();
    }
}

/// Looks like the name of a kind: `send_email`.
pub(crate) fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
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
                json!({"template": "welcome", "to": {"email": REDACTED}, "data": {"[redacted 1]": [REDACTED, null], "[redacted 2]": REDACTED}})
            )
        );
        let revealed = redact_args(&mails(), payload, true).expect("decodes");
        assert_eq!(revealed["to"]["email"], "a@b.co");
    }

    /// Whatever they look like: a name in a free map is not told from a person's.
    #[test]
    fn only_names_of_the_kinds_own_structs_are_shown() {
        let payload = br#"{"kind":"send_email","v":1,"args":{"template":"x","to":{"email":"a@b.co","name":"Ada"},
            "data":{"ada@example.com":1,"4790000000":2,"Ada":{"ada":3},"name":4},"attachments":[{"s3_key":"k","filename":"f","content_type":"t"}]}}"#;
        let shown = redact_args(&mails(), payload, false).expect("decodes");
        assert_eq!(
            shown,
            json!({
                "template": "x",
                "to": {"email": REDACTED, "name": REDACTED},
                "data": {"[redacted 1]": REDACTED, "[redacted 2]": {"[redacted 1]": REDACTED}, "[redacted 3]": REDACTED, "name": REDACTED},
                "attachments": [{"s3_key": REDACTED, "filename": REDACTED, "content_type": REDACTED}],
            })
        );
        let revealed = redact_args(&mails(), payload, true).expect("decodes");
        assert_eq!(revealed["data"]["Ada"]["ada"], 3);
    }

    #[test]
    fn names_in_args_that_do_not_decode_are_hidden_too() {
        let payload = br#"{"kind":"send_email","v":1,"args":{"template":"x","Ada":{"to":1}}}"#;
        assert_eq!(
            redact_args(&mails(), payload, false),
            Some(json!({"template": "x", "[redacted 1]": {"to": REDACTED}}))
        );
    }

    #[test]
    fn of_an_unknown_kind_nothing_is_public_and_garbage_has_no_args() {
        let payload = br#"{"kind":"other","v":1,"args":{"template":"x"}}"#;
        assert_eq!(
            redact_args(&mails(), payload, false),
            Some(json!({"[redacted 1]": REDACTED}))
        );
        assert_eq!(redact_args(&mails(), b"\xff", false), None);
    }
}
