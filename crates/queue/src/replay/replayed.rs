//! The mark of a job that an operation replayed, which it has until it ends.

use std::fmt;

use longshore_job::JobId;

/// The mark of a job that an operation replayed: whom its runs report to, and what it had died of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// The operation.
    pub(crate) operation: JobId,
    /// The group of its dead letter; zeros where it had none.
    pub(crate) group: [u8; 12],
    /// Its next run is the first one, and is watched: the operation stops itself when such runs fail.
    pub(crate) is_watched: bool,
}

impl Replayed {
    /// Reads `<operation> <group>`, or `<operation> !` of one that is not watched.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (operation, group) = text.split_once(' ')?;
        Some(Self {
            operation: operation.parse().ok()?,
            group: group.as_bytes().try_into().unwrap_or_default(),
            is_watched: group != "!",
        })
    }
}

impl fmt::Debug for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replayed({})", self.operation)
    }
}
