//! What jobs about buckets have in common: which bucket, and in which store.

use std::borrow::Cow;
use std::fmt;

use longshore_job::InvalidArgs;
use serde::{Deserialize, Serialize};

/// The longest name of a bucket in the configuration.
const LONGEST: usize = 32;

/// One of the company's buckets, as configuration calls it: `exports` for `buckets.exports`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BucketName(Cow<'static, str>);

/// A text that cannot be the name of a bucket in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidBucketName;

impl BucketName {
    /// Generated exports and reports.
    pub const EXPORTS: Self = Self(Cow::Borrowed("exports"));
    /// What users upload.
    pub const UPLOADS: Self = Self(Cow::Borrowed("uploads"));
    /// Marketing assets and public images.
    pub const PUBLIC: Self = Self(Cow::Borrowed("public"));

    /// Those that every configuration has keys of.
    pub const BUILT_IN: [Self; 3] = [Self::UPLOADS, Self::EXPORTS, Self::PUBLIC];

    /// Another one: 1 to 32 lower-case letters, digits, `_` and `-`, a letter first.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidBucketName> {
        let name = Self(Cow::Owned(name.into()));
        match name.fits() {
            true => Ok(name),
            false => Err(InvalidBucketName),
        }
    }

    /// Whether it can be one: what was decoded may be any text.
    fn fits(&self) -> bool {
        let plain =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
        (1..=LONGEST).contains(&self.0.len())
            && self.0.starts_with(|c: char| c.is_ascii_lowercase())
            && self.0.bytes().all(plain)
    }

    /// For the check of the args that it stands in.
    pub(super) fn check(&self) -> Result<(), InvalidArgs> {
        InvalidArgs::unless(self.fits(), "bucket", InvalidBucketName)
    }

    /// As configuration has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<BucketName> for String {
    fn from(name: BucketName) -> Self {
        name.0.into_owned()
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for InvalidBucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be a name of 1 to 32 of a-z, 0-9, _ and -, a letter first")
    }
}

impl std::error::Error for InvalidBucketName {}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_named_as_in_the_configuration() {
        for name in ["exports", "media", "a", "log-archive_2"] {
            assert_eq!(BucketName::new(name).map(String::from).as_deref(), Ok(name));
        }
        for name in ["", "Media", "2a", "-a", "a.b", "a/b", "ø", &"a".repeat(33)] {
            assert_eq!(BucketName::new(name), Err(InvalidBucketName), "{name}");
        }
        assert_eq!(BucketName::new("exports"), Ok(BucketName::EXPORTS));
    }
}
