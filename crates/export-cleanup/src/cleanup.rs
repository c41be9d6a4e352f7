//! What the handlers have in common: the stores, and the buckets that are configured.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{BucketName, StoreName};
use longshore_job::{Answer, JobError, Run, Scope};
use longshore_storage::{Bucket, Name, Session, Stores};

/// How long a run may take before it lets other jobs of the queue have its place, and goes on after them.
const TIME_SLICE: Duration = Duration::from_secs(10 * 60);

/// How long it stays away then.
const PAUSE: Duration = Duration::from_secs(1);

/// The stores and the buckets in them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cleanup {
    stores: Stores,
    buckets: Arc<[(BucketName, Bucket)]>,
    slice: Duration,
}

/// A bucket in one store, as one run may use it.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) session: Session,
    /// The bucket's name there.
    pub(crate) name: &'a str,
    pub(crate) bucket: &'a Bucket,
}

impl Cleanup {
    /// These buckets in these stores. Nothing else is ever touched.
    #[must_use]
    pub fn new(stores: Stores, buckets: impl IntoIterator<Item = (BucketName, Bucket)>) -> Self {
        Self {
            stores,
            buckets: buckets.into_iter().collect(),
            slice: TIME_SLICE,
        }
    }

    /// The same, giving its place in the queue to others after so long, and going on after them; 10 minutes otherwise.
    #[must_use]
    pub fn with_time_slice(mut self, slice: Duration) -> Self {
        self.slice = slice;
        self
    }

    /// A bucket that a job names.
    ///
    /// # Errors
    /// When configuration has no such bucket there: a dead letter, to be replayed once it has.
    pub(crate) fn place(
        &self,
        name: &BucketName,
        store: StoreName,
        run: &Run,
    ) -> Result<Place<'_>, JobError> {
        let found = self.buckets.iter().find(|(alias, _)| alias == name);
        let (_, bucket) = found.ok_or_else(|| {
            not_configured(&format!(
                "there is no bucket {name}: set buckets.{name}.name"
            ))
        })?;
        let (store, there) = match store {
            StoreName::S3 => (Name::S3, Some(bucket.name.as_str())),
            StoreName::R2 => (Name::R2, bucket.fallback_name.as_deref()),
        };
        let there = there.ok_or_else(|| {
            not_configured(&format!(
                "{name} has no stand-in at R2: set buckets.{name}.fallback_name"
            ))
        })?;
        let store = self
            .stores
            .get_store(store)
            .ok_or_else(|| not_configured("R2 is not configured: set providers.r2"))?;
        Ok(Place {
            session: store.during(run),
            name: there,
            bucket,
        })
    }

    /// Ends a run that has had its turn. Its attempt is given back.
    pub(crate) fn end_slice(&self, began: Instant) -> Result<(), JobError> {
        match began.elapsed() < self.slice {
            true => Ok(()),
            false => Err(JobError::Throttled {
                retry_after: PAUSE,
                scope: Scope::Job,
                reason: "it has had its turn, and goes on after others".to_owned(),
                answer: Answer::default(),
            }),
        }
    }
}

fn not_configured(reason: &str) -> JobError {
    refusal("not configured", format!("{reason}, then replay"))
}

/// A refusal of our own, grouped by its code.
pub(crate) fn refusal(code: &str, reason: String) -> JobError {
    JobError::refusal(code, reason)
}
