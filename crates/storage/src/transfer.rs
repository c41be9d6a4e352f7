//! An object moved from one store to the other.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};

use crate::error::{Error, ErrorClass};
use crate::objects::{Deletion, Head, ListedObject};
use crate::session::Session;

/// Larger objects are moved in parts of this size, so that one part is what memory holds: 16 MiB.
const PART: u64 = 16 * 1024 * 1024;

/// What a moved object carries: the entity tag that it had where it came from.
const MOVED: &str = "longshore-moved";

/// What became of an object that was to be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveResult {
    /// It is there, and no longer here.
    Moved,
    /// There is something newer under its key there; it was left here.
    Superseded,
    /// It was replaced here meanwhile; what it is now comes with the next list.
    Changed,
}

/// Moves an object: copies it, sees it there, and only then deletes it here. What is newer there is not overwritten,
/// nor is what comes to be there meanwhile. A move that was cut off is simply made again.
///
/// # Errors
/// See [`ErrorClass`]. The object is still here then.
pub async fn move_object(
    (from, from_bucket): (&Session, &str),
    (to, to_bucket): (&Session, &str),
    object: &ListedObject,
) -> Result<MoveResult, Error> {
    let key = object.key.as_str();
    let here = match from.head(from_bucket, key).await {
        Ok(here) => here,
        Err(error) if error.class == ErrorClass::Missing => return Ok(MoveResult::Moved),
        Err(error) => return Err(error),
    };
    let there = match to.head(to_bucket, key).await {
        Ok(there) => Some(there),
        Err(error) if error.class == ErrorClass::Missing => None,
        Err(error) => return Err(error),
    };
    if !there.as_ref().is_some_and(|there| is_copy(there, &here)) {
        // Two stores, two clocks: what is as new to the second counts as newer.
        let newer = |there: &Head| there.modified >= Some(object.modified);
        if there.as_ref().is_some_and(newer) {
            return Ok(MoveResult::Superseded);
        }
        let copy = Copy {
            from,
            from_bucket,
            to,
            to_bucket,
            key,
            here: &here,
            over: there.and_then(|there| there.etag),
        };
        match copy.make().await {
            Ok(()) => {}
            // Somebody wrote there, or here, in the meantime.
            Err(error) if error.class == ErrorClass::Changed => return Ok(MoveResult::Changed),
            Err(error) => return Err(error),
        }
        let there = to.head(to_bucket, key).await?;
        if !is_copy(&there, &here) {
            return Ok(MoveResult::Changed);
        }
    }
    // Not what was written here since it was copied.
    let now = from.head(from_bucket, key).await;
    match now {
        Ok(now) if now.etag != here.etag => return Ok(MoveResult::Changed),
        Err(error) if error.class != ErrorClass::Missing => return Err(error),
        _ => {}
    }
    let deletion = Deletion {
        key: key.to_owned(),
        version: None,
        etag: here.etag,
        size: here.size,
    };
    let deleted = from.delete(from_bucket, &[deletion]).await?;
    match deleted.kept.first() {
        None => Ok(MoveResult::Moved),
        Some((_, code)) if code == "PreconditionFailed" => Ok(MoveResult::Changed),
        Some((_, code)) => {
            let reason = format!("{} did not delete what was moved ({code})", from.name());
            let mut error = Error::local(from.name(), ErrorClass::Refused, reason);
            error.answer.code = Some(code.clone());
            Err(error)
        }
    }
}

/// Whether what is there was copied from what is here.
fn is_copy(there: &Head, here: &Head) -> bool {
    let tag = here.etag.as_deref().map(bare);
    there.size == here.size && tag.is_some() && there.metadata.get(MOVED).map(String::as_str) == tag
}

/// An entity tag without its quotes: it stands in a header of its own.
fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}

struct Copy<'a> {
    from: &'a Session,
    from_bucket: &'a str,
    to: &'a Session,
    to_bucket: &'a str,
    key: &'a str,
    here: &'a Head,
    /// What it takes the place of, by its entity tag.
    over: Option<String>,
}

impl Copy<'_> {
    async fn make(&self) -> Result<(), Error> {
        match self.here.size <= PART {
            true => self.whole().await,
            false => self.in_parts().await,
        }
    }

    fn tag(&self) -> &str {
        self.here.etag.as_deref().map_or("", bare)
    }

    /// `*` where there must be nothing yet.
    fn none_match(&self) -> Option<String> {
        self.over.is_none().then(|| "*".to_owned())
    }

    async fn read(&self, bytes: Option<(u64, u64)>) -> Result<Vec<u8>, Error> {
        let etag = self.here.etag.as_deref();
        self.from
            .part(self.from_bucket, self.key, etag, bytes)
            .await
    }

    async fn whole(&self) -> Result<(), Error> {
        let body = self.read(None).await?;
        let put = self
            .to
            .call(format!("write to {}", self.to_bucket), |client| {
                client
                    .put_object()
                    .bucket(self.to_bucket)
                    .key(self.key)
                    .set_content_type(self.here.content_type.clone())
                    .set_metadata(Some(self.here.metadata.clone().into_iter().collect()))
                    .metadata(MOVED, self.tag())
                    .checksum_algorithm(ChecksumAlgorithm::Crc32)
                    .set_if_match(self.over.clone())
                    .set_if_none_match(self.none_match())
                    .body(ByteStream::from(body.clone()))
                    .send()
            });
        put.await.map(|_| ())
    }

    async fn in_parts(&self) -> Result<(), Error> {
        let doing = format!("write to {}", self.to_bucket);
        let begun = self.to.call(&doing, |client| {
            client
                .create_multipart_upload()
                .bucket(self.to_bucket)
                .key(self.key)
                .set_content_type(self.here.content_type.clone())
                .set_metadata(Some(self.here.metadata.clone().into_iter().collect()))
                .metadata(MOVED, self.tag())
                .checksum_algorithm(ChecksumAlgorithm::Crc32)
                .send()
        });
        let id = begun.await?.upload_id.unwrap_or_default();
        let done = self.parts(&doing, &id).await;
        if done.is_err() {
            // What is left of it costs money until a sweep finds it.
            let aborted = self.to.call("abort an upload", |client| {
                client
                    .abort_multipart_upload()
                    .bucket(self.to_bucket)
                    .key(self.key)
                    .upload_id(&id)
                    .send()
            });
            let _ = aborted.await;
        }
        done
    }

    async fn parts(&self, doing: &str, id: &str) -> Result<(), Error> {
        let mut parts = Vec::new();
        let mut first = 0;
        while first < self.here.size {
            let last = (first + PART).min(self.here.size) - 1;
            let body = self.read(Some((first, last))).await?;
            let number = i32::try_from(parts.len() + 1).unwrap_or(i32::MAX);
            let part = self.to.call(doing, |client| {
                client
                    .upload_part()
                    .bucket(self.to_bucket)
                    .key(self.key)
                    .upload_id(id)
                    .part_number(number)
                    .checksum_algorithm(ChecksumAlgorithm::Crc32)
                    .body(ByteStream::from(body.clone()))
                    .send()
            });
            let part = part.await?;
            parts.push(
                CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(part.e_tag)
                    .set_checksum_crc32(part.checksum_crc32)
                    .build(),
            );
            first = last + 1;
        }
        let all = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        let completed = self.to.call(doing, |client| {
            client
                .complete_multipart_upload()
                .bucket(self.to_bucket)
                .key(self.key)
                .upload_id(id)
                .multipart_upload(all.clone())
                .set_if_match(self.over.clone())
                .set_if_none_match(self.none_match())
                .send()
        });
        completed.await.map(|_| ())
    }
}
