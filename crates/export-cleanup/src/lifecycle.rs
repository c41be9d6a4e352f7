//! `apply_lifecycle`.

use crate::ApplyLifecycle;
use longshore_job::{Answer, Handler, JobError, Outcome, Run};
use serde_json::json;

use crate::cleanup::Cleanup;

/// Carries out `apply_lifecycle` jobs.
///
/// The result is `{"bucket","store","changed","added","updated","removed","unchanged","others"}`: lists of prefixes of
/// rules that are ours, and how many are others'.
#[derive(Debug, Clone)]
pub struct ApplyLifecycleHandler {
    cleanup: Cleanup,
}

impl ApplyLifecycleHandler {
    /// A handler for these buckets.
    #[must_use]
    pub fn new(cleanup: Cleanup) -> Self {
        Self { cleanup }
    }
}

impl Handler for ApplyLifecycleHandler {
    type Job = ApplyLifecycle;

    // What is deleted or copied stays so.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: ApplyLifecycle, run: Run) -> Result<Outcome, JobError> {
        let place = self.cleanup.place(job.bucket, job.store, &run)?;
        let (session, rules) = (&place.session, &place.bucket.rules);
        let versioned = session.keeps_versions(place.name).await?;
        let difference = session
            .apply_lifecycle(place.name, rules, versioned)
            .await?;
        Ok(Outcome::Done {
            result: Some(json!({
                "bucket": job.bucket,
                "store": job.store,
                "changed": !difference.is_none(),
                "added": difference.added,
                "updated": difference.changed,
                "removed": difference.removed,
                "unchanged": difference.unchanged,
                "others": difference.others,
            })),
            answer: Answer {
                status: Some(200),
                ..Answer::of(session.name().as_str())
            },
        })
    }
}
