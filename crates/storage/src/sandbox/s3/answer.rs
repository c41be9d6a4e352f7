//! What S3 answers.

use futures_util::TryStreamExt;
use longshore_sandbox::axum::body::Bytes;
use s3s::dto::*;
use s3s::{Body, S3, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::condition::check;
use super::page::{PAGE, encode, etag, length};
use super::shelf::{Bucket, Entry, Shelf, now};
use super::{readers, uploads, versions};

#[derive(Debug)]
pub(super) struct Answers(Shelf);

impl Answers {
    pub(super) fn new(shelf: Shelf) -> Self {
        Self(shelf)
    }

    fn bucket<T>(&self, name: &str, then: impl FnOnce(&mut Bucket) -> T) -> S3Result<T> {
        let answer = self.0.with(name, then);
        answer.ok_or_else(|| s3_error!(NoSuchBucket))
    }
}

async fn read(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let Some(body) = body else {
        return Ok(Bytes::new());
    };
    let chunks: Vec<Bytes> = body
        .try_collect()
        .await
        // What its checksums say comes up here.
        .map_err(|_| s3_error!(BadDigest))?;
    Ok(chunks.concat().into())
}

#[async_trait::async_trait]
impl S3 for Answers {
    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let body = read(input.body).await?;
        let entry = Entry {
            content_type: input.content_type,
            metadata: input.metadata.unwrap_or_default(),
            ..Entry::new(body, now())
        };
        let output = PutObjectOutput {
            e_tag: etag(&entry),
            ..Default::default()
        };
        let (matches, matches_not) = (input.if_match, input.if_none_match);
        self.bucket(&input.bucket, |bucket| {
            check(
                bucket.latest(&input.key),
                matches.as_ref(),
                matches_not.as_ref(),
            )?;
            bucket.write(&input.key, entry);
            Ok(S3Response::new(output))
        })?
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let entry = self.bucket(&input.bucket, |bucket| bucket.latest(&input.key).cloned())?;
        let entry = entry.ok_or_else(|| s3_error!(NoSuchKey))?;
        check(
            Some(&entry),
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        let all = entry.body.len() as u64;
        let range = input.range.map(|range| range.check(all)).transpose()?;
        let body = match range.clone() {
            Some(range) => entry.body.slice(range.start as usize..range.end as usize),
            None => entry.body.clone(),
        };
        let content_range =
            range.map(|range| format!("bytes {}-{}/{all}", range.start, range.end - 1));
        Ok(S3Response::new(GetObjectOutput {
            content_length: i64::try_from(body.len()).ok(),
            body: Some(StreamingBlob::from(Body::from(body))),
            content_range,
            content_type: entry.content_type.clone(),
            e_tag: etag(&entry),
            last_modified: Some(entry.at()),
            metadata: Some(entry.metadata.clone()),
            ..Default::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let entry = self.bucket(&input.bucket, |bucket| bucket.latest(&input.key).cloned())?;
        let entry = entry.ok_or_else(|| s3_error!(NoSuchKey))?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: length(&entry),
            content_type: entry.content_type.clone(),
            e_tag: etag(&entry),
            last_modified: Some(entry.at()),
            metadata: Some(entry.metadata.clone()),
            ..Default::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let prefix = input.prefix.unwrap_or_default();
        let after = input.continuation_token.or(input.start_after);
        let most = input.max_keys.and_then(|n| n.try_into().ok());
        let most = most.unwrap_or(PAGE).min(PAGE);
        let encoding = input.encoding_type;
        self.bucket(&input.bucket, |bucket| {
            let mut found = bucket.objects.keys().filter_map(|key| {
                let fits = key.starts_with(&prefix) && Some(key) > after.as_ref();
                Some((key, bucket.latest(key).filter(|_| fits)?))
            });
            let mut contents: Vec<_> = found
                .by_ref()
                .take(most)
                .map(|(key, entry)| Object {
                    key: Some(key.clone()),
                    size: length(entry),
                    last_modified: Some(entry.at()),
                    e_tag: etag(entry),
                    ..Default::default()
                })
                .collect();
            let more = found.next().is_some();
            let last = contents.last().and_then(|object| object.key.clone());
            for key in contents.iter_mut().filter_map(|object| object.key.as_mut()) {
                *key = encode(encoding.as_ref(), key);
            }
            S3Response::new(ListObjectsV2Output {
                encoding_type: encoding,
                key_count: i32::try_from(contents.len()).ok(),
                contents: Some(contents),
                is_truncated: Some(more),
                next_continuation_token: last.filter(|_| more),
                ..Default::default()
            })
        })
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let DeleteObjectsInput { bucket, delete, .. } = request.input;
        if delete.objects.len() > PAGE {
            return Err(s3_error!(MalformedXML));
        }
        self.bucket(&bucket, |bucket| {
            let mut errors = Vec::new();
            for object in delete.objects {
                let etag = object.e_tag.as_ref().map(ETag::value);
                let deleted = bucket.delete(&object.key, object.version_id.as_deref(), etag);
                if let Err(code) = deleted {
                    errors.push(Error {
                        code: Some(code),
                        key: Some(object.key),
                        message: None,
                        version_id: object.version_id,
                    });
                }
            }
            S3Response::new(DeleteObjectsOutput {
                errors: Some(errors),
                ..Default::default()
            })
        })
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        let etag = input.if_match.as_ref().and_then(ETagCondition::as_etag);
        let etag = etag.map(ETag::value);
        let deleted = self.bucket(&input.bucket, |bucket| {
            bucket.delete(&input.key, input.version_id.as_deref(), etag)
        })?;
        match deleted {
            Ok(()) => Ok(S3Response::new(DeleteObjectOutput::default())),
            Err(code) => Err(S3ErrorCode::from_bytes(code.as_bytes())
                .unwrap_or(S3ErrorCode::InternalError)
                .into()),
        }
    }

    async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        let enabled = || BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED);
        self.bucket(&request.input.bucket, |bucket| {
            S3Response::new(GetBucketVersioningOutput {
                status: bucket.versioned.then(enabled),
                ..Default::default()
            })
        })
    }

    async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        let input = request.input;
        let tags = self.bucket(&input.bucket, |bucket| readers::tags(bucket, &input))?;
        tags.map(S3Response::new)
    }

    async fn get_bucket_acl(
        &self,
        request: S3Request<GetBucketAclInput>,
    ) -> S3Result<S3Response<GetBucketAclOutput>> {
        self.bucket(&request.input.bucket, |bucket| {
            S3Response::new(readers::acl(bucket))
        })
    }

    async fn get_public_access_block(
        &self,
        request: S3Request<GetPublicAccessBlockInput>,
    ) -> S3Result<S3Response<GetPublicAccessBlockOutput>> {
        let block = self.bucket(&request.input.bucket, |bucket| readers::block(bucket))?;
        block.map(S3Response::new)
    }

    async fn get_bucket_policy_status(
        &self,
        request: S3Request<GetBucketPolicyStatusInput>,
    ) -> S3Result<S3Response<GetBucketPolicyStatusOutput>> {
        let policy = self.bucket(&request.input.bucket, |bucket| readers::policy(bucket))?;
        policy.map(S3Response::new)
    }

    async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let input = request.input;
        let name = input.bucket.clone();
        self.bucket(&name, |bucket| {
            S3Response::new(versions::list(bucket, input))
        })
    }

    async fn get_bucket_lifecycle_configuration(
        &self,
        request: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<GetBucketLifecycleConfigurationOutput>> {
        let rules = self.bucket(&request.input.bucket, |bucket| bucket.rules.clone())?;
        if rules.is_empty() {
            return Err(s3_error!(NoSuchLifecycleConfiguration));
        }
        Ok(S3Response::new(GetBucketLifecycleConfigurationOutput {
            rules: Some(rules),
            ..Default::default()
        }))
    }

    async fn put_bucket_lifecycle_configuration(
        &self,
        request: S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<PutBucketLifecycleConfigurationOutput>> {
        let new = request.input.lifecycle_configuration;
        let rules = new.map(|new| new.rules).unwrap_or_default();
        if rules.is_empty() || rules.len() > PAGE {
            return Err(s3_error!(MalformedXML));
        }
        // The old form and the new one do not go together.
        if rules.iter().any(|rule| rule.filter.is_some())
            && rules.iter().any(|rule| rule.filter.is_none())
        {
            return Err(s3_error!(InvalidRequest));
        }
        self.bucket(&request.input.bucket, |bucket| {
            bucket.rules = rules;
            S3Response::new(PutBucketLifecycleConfigurationOutput::default())
        })
    }

    async fn delete_bucket_lifecycle(
        &self,
        request: S3Request<DeleteBucketLifecycleInput>,
    ) -> S3Result<S3Response<DeleteBucketLifecycleOutput>> {
        self.bucket(&request.input.bucket, |bucket| {
            bucket.rules.clear();
            S3Response::new(DeleteBucketLifecycleOutput {})
        })
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let name = request.input.bucket.clone();
        self.bucket(&name, |bucket| {
            S3Response::new(uploads::begin(bucket, request.input))
        })
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let body = read(input.body).await?;
        let id = (input.key, input.upload_id);
        let etag = self.bucket(&input.bucket, |bucket| {
            uploads::part(bucket, &id, input.part_number, body)
        })??;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(etag),
            ..Default::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let name = request.input.bucket.clone();
        let done = self.bucket(&name, |bucket| uploads::complete(bucket, request.input))?;
        done.map(S3Response::new)
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        self.bucket(&input.bucket, |bucket| {
            S3Response::new(uploads::list(bucket, &input))
        })
    }

    async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let id = (request.input.key, request.input.upload_id);
        let there = self.bucket(&request.input.bucket, |bucket| {
            bucket.uploads.contains_key(&id)
        })?;
        match there {
            true => Ok(S3Response::new(ListPartsOutput::default())),
            false => Err(s3_error!(NoSuchUpload)),
        }
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let id = (request.input.key, request.input.upload_id);
        let gone = self.bucket(&request.input.bucket, |bucket| bucket.uploads.remove(&id))?;
        match gone {
            Some(_) => Ok(S3Response::new(AbortMultipartUploadOutput::default())),
            None => Err(s3_error!(NoSuchUpload)),
        }
    }
}
