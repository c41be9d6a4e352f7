//! Objects: put, got, looked at, listed and deleted.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use crate::error::{Error, ErrorClass};
use crate::session::Session;

/// The most keys that one request lists or deletes.
pub const PAGE: usize = 1_000;

/// How often the keys of a batch are tried that the store could not delete for reasons of its own.
const ROUNDS: u32 = 4;

/// An object to be written.
#[derive(Clone)]
pub struct NewObject {
    /// Its key.
    pub key: String,
    /// Its media type.
    pub content_type: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// What a list says of an object.
#[derive(Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key. It may hold a user's id: it belongs in no log.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, by the store's clock, to the second.
    pub modified: SystemTime,
    /// Its entity tag.
    pub etag: Option<String>,
}

/// Some objects, in the order of their keys' bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The objects, at most 1,000.
    pub objects: Vec<ListedObject>,
    /// The key that the next page begins after, if there is one.
    pub next: Option<String>,
}

/// What is known of one object without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, by the store's clock.
    pub modified: Option<SystemTime>,
    /// Its entity tag.
    pub etag: Option<String>,
    /// Its media type.
    pub content_type: Option<String>,
    /// What whoever wrote it noted beside it.
    pub metadata: BTreeMap<String, String>,
}

/// What is to be deleted.
#[derive(Clone, PartialEq, Eq)]
pub struct Deletion {
    /// Its key.
    pub key: String,
    /// Which version; `None` = what is under the key.
    pub version: Option<String>,
    /// What it has to be still, where the store compares: its entity tag.
    pub etag: Option<String>,
    /// Its size in bytes.
    pub size: u64,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    /// How many are gone.
    pub objects: u64,
    /// How many bytes they had.
    pub bytes: u64,
    /// Which were not deleted, and S3's code for why. `PreconditionFailed`: it was replaced meanwhile.
    pub kept: Vec<(Deletion, String)>,
}

impl Session {
    /// Writes an object, in the place of one with its key.
    ///
    /// # Errors
    /// See [`ErrorClass`].
    pub async fn put(&self, bucket: &str, object: &NewObject) -> Result<(), Error> {
        let put = self.call(format!("write to {bucket}"), |client| {
            client
                .put_object()
                .bucket(bucket)
                .key(&object.key)
                .content_type(&object.content_type)
                .body(ByteStream::from(object.body.clone()))
                .send()
        });
        put.await.map(|_| ())
    }

    /// Reads an object of at most so many bytes.
    ///
    /// # Errors
    /// [`ErrorClass::Missing`] when there is none, [`ErrorClass::Refused`] when it is larger.
    pub async fn get(&self, bucket: &str, key: &str, most: u64) -> Result<Vec<u8>, Error> {
        let head = self.head(bucket, key).await?;
        if head.size > most {
            let reason = format!(
                "an object in {bucket} has {} bytes, more than {most}",
                head.size
            );
            let mut error = Error::local(self.name(), ErrorClass::Refused, reason);
            error.answer.code = Some("too large".to_owned());
            return Err(error);
        }
        self.part(bucket, key, head.etag.as_deref(), None).await
    }

    /// Reads these bytes of an object, all of them with `None`, as long as it is still the one with this tag.
    pub(crate) async fn part(
        &self,
        bucket: &str,
        key: &str,
        etag: Option<&str>,
        bytes: Option<(u64, u64)>,
    ) -> Result<Vec<u8>, Error> {
        let doing = format!("read from {bucket}");
        let range = bytes.map(|(first, last)| format!("bytes={first}-{last}"));
        let got = self.call(&doing, |client| {
            client
                .get_object()
                .bucket(bucket)
                .key(key)
                .set_range(range.clone())
                .set_if_match(etag.map(str::to_owned))
                .send()
        });
        let body = got.await?.body.collect().await.map_err(|_| {
            // It was read whole; what is left to go wrong is its checksum.
            let reason = format!("{} did not {doing}: its checksum is wrong", self.name());
            Error::local(self.name(), ErrorClass::Unavailable, reason)
        })?;
        Ok(body.to_vec())
    }

    /// What is known of an object.
    ///
    /// # Errors
    /// [`ErrorClass::Missing`] when there is none.
    pub async fn head(&self, bucket: &str, key: &str) -> Result<Head, Error> {
        let head = self.call(format!("look at an object in {bucket}"), |client| {
            client.head_object().bucket(bucket).key(key).send()
        });
        let head = head.await?;
        Ok(Head {
            size: head
                .content_length()
                .and_then(|n| n.try_into().ok())
                .unwrap_or(0),
            modified: head.last_modified.and_then(|time| time.try_into().ok()),
            etag: head.e_tag,
            content_type: head.content_type,
            metadata: head.metadata.unwrap_or_default().into_iter().collect(),
        })
    }

    /// Lists what lies under a prefix, after this key.
    ///
    /// # Errors
    /// See [`ErrorClass`].
    pub async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Page, Error> {
        let listed = self.call(format!("list {bucket}"), |client| {
            client
                .list_objects_v2()
                .bucket(bucket)
                .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
                .set_start_after(after.map(str::to_owned))
                .max_keys(PAGE as i32)
                .send()
        });
        let listed = listed.await?;
        let more = listed.is_truncated() == Some(true);
        let contents = listed.contents.unwrap_or_default();
        let last = contents.last().and_then(|object| object.key.clone());
        let objects = contents
            .into_iter()
            .filter_map(|object| {
                Some(ListedObject {
                    key: object.key?,
                    size: object.size.and_then(|n| n.try_into().ok()).unwrap_or(0),
                    // What has no time has no age.
                    modified: object.last_modified?.try_into().ok()?,
                    etag: object.e_tag,
                })
            })
            .collect();
        let next = last.filter(|_| more);
        Ok(Page { objects, next })
    }

    /// Deletes up to 1,000 at once. What the store could not delete for reasons of its own is tried again; what it
    /// refused to delete comes back with its reason. What was already gone counts as deleted.
    ///
    /// # Errors
    /// When the request as a whole did not succeed; or when after some tries there still is something that the store
    /// could not delete. Then some of the batch may be gone.
    pub async fn delete(&self, bucket: &str, batch: &[Deletion]) -> Result<Deleted, Error> {
        let mut deleted = Deleted::default();
        let mut rest: Vec<Deletion> = batch.to_vec();
        for round in 1.. {
            let codes = self.delete_once(bucket, &rest).await?;
            let mut again = Vec::new();
            for deletion in rest {
                let code = codes.get(&(deletion.key.clone(), deletion.version.clone()));
                match code.map(String::as_str) {
                    None | Some("NoSuchKey" | "NoSuchVersion") => {
                        deleted.objects += 1;
                        deleted.bytes += deletion.size;
                    }
                    Some("InternalError" | "SlowDown" | "ServiceUnavailable") => {
                        again.push(deletion);
                    }
                    Some(code) => deleted.kept.push((deletion, code.to_owned())),
                }
            }
            rest = again;
            if rest.is_empty() {
                break;
            }
            if round >= ROUNDS {
                let reason = format!(
                    "{} could not delete {} objects of {bucket}, tried {ROUNDS} times",
                    self.name(),
                    rest.len()
                );
                return Err(Error::local(self.name(), ErrorClass::Unavailable, reason));
            }
            tokio::time::sleep(Duration::from_millis(100 << round)).await;
        }
        Ok(deleted)
    }

    async fn delete_once(
        &self,
        bucket: &str,
        batch: &[Deletion],
    ) -> Result<BTreeMap<(String, Option<String>), String>, Error> {
        let compare = self.name().compares_when_deleting();
        let objects: Vec<_> = batch
            .iter()
            .map(|deletion| {
                ObjectIdentifier::builder()
                    .key(&deletion.key)
                    .set_version_id(deletion.version.clone())
                    .set_e_tag(deletion.etag.clone().filter(|_| compare))
                    .build()
                    .unwrap_or_else(|error| unreachable!("it has a key: {error}"))
            })
            .collect();
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .unwrap_or_else(|error| unreachable!("it has objects: {error}"));
        let answer = self.call(format!("delete from {bucket}"), |client| {
            client
                .delete_objects()
                .bucket(bucket)
                .delete(delete.clone())
                .send()
        });
        // A 200 may still say of every single key that it was not deleted.
        let errors = answer.await?.errors.unwrap_or_default();
        let codes = errors.into_iter().filter_map(|error| {
            let code = error.code.unwrap_or_else(|| "unknown".to_owned());
            Some((
                (error.key?, error.version_id.filter(|id| !id.is_empty())),
                code,
            ))
        });
        Ok(codes.collect())
    }
}

/// Keys hold ids of users.
impl fmt::Debug for ListedObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListedObject")
            .field("size", &self.size)
            .field("modified", &self.modified)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NewObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewObject")
            .field("content_type", &self.content_type)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Deletion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deletion")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
