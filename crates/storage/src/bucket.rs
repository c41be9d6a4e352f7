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
}

/// What lies under this prefix expires at this age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiryRule {
    /// Keys that begin with it; an empty one means all.
    pub prefix: String,
    /// How old it has to be: days of 24 hours. At least 1.
    pub expire_days: u32,
}

impl ExpiryRule {
    /// The same as a duration.
    #[must_use]
    pub fn age(&self) -> Duration {
        Duration::from_secs(u64::from(self.expire_days) * 24 * 3600)
    }
}
