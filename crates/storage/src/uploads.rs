//! Multipart uploads that nobody finished: they lie in no list of objects, and cost as much.

use std::fmt;
use std::time::SystemTime;

use aws_sdk_s3::types::EncodingType;

use crate::error::{Error, ErrorClass};
use crate::keys::{decode, is_encoded};
use crate::session::Session;

/// How often an upload is aborted whose parts keep coming.
const ABORTS: u32 = 3;

/// An upload that was begun.
#[derive(Clone, PartialEq, Eq)]
pub struct BegunUpload {
    /// The key it would have.
    pub key: String,
    /// Its id.
    pub id: String,
    /// When it was begun, by the store's clock.
    pub initiated: SystemTime,
}

/// Some uploads, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadPage {
    /// At most 1,000.
    pub uploads: Vec<BegunUpload>,
    /// The key and the upload that the next page begins after, if there is one.
    pub next: Option<(String, String)>,
}

impl Session {
    /// Lists unfinished uploads under a prefix.
    ///
    /// # Errors
    /// See [`ErrorClass`]; [`ErrorClass::Unsupported`] where there are none to list.
    pub async fn list_uploads(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&(String, String)>,
    ) -> Result<UploadPage, Error> {
        let listed = self.call(format!("list the uploads in {bucket}"), |client| {
            client
                .list_multipart_uploads()
                .bucket(bucket)
                .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
                .set_key_marker(after.map(|(key, _)| key.clone()))
                .set_upload_id_marker(after.map(|(_, id)| id.clone()))
                .encoding_type(EncodingType::Url)
                .send()
        });
        let mut listed = listed.await?;
        let encoding = listed.encoding_type.take();
        let uploads = listed.uploads.iter_mut().flatten();
        let keys = uploads.filter_map(|upload| upload.key.as_mut());
        let mut keys: Vec<_> = keys.chain(&mut listed.next_key_marker).collect();
        if is_encoded(encoding.as_ref(), &keys) && self.encodes(bucket, &keys).await? {
            decode(self.name(), &mut keys)?;
        }
        let more = listed.is_truncated == Some(true);
        let last = listed.next_key_marker.zip(listed.next_upload_id_marker);
        let next = self.goes_on(bucket, more, last, after)?;
        let uploads = listed.uploads.unwrap_or_default();
        let uploads = uploads.into_iter().filter_map(|upload| {
            Some(BegunUpload {
                key: upload.key?,
                id: upload.upload_id?,
                initiated: upload.initiated?.try_into().ok()?,
            })
        });
        Ok(UploadPage {
            uploads: uploads.collect(),
            next,
        })
    }

    /// Aborts an upload; one that is gone is one that was aborted. A part that was on its way may survive the first
    /// time, so it is repeated until the upload is gone. `false` when it was not gone after that: then the next sweep
    /// finds it again.
    ///
    /// # Errors
    /// See [`ErrorClass`].
    pub async fn abort_upload(&self, bucket: &str, upload: &BegunUpload) -> Result<bool, Error> {
        for _ in 0..ABORTS {
            let aborted = self.call(format!("abort an upload in {bucket}"), |client| {
                client
                    .abort_multipart_upload()
                    .bucket(bucket)
                    .key(&upload.key)
                    .upload_id(&upload.id)
                    .send()
            });
            match aborted.await {
                Ok(_) => {}
                Err(error) if error.class == ErrorClass::Missing => return Ok(true),
                Err(error) => return Err(error),
            }
            let parts = self.call(
                format!("list the parts of an upload in {bucket}"),
                |client| {
                    client
                        .list_parts()
                        .bucket(bucket)
                        .key(&upload.key)
                        .upload_id(&upload.id)
                        .send()
                },
            );
            match parts.await {
                Ok(_) => {}
                Err(error) if error.class == ErrorClass::Missing => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

/// Keys hold ids of users.
impl fmt::Debug for BegunUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BegunUpload")
            .field("initiated", &self.initiated)
            .finish_non_exhaustive()
    }
}
