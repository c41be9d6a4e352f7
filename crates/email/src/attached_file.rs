//! Files that go with a mail.

use std::fmt;

/// A file that goes with a mail.
#[derive(Clone, PartialEq, Eq)]
pub struct AttachedFile {
    /// What the recipient sees it called: `invoice.pdf`.
    pub name: String,
    /// Its media type: `application/pdf`.
    pub content_type: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Its size only: the rest is personal.
impl fmt::Debug for AttachedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttachedFile")
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}
