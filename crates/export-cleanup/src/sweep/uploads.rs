//! Uploads that nobody finished.

use longshore_job::JobError;
use longshore_storage::ErrorClass;

use super::Sweep;
use super::state::Phase;
use crate::expiry::{Expiry, Thing};

impl Sweep<'_> {
    /// Aborts what has expired under one prefix. A run that dies in between begins the prefix again, and counts only what
    /// is left.
    pub(super) async fn uploads(&mut self) -> Result<(), JobError> {
        let Some(prefix) = self.prefixes.get(self.state.prefix) else {
            self.state.begin_phase(Phase::Done);
            return Ok(());
        };
        let (session, name) = (self.place.session.clone(), self.place.name);
        let mut after = None;
        loop {
            let page = match session.list_uploads(name, prefix, after.as_ref()).await {
                Ok(page) => page,
                // Then there are none.
                Err(error) if error.class == ErrorClass::Unsupported => break,
                Err(error) => return Err(error.into()),
            };
            let now = self.now()?;
            for upload in &page.uploads {
                let thing = Thing {
                    key: &upload.key,
                    size: None,
                    since: upload.initiated,
                };
                if self.rules.expiry(thing, now) != Expiry::Goes {
                    continue;
                }
                if self.job.dry_run || session.abort_upload(name, upload).await? {
                    self.state.tally.uploads += 1;
                } else {
                    let kept = &mut self.state.tally.kept;
                    *kept.entry("UploadInProgress".to_owned()).or_default() += 1;
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        self.state.prefix += 1;
        Ok(())
    }
}
