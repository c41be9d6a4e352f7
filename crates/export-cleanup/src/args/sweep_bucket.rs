//! `sweep_bucket`: what has expired in a bucket is deleted.

use serde::{Deserialize, Serialize};

use super::bucket::{BucketName, StoreName};
use longshore_job::{InvalidArgs, Job};

/// Deletes what has expired in a bucket, by the rules that configuration has for it: objects, old versions, uploads that
/// were never finished. Nothing else is deleted, whatever the job says.
///
/// ```
/// use longshore_export_cleanup::{BucketName, SweepBucket};
///
/// let job = SweepBucket::new(BucketName::EXPORTS).dry_run();
/// assert!(job.dry_run);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with bucket, dry_run and perhaps store and confirmed"
)]
pub struct SweepBucket {
    /// Which bucket.
    pub bucket: BucketName,
    /// Only count what would be deleted.
    pub dry_run: bool,
    /// In which store: `s3` unless it says `r2`.
    #[serde(default, skip_serializing_if = "StoreName::is_s3")]
    pub store: StoreName,
    /// An operator has seen that more than `max_delete_share` of the bucket would be deleted, and wants it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirmed: bool,
}

impl SweepBucket {
    /// A sweep of this bucket at S3.
    #[must_use]
    pub fn new(bucket: BucketName) -> Self {
        Self {
            bucket,
            dry_run: false,
            store: StoreName::S3,
            confirmed: false,
        }
    }

    /// Only counts.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// In this store.
    #[must_use]
    pub fn store(mut self, store: StoreName) -> Self {
        self.store = store;
        self
    }

    /// However much it deletes.
    #[must_use]
    pub fn confirmed(mut self) -> Self {
        self.confirmed = true;
        self
    }
}

impl Job for SweepBucket {
    const KIND: &'static str = "sweep_bucket";
    const QUEUE: &'static str = "export-cleanup";
    const PUBLIC_ARGS: &'static [&'static str] = &["bucket", "dry_run", "store", "confirmed"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &[
        "bucket",
        "store",
        "dry_run",
        "versioned",
        "listed",
        "kept",
        "deleted",
        "would_delete",
    ];
    const PUBLIC_PROGRESS: &'static [&'static str] = &["v", "job", "progress"];

    fn check(&self) -> Result<(), InvalidArgs> {
        self.bucket.check()
    }
}
