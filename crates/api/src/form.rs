//! What is wrong with args, all at once: their form against the schema of their kind.
//!
//! Asked only about args that were refused, so that it need not know all that a type knows.

use serde_json::Value;

use crate::error::Finding;

/// More findings than these help nobody.
const MOST: usize = 50;

/// What does not fit the schema.
pub(crate) fn findings(schema: &Value, value: &Value, path: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    look(schema, value, path, &mut found);
    found.truncate(MOST);
    found
}

fn look(schema: &Value, value: &Value, path: &str, found: &mut Vec<Finding>) {
    let mut wrong = |problem: String| found.push(Finding::new(path, problem));
    if let Some(types) = schema.get("type")
        && !types_of(types).any(|kind| is_a(kind, value))
    {
        let wanted: Vec<_> = types_of(types)
            .filter(|kind| *kind != "null")
            .map(in_words)
            .collect();
        return wrong(format!(
            "must be {}, and is {}",
            wanted.join(" or "),
            word_of(value)
        ));
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array)
        && !values.contains(value)
    {
        let values: Vec<_> = values.iter().filter_map(Value::as_str).collect();
        return wrong(format!("must be one of {}", values.join(", ")));
    }
    for (bound, word, is_over) in [
        (
            "minimum",
            "least",
            (|n, bound| n < bound) as fn(f64, f64) -> bool,
        ),
        ("maximum", "most", |n, bound| n > bound),
    ] {
        if let (Some(n), Some(limit)) = (value.as_f64(), schema.get(bound))
            && limit.as_f64().is_some_and(|limit| is_over(n, limit))
        {
            return wrong(format!("must be at {word} {limit}"));
        }
    }
    match value {
        Value::Object(_) => look_at_object(schema, value, path, found),
        Value::Array(values) => {
            if let Some(items) = schema.get("items") {
                for (n, value) in values.iter().enumerate() {
                    look(items, value, &format!("{path}[{n}]"), found);
                }
            }
        }
        _ => {}
    }
}

fn look_at_object(schema: &Value, value: &Value, path: &str, found: &mut Vec<Finding>) {
    let (Some(fields), Some(properties)) = (
        value.as_object(),
        schema.get("properties").and_then(Value::as_object),
    ) else {
        return;
    };
    let of = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    let required = schema.get("required").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            found.push(Finding::new(of(name), "is missing"));
        }
    }
    let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    for (name, value) in fields {
        match properties.get(name) {
            Some(schema) => look(schema, value, &of(name), found),
            None if is_closed => {
                // In the place of a name may stand anything.
                let path = if is_name(name) {
                    of(name)
                } else {
                    path.to_owned()
                };
                let known: Vec<_> = properties.keys().map(String::as_str).collect();
                let problem = format!("is not known here: the names are {}", known.join(", "));
                found.push(Finding::new(path, problem));
            }
            None => {}
        }
    }
}

/// Looks like a field's name, and not like somebody's address.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
}

fn types_of(types: &Value) -> impl Iterator<Item = &str> {
    let one = types.as_str();
    let more = types.as_array().into_iter().flatten();
    one.into_iter().chain(more.filter_map(Value::as_str))
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    }
}

fn in_words(kind: &str) -> &str {
    match kind {
        "integer" => "a whole number of at most 64 bits",
        "number" => "a number",
        "string" => "a text",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "an object",
        other => other,
    }
}

/// What a value is, never the value.
pub(crate) fn word_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_that_is_wrong_is_found_and_nothing_quoted() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["to", "count", "lines"],
            "properties": {
                "to": {"type": "object", "required": ["email"], "additionalProperties": false,
                    "properties": {"email": {"type": "string"}, "name": {"type": ["string", "null"]}}},
                "count": {"type": "integer", "minimum": 0, "maximum": 255},
                "stamp": {"type": "string", "enum": ["first", "second"]},
                "lines": {"type": "array", "items": {"type": "boolean"}},
                "free": {},
            },
        });
        let good =
            json!({"to": {"email": "a", "name": null}, "count": 255, "lines": [], "free": [1]});
        assert_eq!(findings(&schema, &good, "args"), []);
        let wrong = json!({
            "to": {"name": 7, "ada@example.com": 1}, "count": 256, "stamp": "third", "lines": [true, "x"], "lnes": 1,
        });
        let found: Vec<_> = findings(&schema, &wrong, "args")
            .into_iter()
            .map(|finding| format!("{}: {}", finding.path, finding.problem))
            .collect();
        assert_eq!(
            found,
            [
                "args.count: must be at most 255",
                "args.lines[1]: must be true or false, and is a text",
                "args.lnes: is not known here: the names are count, free, lines, stamp, to",
                "args.stamp: must be one of first, second",
                "args.to.email: is missing",
                "args.to: is not known here: the names are email, name",
                "args.to.name: must be a text, and is a number",
            ]
        );
        let number = json!({"to": {"email": "a"}, "count": 1e30, "lines": []});
        let found = findings(&schema, &number, "args");
        assert_eq!(
            found[0].problem,
            "must be a whole number of at most 64 bits, and is a number"
        );
    }
}
