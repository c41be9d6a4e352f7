//! Conditions of a request, by the ETag of what is there.

use s3s::dto::{ETag, ETagCondition};
use s3s::{S3Result, s3_error};

use super::shelf::Entry;

/// Whether what is there is what it has to be.
pub(super) fn check(
    there: Option<&Entry>,
    matches: Option<&ETagCondition>,
    matches_not: Option<&ETagCondition>,
) -> S3Result<()> {
    let is = |condition: &ETagCondition| {
        there.is_some_and(|entry| {
            condition.is_any() || condition.as_etag().map(ETag::value) == Some(&entry.etag)
        })
    };
    match matches.is_none_or(is) && !matches_not.is_some_and(is) {
        true => Ok(()),
        false => Err(s3_error!(PreconditionFailed)),
    }
}
