//! The kinds that a program knows.

use std::sync::Arc;

use crate::{InvalidArgs, KindSpec, Prepared};

/// A set of kinds, for code that knows jobs only by the name of their kind (webhooks, operators). Clones are cheap.
#[derive(Debug, Clone, Default)]
pub struct Kinds(Arc<[KindSpec]>);

impl Kinds {
    /// A set of these kinds.
    pub fn new(kinds: impl IntoIterator<Item = KindSpec>) -> Self {
        Self(kinds.into_iter().collect())
    }

    /// Those whose jobs producers may enqueue.
    #[must_use]
    pub fn of_producers(&self) -> Self {
        let kinds = self.iter().filter(|spec| !spec.made_by_fleet);
        Self::new(kinds.copied())
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &KindSpec> {
        self.0.iter()
    }

    /// Checks and encodes a job of the kind of this name. `args` is JSON.
    ///
    /// # Errors
    /// When there is no such kind, or when they are not its args.
    pub fn prepare(&self, kind: &str, args: &str) -> Result<Prepared, InvalidArgs> {
        match self.find(kind) {
            Some(spec) => spec.prepare(args),
            None => Err(InvalidArgs(format!(
                "no integration of this program has the kind `{kind}`"
            ))),
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn find(&self, kind: &str) -> Option<&KindSpec> {
        self.iter().find(|spec| spec.kind == kind)
    }
}
