//! All messages of the stand-in.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::TwilioMessage;

/// Messages by sid. Kept in memory for as long as the process lives.
#[derive(Debug, Default)]
pub(super) struct Messages {
    // A std Mutex: it is held for a look, never across an await.
    shelves: Mutex<Shelves>,
}

#[derive(Debug, Default)]
struct Shelves {
    kept: Vec<TwilioMessage>,
    by_sid: HashMap<String, usize>,
}

impl Messages {
    /// Keeps a message.
    pub(super) fn keep(&self, message: TwilioMessage) {
        self.shelves().keep(message);
    }

    pub(super) fn get(&self, sid: &str) -> Option<TwilioMessage> {
        let shelves = self.shelves();
        let &place = shelves.by_sid.get(sid)?;
        Some(shelves.kept[place].clone())
    }

    /// Changes a message, and shows how it is then.
    pub(super) fn change(
        &self,
        sid: &str,
        change: impl FnOnce(&mut TwilioMessage),
    ) -> Option<TwilioMessage> {
        let mut shelves = self.shelves();
        let &place = shelves.by_sid.get(sid)?;
        change(&mut shelves.kept[place]);
        Some(shelves.kept[place].clone())
    }

    /// Those that fit, newest first.
    pub(super) fn newest_first(&self, fits: impl Fn(&TwilioMessage) -> bool) -> Vec<TwilioMessage> {
        let mut found: Vec<_> = self
            .shelves()
            .kept
            .iter()
            .filter(|m| fits(m))
            .cloned()
            .collect();
        // The sort keeps the order of equals: the later one comes first.
        found.reverse();
        found.sort_by_key(|message| std::cmp::Reverse(message.created));
        found
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        // A panic while holding it could only come from running out of memory.
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn keep(&mut self, message: TwilioMessage) {
        self.by_sid.insert(message.sid.clone(), self.kept.len());
        self.kept.push(message);
    }
}
