//! Files that go along with a mail, fetched when it is sent.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::SendEmail;
use longshore_job::{JobError, Run};

use crate::AttachedFile;

/// How much the files of one mail may have together: 10 MiB. SendGrid takes 30 MB of a whole request, and base64 makes a
/// third more of them.
pub const MOST_BYTES: u64 = 10 * 1024 * 1024;

/// A file's bytes, on their way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, JobError>> + Send + 'a>>;

/// Where files are fetched from. Without an effect: a mail that is not sent for it was not sent.
pub trait Attachments: Send + Sync + 'static {
    /// The bytes under this key, at most `most` of them.
    fn fetch<'a>(&'a self, run: &'a Run, key: &'a str, most: u64) -> Fetching<'a>;
}

/// There is nowhere to fetch from.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAttachments;

impl Attachments for NoAttachments {
    fn fetch<'a>(&'a self, _: &'a Run, _: &'a str, _: u64) -> Fetching<'a> {
        Box::pin(async {
            Err(refused(
                "no bucket",
                "files cannot be attached: set providers.s3 and buckets.exports.name, then replay",
            ))
        })
    }
}

/// Fetches all of a mail's files.
pub(crate) async fn fetch(
    from: &dyn Attachments,
    job: &SendEmail,
    run: &Run,
) -> Result<Vec<AttachedFile>, JobError> {
    let mut left = MOST_BYTES;
    let mut fetched = Vec::new();
    for file in &job.attachments {
        let body = from.fetch(run, &file.s3_key, left).await?;
        left = left.checked_sub(body.len() as u64).ok_or_else(too_large)?;
        fetched.push(AttachedFile {
            name: file.filename.clone(),
            content_type: file.content_type.clone(),
            content: body,
        });
    }
    Ok(fetched)
}

fn too_large() -> JobError {
    refused(
        "attachments too large",
        "the files have more than 10 MiB together",
    )
}

fn refused(code: &str, reason: &str) -> JobError {
    JobError::refusal(code, reason)
}

impl fmt::Debug for dyn Attachments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attachments")
    }
}
