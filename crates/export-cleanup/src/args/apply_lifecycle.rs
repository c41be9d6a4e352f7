//! `apply_lifecycle`: a bucket's rules become its own.

use serde::{Deserialize, Serialize};

use super::bucket::{BucketName, StoreName};
use longshore_job::{InvalidArgs, Job};

/// Makes the rules that configuration has for a bucket the bucket's own, beside those that others have made there.
///
/// ```
/// use longshore_export_cleanup::{ApplyLifecycle, BucketName, StoreName};
///
/// let job = ApplyLifecycle::new(BucketName::UPLOADS).store(StoreName::R2);
/// assert_eq!(job.store, StoreName::R2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with bucket and perhaps store"
)]
pub struct ApplyLifecycle {
    /// Which bucket.
    pub bucket: BucketName,
    /// In which store: `s3` unless it says `r2`.
    #[serde(default, skip_serializing_if = "StoreName::is_s3")]
    pub store: StoreName,
}

impl ApplyLifecycle {
    /// This bucket's, at S3.
    #[must_use]
    pub fn new(bucket: BucketName) -> Self {
        Self {
            bucket,
            store: StoreName::S3,
        }
    }

    /// In this store.
    #[must_use]
    pub fn store(mut self, store: StoreName) -> Self {
        self.store = store;
        self
    }
}

impl Job for ApplyLifecycle {
    const KIND: &'static str = "apply_lifecycle";
    const QUEUE: &'static str = "export-cleanup";
    const PUBLIC_ARGS: &'static [&'static str] = &["bucket", "store"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &[
        "bucket",
        "store",
        "changed",
        "added",
        "updated",
        "removed",
        "unchanged",
        "others",
        "left_to_sweep",
    ];

    fn check(&self) -> Result<(), InvalidArgs> {
        self.bucket.check()
    }
}
