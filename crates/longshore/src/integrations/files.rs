//! Files of jobs, where some integration keeps them: what goes along with mails, and reports.

use std::sync::Arc;
use std::time::Duration;

use longshore_email::{Attachments, Fetching};
use longshore_integration::{Files, NewFile};
use longshore_job::{Answer, JobError, Run, Scope};
use longshore_payment_reconcile::{ReportFile, ReportStore, Storing};
use tokio::time::timeout;

/// How long all of a mail's files may take. A run has 30 s, and the mail has to be sent within them.
const IN_TIME: Duration = Duration::from_secs(20);

/// How long a mail waits when its files took longer.
const LATER: Duration = Duration::from_secs(30);

/// How many differences a report in a file holds: some 20 MB.
const ROWS: usize = 50_000;

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

/// Reports in files.
pub(super) struct Reports(pub(super) Arc<dyn Files>);

/// The result says where a file is. The same key on every attempt.
impl ReportStore for Reports {
    fn max_rows(&self) -> usize {
        ROWS
    }

    fn store<'a>(&'a self, run: &'a Run, file: ReportFile) -> Storing<'a> {
        let file = NewFile {
            key: format!("reconcile/{}/{}", run.id, file.name),
            content_type: file.content_type.to_owned(),
            body: file.body,
        };
        self.0.write(run, file)
    }
}
