//! What is kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_sandbox::axum::body::Bytes;
use ring::digest;
use s3s::dto::{LifecycleRule, Timestamp};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// An object to be planted over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planted {
    /// Where.
    pub bucket: String,
    /// Under which key.
    pub key: String,
    /// What it says.
    pub body: String,
    /// How long ago it was written.
    #[serde(default)]
    pub age_seconds: u64,
}

/// The buckets. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf(Arc<Mutex<HashMap<String, Bucket>>>);

#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// The latest first.
    pub(super) objects: BTreeMap<String, Vec<Entry>>,
    pub(super) uploads: BTreeMap<(String, String), Upload>,
    pub(super) rules: Vec<LifecycleRule>,
    pub(super) versioned: bool,
    /// Its ACL lets anybody read.
    pub(super) open: bool,
    /// Public access is blocked, whatever ACL and policy say.
    pub(super) blocked: bool,
    /// Whether its policy is public, if it has one.
    pub(super) public_policy: Option<bool>,
    failures: HashMap<String, (String, u32)>,
}

/// A version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) marker: bool,
    pub(super) body: Bytes,
    pub(super) etag: String,
    pub(super) modified: SystemTime,
    pub(super) content_type: Option<String>,
    pub(super) metadata: HashMap<String, String>,
    pub(super) tags: Vec<(String, String)>,
}

#[derive(Debug)]
pub(super) struct Upload {
    pub(super) initiated: SystemTime,
    pub(super) content_type: Option<String>,
    pub(super) metadata: HashMap<String, String>,
    pub(super) parts: BTreeMap<i32, Bytes>,
}

impl Entry {
    pub(super) fn new(body: Bytes, modified: SystemTime) -> Self {
        let hash = digest::digest(&digest::SHA256, &body);
        Self {
            id: Ulid::generate().to_string(),
            marker: false,
            // As long as the MD5 that an ETag usually is.
            etag: hex::encode(&hash.as_ref()[..16]),
            body,
            modified,
            content_type: None,
            metadata: HashMap::new(),
            tags: Vec::new(),
        }
    }

    fn marker(modified: SystemTime) -> Self {
        Self {
            marker: true,
            ..Self::new(Bytes::new(), modified)
        }
    }

    pub(super) fn at(&self) -> Timestamp {
        self.modified.into()
    }
}

impl Bucket {
    /// A new one. What is called public is so, by a policy, as marketing's assets are.
    fn named(name: &str) -> Self {
        Self {
            public_policy: name.contains("public").then_some(true),
            ..Self::default()
        }
    }

    /// What is under a key now.
    pub(super) fn latest(&self, key: &str) -> Option<&Entry> {
        let latest = self.objects.get(key)?.first()?;
        (!latest.marker).then_some(latest)
    }

    /// Writes it in the place of what is there, or over it where versions are kept.
    pub(super) fn write(&mut self, key: &str, entry: Entry) {
        let versioned = self.versioned;
        let entries = self.objects.entry(key.to_owned()).or_default();
        if !versioned {
            entries.clear();
        }
        entries.insert(0, entry);
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.modified));
    }

    /// Deletes what is under a key, or one version. `Err` has S3's code.
    pub(super) fn delete(
        &mut self,
        key: &str,
        version: Option<&str>,
        etag: Option<&str>,
    ) -> Result<(), String> {
        if let Some((code, times)) = self.failures.get_mut(key)
            && *times > 0
        {
            *times -= 1;
            return Err(code.clone());
        }
        if let (Some(etag), Some(latest)) = (etag, self.latest(key))
            && latest.etag != etag
        {
            return Err("PreconditionFailed".to_owned());
        }
        match version {
            None if self.versioned => self.write(key, Entry::marker(now())),
            None => {
                self.objects.remove(key);
            }
            Some(version) => {
                let entries = self.objects.get_mut(key);
                if let Some(entries) = entries {
                    entries.retain(|entry| entry.id != version);
                    if entries.is_empty() {
                        self.objects.remove(key);
                    }
                }
            }
        }
        Ok(())
    }
}

impl Shelf {
    /// A bucket, unless it is nowhere.
    pub(super) fn with<T>(&self, name: &str, then: impl FnOnce(&mut Bucket) -> T) -> Option<T> {
        let mut buckets = self.lock();
        let there = !name.contains("nowhere");
        there.then(|| {
            then(
                buckets
                    .entry(name.to_owned())
                    .or_insert_with(|| Bucket::named(name)),
            )
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Bucket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn plant(&self, bucket: &str, key: &str, body: Vec<u8>, age: Duration) {
        self.with(bucket, |bucket| {
            bucket.write(key, Entry::new(body.into(), now() - age));
        });
    }

    pub(super) fn plant_upload(&self, bucket: &str, key: &str, age: Duration) {
        let upload = Upload {
            initiated: now() - age,
            content_type: None,
            metadata: HashMap::new(),
            parts: BTreeMap::new(),
        };
        let key = (key.to_owned(), Ulid::generate().to_string());
        self.with(bucket, |bucket| bucket.uploads.insert(key, upload));
    }

    pub(super) fn plant_deletion(&self, bucket: &str, key: &str, age: Duration) {
        self.with(bucket, |bucket| match bucket.versioned {
            true => bucket.write(key, Entry::marker(now() - age)),
            false => {
                bucket.objects.remove(key);
            }
        });
    }

    pub(super) fn tag(&self, bucket: &str, key: &str, tag: (&str, &str)) {
        self.with(bucket, |bucket| {
            let latest = bucket.objects.get_mut(key).and_then(|all| all.first_mut());
            if let Some(latest) = latest {
                latest.tags.push((tag.0.to_owned(), tag.1.to_owned()));
            }
        });
    }

    pub(super) fn expose(&self, bucket: &str, open: bool, policy: Option<bool>, blocked: bool) {
        self.with(bucket, |bucket| {
            bucket.open = open;
            bucket.public_policy = policy;
            bucket.blocked = blocked;
        });
    }

    pub(super) fn keep_versions(&self, bucket: &str) {
        self.with(bucket, |bucket| bucket.versioned = true);
    }

    pub(super) fn fail_deletion(&self, bucket: &str, key: &str, code: &str, times: u32) {
        self.with(bucket, |bucket| {
            let failure = (code.to_owned(), times);
            bucket.failures.insert(key.to_owned(), failure);
        });
    }

    pub(super) fn keys(&self, bucket: &str) -> Vec<String> {
        let keys = self.with(bucket, |bucket| {
            let keys = bucket.objects.keys();
            keys.filter(|key| bucket.latest(key).is_some())
                .cloned()
                .collect()
        });
        keys.unwrap_or_default()
    }

    pub(super) fn body(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        self.with(bucket, |bucket| Some(bucket.latest(key)?.body.to_vec()))?
    }

    pub(super) fn versions(&self, bucket: &str) -> usize {
        let versions = |bucket: &mut Bucket| bucket.objects.values().map(Vec::len).sum();
        self.with(bucket, versions).unwrap_or_default()
    }

    pub(super) fn uploads(&self, bucket: &str) -> Vec<String> {
        let keys =
            |bucket: &mut Bucket| bucket.uploads.keys().map(|(key, _)| key.clone()).collect();
        self.with(bucket, keys).unwrap_or_default()
    }
}

/// To the second, as S3 tells it.
pub(super) fn now() -> SystemTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UNIX_EPOCH + Duration::from_secs(since.map_or(0, |since| since.as_secs()))
}
