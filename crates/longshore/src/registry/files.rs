//! What other queues' jobs keep in buckets: files that go along with mails, and reports.

use std::time::Duration;

use longshore_email::{Attachments, Fetching};
use longshore_job::kinds::BucketName;
use longshore_job::{Answer, Blame, JobError, Run, Scope};
use longshore_payment_reconcile::{ReportFile, ReportStore, Storing};
use longshore_storage::objects::NewObject;
use longshore_storage::{Bucket, Class, Stores};
use serde_json::json;
use tokio::time::timeout;

use super::storage::{bucket, stores};
use crate::config::Config;
use crate::failure::Failure;
use crate::secrets::Secrets;

/// How long all of a mail's files may take. A run has 30 s, and the mail has to be sent within them.
const IN_TIME: Duration = Duration::from_secs(20);

/// How long a mail waits when its files took longer.
const LATER: Duration = Duration::from_secs(30);

/// How many differences a report in a bucket holds: some 20 MB.
const ROWS: usize = 50_000;

/// Files from the bucket of exports, or else of uploads.
pub(super) struct Files {
    stores: Stores,
    buckets: Vec<Bucket>,
}

impl Files {
    /// `None` where there is no such bucket.
    pub(super) async fn of(config: &Config, secrets: &Secrets) -> Result<Option<Self>, Failure> {
        let Some(stores) = stores(config, secrets).await? else {
            return Ok(None);
        };
        let aliases = [BucketName::Exports, BucketName::Uploads];
        let buckets = aliases.map(|alias| bucket(config, alias).cloned());
        let buckets: Vec<_> = buckets.into_iter().flatten().collect();
        Ok((!buckets.is_empty()).then_some(Self { stores, buckets }))
    }

    async fn read(&self, run: &Run, key: &str, most: u64) -> Result<Vec<u8>, JobError> {
        for bucket in &self.buckets {
            match self.stores.get(run, bucket, key, most).await {
                Err(error) if error.class == Class::Missing => {}
                read => return Ok(read?),
            }
        }
        Err(JobError::Permanent {
            reason: "there is no file under an s3_key of its attachments".to_owned(),
            answer: Answer {
                code: Some("no such file".to_owned()),
                ..Answer::of("s3")
            },
            blame: Blame::Ours,
        })
    }
}

/// A store that hangs costs a mail no attempt either: nothing was sent.
impl Attachments for Files {
    fn fetch<'a>(&'a self, run: &'a Run, key: &'a str, most: u64) -> Fetching<'a> {
        Box::pin(async move {
            let read = timeout(IN_TIME, self.read(run, key, most)).await;
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

/// Reports in the bucket of exports.
pub(super) struct Reports {
    stores: Stores,
    bucket: Bucket,
}

impl Reports {
    /// `None` where there is no such bucket.
    pub(super) async fn of(config: &Config, secrets: &Secrets) -> Result<Option<Self>, Failure> {
        let found = bucket(config, BucketName::Exports).cloned();
        Ok(stores(config, secrets)
            .await?
            .zip(found)
            .map(|(stores, bucket)| Self { stores, bucket }))
    }
}

/// The result says where a file is: `{"store","bucket","key"}`. The same key on every attempt.
impl ReportStore for Reports {
    fn max_rows(&self) -> usize {
        ROWS
    }

    fn store<'a>(&'a self, run: &'a Run, file: ReportFile) -> Storing<'a> {
        Box::pin(async move {
            let object = NewObject {
                key: format!("reconcile/{}/{}", run.id, file.name),
                content_type: file.content_type.to_owned(),
                body: file.body,
            };
            let placed = self.stores.put(run, &self.bucket, &object).await?;
            Ok(json!({
                "store": placed.store.as_str(),
                "bucket": placed.bucket,
                "key": object.key,
            }))
        })
    }
}
