//! `move_back`: what was written to the stand-in goes where it belongs.

use serde::{Deserialize, Serialize};

use super::bucket::BucketName;
use longshore_job::{InvalidArgs, Job};

/// Moves what was written to a bucket's stand-in at R2 to S3: copied, seen there, and only then deleted at R2.
///
/// ```
/// use longshore_export_cleanup::{BucketName, MoveBack};
///
/// let job = MoveBack::new(BucketName::EXPORTS);
/// assert_eq!(job.bucket.as_str(), "exports");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with bucket")]
pub struct MoveBack {
    /// Which bucket.
    pub bucket: BucketName,
}

impl MoveBack {
    /// Of this bucket.
    #[must_use]
    pub fn new(bucket: BucketName) -> Self {
        Self { bucket }
    }
}

impl Job for MoveBack {
    const KIND: &'static str = "move_back";
    const QUEUE: &'static str = "export-cleanup";
    const PUBLIC_ARGS: &'static [&'static str] = &["bucket"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &[
        "bucket",
        "listed",
        "moved",
        "bytes",
        "superseded",
        "changed",
    ];
    const PUBLIC_PROGRESS: &'static [&'static str] = &["v", "job", "progress"];

    fn check(&self) -> Result<(), InvalidArgs> {
        self.bucket.check()
    }
}
