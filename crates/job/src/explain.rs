//! What is wrong with JSON, in words that quote nothing of it.

/// What is wrong with JSON, without quoting it. serde's messages quote the input where a type is wrong; the input may be
/// personal data, so only the shape of the complaint is kept.
#[must_use]
pub fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let at = format!(" at line {} column {}", error.line(), error.column());
    let body = text.strip_suffix(&at).unwrap_or(&text);
    let body = match (body.find("invalid type: "), body.find("invalid value: ")) {
        (Some(_), _) | (_, Some(_)) => match body.split_once("expected ") {
            Some((_, expected)) => format!("wrong type or value, expected {expected}"),
            None => "wrong type or value".to_owned(),
        },
        _ => match body.split_once(" `") {
            Some(("unknown field", rest)) => unknown_field(rest),
            // What may stand there is ours; what stands there may be anything.
            Some(("unknown variant", rest)) => match rest.rsplit_once("`, expected ") {
                Some((_, expected)) => format!("wrong value, expected {expected}"),
                None => "wrong value".to_owned(),
            },
            _ => body.to_owned(),
        },
    };
    format!("{body} (line {}, column {})", error.line(), error.column())
}

/// A field's name is quoted only if it looks like one: in its place may stand anything.
fn unknown_field(rest: &str) -> String {
    let (name, expected) = rest.split_once('`').unwrap_or((rest, ""));
    let looks_like_one =
        name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    match looks_like_one {
        true => format!("unknown field `{name}`{expected}"),
        false => format!("unknown field{expected}"),
    }
}
