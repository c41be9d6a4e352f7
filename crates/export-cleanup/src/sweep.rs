//! `sweep_bucket`.

mod count;
mod objects;
mod state;
mod uploads;
mod versions;

use std::time::Instant;

use crate::SweepBucket;
use longshore_job::{Answer, Handler, JobError, Outcome, Run};
use longshore_storage::objects::{Deleted, Deletion};

use crate::cleanup::{Cleanup, Place, refusal};
use crate::expiry::{Expiry, Rules, Thing};
use crate::keeper::StateStore;
use state::{Phase, State};

/// Carries out `sweep_bucket` jobs.
///
/// The result is `{"bucket","store","dry_run","versioned","listed","deleted":{"objects","bytes","uploads"},"kept"}`, with
/// `would_delete` in the place of `deleted` for a dry run. In a versioned bucket `objects` are versions and delete
/// markers. `kept` counts what the store did not delete, by its code: `PreconditionFailed` was replaced between listing
/// and deleting, `AccessDenied` is locked or not ours to delete.
///
/// # Replaced meanwhile
///
/// Between the list and the deletion, an object may be replaced by a younger one. S3 is told what was listed (by ETag)
/// and leaves what is another by then, unless its bytes are the same. R2 and stores that do not compare delete what they
/// have: there the moment between the two requests is what is left, usually well under a second. Versions never change.
///
/// # Versioned buckets
///
/// A version counts from when it was replaced, the latest one from when it was written, as S3's own rules count. Whole
/// versions are deleted, and delete markers with nothing under them: the latest one of a key goes last, and only when all
/// others are gone, so that nothing old comes to light again.
#[derive(Debug, Clone)]
pub struct SweepBucketHandler {
    cleanup: Cleanup,
}

impl SweepBucketHandler {
    /// A handler for these buckets.
    #[must_use]
    pub fn new(cleanup: Cleanup) -> Self {
        Self { cleanup }
    }
}

impl Handler for SweepBucketHandler {
    type Job = SweepBucket;

    // What is deleted or copied stays so.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: SweepBucket, run: Run) -> Result<Outcome, JobError> {
        let place = self.cleanup.place(&job.bucket, job.store, &run)?;
        let rules = Rules::of(place.bucket);
        if rules.are_none() {
            let reason = format!(
                "nothing expires in {}: buckets.{0}.rules is empty",
                job.bucket
            );
            return Ok(Outcome::Skipped { reason });
        }
        let keeper = StateStore::new(&run, &job);
        let state = match keeper.load().await? {
            Some(state) => state,
            None => {
                let versioned = place.session.keeps_versions(place.name).await?;
                State::new(versioned, count::is_due(&job, place.bucket))
            }
        };
        let mut sweep = Sweep {
            prefixes: rules.prefixes(),
            rules,
            place,
            job: &job,
            state,
            keeper,
        };
        let began = Instant::now();
        while sweep.state.phase != Phase::Done {
            sweep.step().await?;
            sweep.save().await?;
            self.cleanup.end_slice(began)?;
            // A page is one step: the others of this process come in between.
            tokio::task::yield_now().await;
        }
        Ok(Outcome::Done {
            result: Some(sweep.state.result(&job)),
            answer: Answer {
                status: Some(200),
                ..Answer::of(sweep.place.session.name().as_str())
            },
        })
    }
}

/// A sweep under way.
struct Sweep<'a> {
    place: Place<'a>,
    rules: Rules<'a>,
    job: &'a SweepBucket,
    /// What is listed, one after the other.
    prefixes: Vec<&'a str>,
    state: State,
    keeper: StateStore<'a>,
}

impl Sweep<'_> {
    /// One page of what is due.
    async fn step(&mut self) -> Result<(), JobError> {
        match self.state.phase {
            Phase::Count => self.count().await,
            Phase::Objects => self.objects().await,
            Phase::Versions => self.versions().await,
            Phase::Uploads => self.uploads().await,
            Phase::Done => Ok(()),
        }
    }

    async fn save(&mut self) -> Result<(), JobError> {
        let progress = self.state.progress();
        self.keeper.save(&self.state, progress).await
    }

    /// Whether it has expired. Only where that depends on a tag is the store asked once more.
    async fn has_expired(
        &self,
        thing: Thing<'_>,
        version: Option<&str>,
        now: std::time::SystemTime,
    ) -> Result<bool, JobError> {
        let tags = match self.rules.expiry(thing, now) {
            Expiry::Stays => return Ok(false),
            Expiry::Goes => return Ok(true),
            Expiry::IfTagged(tags) => tags,
        };
        for tag in tags {
            let (session, name) = (&self.place.session, self.place.name);
            if session.has_tag(name, thing.key, version, tag).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The store's own time. Without it nothing has an age.
    fn now(&self) -> Result<std::time::SystemTime, JobError> {
        self.place.session.clock().ok_or_else(|| {
            let reason = "the store does not say what time it is (Date): nothing was deleted";
            refusal("no date", reason.to_owned())
        })
    }

    /// Deletes a batch, if it is not only a rehearsal, and counts it.
    async fn delete(&mut self, batch: &[Deletion]) -> Result<Vec<Deletion>, JobError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let deleted = match self.job.dry_run {
            false => self.place.session.delete(self.place.name, batch).await?,
            true => Deleted {
                objects: batch.len() as u64,
                bytes: bytes_of(batch),
                kept: Vec::new(),
            },
        };
        let tally = &mut self.state.tally;
        tally.objects += deleted.objects;
        tally.bytes = tally.bytes.saturating_add(deleted.bytes);
        let denied =
            |kept: &[(Deletion, String)]| kept.iter().all(|(_, code)| code == "AccessDenied");
        if tally.objects == 0 && deleted.kept.len() == batch.len() && denied(&deleted.kept) {
            let reason = format!(
                "{} lets nothing be deleted from {} (AccessDenied): grant s3:DeleteObject, or see what locks it; \
                 nothing was deleted",
                self.place.session.name(),
                self.place.name
            );
            return Err(refusal("AccessDenied", reason));
        }
        for (_, code) in &deleted.kept {
            *tally.kept.entry(code.clone()).or_default() += 1;
        }
        Ok(deleted.kept.into_iter().map(|(doomed, _)| doomed).collect())
    }
}

/// How much a batch has in all, as far as its list is right: sizes are what a store says.
fn bytes_of(batch: &[Deletion]) -> u64 {
    batch
        .iter()
        .fold(0, |bytes, doomed| bytes.saturating_add(doomed.size))
}
