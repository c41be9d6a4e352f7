//! What is not good any more.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

/// The keys that a stand-in refuses, or other secrets, or addresses; unless told otherwise, any other one is good. Clones
/// share them, so that a stand-in keeps one to be told by, and its [`StandInService`](crate::StandInService) one to ask.
///
/// ```
/// let keys = longshore_sandbox::Refused::default();
/// keys.refuse("rolled");
/// assert!(keys.has("rolled") && !keys.has("another"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Refused(Arc<RwLock<Keys>>);

#[derive(Debug, Default)]
struct Keys {
    refused: HashSet<String>,
    /// Those that are good, if not all are.
    only: Option<HashSet<String>>,
}

impl Refused {
    /// Refuses this key from now on.
    pub fn refuse(&self, key: impl Into<String>) {
        self.write().refused.insert(key.into());
    }

    /// Takes this key again.
    pub fn accept(&self, key: &str) {
        self.write().refused.remove(key);
    }

    /// Takes these keys from now on, and no other one.
    pub fn only(&self, keys: HashSet<String>) {
        self.write().only = Some(keys);
    }

    /// Whether this key is refused.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.refused.contains(key) || keys.only.as_ref().is_some_and(|only| !only.contains(key))
    }

    fn write(&self) -> RwLockWriteGuard<'_, Keys> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
