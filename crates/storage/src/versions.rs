//! Versioned buckets: old versions and delete markers.

use std::fmt;
use std::time::SystemTime;

use aws_sdk_s3::types::{BucketVersioningStatus, EncodingType};

use crate::error::{Error, ErrorClass};
use crate::keys::{decode, is_encoded};
use crate::objects::PAGE;
use crate::session::Session;

/// A version of an object, or a marker that it was deleted.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredVersion {
    /// Its key.
    pub key: String,
    /// Its id.
    pub id: String,
    /// Whether it is what is under the key now.
    pub latest: bool,
    /// Whether it is a delete marker.
    pub marker: bool,
    /// Its size in bytes; a marker has none.
    pub size: u64,
    /// When it was written, by the store's clock.
    pub modified: SystemTime,
}

/// Some versions. Those of one key stand together, the latest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionPage {
    /// At most 1,000.
    pub versions: Vec<StoredVersion>,
    /// Where the next page begins, if there is one.
    pub next: Option<VersionCursor>,
}

/// Where a page of versions begins.
#[derive(Clone, PartialEq, Eq)]
pub struct VersionCursor {
    /// After this key, or this key's versions after `version`.
    pub key: String,
    /// After this version of the key; `None` = after all of them.
    pub version: Option<String>,
}

impl Session {
    /// Whether deleting an object of this bucket leaves its versions behind: it keeps versions, or did so once. Stores
    /// that do not know versions have none.
    ///
    /// # Errors
    /// See [`ErrorClass`].
    pub async fn keeps_versions(&self, bucket: &str) -> Result<bool, Error> {
        let asked = self.call(format!("say whether {bucket} is versioned"), |client| {
            client.get_bucket_versioning().bucket(bucket).send()
        });
        match asked.await {
            Ok(answer) => Ok(matches!(
                answer.status(),
                Some(BucketVersioningStatus::Enabled | BucketVersioningStatus::Suspended)
            )),
            Err(error) if error.class == ErrorClass::Unsupported => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lists versions and delete markers under a prefix.
    ///
    /// # Errors
    /// See [`ErrorClass`].
    pub async fn list_versions(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&VersionCursor>,
    ) -> Result<VersionPage, Error> {
        let listed = self.call(format!("list the versions in {bucket}"), |client| {
            client
                .list_object_versions()
                .bucket(bucket)
                .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
                .set_key_marker(after.map(|after| after.key.clone()))
                .set_version_id_marker(after.and_then(|after| after.version.clone()))
                .encoding_type(EncodingType::Url)
                .max_keys(PAGE as i32)
                .send()
        });
        let mut listed = listed.await?;
        let encoding = listed.encoding_type.take();
        let versions = listed.versions.iter_mut().flatten();
        let markers = listed.delete_markers.iter_mut().flatten();
        let keys = versions.filter_map(|version| version.key.as_mut());
        let keys = keys.chain(markers.filter_map(|marker| marker.key.as_mut()));
        let mut keys: Vec<_> = keys.chain(&mut listed.next_key_marker).collect();
        if is_encoded(encoding.as_ref(), &keys) && self.encodes(bucket, &keys).await? {
            decode(self.name(), &mut keys)?;
        }
        let more = listed.is_truncated() == Some(true);
        let version = listed.next_version_id_marker;
        let last = listed.next_key_marker;
        let last = last.map(|key| VersionCursor { key, version });
        let next = self.goes_on(bucket, more, last, after)?;
        let versions = listed.versions.unwrap_or_default();
        let versions = versions.into_iter().filter_map(|version| {
            Some(StoredVersion {
                key: version.key?,
                id: version.version_id?,
                latest: version.is_latest == Some(true),
                marker: false,
                size: version.size.and_then(|n| n.try_into().ok()).unwrap_or(0),
                modified: version.last_modified?.try_into().ok()?,
            })
        });
        let markers = listed.delete_markers.unwrap_or_default();
        let markers = markers.into_iter().filter_map(|marker| {
            Some(StoredVersion {
                key: marker.key?,
                id: marker.version_id?,
                latest: marker.is_latest == Some(true),
                marker: true,
                size: 0,
                modified: marker.last_modified?.try_into().ok()?,
            })
        });
        let mut versions: Vec<_> = versions.chain(markers).collect();
        // The SDK hands versions and markers back apart.
        versions.sort_by(|a, b| {
            let (a_newest, b_newest) = ((b.latest, b.modified), (a.latest, a.modified));
            a.key.cmp(&b.key).then(a_newest.cmp(&b_newest))
        });
        Ok(VersionPage { versions, next })
    }
}

/// Keys hold ids of users.
impl fmt::Debug for StoredVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredVersion")
            .field("latest", &self.latest)
            .field("marker", &self.marker)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for VersionCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionCursor").finish_non_exhaustive()
    }
}
