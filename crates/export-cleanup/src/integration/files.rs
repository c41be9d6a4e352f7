//! Files of other queues' jobs: attachments are read from the buckets that allow it, reports are written to theirs. Users
//! upload to the bucket of uploads.

use std::sync::Arc;

use crate::BucketName;
use longshore_integration::settings::KeyPath;
use longshore_integration::{
    Calling, Context, Examining, Files, FilesCheck, FilesState, NewFile, NewUpload, SetUpError,
    SignedUrl, Signing, UploadError,
};
use longshore_job::{Answer, Blame, JobError, Run};
use longshore_storage::objects::NewObject;
use longshore_storage::presign::{Presigned, UploadRequest, is_key};
use longshore_storage::{Bucket, Error, ErrorClass, Exposure, Name, Session, Store, Stores};
use serde_json::json;

use super::buckets::{self, EXPORTS_NAME, UPLOADS_NAME};
use super::{Buckets, stores};

/// What `doctor` needs to ask.
const ASKED: &str = "s3:GetBucketPublicAccessBlock, s3:GetBucketAcl, s3:GetBucketPolicyStatus and s3:GetBucketVersioning";

struct InBuckets {
    stores: Stores,
    /// Exports first: an attachment is looked for in the order of these.
    buckets: Vec<Bucket>,
    /// Where reports go.
    reports: Option<Bucket>,
    uploads: Option<Bucket>,
}

/// `None` where there is no such bucket.
pub(super) async fn offered(context: Context<'_>) -> Result<Option<Arc<dyn Files>>, SetUpError> {
    let Some((stores, named)) = stores(context).await?.zip(context.get::<Buckets>()) else {
        return Ok(None);
    };
    let mut all: Vec<_> = named.0.iter().collect();
    all.sort_by_key(|(alias, _)| *alias != BucketName::EXPORTS);
    let all: Vec<_> = all.into_iter().map(|(_, bucket)| bucket.clone()).collect();
    let files = InBuckets {
        stores,
        reports: all.iter().find(|bucket| bucket.reports.is_some()).cloned(),
        uploads: named.get(&BucketName::UPLOADS).cloned(),
        buckets: all,
    };
    Ok((!files.buckets.is_empty()).then(|| Arc::new(files) as _))
}

impl Files for InBuckets {
    fn read<'a>(&'a self, run: &'a Run, key: &'a str, most: u64) -> Calling<'a, Vec<u8>> {
        Box::pin(async move {
            if !self.buckets.iter().any(|bucket| bucket.is_attachable(key)) {
                let why = format!(
                    "an s3_key of its attachments begins with none of {}, or leads to a report: add its prefix, then replay",
                    buckets::attachable_prefixes()
                );
                return Err(JobError::refusal("not attachable", why));
            }
            for bucket in &self.buckets {
                if !bucket.is_attachable(key) {
                    continue;
                }
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
        self.reports.is_some()
    }

    fn write<'a>(&'a self, run: &'a Run, file: NewFile) -> Calling<'a, serde_json::Value> {
        Box::pin(async move {
            let kept = self
                .reports
                .as_ref()
                .and_then(|bucket| Some((bucket, bucket.reports.as_ref()?)));
            let Some((bucket, reports)) = kept else {
                let why = format!("there is no bucket to keep reports in: set {EXPORTS_NAME}");
                return Err(JobError::refusal("no bucket", why));
            };
            let object = NewObject {
                key: format!("{}{}", reports.prefix, file.key),
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
            if bucket.has_report(key) {
                return Err(UploadError::Field {
                    field: "key",
                    problem: "leads to a report, which nobody uploaded",
                });
            }
            signed(store.presign_download(bucket, key).await)
        })
    }

    fn examine(&self) -> Examining<'_> {
        Box::pin(async {
            let mut found = Vec::new();
            for bucket in &self.buckets {
                found.extend(self.examine_at(Name::S3, bucket, bucket).await);
                if let Some((_, name)) = self.stores.fallback_of(bucket) {
                    let there = Bucket {
                        name: name.to_owned(),
                        ..bucket.clone()
                    };
                    found.extend(self.examine_at(Name::R2, bucket, &there).await);
                }
            }
            found
        })
    }
}

impl InBuckets {
    async fn examine_at(&self, store: Name, of: &Bucket, there: &Bucket) -> Vec<FilesCheck> {
        let Some(session) = self.stores.get_store(store).map(Store::directly) else {
            return Vec::new();
        };
        let exposures = session.exposure(there).await;
        let (access, versioned) = buckets::exposure_of(of);
        let checks = exposures.into_iter().map(|exposure| {
            let (what, state) = match exposure {
                Exposure::Right(what) => (what, FilesState::Right),
                Exposure::Unknown(why) => {
                    let cure = cure_of_unknown(store, &access, &versioned);
                    (why, FilesState::Unknown { cure })
                }
                Exposure::Wrong(what) => {
                    let cure = format!("change the bucket, or {access} and {versioned}");
                    (what, FilesState::Wrong { cure })
                }
            };
            FilesCheck {
                finding: format!("{} at {store}: {what}", there.name),
                state,
            }
        });
        checks.collect()
    }

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

/// What to do about a bucket that is not known to be as these two keys say. A store that cannot be asked needs no rights for it.
fn cure_of_unknown(store: Name, access: &KeyPath, versioned: &KeyPath) -> String {
    match store.says_who_may_read() {
        true => format!("grant {ASKED}, or leave {access} and {versioned} out"),
        false => format!(
            "compare its dashboard with {access} and {versioned}; this stays a warning while one of them is set"
        ),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_cannot_be_asked_is_not_granted_the_right_to_answer() {
        let (access, versioned) = (KeyPath::from("access"), KeyPath::from("versioned"));
        let cure = |store| cure_of_unknown(store, &access, &versioned);
        assert!(cure(Name::S3).starts_with("grant s3:GetBucketPublicAccessBlock"));
        let of_r2 = cure(Name::R2);
        assert!(
            of_r2.contains("dashboard") && !of_r2.contains("s3:Get"),
            "{of_r2}"
        );
    }
}
