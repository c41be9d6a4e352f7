//! Objects of a bucket that keeps no versions.

use longshore_job::JobError;
use longshore_storage::objects::{Deletion, ListedObject};

use super::state::{Phase, Underway};
use super::{Sweep, bytes_of};
use crate::expiry::Thing;

/// An object, as the rules look at it.
pub(super) fn thing(object: &ListedObject) -> Thing<'_> {
    Thing {
        key: &object.key,
        size: Some(object.size),
        since: object.modified,
    }
}

impl Sweep<'_> {
    /// Lists one page, and deletes what has expired of it.
    pub(super) async fn objects(&mut self) -> Result<(), JobError> {
        let Some(prefix) = self.prefixes.get(self.state.prefix) else {
            self.state.begin_phase(Phase::Uploads);
            return Ok(());
        };
        let (session, name) = (&self.place.session, self.place.name);
        let after = self.state.after.as_deref();
        let page = session.list(name, prefix, after).await?;
        let now = self.now()?;
        let mut batch = Vec::new();
        for object in &page.objects {
            if self.has_expired(thing(object), None, now).await? {
                batch.push(Deletion {
                    key: object.key.clone(),
                    version: None,
                    etag: object.etag.clone(),
                    size: object.size,
                });
            }
        }
        self.state.tally.listed += page.objects.len() as u64;
        self.account_for(&batch);
        if !self.job.dry_run
            && let Some(last) = batch.last()
        {
            let listed = self.state.tally.listed;
            // As it was before this page, which comes again if this run dies now.
            self.state.tally.listed -= page.objects.len() as u64;
            self.state.underway = Some(Underway {
                through: last.key.clone(),
                objects: batch.len() as u64,
                bytes: bytes_of(&batch),
            });
            self.save().await?;
            self.state.tally.listed = listed;
        }
        self.delete(&batch).await?;
        self.state.underway = None;
        self.state.after = page.next;
        if self.state.after.is_none() {
            self.state.prefix += 1;
        }
        Ok(())
    }

    /// Counts what a run that died in the middle of a deletion had deleted: what is no longer there.
    fn account_for(&mut self, left: &[Deletion]) {
        let Some(begun) = self.state.underway.take() else {
            return;
        };
        let left = left.iter().filter(|doomed| doomed.key <= begun.through);
        let (objects, bytes) = left.fold((0, 0), |(objects, bytes), doomed| {
            (objects + 1, doomed.size.saturating_add(bytes))
        });
        let gone = begun.objects.saturating_sub(objects);
        let tally = &mut self.state.tally;
        tally.objects += gone;
        tally.listed += gone;
        tally.bytes = tally
            .bytes
            .saturating_add(begun.bytes.saturating_sub(bytes));
    }
}
