//! What this process knows to be its own: every job from its claim until its outcome is written.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use longshore_queue::RawId;

use crate::entry::Entry;
use crate::lock::lock;

/// The entries of one queue. A std Mutex: held for nanoseconds, never across an await.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<HashMap<RawId, Arc<Entry>>>);

impl Ledger {
    pub(crate) fn insert(&self, entry: &Arc<Entry>) {
        lock(&self.0).insert(entry.claimed.id.clone(), Arc::clone(entry));
    }

    /// Puts a job back whose outcome is to be written once more, unless it has been claimed again since.
    pub(crate) fn insert_again(&self, entry: &Arc<Entry>) {
        lock(&self.0)
            .entry(entry.claimed.id.clone())
            .or_insert_with(|| Arc::clone(entry));
    }

    /// The job, if it is still the claim with this token.
    pub(crate) fn get(&self, id: &RawId, token: &str) -> Option<Arc<Entry>> {
        let entries = lock(&self.0);
        let entry = entries.get(id);
        entry
            .filter(|entry| *entry.claimed.token == *token)
            .cloned()
    }

    /// Forgets a job, if it is still the claim with this token. Its slot is free then, if it was not before.
    pub(crate) fn remove(&self, id: &RawId, token: &str) {
        let mut entries = lock(&self.0);
        if entries
            .get(id)
            .is_some_and(|entry| *entry.claimed.token == *token)
            && let Some(entry) = entries.remove(id)
        {
            entry.free_slot();
        }
    }

    pub(crate) fn knows(&self, id: &RawId, token: &str) -> bool {
        lock(&self.0)
            .get(id)
            .is_some_and(|entry| *entry.claimed.token == *token)
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Entry>> {
        lock(&self.0).values().cloned().collect()
    }
}
