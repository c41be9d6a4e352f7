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

/// All that is known of a key but its place, which its section knows.
#[derive(Debug, Clone, Copy)]
pub struct SettingKey {
    /// What it is for, in lines as they stand in the source; an empty one ends a paragraph.
    pub doc: &'static [&'static str],
    /// How a text becomes its value.
    pub shape: Shape,
    /// Its value when no layer sets it.
    pub built_in: BuiltIn,
    /// A value it may have, for a key that has none until it is set; written as in the environment.
    pub example: Option<&'static str>,
    /// Its value may be a secret, or hold one: it is never shown.
    pub secret: bool,
}

/// Which keys the sections of a program declare.
pub trait Declared: fmt::Debug {
    /// Whether a key stands at this path, or below it.
    fn has(&self, path: &KeyPath) -> bool;
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
#[derive(Debug, Clone, Copy)]
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

    /// What stands below it by this name: words with dots between them, or an empty text for the key itself.
    #[must_use]
    pub fn under(&self, name: &str) -> Self {
        let words = name.split('.').filter(|word| !word.is_empty());
        words.fold(self.clone(), |path, word| path.join(word))
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

/// The words between the dots; none in an empty text.
impl From<&str> for KeyPath {
    fn from(path: &str) -> Self {
        Self::default().under(path)
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
