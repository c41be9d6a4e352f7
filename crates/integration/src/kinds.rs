//! The kinds of a program.

use longshore_job::KindSpec;

use crate::Integration;

/// All kinds that the integrations of a program have.
#[derive(Debug, Clone, Copy)]
pub struct Kinds<'a>(&'a [Integration]);

impl<'a> Kinds<'a> {
    /// Those of these integrations.
    #[must_use]
    pub fn of(integrations: &'a [Integration]) -> Self {
        Self(integrations)
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &'static KindSpec> + use<'a> {
        self.0.iter().flat_map(|integration| integration.kinds)
    }

    /// The kind of this name.
    #[must_use]
    pub fn find(&self, kind: &str) -> Option<&'static KindSpec> {
        self.iter().find(|spec| spec.kind == kind)
    }
}
