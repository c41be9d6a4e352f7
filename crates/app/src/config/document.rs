//! TOML text as figment values, with the line of each key.

use std::collections::BTreeMap;

use figment::value::{Dict, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use longshore_integration::settings::KeyPath;

/// A TOML document.
pub(super) struct Document {
    pub(super) values: Dict,
    pub(super) lines: BTreeMap<KeyPath, usize>,
}

/// Where a document is not TOML, and why. Quotes nothing of it: the line may hold a secret.
pub(super) struct Broken {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) why: String,
}

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self, Broken> {
        let document = DeTable::parse(text).map_err(|error| Broken::new(text, &error))?;
        let mut lines = BTreeMap::new();
        note_lines(
            document.get_ref(),
            &KeyPath::default(),
            &|offset| line(text, offset),
            &mut lines,
        );
        Ok(Self {
            values: table(document.get_ref()),
            lines,
        })
    }
}

impl Broken {
    fn new(text: &str, error: &Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start);
        let before = text.get(..offset).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: line(text, offset),
            column: before[line_start..].chars().count() + 1,
            why: error.message().to_owned(),
        }
    }
}

/// One TOML value, `[60, 300]`; `None` when the text is not one.
pub(super) fn parse_value(text: &str) -> Option<Value> {
    let parsed = DeValue::parse(text.trim()).ok()?;
    Some(value(parsed.get_ref()))
}

fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&b| b == b'\n').count() + 1
}

fn note_lines(
    table: &DeTable<'_>,
    above: &KeyPath,
    line: &impl Fn(usize) -> usize,
    lines: &mut BTreeMap<KeyPath, usize>,
) {
    for (key, value) in table {
        let path = above.join(key.get_ref());
        if let DeValue::Table(inner) = value.get_ref() {
            note_lines(inner, &path, line, lines);
        }
        lines.insert(path, line(key.span().start));
    }
}

fn table(table: &DeTable<'_>) -> Dict {
    table
        .iter()
        .map(|(key, item)| (key.get_ref().to_string(), value(item.get_ref())))
        .collect()
}

fn value(toml: &DeValue<'_>) -> Value {
    match toml {
        DeValue::String(text) => Value::from(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(whole) => Value::from(whole),
            // Beyond 64 bits, so beyond every limit: as a fraction it is refused for its size.
            Err(_) => Value::from(number.as_str().parse().unwrap_or(f64::INFINITY)),
        },
        DeValue::Float(number) => Value::from(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::from(*flag),
        // No key is a date; as text it is refused like any other wrong type.
        DeValue::Datetime(datetime) => Value::from(datetime.to_string()),
        DeValue::Array(items) => Value::from(
            items
                .iter()
                .map(Spanned::get_ref)
                .map(value)
                .collect::<Vec<_>>(),
        ),
        DeValue::Table(inner) => Value::from(table(inner)),
    }
}
