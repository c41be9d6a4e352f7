//! Uploads in parts.

use std::collections::BTreeMap;

use longshore_sandbox::axum::body::Bytes;
use s3s::dto::{
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ETag, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    MultipartUpload,
};
use s3s::{S3Result, s3_error};
use ulid::Ulid;

use super::condition::check;
use super::page::{PAGE, encode};
use super::shelf::{Bucket, Entry, Upload, now};

pub(super) fn begin(
    bucket: &mut Bucket,
    input: CreateMultipartUploadInput,
) -> CreateMultipartUploadOutput {
    let id = Ulid::generate().to_string();
    let upload = Upload {
        initiated: now(),
        content_type: input.content_type,
        metadata: input.metadata.unwrap_or_default(),
        parts: BTreeMap::new(),
    };
    bucket
        .uploads
        .insert((input.key.clone(), id.clone()), upload);
    CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        ..Default::default()
    }
}

pub(super) fn part(
    bucket: &mut Bucket,
    upload: &(String, String),
    number: i32,
    body: Bytes,
) -> S3Result<ETag> {
    let upload = bucket.uploads.get_mut(upload);
    let upload = upload.ok_or_else(|| s3_error!(NoSuchUpload))?;
    let etag = Entry::new(body.clone(), now()).etag;
    upload.parts.insert(number, body);
    Ok(ETag::Strong(etag))
}

pub(super) fn complete(
    bucket: &mut Bucket,
    input: CompleteMultipartUploadInput,
) -> S3Result<CompleteMultipartUploadOutput> {
    check(
        bucket.latest(&input.key),
        input.if_match.as_ref(),
        input.if_none_match.as_ref(),
    )?;
    let id = (input.key.clone(), input.upload_id);
    let upload = bucket.uploads.remove(&id);
    let upload = upload.ok_or_else(|| s3_error!(NoSuchUpload))?;
    let named = input.multipart_upload.and_then(|all| all.parts);
    let named: Vec<_> = named.unwrap_or_default();
    let parts: Option<Vec<_>> = named
        .iter()
        .map(|part| upload.parts.get(&part.part_number?).cloned())
        .collect();
    let parts = parts.filter(|parts| !parts.is_empty());
    let body = parts.ok_or_else(|| s3_error!(InvalidPart))?.concat();
    let mut entry = Entry {
        content_type: upload.content_type,
        metadata: upload.metadata,
        ..Entry::new(body.into(), now())
    };
    entry.etag = format!("{}-{}", entry.etag, named.len());
    let etag = ETag::Strong(entry.etag.clone());
    bucket.write(&input.key, entry);
    Ok(CompleteMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(etag),
        ..Default::default()
    })
}

pub(super) fn list(
    bucket: &Bucket,
    input: &ListMultipartUploadsInput,
) -> ListMultipartUploadsOutput {
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let after = input.key_marker.clone().map(|key| {
        let id = input.upload_id_marker.clone();
        (key, id.unwrap_or_else(|| "~".to_owned()))
    });
    let mut found = bucket
        .uploads
        .iter()
        .filter(|(id, _)| id.0.starts_with(prefix) && Some(*id) > after.as_ref());
    let page: Vec<_> = found.by_ref().take(PAGE).collect();
    let last = page.last().map(|(id, _)| (*id).clone());
    let last = last.filter(|_| found.next().is_some());
    let encoded = |key: &str| encode(input.encoding_type.as_ref(), key);
    let uploads = page.into_iter().map(|((key, id), upload)| MultipartUpload {
        key: Some(encoded(key)),
        upload_id: Some(id.clone()),
        initiated: Some(upload.initiated.into()),
        ..Default::default()
    });
    ListMultipartUploadsOutput {
        uploads: Some(uploads.collect()),
        is_truncated: Some(last.is_some()),
        encoding_type: input.encoding_type.clone(),
        next_key_marker: last.as_ref().map(|(key, _)| encoded(key)),
        next_upload_id_marker: last.map(|(_, id)| id),
        ..Default::default()
    }
}
