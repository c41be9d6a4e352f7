//! How much of a bucket a sweep would delete, before it does.

use crate::SweepBucket;
use longshore_job::JobError;
use longshore_storage::Bucket;
use longshore_storage::versions::VersionCursor;

use super::Sweep;
use super::objects::thing;
use super::state::Phase;
use super::versions::by_key;
use crate::cleanup::refusal;

/// Whether it has to be known: an operator may have seen it already, and a rehearsal shows it anyway.
pub(super) fn is_due(job: &SweepBucket, bucket: &Bucket) -> bool {
    bucket.max_delete_share.is_some() && !job.confirmed && !job.dry_run
}

impl Sweep<'_> {
    /// Counts one page of the whole bucket; after the last one, decides.
    pub(super) async fn count(&mut self) -> Result<(), JobError> {
        let (session, name) = (self.place.session.clone(), self.place.name);
        let next = match self.state.versioned {
            false => {
                let after = self.state.after.as_deref();
                let page = session.list(name, "", after).await?;
                let now = self.now()?;
                for object in &page.objects {
                    let expired = self.has_expired(thing(object), None, now).await?;
                    self.state.share.all += 1;
                    self.state.share.expired += u64::from(expired);
                }
                page.next
            }
            true => {
                let after = self.state.after.take();
                let after = after.map(|key| VersionCursor { key, version: None });
                let (groups, next) = by_key(&session, name, "", after).await?;
                let now = self.now()?;
                for group in &groups {
                    let expired = self.expired(group, now).await?.len();
                    self.state.share.all += group.versions.len() as u64;
                    self.state.share.expired += expired as u64;
                }
                next
            }
        };
        self.state.after = next;
        if self.state.after.is_none() {
            self.allow()?;
            self.state.begin_phase(match self.state.versioned {
                true => Phase::Versions,
                false => Phase::Objects,
            });
        }
        Ok(())
    }

    fn allow(&self) -> Result<(), JobError> {
        let share = &self.state.share;
        let most = self.place.bucket.max_delete_share.unwrap_or(1.0);
        // Counts are exact up to 2^53.
        let is = share.expired as f64 / share.all.max(1) as f64;
        if is <= most {
            return Ok(());
        }
        let alias = &self.place.bucket.alias;
        let reason = format!(
            "{} of {} objects would be deleted, {:.0} %, more than buckets.{alias}.max_delete_share allows ({:.0} %): \
             nothing was deleted. Look with dry_run; if it is right, edit the job to say \"confirmed\": true, and replay it",
            share.expired,
            share.all,
            is * 100.0,
            most * 100.0,
        );
        Err(refusal("max_delete_share", reason))
    }
}
