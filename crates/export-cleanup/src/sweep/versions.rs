//! Versions and delete markers of a bucket that keeps them.

use std::collections::HashSet;
use std::time::SystemTime;

use longshore_job::JobError;
use longshore_storage::objects::{Deletion, PAGE};
use longshore_storage::versions::{StoredVersion, VersionCursor};
use longshore_storage::{Error, ExpiryRule, Session};

use super::Sweep;
use super::state::Phase;
use crate::expiry::has_expired;

/// All versions of one key, the latest first.
pub(super) struct Group {
    pub(super) versions: Vec<StoredVersion>,
}

impl Group {
    /// Those that have expired, the latest first. A version has been what it is since it was replaced; the latest since
    /// it was written. A marker that is the latest goes when nothing is left under it.
    pub(super) fn expired(
        &self,
        rules: &[ExpiryRule],
        now: SystemTime,
    ) -> impl Iterator<Item = &StoredVersion> {
        let since = |place: usize| match place {
            0 => self.versions[0].modified,
            place => self.versions[place - 1].modified,
        };
        let old =
            move |place: usize| has_expired(rules, &self.versions[place].key, since(place), now);
        let versions = self.versions.iter().enumerate();
        versions
            .filter(move |(place, _)| old(*place))
            .map(|(_, version)| version)
    }
}

/// The versions from there on, by key, some 1,000 and more: a key's are never torn apart. And the key that the next ones
/// come after.
pub(super) async fn by_key(
    session: &Session,
    bucket: &str,
    prefix: &str,
    mut after: Option<VersionCursor>,
) -> Result<(Vec<Group>, Option<String>), Error> {
    let mut versions: Vec<StoredVersion> = Vec::new();
    let next = loop {
        let page = session
            .list_versions(bucket, prefix, after.as_ref())
            .await?;
        versions.extend(page.versions);
        let Some(next) = page.next else {
            break None;
        };
        // The last key may go on.
        let last = versions.last().map(|version| version.key.clone());
        let whole = versions
            .iter()
            .rposition(|version| Some(&version.key) != last.as_ref());
        if let Some(whole) = whole {
            versions.truncate(whole + 1);
            break versions.last().map(|version| version.key.clone());
        }
        after = Some(next);
    };
    let groups = versions.chunk_by(|a, b| a.key == b.key);
    let groups = groups.map(|versions| Group {
        versions: versions.to_vec(),
    });
    Ok((groups.collect(), next))
}

impl Sweep<'_> {
    /// Lists some keys, and deletes what has expired under them.
    pub(super) async fn versions(&mut self) -> Result<(), JobError> {
        let Some(prefix) = self.prefixes.get(self.state.prefix) else {
            self.state.begin_phase(Phase::Uploads);
            return Ok(());
        };
        let after = self.state.after.take();
        let after = after.map(|key| VersionCursor { key, version: None });
        let (groups, next) = by_key(&self.place.session, self.place.name, prefix, after).await?;
        let now = self.now()?;
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for group in &groups {
            self.state.tally.listed += group.versions.len() as u64;
            let expired = group.expired(&self.place.bucket.rules, now);
            for version in expired.collect::<Vec<_>>().into_iter().rev() {
                let list = match version.latest {
                    true => &mut last,
                    false => &mut first,
                };
                list.push(doomed(version));
            }
        }
        let mut kept = HashSet::new();
        for batch in first.chunks(PAGE) {
            let refused = self.delete(batch).await?;
            kept.extend(refused.into_iter().map(|doomed| doomed.key));
        }
        // What covers something that stays, stays.
        last.retain(|doomed| !kept.contains(&doomed.key));
        for batch in last.chunks(PAGE) {
            self.delete(batch).await?;
        }
        self.state.after = next;
        if self.state.after.is_none() {
            self.state.prefix += 1;
        }
        Ok(())
    }
}

fn doomed(version: &StoredVersion) -> Deletion {
    Deletion {
        key: version.key.clone(),
        version: Some(version.id.clone()),
        // A version never changes.
        etag: None,
        size: version.size,
    }
}
