//! `apply_lifecycle`.

use crate::{ApplyLifecycle, StoreName};
use longshore_job::{Answer, Handler, JobError, Outcome, Run};
use serde_json::json;

use crate::cleanup::Cleanup;
use crate::expiry::Rules;

/// Carries out `apply_lifecycle` jobs.
///
/// The result is `{"bucket","store","changed","added","updated","removed","unchanged","others",
/// "left_to_sweep"}`: lists of prefixes of rules that are ours, how many are others', and prefixes of those of ours that
/// the store cannot keep by itself.
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
        let place = self.cleanup.place(&job.bucket, job.store, &run)?;
        let session = &place.session;
        let (rules, mut left) = Rules::of(place.bucket).of_store();
        if job.store == StoreName::R2 {
            // It knows neither tags nor sizes.
            let by_more = rules.iter().filter(|rule| !rule.is_plain());
            left.extend(by_more.map(|rule| rule.prefix.clone()));
        }
        let versioned = session.keeps_versions(place.name).await?;
        let difference = session
            .apply_lifecycle(place.name, &rules, versioned)
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
                "left_to_sweep": left,
            })),
            answer: Answer {
                status: Some(200),
                ..Answer::of(session.name().as_str())
            },
        })
    }
}
