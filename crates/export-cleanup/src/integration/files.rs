//! Files of other queues' jobs: read from the bucket of exports, or else of uploads, and written to that of exports. Users
//! upload to the latter.

use std::sync::Arc;

use crate::BucketName;
use longshore_integration::{
    Calling, Context, Files, NewFile, NewUpload, SetUpError, SignedUrl, Signing, UploadError,
};
use longshore_job::{Answer, Blame, JobError, Run};
use longshore_storage::objects::NewObject;
use longshore_storage::presign::{Presigned, UploadRequest, is_key};
use longshore_storage::{Bucket, Error, ErrorClass, Name, Session, Stores};
use serde_json::json;

use super::buckets::{EXPORTS_NAME, UPLOADS_NAME};
use super::{Buckets, stores};

struct InBuckets {
    stores: Stores,
    read: Vec<Bucket>,
    written: Option<Bucket>,
    uploads: Option<Bucket>,
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
        uploads: buckets.get(BucketName::Uploads).cloned(),
    };
    Ok((!files.read.is_empty()).then(|| Arc::new(files) as _))
}

impl Files for InBuckets {
    fn read<'a>(&'a self, run: &'a Run, key: &'a str, most: u64) -> Calling<'a, Vec<u8>> {
        Box::pin(async move {
            for bucket in &self.read {
                match self.stores.get(run, bucket, key, most).await {
                    Err(error) if error.class == ErrorClass::Missing => {}
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
                let why = format!("there is no bucket to keep files in: set {EXPORTS_NAME}");
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

    fn sign_upload<'a>(&'a self, new: &'a NewUpload, away: bool) -> Signing<'a> {
        Box::pin(async move {
            let upload =
                UploadRequest::new(&*new.user, &*new.content_type, new.length, &*new.extension);
            let upload = upload.map_err(|error| UploadError::Field {
                field: error.field,
                problem: error.problem,
            })?;
            let (bucket, store) = self.uploads(away)?;
            signed(store.presign_upload(bucket, &upload).await)
        })
    }

    fn sign_download<'a>(&'a self, key: &'a str, away: bool) -> Signing<'a> {
        Box::pin(async move {
            if !is_key(key) {
                return Err(UploadError::Field {
                    field: "key",
                    problem: "must be the key of an uploaded file, such as 17/01JD2Z5V9GQ8X0T6M3K7W4R1YB.png",
                });
            }
            let (bucket, store) = self.uploads(away)?;
            signed(store.presign_download(bucket, key).await)
        })
    }
}

impl InBuckets {
    /// The bucket that users upload to, and the store that it is in now.
    fn uploads(&self, away: bool) -> Result<(&Bucket, Session), UploadError> {
        let bucket = self.uploads.as_ref().ok_or_else(|| {
            UploadError::Wrong(format!(
                "there is no bucket for uploads: set {UPLOADS_NAME}"
            ))
        })?;
        let name = match away && self.stores.fallback_of(bucket).is_some() {
            true => Name::R2,
            false => Name::S3,
        };
        let store = self.stores.get_store(name);
        let store =
            store.ok_or_else(|| UploadError::Failed(format!("{name} is not configured")))?;
        Ok((bucket, store.directly()))
    }
}

fn signed(signed: Result<Presigned, Error>) -> Result<SignedUrl, UploadError> {
    let signed = signed.map_err(|error| match error.class {
        ErrorClass::Refused => UploadError::Wrong(error.to_string()),
        _ => UploadError::Failed(error.to_string()),
    })?;
    Ok(SignedUrl {
        url: signed.url,
        method: signed.method,
        headers: signed.headers,
        key: signed.key,
        bucket: signed.bucket,
        store: signed.store.as_str(),
        expires_at: signed.expires_at,
    })
}
