//! Keys that are not good any more.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

/// The keys, or other secrets, that a stand-in refuses: any other one is good. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refused(Arc<RwLock<HashSet<String>>>);

impl Refused {
    pub(crate) fn refuse(&self, key: impl Into<String>) {
        let keys = self.0.write();
        keys.unwrap_or_else(PoisonError::into_inner)
            .insert(key.into());
    }

    pub(crate) fn accept(&self, key: &str) {
        let keys = self.0.write();
        keys.unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        let keys = self.0.read();
        keys.unwrap_or_else(PoisonError::into_inner).contains(key)
    }
}
