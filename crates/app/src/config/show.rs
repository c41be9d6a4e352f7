//! Every value that is set, and where it came from.

use figment::value::Value;
use longshore_job::Kinds;
use secrecy::ExposeSecret;
use serde::Serialize;

use longshore_integration::settings::{KeyPath, Reader, SecretRef, SettingKey};

use super::cron;
use super::redis::RedisUrls;
use super::schema::{Place, Schema};

/// One value, as it may be shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownValue {
    /// The key.
    pub key: String,
    /// Its value; a secret is masked, a reference to one is not.
    pub value: serde_json::Value,
    /// `built-in`, a file with its line, or a variable.
    pub origin: String,
}

/// All of them, in the order of their keys.
pub(super) fn values(reader: &Reader<'_>, schema: &Schema<'_>, kinds: &Kinds) -> Vec<ShownValue> {
    let mut shown = Vec::new();
    walk(reader, schema, kinds, &KeyPath::default(), &mut shown);
    shown
}

fn walk(
    reader: &Reader<'_>,
    schema: &Schema<'_>,
    kinds: &Kinds,
    path: &KeyPath,
    shown: &mut Vec<ShownValue>,
) {
    for name in reader.names(path.clone()) {
        let path = path.join(&name);
        let Some(value) = reader.raw(&path) else {
            continue;
        };
        match (schema.place(&path), value) {
            (Place::Key(at), value) if cron::is_args(at) => shown.push(ShownValue {
                key: path.to_string(),
                value: cron::shown_args(reader, kinds, &path, value),
                origin: reader.origin(&path).unwrap_or_else(|| "unknown".to_owned()),
            }),
            (Place::Key(_) | Place::Section, Value::Dict(..)) => {
                walk(reader, schema, kinds, &path, shown);
            }
            (Place::Key(at), value) => shown.push(ShownValue {
                key: path.to_string(),
                value: mask(&at.key, value),
                origin: reader.origin(&path).unwrap_or_else(|| "unknown".to_owned()),
            }),
            (Place::Section | Place::Unknown, _) => {}
        }
    }
}

fn mask(key: &SettingKey, value: &Value) -> serde_json::Value {
    match (value, value.as_str()) {
        (Value::Array(_, values), _) if key.secret => {
            values.iter().map(|value| mask(key, value)).collect()
        }
        (_, Some(text)) if key.secret => {
            let secret = SecretRef::new(text.to_owned());
            match secret.expose_secret().parse::<RedisUrls>() {
                Ok(url) => url.to_string().into(),
                Err(_) => secret.to_string().into(),
            }
        }
        _ => serde_json::to_value(value).unwrap_or_default(),
    }
}
