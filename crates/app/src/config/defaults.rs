//! A file that shows every key with its default, for those who look for them.

use figment::Figment;
use figment::value::{Dict, Value};
use longshore_integration::Integration;
use longshore_integration::settings::{BuiltIn, Key, KeyPath, Shape};

use super::document::Document;
use super::schema::{Place, Schema};

/// What is wrong with such a file: it sets a key, shows one that is not known or one with another default, or leaves one
/// out. A line shows a key where it begins with `#` and no blank: `#redis.namespace = "longshore"`.
#[must_use]
pub fn wrong_in_defaults(text: &str, integrations: &[Integration]) -> Vec<String> {
    let schema = Schema::new(integrations);
    let mut wrong = Vec::new();
    let mut set = Vec::new();
    read(&schema, text, &mut set, &mut wrong);
    wrong.extend(set.iter().map(|(path, ..)| format!("{path} is set")));
    let shown = without_comments(text);
    let mut found = Vec::new();
    read(&schema, &shown, &mut found, &mut wrong);
    let built_in = Figment::from(schema.built_in());
    for (path, key, value) in &found {
        match built_in.find_value(&path.to_string()) {
            Ok(default) if *value != default => {
                wrong.push(format!("{path} is shown as {value:?}, and is {default:?}"));
            }
            Err(_) if !matches!(key.built_in, BuiltIn::None) => {
                wrong.push(format!("{path} has a default that is not built in"));
            }
            _ => {}
        }
    }
    for key in schema.keys().filter(|key| key.shape != Shape::TextOrTable) {
        if !found.iter().any(|(_, shown, _)| shown.path == key.path) {
            wrong.push(format!("{} is not shown", key.path));
        }
    }
    wrong
}

/// What the file would be if all that it shows were set.
fn without_comments(text: &str) -> String {
    text.lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect()
}

type Setting = (KeyPath, &'static Key, Value);

fn read(schema: &Schema<'_>, text: &str, found: &mut Vec<Setting>, wrong: &mut Vec<String>) {
    match Document::parse(text) {
        Ok(document) => settings(schema, &KeyPath::default(), &document.values, found, wrong),
        Err(broken) => wrong.push(format!("it is no TOML: {}", broken.why)),
    }
}

/// Every key that is set, with its value.
fn settings(
    schema: &Schema<'_>,
    above: &KeyPath,
    table: &Dict,
    found: &mut Vec<Setting>,
    wrong: &mut Vec<String>,
) {
    for (name, value) in table {
        let path = above.join(name);
        match (schema.place(&path), value.as_dict()) {
            (Place::Key(key), None) => found.push((path, key, value.clone())),
            (Place::Unknown, _) | (_, None) => wrong.push(format!("{path} is not known")),
            (_, Some(inner)) => settings(schema, &path, inner, found, wrong),
        }
    }
}
