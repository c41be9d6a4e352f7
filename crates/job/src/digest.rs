//! What tells the args of two jobs apart, without keeping them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

/// The largest integer below which a float and an integer of the same value are written alike: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// 24 hex digits of a hash over a kind and its args.
///
/// Two texts of the same args have the same digest: the order of fields, blanks, and whether a whole number is written
/// with a point do not count.
pub(crate) fn digest(kind: &str, args: &str) -> String {
    let mut sha = sha1_smol::Sha1::new();
    sha.update(kind.as_bytes());
    sha.update(b"\0");
    match serde_json::from_str::<Value>(args) {
        Ok(args) => {
            let mut text = String::with_capacity(256);
            canonical(&args, &mut text);
            sha.update(text.as_bytes());
        }
        Err(_) => sha.update(args.as_bytes()),
    }
    sha.digest().to_string()[..24].to_owned()
}

/// Writes JSON in its one canonical form.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            // Sorted here: a feature of serde_json that some other crate turns on keeps them as they were written.
            let fields: BTreeMap<&String, &Value> = fields.iter().collect();
            out.push('{');
            for (n, (name, value)) in fields.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                scalar(&Value::String(name.clone()), out);
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT => {
                scalar(&Value::from(float as i64), out);
            }
            _ => scalar(value, out),
        },
        _ => scalar(value, out),
    }
}

fn scalar(value: &Value, out: &mut String) {
    // To a String it cannot fail.
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_has_the_same_digest_and_nothing_else_does() {
        let args = r#"{"to":{"email":"a@b.c","name":"A"},"data":{"n":10,"list":[1,2.5,null]}}"#;
        let of = |args| digest("send_email", args);
        assert_eq!(of(args).len(), 24);
        for same in [
            r#"{"data":{"list":[1.0,2.5,null],"n":10.0},"to":{"name":"A","email":"a@b.c"}}"#,
            "{ \"to\": {\"email\":\"a@b.c\", \"name\":\"\\u0041\"},\n\"data\":{\"n\":10,\"list\":[1,2.5,null]}}",
        ] {
            assert_eq!(of(same), of(args), "{same}");
        }
        for other in [
            r#"{"to":{"email":"a@b.c","name":"A"},"data":{"n":10,"list":[2.5,1,null]}}"#,
            r#"{"to":{"email":"a@b.c","name":"A"},"data":{"n":"10","list":[1,2.5,null]}}"#,
            r#"{"to":{"email":"a@b.c","name":"A"},"data":{"n":10,"list":[1,2.5]}}"#,
            r#"{"to":{"email":"a@b.c"},"data":{"n":10,"list":[1,2.5,null]}}"#,
        ] {
            assert_ne!(of(other), of(args), "{other}");
        }
        assert_ne!(digest("send_sms", args), of(args));
    }

    #[test]
    fn it_is_the_same_in_every_version() {
        // Keys outlive deploys: a digest that changes would refuse what is the same.
        let of = digest("send_sms", r#"{"to":"+4790000000","body":"hi"}"#);
        assert_eq!(of, "7e54b33f09d8bb2865a04746");
    }
}
