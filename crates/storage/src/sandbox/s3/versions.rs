//! Versions and delete markers, listed.

use s3s::dto::{
    DeleteMarkerEntry, ListObjectVersionsInput, ListObjectVersionsOutput, ObjectVersion,
};

use super::page::{PAGE, encode, etag, length};
use super::shelf::Bucket;

pub(super) fn list(bucket: &Bucket, input: ListObjectVersionsInput) -> ListObjectVersionsOutput {
    let prefix = input.prefix.unwrap_or_default();
    let most = input.max_keys.and_then(|n| n.try_into().ok());
    let most = most.unwrap_or(PAGE).min(PAGE);
    let (key_after, id_after) = (input.key_marker, input.version_id_marker);
    let all = bucket
        .objects
        .iter()
        .filter(|(key, _)| key.starts_with(&prefix))
        .flat_map(|(key, entries)| entries.iter().enumerate().map(move |e| (key, e)));
    // After the marker's version, or after all of its key.
    let mut found = all.skip_while(|(key, (place, _))| {
        let Some(after) = &key_after else {
            return false;
        };
        let passed = id_after.as_ref().map(|id| {
            let entries = &bucket.objects[*key];
            entries.iter().position(|entry| entry.id == *id)
        });
        *key < after || (*key == after && passed.is_none_or(|at| at.is_none_or(|at| *place <= at)))
    });
    let (mut versions, mut markers) = (Vec::new(), Vec::new());
    let mut last = None;
    for (key, (place, entry)) in found.by_ref().take(most) {
        let shown = Some(encode(input.encoding_type.as_ref(), key));
        last = shown.clone().map(|key| (key, entry.id.clone()));
        match entry.marker {
            true => markers.push(DeleteMarkerEntry {
                key: shown,
                version_id: Some(entry.id.clone()),
                is_latest: Some(place == 0),
                last_modified: Some(entry.at()),
                owner: None,
            }),
            false => versions.push(ObjectVersion {
                key: shown,
                version_id: Some(entry.id.clone()),
                is_latest: Some(place == 0),
                last_modified: Some(entry.at()),
                e_tag: etag(entry),
                size: length(entry),
                ..Default::default()
            }),
        }
    }
    let last = last.filter(|_| found.next().is_some());
    ListObjectVersionsOutput {
        versions: Some(versions),
        delete_markers: Some(markers),
        encoding_type: input.encoding_type,
        is_truncated: Some(last.is_some()),
        next_key_marker: last.as_ref().map(|(key, _)| key.clone()),
        next_version_id_marker: last.map(|(_, id)| id),
        ..Default::default()
    }
}
