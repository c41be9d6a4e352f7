//! Versions and delete markers of a bucket that keeps them.

use std::collections::HashSet;
use std::time::SystemTime;

use longshore_job::JobError;
use longshore_storage::objects::{Deletion, PAGE};
use longshore_storage::versions::{StoredVersion, VersionCursor};
use longshore_storage::{Error, Session};

use super::Sweep;
use super::state::Phase;
use crate::expiry::Thing;

/// All versions of one key, the latest first.
pub(super) struct Group {
    pub(super) versions: Vec<StoredVersion>,
}

impl Group {
    /// All of them, the latest first, as the rules look at them. A version has been what it is since it was replaced; the
    /// latest since it was written. A marker has no size.
    fn things(&self) -> impl Iterator<Item = (&StoredVersion, Thing<'_>)> {
        let since = |place: usize| match place {
            0 => self.versions[0].modified,
            place => self.versions[place - 1].modified,
        };
        self.versions
            .iter()
            .enumerate()
            .map(move |(place, version)| {
                let thing = Thing {
                    key: &version.key,
                    size: (!version.marker).then_some(version.size),
                    since: since(place),
                };
                (version, thing)
            })
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
    /// The versions of one key that have expired, the latest first. A marker that is the latest goes when nothing is left
    /// under it.
    pub(super) async fn expired<'g>(
        &self,
        group: &'g Group,
        now: SystemTime,
    ) -> Result<Vec<&'g StoredVersion>, JobError> {
        let mut expired = Vec::new();
        for (version, thing) in group.things() {
            if self.has_expired(thing, Some(&version.id), now).await? {
                expired.push(version);
            }
        }
        Ok(expired)
    }

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
            let expired = self.expired(group, now).await?;
            for version in expired.into_iter().rev() {
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
