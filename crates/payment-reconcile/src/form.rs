//! Stripe's form encoding: brackets for what is inside.
//!
//! `{"metadata":{"orderId":"1"},"items":[{"price":"p"}]}` is `items[0][price]=p&metadata[orderId]=1`. What is not there
//! (`null`) is left out: a name without a value would ask Stripe to clear it. serde_qs writes the same brackets, but
//! writes what is not there as a bare name, and what is empty as `name=`.

use form_urlencoded::Serializer;
use serde::Serialize;
use serde_json::Value;

/// A form of this value, which is an object of texts, numbers, truths, lists and objects.
pub(crate) fn encode(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value)
        .unwrap_or_else(|error| unreachable!("forms are made of plain fields: {error}"));
    let mut form = Serializer::new(String::new());
    put(&mut form, "", value);
    form.finish()
}

fn put(form: &mut Serializer<'_, String>, name: &str, value: Value) {
    let inside = |key: &str| match name.is_empty() {
        true => key.to_owned(),
        false => format!("{name}[{key}]"),
    };
    match value {
        Value::Null => {}
        Value::Object(fields) => fields
            .into_iter()
            .for_each(|(key, value)| put(form, &inside(&key), value)),
        Value::Array(items) => items
            .into_iter()
            .enumerate()
            .for_each(|(n, value)| put(form, &inside(&n.to_string()), value)),
        Value::String(text) => drop(form.append_pair(name, &text)),
        Value::Bool(_) | Value::Number(_) => drop(form.append_pair(name, &value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_say_what_is_inside() {
        for (value, pairs) in [
            (json!({}), vec![]),
            (
                json!({ "a": null, "b": {}, "c": [], "d": { "e": null } }),
                vec![],
            ),
            (
                json!({ "amount": 1000, "confirm": true, "off_session": false, "name": "" }),
                vec![
                    ("amount", "1000"),
                    ("confirm", "true"),
                    ("name", ""),
                    ("off_session", "false"),
                ],
            ),
            (
                json!({ "items": [{ "price": "p" }, { "price": "q", "quantity": 2 }] }),
                vec![
                    ("items[0][price]", "p"),
                    ("items[1][price]", "q"),
                    ("items[1][quantity]", "2"),
                ],
            ),
            (
                json!({ "metadata": { "orderId": "ø &=+%\n🫐 [x]" }, "a": { "b": { "c": ["d"] } } }),
                vec![("a[b][c][0]", "d"), ("metadata[orderId]", "ø &=+%\n🫐 [x]")],
            ),
        ] {
            let form = encode(&value);
            let decoded: Vec<_> = form_urlencoded::parse(form.as_bytes()).collect();
            let decoded: Vec<_> = decoded.iter().map(|(k, v)| (&**k, &**v)).collect();
            assert_eq!(decoded, pairs, "{form}");
        }
    }
}
