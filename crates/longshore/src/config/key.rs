//! What a key is, and how a text becomes its value.

use std::fmt;

use figment::value::Value;

use super::document;
use super::queues::QueueSpec;

/// Stands in a key for the name of any queue of this binary.
pub(super) const QUEUE: &str = "<queue>";
/// Stands in a key for the name of any provider that has other keys.
pub(super) const PROVIDER: &str = "<provider>";
/// Stands in a key for a name that the configuration itself makes up.
pub(super) const NAME: &str = "<name>";

/// One key that may be set.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) path: &'static str,
    pub(super) shape: Shape,
    pub(super) built_in: BuiltIn,
    /// Its value may be a secret, or hold one.
    pub(super) secret: bool,
}

/// How a text from outside TOML, so from the environment, is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As it stands, whatever it looks like: `true` and `20` are texts too.
    Text,
    /// As a TOML value; what is not one is a text, as in `64MiB`.
    Toml,
    /// As it stands, unless it is a TOML table.
    TextOrTable,
}

/// The value of a key that no layer sets, as it would be written in the environment.
#[derive(Debug)]
pub(super) enum BuiltIn {
    None,
    Always(&'static str),
    PerQueue(fn(&QueueSpec) -> Option<String>),
    PerProvider(fn(&str) -> Option<&'static str>),
}

impl Key {
    pub(super) const fn text(path: &'static str) -> Self {
        Self::new(path, Shape::Text)
    }

    pub(super) const fn toml(path: &'static str) -> Self {
        Self::new(path, Shape::Toml)
    }

    pub(super) const fn text_or_table(path: &'static str) -> Self {
        Self::new(path, Shape::TextOrTable)
    }

    const fn new(path: &'static str, shape: Shape) -> Self {
        Self {
            path,
            shape,
            built_in: BuiltIn::None,
            secret: false,
        }
    }

    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(super) const fn or(mut self, default: &'static str) -> Self {
        self.built_in = BuiltIn::Always(default);
        self
    }

    pub(super) const fn or_per_queue(mut self, default: fn(&QueueSpec) -> Option<String>) -> Self {
        self.built_in = BuiltIn::PerQueue(default);
        self
    }

    pub(super) const fn or_per_provider(
        mut self,
        default: fn(&str) -> Option<&'static str>,
    ) -> Self {
        self.built_in = BuiltIn::PerProvider(default);
        self
    }
}

impl Shape {
    pub(super) fn read(self, text: &str) -> Value {
        let parsed = match self {
            Self::Text => None,
            Self::Toml => document::parse_value(text),
            Self::TextOrTable => {
                document::parse_value(text).filter(|value| value.as_dict().is_some())
            }
        };
        parsed.unwrap_or_else(|| Value::from(text))
    }
}

/// Where a key stands. Written `queues.email.concurrency`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyPath(Vec<String>);

impl KeyPath {
    pub(super) fn new(words: &[impl AsRef<str>]) -> Self {
        Self(words.iter().map(|word| word.as_ref().to_owned()).collect())
    }

    pub(super) fn join(&self, word: &str) -> Self {
        let mut words = self.0.clone();
        words.push(word.to_owned());
        Self(words)
    }

    pub(super) fn words(&self) -> &[String] {
        &self.0
    }

    /// The environment variable that sets it.
    pub(super) fn variable(&self) -> String {
        let name = self.0.join("__").replace('-', "_").to_ascii_uppercase();
        format!("LONGSHORE_{name}")
    }
}

/// The words between the dots.
impl From<&str> for KeyPath {
    fn from(path: &str) -> Self {
        Self::new(&path.split('.').collect::<Vec<_>>())
    }
}

impl From<&KeyPath> for KeyPath {
    fn from(path: &KeyPath) -> Self {
        path.clone()
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}
