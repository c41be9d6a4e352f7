//! A bucket, as configuration has it.

use std::time::Duration;

/// A bucket and what is decided about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// What we call it: `exports`, `uploads`, `public`.
    pub alias: String,
    /// Its name at S3.
    pub name: String,
    /// Its stand-in's name at R2. Where there is one, what cannot be written to S3 goes there.
    pub fallback_name: Option<String>,
    /// What expires in it.
    pub rules: Vec<ExpiryRule>,
    /// A sweep that would delete more than this share of its objects stops and asks, 0 to 1. `None` = it never does.
    pub max_delete_share: Option<f64>,
    /// What lies under this prefix expires at this age, whatever the rules say of it.
    pub reports: Option<ExpiryRule>,
    /// Keys that begin with one of these may leave as attachments of mails.
    pub attachable_prefixes: Vec<String>,
    /// Who should be able to read it, if that was said.
    pub access: Option<Access>,
    /// Whether it should keep versions, if that was said.
    pub versioned: Option<bool>,
}

/// Who can read a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only those who are granted it.
    Private,
    /// Anybody.
    Public,
}

impl Bucket {
    /// A bucket of this name in which nothing expires, and of which nothing else is known.
    #[must_use]
    pub fn new(alias: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            alias: alias.into(),
            name: name.into(),
            fallback_name: None,
            rules: Vec::new(),
            max_delete_share: None,
            reports: None,
            attachable_prefixes: Vec::new(),
            access: None,
            versioned: None,
        }
    }

    /// Whether reports are kept under this key.
    #[must_use]
    pub fn has_report(&self, key: &str) -> bool {
        let reports = self.reports.as_ref();
        reports.is_some_and(|reports| key.starts_with(&reports.prefix))
    }

    /// Whether a file under this key may leave as an attachment. A report never does.
    #[must_use]
    pub fn is_attachable(&self, key: &str) -> bool {
        let prefixes = &self.attachable_prefixes;
        !self.has_report(key) && prefixes.iter().any(|prefix| key.starts_with(prefix))
    }
}

/// What lies under this prefix expires at this age, if it also has the tag and the size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiryRule {
    /// Keys that begin with it; an empty one means all.
    pub prefix: String,
    /// How old it has to be: days of 24 hours. At least 1.
    pub expire_days: u32,
    /// The tag that it has to have, if any: its key and its value.
    pub tag: Option<(String, String)>,
    /// How many bytes it has to have more than, if any.
    pub larger_than: Option<u64>,
}

impl ExpiryRule {
    /// All under this prefix, at this age.
    #[must_use]
    pub fn new(prefix: impl Into<String>, expire_days: u32) -> Self {
        Self {
            prefix: prefix.into(),
            expire_days,
            tag: None,
            larger_than: None,
        }
    }

    /// Whether age and prefix are all that it looks at.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.tag.is_none() && self.larger_than.is_none()
    }

    /// The same as a duration.
    #[must_use]
    pub fn age(&self) -> Duration {
        Duration::from_secs(u64::from(self.expire_days) * 24 * 3600)
    }
}
