//! Which store.

use std::fmt;

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name {
    /// AWS S3.
    S3,
    /// Cloudflare R2, which stands in for it.
    R2,
}

impl Name {
    /// As configuration has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::R2 => "r2",
        }
    }

    /// Whether it deletes only what still is what was listed, when it is asked to: by each key's ETag. R2 does not say
    /// that it does.
    pub(crate) fn compares_when_deleting(self) -> bool {
        match self {
            Self::S3 => true,
            Self::R2 => false,
        }
    }

    /// Whether it knows tags, and rules by tag and size.
    pub(crate) fn has_tags(self) -> bool {
        match self {
            Self::S3 => true,
            Self::R2 => false,
        }
    }

    /// Whether it can be asked who may read a bucket, and whether it keeps versions.
    #[must_use]
    pub fn says_who_may_read(self) -> bool {
        match self {
            Self::S3 => true,
            Self::R2 => false,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
