//! What jobs about buckets have in common: which bucket, and in which store.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the company's buckets, as configuration calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketName {
    /// Generated exports and reports.
    Exports,
    /// What users upload.
    Uploads,
    /// Marketing assets and public images.
    Public,
}

impl BucketName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Uploads, Self::Exports, Self::Public];

    /// As configuration has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exports => "exports",
            Self::Uploads => "uploads",
            Self::Public => "public",
        }
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a bucket is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreName {
    /// At AWS.
    #[default]
    S3,
    /// At Cloudflare: the bucket that stands in for it.
    R2,
}

impl StoreName {
    /// Whether it is S3, which goes without saying.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde's skip_serializing_if hands out a reference"
    )]
    pub(super) fn is_s3(&self) -> bool {
        *self == Self::S3
    }
}
