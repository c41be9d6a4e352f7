//! Files that go along with mails, from wherever this program keeps files.

use std::sync::Arc;
use std::time::Duration;

use longshore_integration::Files;
use longshore_job::{Answer, JobError, Run, Scope};
use tokio::time::timeout;

use crate::{Attachments, Fetching};

/// How long all of a mail's files may take. A run has 30 s, and the mail has to be sent within them.
const IN_TIME: Duration = Duration::from_secs(20);

/// How long a mail waits when its files took longer.
const LATER: Duration = Duration::from_secs(30);

/// What goes along with mails.
pub(super) struct Attached(pub(super) Arc<dyn Files>);

/// A store that hangs costs a mail no attempt either: nothing was sent.
impl Attachments for Attached {
    fn fetch<'a>(&'a self, run: &'a Run, key: &'a str, most: u64) -> Fetching<'a> {
        Box::pin(async move {
            let read = timeout(IN_TIME, self.0.read(run, key, most)).await;
            read.unwrap_or_else(|_| {
                Err(JobError::Throttled {
                    retry_after: LATER,
                    scope: Scope::Job,
                    reason: "its attachments could not be read in time".to_owned(),
                    answer: Answer::of("s3"),
                })
            })
        })
    }
}
