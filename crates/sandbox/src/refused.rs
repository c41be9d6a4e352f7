//! Keys that are not good any more.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

/// The keys, or other secrets, that a stand-in refuses: any other one is good. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refused(Arc<RwLock<Keys>>);

#[derive(Debug, Default)]
struct Keys {
    refused: HashSet<String>,
    /// Those that are good, if not all are.
    only: Option<HashSet<String>>,
}

impl Refused {
    pub(crate) fn refuse(&self, key: impl Into<String>) {
        self.write().refused.insert(key.into());
    }

    pub(crate) fn accept(&self, key: &str) {
        self.write().refused.remove(key);
    }

    /// Refuses every other key.
    pub(crate) fn only(&self, keys: HashSet<String>) {
        self.write().only = Some(keys);
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.refused.contains(key) || keys.only.as_ref().is_some_and(|only| !only.contains(key))
    }

    fn write(&self) -> RwLockWriteGuard<'_, Keys> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
