//! Files of other queues' jobs: read from the bucket of exports, or else of uploads, and written to that of exports.

use std::sync::Arc;

use crate::BucketName;
use longshore_integration::{Calling, Context, Files, NewFile, SetUpError};
use longshore_job::{Answer, Blame, JobError, Run};
use longshore_storage::objects::NewObject;
use longshore_storage::{Bucket, Class, Stores};
use serde_json::json;

use super::{Buckets, stores};

struct InBuckets {
    stores: Stores,
    read: Vec<Bucket>,
    written: Option<Bucket>,
}

/// `None` where there is no such bucket.
pub(super) async fn offered(context: Context<'_>) -> Result<Option<Arc<dyn Files>>, SetUpError> {
    let Some((stores, buckets)) = stores(context).await?.zip(context.get::<Buckets>()) else {
        return Ok(None);
    };
    let aliases = [BucketName::Exports, BucketName::Uploads];
    let read = aliases.map(|alias| buckets.get(alias).cloned());
    let files = InBuckets {
        stores,
        read: read.into_iter().flatten().collect(),
        written: buckets.get(BucketName::Exports).cloned(),
    };
    Ok((!files.read.is_empty()).then(|| Arc::new(files) as _))
}

impl Files for InBuckets {
    fn read<'a>(&'a self, run: &'a Run, key: &'a str, most: u64) -> Calling<'a, Vec<u8>> {
        Box::pin(async move {
            for bucket in &self.read {
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
        })
    }

    fn takes_files(&self) -> bool {
        self.written.is_some()
    }

    fn write<'a>(&'a self, run: &'a Run, file: NewFile) -> Calling<'a, serde_json::Value> {
        Box::pin(async move {
            let Some(bucket) = &self.written else {
                let why = "there is no bucket to keep files in: set buckets.exports.name";
                return Err(JobError::refusal("no bucket", why));
            };
            let object = NewObject {
                key: file.key,
                content_type: file.content_type,
                body: file.body,
            };
            let placed = self.stores.put(run, bucket, &object).await?;
            Ok(json!({
                "store": placed.store.as_str(),
                "bucket": placed.bucket,
                "key": object.key,
            }))
        })
    }
}
