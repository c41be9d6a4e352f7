//! What a key is, and how a text becomes its value.

use std::fmt;

use crate::{Inventory, QueueSpec};

/// Stands in a key for the name of any queue of this binary.
pub const QUEUE: &str = "<queue>";
/// Stands in a key for the name of any kind of this binary.
pub const KIND: &str = "<kind>";
/// Stands in a key for the name of any provider that has other keys.
pub const PROVIDER: &str = "<provider>";
/// Stands in a key for a name that the configuration itself makes up.
pub const NAME: &str = "<name>";

/// One key that may be set.
#[derive(Debug)]
pub struct Key {
    /// Where it stands: words with dots between them. `<queue>`, `<kind>`, `<provider>` and `<name>` stand for any name.
    pub path: &'static str,
    /// How a text becomes its value.
    pub shape: Shape,
    /// Its value when no layer sets it.
    pub built_in: BuiltIn,
    /// Its value may be a secret, or hold one.
    pub secret: bool,
}

/// Which keys the sections of a program declare.
pub trait Declared: fmt::Debug {
    /// Whether a key stands at this path, or below it.
    fn has(&self, path: &KeyPath) -> bool;

    /// Whether the key at this path is declared as a [secret](Key::secret).
    fn is_secret(&self, path: &KeyPath) -> bool;
}

/// How a text from outside TOML, so from the environment, is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As it stands, whatever it looks like: `true` and `20` are texts too.
    Text,
    /// As a TOML value; what is not one is a text, as in `64MiB`.
    Toml,
    /// As it stands, unless it is a TOML table.
    TextOrTable,
}

/// The value of a key that no layer sets, as it would be written in the environment.
#[derive(Debug)]
pub enum BuiltIn {
    /// It has none.
    None,
    /// This one.
    Always(&'static str),
    /// One for each queue.
    PerQueue(fn(&QueueSpec) -> Option<String>),
    /// One for each provider.
    PerProvider(fn(Inventory) -> Option<&'static str>),
}

impl Key {
    /// A key whose value is a text.
    #[must_use]
    pub const fn text(path: &'static str) -> Self {
        Self::new(path, Shape::Text)
    }

    /// A key whose value is a number, a flag, a list or a table.
    #[must_use]
    pub const fn toml(path: &'static str) -> Self {
        Self::new(path, Shape::Toml)
    }

    /// A key whose value is a text, or a table with keys of its own.
    #[must_use]
    pub const fn text_or_table(path: &'static str) -> Self {
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

    /// Its value may be a secret: it is never shown.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// This is its value when no layer sets it, written as in the environment.
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.built_in = BuiltIn::Always(default);
        self
    }

    /// Its value when no layer sets it, by queue.
    #[must_use]
    pub const fn or_per_queue(mut self, default: fn(&QueueSpec) -> Option<String>) -> Self {
        self.built_in = BuiltIn::PerQueue(default);
        self
    }

    /// Its value when no layer sets it, by provider.
    #[must_use]
    pub const fn or_per_provider(mut self, default: fn(Inventory) -> Option<&'static str>) -> Self {
        self.built_in = BuiltIn::PerProvider(default);
        self
    }
}

/// Where a key stands. Written `queues.email.concurrency`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPath(Vec<String>);

impl KeyPath {
    /// The key of these words.
    #[must_use]
    pub fn new(words: &[impl AsRef<str>]) -> Self {
        Self(words.iter().map(|word| word.as_ref().to_owned()).collect())
    }

    /// The key with one word more.
    #[must_use]
    pub fn join(&self, word: &str) -> Self {
        let mut words = self.0.clone();
        words.push(word.to_owned());
        Self(words)
    }

    /// Its words.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// The environment variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
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
