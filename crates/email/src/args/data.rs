//! What a template is filled with.

use std::fmt;

use longshore_job::{InvalidArgs, explain};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A JSON object kept as it was written, so that `1.10` stays `1.10` and keys keep their order.
#[derive(Clone, Serialize, Deserialize)]
// By this name the kind's schema knows that it is an object.
#[serde(rename = "JSON object")]
pub struct TemplateData(Box<RawValue>);

impl TemplateData {
    /// The JSON text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl From<serde_json::Value> for TemplateData {
    fn from(value: serde_json::Value) -> Self {
        let text = value.to_string();
        // A `Value` always writes itself as valid JSON; `null` is refused by `check` like any non-object.
        Self(RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

impl PartialEq for TemplateData {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for TemplateData {}

impl TemplateData {
    /// Parsed only to check it: this also bounds the nesting (128 levels).
    pub(super) fn check(&self) -> Result<(), InvalidArgs> {
        // Half a surrogate pair and a number that no double holds are JSON by its grammar, and no provider takes them.
        let read = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(self.get());
        read.map(drop).map_err(|error| {
            let why = explain(&error);
            let what = format!("must be a JSON object nested at most 127 levels deep: {why}");
            InvalidArgs::field("data", what)
        })
    }
}

impl fmt::Debug for TemplateData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateData")
            .field("bytes", &self.get().len())
            .finish()
    }
}
