//! Files that jobs take along or leave behind, and that users upload: what a store offers to other integrations.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use longshore_job::{JobError, Run};

/// A call to the store, under way.
pub type Calling<'a, T> = Pin<Box<dyn Future<Output = Result<T, JobError>> + Send + 'a>>;

/// A file to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Where it is kept: the same key again replaces it.
    pub key: String,
    /// Its media type.
    pub content_type: String,
    /// What is in it.
    pub body: Vec<u8>,
}

/// A file that a user is to upload.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUpload {
    /// The user's id; personal.
    pub user: String,
    /// Its media type. The upload has to be of exactly this one.
    pub content_type: String,
    /// Its length in bytes. The upload has to be of exactly this one.
    pub length: u64,
    /// What its key ends with, such as `png`.
    pub extension: String,
}

/// A URL that takes one upload.
#[derive(Clone, PartialEq, Eq)]
pub struct Upload {
    /// Where it goes. Whoever has it may upload.
    pub url: String,
    /// The HTTP method.
    pub method: String,
    /// The headers that have to be sent, exactly so.
    pub headers: Vec<(String, String)>,
    /// The key it will have.
    pub key: String,
    /// The bucket's name.
    pub bucket: String,
    /// Which store it is in.
    pub store: &'static str,
    /// Until when the URL is good.
    pub expires_at: SystemTime,
}

/// Why no upload is signed. Names no person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadError {
    /// It cannot be, as it is asked for or configured.
    Wrong(String),
    /// It failed.
    Failed(String),
}

/// An upload, being signed.
pub type Signing<'a> = Pin<Box<dyn Future<Output = Result<Upload, UploadError>> + Send + 'a>>;

/// Where files are kept.
pub trait Files: Send + Sync {
    /// The file under this key, of at most so many bytes.
    fn read<'a>(&'a self, run: &'a Run, key: &'a str, most: u64) -> Calling<'a, Vec<u8>>;

    /// Keeps a file. Says where it is, as an object with public fields: `{"store","bucket","key"}`.
    fn write<'a>(&'a self, run: &'a Run, file: NewFile) -> Calling<'a, serde_json::Value>;

    /// Files can be written: there is a place for them.
    fn takes_files(&self) -> bool;

    /// Signs a URL by which a user uploads one file, past the fleet. Nothing is sent for it. `away`: the fleet leaves the
    /// integration's own provider alone, so that the one that stands in should take it, if there is one.
    fn sign_upload<'a>(&'a self, new: &'a NewUpload, away: bool) -> Signing<'a>;
}

/// The user's id is personal.
impl fmt::Debug for NewUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUpload")
            .field("content_type", &self.content_type)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// The URL is as good as a key.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("store", &self.store)
            .field("bucket", &self.bucket)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
