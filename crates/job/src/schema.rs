//! The JSON Schema of a kind's args, as its serde form has it.
//!
//! serde tells a deserializer what it wants to read: a struct with these fields, a text, a whole number without a sign. So a
//! deserializer that answers with samples learns the form of a type, without a macro and without a crate more for producers.
//! What a type checks beyond its form (`try_from`, [`Job::check`](crate::Job::check)) is not in the schema. Whether a field has to
//! be there is found out by leaving it out, so it is not known of those that are declared after one that has to be there and
//! refuses every sample; they count as optional.

mod probe;

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use probe::{Probe, Refusal};

/// A struct around one value that has this name for serde holds a JSON object, as it was written or with fields that nobody knows:
/// `#[serde(rename = "JSON object")] struct Data(Box<RawValue>)`.
const JSON_OBJECT: &str = "JSON object";

/// More questions than this about one type are not asked: what is not known then may be anything.
const MOST_PASSES: usize = 2_000;

/// What serde wants to read at a place.
#[derive(Debug, Clone)]
enum Form {
    /// Anything, or what is not to be found out.
    Any,
    /// A value without parts, by its schema.
    Plain(Value),
    /// A struct with these fields.
    Fields(&'static [&'static str]),
    /// A list of one form.
    List,
    /// So many values in a row, each of a form of its own.
    Row(usize),
    /// Names that may be anything, with values of one form.
    Named,
    /// One of these.
    Variants(&'static [&'static str]),
}

/// What is known of a type, by the place in it: `.to.email`, `.attachments[]`.
#[derive(Debug, Default)]
struct Seen {
    forms: BTreeMap<String, Form>,
    /// May be `null`.
    nullable: BTreeSet<String>,
    /// Their samples are refused, so the others are learned without them.
    refused: BTreeSet<String>,
    /// Enums with variants that hold something.
    loaded: BTreeSet<String>,
    /// Which place this pass asks about.
    question: Question,
    blamed: bool,
}

/// What a pass finds out.
#[derive(Debug, Default, Clone)]
enum Question {
    /// Which forms there are.
    #[default]
    Forms,
    /// Whether it goes without this field.
    Without(String),
    /// Whether this struct takes a field that it does not know.
    Stranger(String),
    /// What this variant of an enum holds.
    Variant(String, usize),
}

impl Question {
    /// The place that it is about.
    fn place(&self) -> &str {
        match self {
            Self::Forms => "",
            Self::Without(place) | Self::Stranger(place) | Self::Variant(place, _) => place,
        }
    }
}

/// The JSON Schema of a type, as JSON has it.
pub(crate) fn schema<T: DeserializeOwned>() -> Value {
    let seen = std::cell::RefCell::new(Seen::default());
    let mut passes = 0;
    let mut ask = |question: Question| -> Option<Refusal> {
        passes += 1;
        {
            let mut seen = seen.borrow_mut();
            seen.question = question;
            seen.blamed = false;
        }
        match passes > MOST_PASSES {
            true => None,
            false => T::deserialize(Probe::at(&seen, String::new())).err(),
        }
    };
    loop {
        let known = seen.borrow().refused.len();
        ask(Question::Forms);
        if seen.borrow().refused.len() == known {
            break;
        }
    }
    let forms = seen.borrow().forms.clone();
    let (mut required, mut closed) = (BTreeSet::new(), BTreeSet::new());
    for (place, form) in &forms {
        match form {
            Form::Fields(fields) => {
                for field in *fields {
                    let place = format!("{place}.{field}");
                    let refusal = ask(Question::Without(place.clone()));
                    if matches!(refusal, Some(Refusal::Missing(name)) if name == *field) {
                        required.insert(place);
                    }
                }
                if let Some(Refusal::Unknown) = ask(Question::Stranger(place.clone())) {
                    closed.insert(place.clone());
                }
            }
            Form::Variants(variants) => {
                for n in 0..variants.len() {
                    ask(Question::Variant(place.clone(), n));
                }
            }
            _ => {}
        }
    }
    let seen = seen.into_inner();
    Written {
        seen: &seen,
        required: &required,
        closed: &closed,
    }
    .at("")
}

struct Written<'a> {
    seen: &'a Seen,
    required: &'a BTreeSet<String>,
    closed: &'a BTreeSet<String>,
}

impl Written<'_> {
    fn at(&self, place: &str) -> Value {
        let schema = match self.seen.forms.get(place) {
            None | Some(Form::Any) => return json!({}),
            Some(Form::Plain(schema)) => schema.clone(),
            Some(Form::Fields(fields)) => self.object(place, fields),
            Some(Form::List) => json!({"type": "array", "items": self.at(&format!("{place}[]"))}),
            Some(Form::Row(length)) => {
                let items: Vec<_> = (0..*length)
                    .map(|n| self.at(&format!("{place}[{n}]")))
                    .collect();
                json!({"type": "array", "prefixItems": items, "items": false, "minItems": length})
            }
            Some(Form::Named) => {
                json!({"type": "object", "additionalProperties": self.at(&format!("{place}{{}}"))})
            }
            Some(Form::Variants(_)) if self.seen.loaded.contains(place) => return json!({}),
            Some(Form::Variants(variants)) => json!({"type": "string", "enum": variants}),
        };
        match self.seen.nullable.contains(place) {
            true => nullable(schema),
            false => schema,
        }
    }

    fn object(&self, place: &str, fields: &[&str]) -> Value {
        let of = |field: &str| format!("{place}.{field}");
        let properties: Map<String, Value> = fields
            .iter()
            .map(|field| ((*field).to_owned(), self.at(&of(field))))
            .collect();
        let required: Vec<_> = fields
            .iter()
            .filter(|field| self.required.contains(&of(field)))
            .collect();
        let mut schema = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if self.closed.contains(place) {
            schema["additionalProperties"] = false.into();
        }
        schema
    }
}

/// The same, or `null`.
fn nullable(mut schema: Value) -> Value {
    if let Some(kind) = schema.get_mut("type") {
        *kind = json!([kind.take(), "null"]);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
    schema
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its form counts")]
    struct Letter {
        to: Address,
        count: u8,
        more: Option<u64>,
        #[serde(default)]
        lines: Vec<Line>,
        #[serde(rename = "type")]
        stamp: Stamp,
        urgent: bool,
        data: Box<RawValue>,
        object: Object,
        free: Value,
        by_name: BTreeMap<String, i8>,
        place: (f64, String),
        either: Option<Either>,
        #[serde(default)]
        last: String,
        id: crate::JobId,
    }

    #[derive(Deserialize)]
    #[serde(rename = "JSON object")]
    #[expect(dead_code, reason = "only its form counts")]
    struct Object(Box<RawValue>);

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its form counts")]
    struct Address {
        email: String,
        #[serde(default)]
        name: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its form counts")]
    struct Line {
        text: String,
        id: crate::JobId,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Stamp {
        FirstClass,
        Second,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its form counts")]
    enum Either {
        Nothing,
        Something(u8),
    }

    #[test]
    fn a_schema_has_the_form_of_its_type() {
        let text = || json!({"type": "string"});
        assert_eq!(
            schema::<Letter>(),
            json!({
                "type": "object",
                "additionalProperties": false,
                "required": ["to", "count", "type", "urgent", "data", "object", "free", "by_name", "place", "id"],
                "properties": {
                    "to": {
                        "type": "object",
                        "properties": {"email": text(), "name": {"type": ["string", "null"]}},
                        "required": ["email"],
                    },
                    "count": {"type": "integer", "minimum": 0, "maximum": 255},
                    "more": {"type": ["integer", "null"], "minimum": 0, "maximum": u64::MAX},
                    "lines": {"type": "array", "items": {
                        "type": "object",
                        "additionalProperties": false,
                        "properties": {"id": text(), "text": text()},
                        "required": ["text", "id"],
                    }},
                    "type": {"type": "string", "enum": ["first_class", "second"]},
                    "id": text(),
                    "urgent": {"type": "boolean"},
                    "data": {},
                    "object": {"type": "object", "additionalProperties": true},
                    "free": {},
                    "by_name": {
                        "type": "object",
                        "additionalProperties": {"type": "integer", "minimum": -128, "maximum": 127},
                    },
                    "place": {
                        "type": "array",
                        "prefixItems": [{"type": "number"}, text()],
                        "items": false,
                        "minItems": 2,
                    },
                    // A variant that holds something may look like anything.
                    "either": {},
                    "last": text(),
                },
            })
        );
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its form counts")]
    struct Nested {
        inner: Vec<Nested>,
    }

    #[test]
    fn a_type_that_holds_itself_ends_somewhere() {
        let schema = schema::<Nested>();
        assert_eq!(schema["properties"]["inner"]["items"]["type"], "object");
    }
}
