//! JSON that was written elsewhere.

use serde::de::DeserializeOwned;

/// The longest path of a field that is told.
const MAX_PATH_CHARS: usize = 100;

/// Reads JSON that was written elsewhere.
///
/// # Errors
/// What is wrong with it, and with which field: `it does not read: data[0].amount: missing field`. Quotes no value.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    if bytes.is_empty() {
        return Err("its body is empty".to_owned());
    }
    let reader = &mut serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut *reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if !inner.is_data() {
            return "it is not JSON".to_owned();
        }
        let problem = problem(&inner.to_string());
        match shown(&path) {
            Some(path) => format!("it does not read: {path}: {problem}"),
            None => format!("it does not read: {problem}"),
        }
    })?;
    // Something may stand behind it.
    reader.end().map_err(|_| "it is not JSON".to_owned())?;
    Ok(value)
}

/// serde's words without those that quote a value. What is expected comes last, and is ours.
fn problem(words: &str) -> String {
    let at = words.rfind(" at line ").unwrap_or(words.len());
    let words = &words[..at];
    if words.starts_with("missing field `") || words.starts_with("duplicate field `") {
        return words.to_owned();
    }
    match words.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => "not as documented".to_owned(),
    }
}

/// A path of field names, unless something else may stand in it.
fn shown(path: &str) -> Option<&str> {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']' | '?');
    let fits = path.len() <= MAX_PATH_CHARS && path.chars().all(plain);
    (fits && path != "." && !path.is_empty()).then_some(path)
}
