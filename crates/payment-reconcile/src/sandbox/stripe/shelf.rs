//! Objects of one kind, found by id and listed by age.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use serde_json::Value;

/// What a shelf keeps.
pub(super) trait Stored {
    /// Its word in messages: `payment_intent`.
    const WORD: &'static str;
    fn id(&self) -> &str;
    /// When it was created, in seconds since the Unix epoch.
    fn created(&self) -> u64;
    fn livemode(&self) -> bool;
    /// As the API shows it.
    fn to_json(&self) -> Value;
}

/// When it was created, and how many were put there before it.
type Place = (u64, u64);

/// Kept in memory for as long as the process lives. A page out of 100,000 costs no more than one out of a hundred.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    by_place: BTreeMap<Place, T>,
    places: HashMap<String, Place>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            by_place: BTreeMap::new(),
            places: HashMap::new(),
        }
    }
}

impl<T: Stored> Shelf<T> {
    /// Puts it there, in the place of the one with its id if there is one.
    pub(super) fn put(&mut self, thing: T) {
        let count = self.places.len() as u64;
        let place = self.places.entry(thing.id().to_owned());
        let place = *place.or_insert((thing.created(), count));
        self.by_place.insert(place, thing);
    }

    /// One that a key of this mode may see.
    pub(super) fn get(&self, id: &str, livemode: bool) -> Option<&T> {
        let found = self.by_place.get(self.places.get(id)?)?;
        (found.livemode() == livemode).then_some(found)
    }

    /// All, newest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        self.by_place.values().rev()
    }

    /// Those older than `after`, newest first; all without it. `None` when `after` is not there.
    pub(super) fn newest_first(
        &self,
        after: Option<&str>,
        until: u64,
    ) -> Option<impl Iterator<Item = &T>> {
        let latest = Bound::Included((until, u64::MAX));
        let end = match after {
            Some(id) => Bound::Excluded(*self.places.get(id)?),
            None => latest,
        };
        let end = match (end, latest) {
            (Bound::Excluded(after), Bound::Included(latest)) if after > latest => {
                Bound::Included(latest)
            }
            (end, _) => end,
        };
        let range = self.by_place.range((Bound::Unbounded, end));
        Some(range.rev().map(|(_, thing)| thing))
    }
}
