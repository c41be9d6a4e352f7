//! Objects: put, got, looked at, listed and deleted.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::EncodingType;

use crate::error::{Error, ErrorClass};
use crate::keys::{decode, decoded, is_encoded};
use crate::session::Session;

/// The most keys that one request lists or deletes.
pub const PAGE: usize = 1_000;

/// How many keys are looked at before a store is believed that it encodes them: each may be gone meanwhile.
const LOOKS: usize = 3;

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
                .encoding_type(EncodingType::Url)
                .max_keys(PAGE as i32)
                .send()
        });
        let mut listed = listed.await?;
        let more = listed.is_truncated() == Some(true);
        let encoding = listed.encoding_type.take();
        let mut contents = listed.contents.unwrap_or_default();
        let mut keys: Vec<_> = contents.iter_mut().filter_map(|o| o.key.as_mut()).collect();
        if is_encoded(encoding.as_ref(), &keys) && self.encodes(bucket, &keys).await? {
            decode(self.name(), &mut keys)?;
        }
        let last = contents.last().and_then(|object| object.key.clone());
        let next = self.goes_on(bucket, more, last, after.map(str::to_owned).as_ref())?;
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
        Ok(Page { objects, next })
    }

    /// Where a list goes on that was asked for from `after` on.
    ///
    /// # Errors
    /// When the store says that there is more, and not what comes after this page: whoever took that for all would delete or
    /// count by half a list, and whoever asked again would be told the same for ever.
    pub(crate) fn goes_on<T: PartialEq>(
        &self,
        bucket: &str,
        more: bool,
        last: Option<T>,
        after: Option<&T>,
    ) -> Result<Option<T>, Error> {
        if !more || (last.is_some() && last.as_ref() != after) {
            return Ok(last.filter(|_| more));
        }
        let reason = format!(
            "{} did not list all of {bucket}: it says that there is more, and does not go on",
            self.name()
        );
        Err(Error::local(self.name(), ErrorClass::Unavailable, reason))
    }

    /// Whether the store does encode these keys, as it says. It is asked only where that makes a difference, and only until it
    /// is known.
    pub(crate) async fn encodes(&self, bucket: &str, keys: &[&mut String]) -> Result<bool, Error> {
        if let Some(known) = self.observed().encodes_keys() {
            return Ok(known);
        }
        let differing = keys.iter().filter_map(|key| {
            let plain = decoded(key)?;
            (plain != **key).then_some((plain, key.as_str()))
        });
        for (plain, raw) in differing.take(LOOKS) {
            // Both may be there: then this key says nothing.
            let as_decoded = self.is_there(bucket, &plain).await?;
            let as_listed = self.is_there(bucket, raw).await?;
            if as_decoded != as_listed {
                return Ok(self.observed().note_encodes_keys(as_decoded));
            }
        }
        Ok(true)
    }

    async fn is_there(&self, bucket: &str, key: &str) -> Result<bool, Error> {
        match self.head(bucket, key).await {
            Ok(_) => Ok(true),
            // What no URL leads to cannot be asked for, and neither what nobody lets us read.
            Err(error) if matches!(error.class, ErrorClass::Missing | ErrorClass::Refused) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
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
