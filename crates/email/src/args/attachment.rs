//! What goes along with a mail.

use std::fmt;

use serde::{Deserialize, Serialize};

use longshore_job::InvalidArgs;

/// The most files of one mail.
const MOST: usize = 10;

/// A file in the bucket of exports, or else of uploads, as it is when the mail is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with s3_key, filename and content_type"
)]
pub struct Attachment {
    /// Its key, 1–1,024 bytes.
    pub s3_key: String,
    /// What the recipient sees it as: 1–255 characters, no path.
    pub filename: String,
    /// Its media type, such as `application/pdf`.
    pub content_type: String,
}

impl Attachment {
    /// What is wrong with it.
    fn findings(&self) -> Vec<&'static str> {
        let mut findings = Vec::new();
        let key = &self.s3_key;
        if !(1..=1024).contains(&key.len()) || key.chars().any(char::is_control) {
            findings.push("an s3_key must be 1 to 1024 bytes without control characters");
        }
        let name = &self.filename;
        let named = (1..=255).contains(&name.chars().count())
            && !name
                .chars()
                .any(|c| c.is_control() || matches!(c, '/' | '\\'))
            && !name.chars().all(|c| c == '.' || c.is_whitespace());
        if !named {
            findings.push("a filename must be 1 to 255 characters, without a path");
        }
        let token = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
        };
        // SendGrid takes neither parameters nor line ends.
        let typed = self.content_type.len() <= 127
            && self
                .content_type
                .split_once('/')
                .is_some_and(|(top, sub)| token(top) && token(sub));
        if !typed {
            findings.push("a content_type must be a media type such as application/pdf");
        }
        findings
    }
}

/// Checks all of a mail's.
pub(super) fn check(attachments: &[Attachment]) -> Result<(), InvalidArgs> {
    if attachments.len() > MOST {
        let what = format!(
            "has {} files, a mail takes at most {MOST}",
            attachments.len()
        );
        return Err(InvalidArgs::field("attachments", what));
    }
    InvalidArgs::all(attachments.iter().enumerate().flat_map(|(n, attachment)| {
        let wrong = move |what| Err(InvalidArgs::field(&format!("attachments[{n}]"), what));
        attachment.findings().into_iter().map(wrong)
    }))
}

/// Keys and names of files may name people.
impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}
