//! Files that jobs take along or leave behind: what a store offers to other integrations.

use std::future::Future;
use std::pin::Pin;

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

/// Where files are kept.
pub trait Files: Send + Sync {
    /// The file under this key, of at most so many bytes.
    fn read<'a>(&'a self, run: &'a Run, key: &'a str, most: u64) -> Calling<'a, Vec<u8>>;

    /// Keeps a file. Says where it is, as an object with public fields: `{"store","bucket","key"}`.
    fn write<'a>(&'a self, run: &'a Run, file: NewFile) -> Calling<'a, serde_json::Value>;

    /// Files can be written: there is a place for them.
    fn takes_files(&self) -> bool;
}
