//! Files that jobs take along or leave behind, and that users upload: what a store offers to other integrations.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use longshore_job::{JobError, Run};

/// A call to the store, under way.
pub type Calling<'a, T> = Pin<Box<dyn Future<Output = Result<T, JobError>> + Send + 'a>>;

/// A file to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// The key to store it under. A file with the same key is replaced.
    pub key: String,
    /// Its media type.
    pub content_type: String,
    /// The content.
    pub body: Vec<u8>,
}

/// A file that a user is to upload.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUpload {
    /// The user's id. It is personal data.
    pub user: String,
    /// Its media type. The upload must have exactly this type.
    pub content_type: String,
    /// Its length in bytes. The upload must have exactly this length.
    pub length: u64,
    /// What its key ends with, such as `png`.
    pub extension: String,
}

/// A URL for one upload, or one download.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedUrl {
    /// The URL. Anyone who has it may upload, or download.
    pub url: String,
    /// The HTTP method.
    pub method: String,
    /// The headers that the request must send, unchanged.
    pub headers: Vec<(String, String)>,
    /// The key that the file has, or will have.
    pub key: String,
    /// The bucket's name.
    pub bucket: String,
    /// The store that the bucket is in.
    pub store: &'static str,
    /// Until when the URL is valid.
    pub expires_at: SystemTime,
}

/// Why no URL is signed. Names no person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadError {
    /// One field of the request is wrong.
    Field {
        /// Which one, as an option of a command: `content-type`.
        field: &'static str,
        /// What is wrong, and what would be right.
        problem: &'static str,
    },
    /// The configuration does not allow it.
    Wrong(String),
    /// Signing failed.
    Failed(String),
}

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field { field, problem } => write!(f, "--{field} {problem}"),
            Self::Wrong(what) | Self::Failed(what) => f.write_str(what),
        }
    }
}

/// A URL, being signed.
pub type Signing<'a> = Pin<Box<dyn Future<Output = Result<SignedUrl, UploadError>> + Send + 'a>>;

/// One thing about the place of files that was compared with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesCheck {
    /// What was found, in words: `example-exports at s3: anybody can read it`.
    pub finding: String,
    /// How it stands.
    pub state: FilesState,
}

/// How a thing stands that was compared with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilesState {
    /// As configured.
    Right,
    /// Not known; what to do about that.
    Unknown {
        /// What to do.
        cure: String,
    },
    /// Not as configured; what to do about it.
    Wrong {
        /// What to do.
        cure: String,
    },
}

/// The place of files, being looked at.
pub type Examining<'a> = Pin<Box<dyn Future<Output = Vec<FilesCheck>> + Send + 'a>>;

/// A file store.
pub trait Files: Send + Sync {
    /// Reads the file under this key. A file larger than this many bytes is an error.
    fn read<'a>(&'a self, run: &'a Run, key: &'a str, most: u64) -> Calling<'a, Vec<u8>>;

    /// Stores a report. Returns where it is, as an object with public fields: `{"store","bucket","key"}`.
    fn write<'a>(&'a self, run: &'a Run, file: NewFile) -> Calling<'a, serde_json::Value>;

    /// Whether files can be written: a bucket is configured for them.
    fn takes_files(&self) -> bool;

    /// Signs a URL with which a user uploads one file directly to the store. Signing sends no request. `away`: the breaker of the
    /// integration's own provider is open, so the upload should go to the fallback, if there is one.
    fn sign_upload<'a>(&'a self, new: &'a NewUpload, away: bool) -> Signing<'a>;

    /// Signs a URL with which a user downloads one file that was uploaded so, directly from the store. Signing sends no request, so
    /// it is not known whether the file is there. `away`: as for uploads.
    fn sign_download<'a>(&'a self, key: &'a str, away: bool) -> Signing<'a>;

    /// Compares the store with the configuration, for `doctor`. It only reads, and what cannot be asked is a finding. Without an
    /// implementation there is nothing to compare.
    fn examine(&self) -> Examining<'_> {
        Box::pin(async { Vec::new() })
    }
}

/// Hides the user's id, which is personal data.
impl fmt::Debug for NewUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUpload")
            .field("content_type", &self.content_type)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// Hides the URL: whoever has it may use it.
impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedUrl")
            .field("store", &self.store)
            .field("bucket", &self.bucket)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
