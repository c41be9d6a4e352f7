//! Uploads by users: a URL that takes one file, as it was described, for 15 minutes, and one that gives it.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use ulid::Ulid;

use crate::bucket::{Bucket, ExpiryRule};
use crate::error::{Error, ErrorClass};
use crate::name::Name;
use crate::session::Session;

/// How long a URL is good for.
const GOOD_FOR: Duration = Duration::from_secs(900);

/// The largest file that one request may upload: 5 GiB, S3's bound.
pub const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// What a user wants to upload. Its fields are public to be read; [`UploadRequest::new`] makes one.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadRequest {
    /// The user's id: 1–128 letters, digits, `.`, `_` and `-`. The key begins with it.
    pub user: String,
    /// The file's media type. The upload has to be of exactly this one.
    pub content_type: String,
    /// The file's length in bytes. The upload has to be of exactly this one.
    pub length: u64,
    /// What the key ends with: 1–16 lower-case letters and digits.
    pub extension: String,
}

/// An upload that cannot be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct InvalidUpload {
    /// Which part of it.
    pub field: &'static str,
    /// What is wrong, and what would be right.
    pub problem: &'static str,
}

/// A URL that takes one upload, or gives one file.
#[derive(Clone, PartialEq, Eq)]
pub struct Presigned {
    /// Where it goes. Whoever has it may upload, or download.
    pub url: String,
    /// `PUT` or `GET`.
    pub method: String,
    /// The headers that have to be sent, exactly so: they are signed.
    pub headers: Vec<(String, String)>,
    /// The key that the file has, or will have: `<user>/<ulid>.<extension>`.
    pub key: String,
    /// The bucket's name.
    pub bucket: String,
    /// Which store it is in.
    pub store: Name,
    /// Until when it is good.
    pub expires_at: SystemTime,
}

impl UploadRequest {
    /// An upload of this file by this user.
    ///
    /// # Errors
    /// When one of them cannot be.
    pub fn new(
        user: impl Into<String>,
        content_type: impl Into<String>,
        length: u64,
        extension: impl Into<String>,
    ) -> Result<Self, InvalidUpload> {
        let upload = Self {
            user: user.into(),
            content_type: content_type.into(),
            length,
            extension: extension.into(),
        };
        let wrong = |field, problem| Err(InvalidUpload { field, problem });
        if !is_user(&upload.user) {
            return wrong(
                "user",
                "must be 1 to 128 letters, digits, `.`, `_` and `-`, with a letter or a digit among them",
            );
        }
        if !is_media_type(&upload.content_type) {
            return wrong("content-type", "must be a media type such as image/png");
        }
        if !(1..=LARGEST).contains(&length) {
            return wrong("length", "must be 1 byte to 5 GiB");
        }
        let extension = &upload.extension;
        let fits = (1..=16).contains(&extension.len())
            && extension
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !fits {
            return wrong(
                "extension",
                "must be 1 to 16 lower-case letters and digits, such as png",
            );
        }
        Ok(upload)
    }
}

fn is_user(user: &str) -> bool {
    (1..=128).contains(&user.len())
        && user
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && user.bytes().any(|b| b.is_ascii_alphanumeric())
}

/// `type/subtype`, perhaps with parameters, as it can stand in a header.
fn is_media_type(text: &str) -> bool {
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let named = kind
        .split_once('/')
        .is_some_and(|(top, sub)| token(top) && token(sub));
    // A blank at the end would be cut on the way, and the signature with it.
    named
        && text.len() <= 255
        && !text.ends_with(' ')
        && parameters.bytes().all(|b| (0x20..0x7f).contains(&b))
}

impl Session {
    /// Signs a URL that takes this upload, and no other, for 15 minutes. Nothing is sent.
    ///
    /// # Errors
    /// When there are no credentials to sign with, or the file would lie where the bucket's rules let it expire.
    pub async fn presign_upload(
        &self,
        bucket: &Bucket,
        upload: &UploadRequest,
    ) -> Result<Presigned, Error> {
        let key = format!("{}/{}.{}", upload.user, Ulid::generate(), upload.extension);
        // It will have no tag.
        let expires = |rule: &ExpiryRule| {
            !rule.prefix.is_empty()
                && key.starts_with(&rule.prefix)
                && rule.tag.is_none()
                && rule.larger_than.is_none_or(|size| upload.length > size)
        };
        if bucket.rules.iter().any(expires) || bucket.has_report(&key) {
            let reason = format!(
                "a file of this user would lie where buckets.{}.rules let it expire, or where reports are kept",
                bucket.alias
            );
            return Err(Error::local(self.name(), ErrorClass::Refused, reason));
        }
        let request = self
            .client()
            .put_object()
            .bucket(self.bucket_name(bucket)?)
            .key(&key)
            .content_type(&upload.content_type)
            .content_length(i64::try_from(upload.length).unwrap_or(i64::MAX));
        let now = SystemTime::now();
        let signed = request.presigned(good_from(now)).await;
        let signed = signed.map_err(|error| Error::read(self.name(), "sign an upload", &error))?;
        self.presigned(bucket, key, &signed, now)
    }

    /// Signs a URL that gives the file under this key, for 15 minutes. Nothing is sent: the file need not be there.
    ///
    /// # Errors
    /// When there are no credentials to sign with, or no file can be under this key.
    pub async fn presign_download(&self, bucket: &Bucket, key: &str) -> Result<Presigned, Error> {
        let request = self
            .client()
            .get_object()
            .bucket(self.bucket_name(bucket)?)
            .key(key);
        let now = SystemTime::now();
        let signed = request.presigned(good_from(now)).await;
        let signed = signed.map_err(|error| Error::read(self.name(), "sign a download", &error))?;
        self.presigned(bucket, key.to_owned(), &signed, now)
    }

    /// What a bucket is called in this store.
    fn bucket_name<'a>(&self, bucket: &'a Bucket) -> Result<&'a String, Error> {
        match (self.name(), &bucket.fallback_name) {
            (Name::S3, _) => Ok(&bucket.name),
            (Name::R2, Some(name)) => Ok(name),
            (Name::R2, None) => {
                let reason = format!("buckets.{}.fallback_name is not set", bucket.alias);
                Err(Error::local(Name::R2, ErrorClass::Refused, reason))
            }
        }
    }

    fn presigned(
        &self,
        bucket: &Bucket,
        key: String,
        signed: &PresignedRequest,
        now: SystemTime,
    ) -> Result<Presigned, Error> {
        let headers = signed.headers();
        Ok(Presigned {
            url: signed.uri().to_owned(),
            method: signed.method().to_owned(),
            headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            key,
            bucket: self.bucket_name(bucket)?.clone(),
            store: self.name(),
            expires_at: now + GOOD_FOR,
        })
    }
}

fn good_from(now: SystemTime) -> PresigningConfig {
    PresigningConfig::builder()
        .start_time(now)
        .expires_in(GOOD_FOR)
        .build()
        .unwrap_or_else(|error| unreachable!("15 minutes are fewer than a week: {error}"))
}

/// Whether a file may be under this key: 1 to 1,024 bytes, without control characters.
#[must_use]
pub fn is_key(key: &str) -> bool {
    // The SDK writes the key into the path as it stands: `..` would lead elsewhere, and some proxies cut `//`.
    let strange = |part: &str| matches!(part, "" | "." | "..");
    (1..=1024).contains(&key.len())
        && !key.chars().any(char::is_control)
        && !key.split('/').any(strange)
}

/// The user's id is personal.
impl fmt::Debug for UploadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadRequest")
            .field("content_type", &self.content_type)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// The URL is as good as a key, for 15 minutes.
impl fmt::Debug for Presigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presigned")
            .field("store", &self.store)
            .field("bucket", &self.bucket)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_stand_in_a_key_or_a_header_is_refused_before_it_is_signed() {
        let field = |user: &str, content_type: &str, length: u64, extension: &str| {
            UploadRequest::new(user, content_type, length, extension)
                .err()
                .map(|error| error.field)
        };
        assert_eq!(field("u-1", "image/svg+xml; charset=utf-8", 1, "svg"), None);
        for user in ["", ".", "..", "a/b", "a b", "ø", "../x"] {
            assert_eq!(field(user, "image/png", 1, "png"), Some("user"), "{user}");
        }
        for kind in [
            "",
            "png",
            "image/",
            "image/png\r\nX: 1",
            "image/png; ",
            "a b/c",
        ] {
            assert_eq!(field("u", kind, 1, "png"), Some("content-type"), "{kind}");
        }
        assert_eq!(field("u", "image/png", 0, "png"), Some("length"));
        assert_eq!(field("u", "image/png", LARGEST + 1, "png"), Some("length"));
        for extension in ["", "PNG", ".png", "p/g"] {
            assert_eq!(field("u", "image/png", 1, extension), Some("extension"));
        }
    }
}
