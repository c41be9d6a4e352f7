//! What all lists have in common.

use s3s::dto::{ETag, EncodingType};

use super::shelf::Entry;

/// The most entries on a page.
pub(super) const PAGE: usize = 1_000;

/// A key as lists have it: in a URL's form, if that is asked for.
pub(super) fn encode(wanted: Option<&EncodingType>, key: &str) -> String {
    if wanted.is_some_and(|wanted| wanted.as_str() == EncodingType::URL) {
        let encoded: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
        return encoded.replace("%2F", "/");
    }
    key.to_owned()
}

pub(super) fn etag(entry: &Entry) -> Option<ETag> {
    Some(ETag::Strong(entry.etag.clone()))
}

pub(super) fn length(entry: &Entry) -> Option<i64> {
    i64::try_from(entry.body.len()).ok()
}
