//! What there is, found by id or by reference.

use std::collections::HashMap;

use longshore_sandbox::Ids;

use super::courier::Event;
use super::problem::Problem;
use super::thing::{Customer, Payment, Subscription, Thing};

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) customers: Shelf<Customer>,
    pub(super) payments: Shelf<Payment>,
    pub(super) subscriptions: Shelf<Subscription>,
    /// Oldest first.
    pub(super) events: Vec<Event>,
}

/// Kept in memory for as long as the process lives.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    things: Vec<T>,
    places: HashMap<String, usize>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            things: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<T: Thing> Shelf<T> {
    pub(super) fn all(&self) -> &[T] {
        &self.things
    }

    /// By its id or its reference.
    pub(super) fn get(&self, id: &str) -> Result<&T, Problem> {
        let place = self.places.get(id).ok_or(Problem::of_status(404))?;
        Ok(&self.things[*place])
    }

    /// Up to 100 that fit, newest first, after the one of this id; and whether there are more.
    pub(super) fn newest(&self, after: Option<&str>, fits: impl Fn(&T) -> bool) -> (Vec<&T>, bool) {
        let newest = self.things.iter().rev();
        let after = after.and_then(|id| self.places.get(id));
        let passed = after.map_or(0, |place| self.things.len() - place);
        let mut found = newest.skip(passed).filter(|thing| fits(thing));
        let page = found.by_ref().take(100).collect();
        (page, found.next().is_some())
    }

    /// The thing of this reference: the one that there is, or a new one, which is not put there yet. Says whether it
    /// is new.
    pub(super) fn make(
        &self,
        ids: &Ids,
        reference: &str,
        asked: T::Asked,
    ) -> Result<(T, bool), Problem> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if !(1..=64).contains(&reference.len()) || !reference.bytes().all(plain) {
            return Err(Problem::impossible("invalid_reference"));
        }
        match self.get(reference) {
            Ok(thing) if *thing.asked() == asked => Ok((thing.clone(), false)),
            Ok(_) => Err(Problem::contradiction("reference_used")),
            Err(_) => Ok((T::new(ids.next(T::PREFIX), reference, asked), true)),
        }
    }

    /// Puts it there, in the place of the one with its id if there is one.
    pub(super) fn put(&mut self, thing: T) {
        match self.places.get(thing.id()) {
            Some(&place) => self.things[place] = thing,
            None => {
                let place = self.things.len();
                self.places.insert(thing.id().to_owned(), place);
                self.places.insert(thing.reference().to_owned(), place);
                self.things.push(thing);
            }
        }
    }
}
