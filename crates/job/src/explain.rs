//! What is wrong with JSON, in words that quote nothing of it.

/// What is wrong with JSON, without quoting it. serde's messages quote the input where a type is wrong; the input may be
/// personal data, so only the shape of the complaint is kept.
#[must_use]
pub fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let at = format!(" at line {} column {}", error.line(), error.column());
    let body = text.strip_suffix(&at).unwrap_or(&text);
    // What was expected stands last. What stands before it may say anything, these very words too.
    let expected = body.rsplit_once(", expected ").map(|(_, what)| what);
    let wrong = |what: &str| match expected {
        Some(expected) => format!("{what}, expected {expected}"),
        None => what.to_owned(),
    };
    let is_of_type = body.contains("invalid type: ") || body.contains("invalid value: ");
    let body = match body.split_once(" `") {
        _ if is_of_type => wrong("wrong type or value"),
        Some(("unknown field", rest)) => unknown_field(rest),
        Some(("unknown variant", _)) => wrong("wrong value"),
        _ => body.to_owned(),
    };
    format!("{body} (line {}, column {})", error.line(), error.column())
}

/// A field's name is quoted only if it looks like one: in its place may stand anything.
fn unknown_field(rest: &str) -> String {
    let ends = ["`, expected ", "`, there are no fields"];
    let end = ends.iter().filter_map(|end| rest.rfind(end)).max();
    let (name, expected) = rest.split_at(end.unwrap_or(rest.len()));
    let looks_like_one =
        name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    match looks_like_one {
        true => format!("unknown field `{name}{expected}"),
        false => format!("unknown field{}", expected.trim_start_matches('`')),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "they are only read")]
    struct Order {
        pieces: u32,
        of: Option<Material>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Material {
        Oak,
        Ash,
    }

    #[test]
    fn nothing_is_quoted_whatever_it_says() {
        for (args, why) in [
            (
                r#"{"pieces":"Ada, expected Bo"}"#,
                "wrong type or value, expected u32",
            ),
            (r#"{"pieces":-1}"#, "wrong type or value, expected u32"),
            (
                r#"{"pieces":1,"of":"Ada`, expected Bo"}"#,
                "wrong value, expected `oak` or `ash`",
            ),
            (
                r#"{"pieces":1,"of":"invalid type: Ada, expected Bo"}"#,
                "wrong type or value, expected `oak` or `ash`",
            ),
            (
                r#"{"piece":1}"#,
                "unknown field `piece`, expected `pieces` or `of`",
            ),
            (
                r#"{"of` Ada":1}"#,
                "unknown field, expected `pieces` or `of`",
            ),
            (
                r#"{"of`, expected Ada":1}"#,
                "unknown field, expected `pieces` or `of`",
            ),
        ] {
            let error = serde_json::from_str::<Order>(args).expect_err(args);
            let explained = explain(&error);
            let (said, _) = explained.split_once(" (line 1, ").expect("the place");
            assert_eq!(said, why, "{args}");
        }
    }
}
