//! Lists where args have an object: serde takes the elements for the fields in their order.
//!
//! `"to": ["ada@example.com", "bo@example.com"]` would be one recipient, with an address for a name. And nothing finds a person by the
//! name of a field in a list.

use serde::de::DeserializeOwned;

use crate::names::listed;

/// What is wrong with args that are a list themselves.
pub(crate) const NO_OBJECT: &str = "must be an object, not a list";

/// What is wrong with these args of a kind, if a list stands there in the place of an object.
pub(crate) fn wrong_list<J: DeserializeOwned>(args: &str) -> Option<String> {
    if args.trim_start().starts_with('[') {
        return Some(NO_OBJECT.to_owned());
    }
    // Most args have no list at all, and are read once.
    if !args.contains('[') {
        return None;
    }
    let fields = listed::<J>(serde_json::from_str(args).ok()?)?;
    let fields = fields.join(", ");
    Some(format!(
        "a list stands in the place of an object with {fields}"
    ))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "they are only read")]
    struct Mail {
        to: Recipient,
        #[serde(default)]
        cc: Vec<Recipient>,
        reply_to: Option<Recipient>,
        #[serde(default)]
        corner: [f64; 2],
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "they are only read")]
    struct Recipient {
        email: String,
        name: Option<String>,
    }

    #[test]
    fn a_list_is_no_object() {
        for args in [
            r#" ["ada@example.com"]"#,
            r#"{"to":["ada@example.com","bo@example.com"]}"#,
            r#"{"to":{"email":"ada@example.com"},"cc":[["bo@example.com","Bo"]]}"#,
            r#"{"to":{"email":"ada@example.com"},"reply_to":["bo@example.com",null]}"#,
        ] {
            assert!(wrong_list::<Mail>(args).is_some(), "{args}");
        }
        for args in [
            r#"{"to":{"email":"[ada@example.com]"}}"#,
            r#"{"to":{"email":"ada@example.com"},"cc":[],"corner":[59.9,10.7]}"#,
            r#"{"to":{"email":"ada@example.com"},"cc":[{"email":"bo@example.com"}]}"#,
            // What is wrong with it is said elsewhere.
            r#"{"to":[}"#,
        ] {
            assert_eq!(wrong_list::<Mail>(args), None, "{args}");
        }
    }
}
