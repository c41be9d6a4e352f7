//! `log.*`: how what is logged is written.

use std::fmt;

use longshore_integration::section;
use longshore_integration::settings::{KeyPath, Reader, text_by};

section! {
    /// How what is logged is written.
    pub struct LogSettings derive(PartialEq, Eq) in "log" {
        /// How lines on stderr are written: `text`, for people, or `json`, one object a line, for those who collect logs.
        /// What is logged before the configuration is read follows the variable only.
        pub format: LogFormat = "format" as FORMAT, text_by(format).or("text");
    }
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Words, for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Text, Self::Json]
            .into_iter()
            .find(|format| format.to_string() == name)
    }
}

/// As in the configuration.
impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

fn format(reader: &mut Reader<'_>, path: &KeyPath) -> Option<LogFormat> {
    let name = reader.text(path)?;
    let named = LogFormat::named(&name);
    if named.is_none() {
        reader.error(path, format!("is `{name}`"), "use text or json");
    }
    named
}
