//! Everything the stand-in knows.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::customer::Customer;
use super::event::Event;
use super::idempotency::Saved;
use super::payment_intent::PaymentIntent;
use super::plan::{Change, Maker};
use super::shelf::{Shelf, Stored};
use super::subscription::Subscription;

/// Objects, events and saved results. Kept in memory for as long as the process lives.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) customers: Shelf<Customer>,
    pub(super) payment_intents: Shelf<PaymentIntent>,
    pub(super) subscriptions: Shelf<Subscription>,
    pub(super) events: Shelf<Event>,
    /// By mode and key.
    pub(super) saved: HashMap<(bool, String), Saved>,
    /// For the next operations: an error that is saved, and whether what was asked for happens.
    pub(super) errors: VecDeque<bool>,
}

/// Where an event comes from.
#[derive(Debug, Clone, Default)]
pub(super) struct Cause {
    pub(super) request: Option<String>,
    pub(super) idempotency_key: Option<String>,
}

impl Book {
    /// Keeps an object as it is now, and its events. Returns their ids.
    pub(super) fn change(
        &mut self,
        change: Change,
        kinds: &[&'static str],
        cause: &Cause,
        maker: &Maker<'_>,
    ) -> Vec<String> {
        let object = match change {
            Change::Customer(customer) => put(&mut self.customers, customer),
            Change::PaymentIntent(intent) => put(&mut self.payment_intents, intent),
            Change::Subscription(subscription) => put(&mut self.subscriptions, subscription),
        };
        let event = |kind| Event {
            id: maker.id("evt_"),
            created: maker.now,
            livemode: maker.livemode,
            kind,
            object: object.clone(),
            request: cause.request.clone(),
            idempotency_key: cause.idempotency_key.clone(),
        };
        let events: Vec<_> = kinds.iter().copied().map(event).collect();
        let ids = events.iter().map(|event| event.id.clone()).collect();
        events.into_iter().for_each(|event| self.events.put(event));
        ids
    }
}

/// Puts it there, and shows it.
fn put<T: Stored>(shelf: &mut Shelf<T>, thing: T) -> Value {
    let object = thing.to_json();
    shelf.put(thing);
    object
}
