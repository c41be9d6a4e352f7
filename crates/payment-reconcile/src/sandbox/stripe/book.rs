//! Everything the stand-in knows.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::customer::Customer;
use super::dispute::Dispute;
use super::event::Event;
use super::idempotency::Saved;
use super::invoice::Invoice;
use super::payment_intent::PaymentIntent;
use super::plan::{Change, Maker};
use super::refund::Refund;
use super::shelf::{Shelf, Stored};
use super::subscription::Subscription;

/// Objects, events and saved results. Kept in memory for as long as the process lives.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) customers: Shelf<Customer>,
    pub(super) payment_intents: Shelf<PaymentIntent>,
    /// The payment intent of each charge.
    of_charge: HashMap<String, String>,
    pub(super) subscriptions: Shelf<Subscription>,
    pub(super) refunds: Shelf<Refund>,
    pub(super) disputes: Shelf<Dispute>,
    pub(super) invoices: Shelf<Invoice>,
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
        let objects = self.keep(change);
        let event = |kind| Event {
            id: maker.id("evt_"),
            created: maker.now,
            livemode: maker.livemode,
            kind,
            object: objects
                .iter()
                .find(|object| object["object"] == object_of(kind))
                .cloned()
                .unwrap_or_default(),
            request: cause.request.clone(),
            idempotency_key: cause.idempotency_key.clone(),
        };
        let events: Vec<_> = kinds.iter().copied().map(event).collect();
        let ids = events.iter().map(|event| event.id.clone()).collect();
        events.into_iter().for_each(|event| self.events.put(event));
        ids
    }

    /// Keeps what has changed, and shows it.
    fn keep(&mut self, change: Change) -> Vec<Value> {
        let (of_payment, intent) = match change {
            Change::Customer(customer) => return vec![put(&mut self.customers, customer)],
            Change::Subscription(subscription) => {
                return vec![put(&mut self.subscriptions, subscription)];
            }
            Change::PaymentIntent(intent) => (None, intent),
            Change::Refund(refund, intent) => (Some(put(&mut self.refunds, refund)), *intent),
            Change::Dispute(dispute, intent) => (Some(put(&mut self.disputes, dispute)), *intent),
            Change::Invoice(invoice, intent) => (Some(put(&mut self.invoices, invoice)), *intent),
        };
        let charge = intent.charge();
        let intent = self.put_intent(intent);
        of_payment
            .into_iter()
            .chain(charge)
            .chain([intent])
            .collect()
    }

    /// Puts a payment intent there, and shows it.
    pub(super) fn put_intent(&mut self, intent: PaymentIntent) -> Value {
        if let Some(charge) = &intent.latest_charge {
            self.of_charge.insert(charge.clone(), intent.id.clone());
        }
        put(&mut self.payment_intents, intent)
    }

    /// The payment that this is the last charge of.
    pub(super) fn charged(&self, charge: &str, livemode: bool) -> Option<&PaymentIntent> {
        let intent = self.of_charge.get(charge)?;
        let intent = self.payment_intents.get(intent, livemode)?;
        (intent.latest_charge.as_deref() == Some(charge)).then_some(intent)
    }

    /// A charge, as the API shows it: each payment has its last one.
    pub(super) fn charge(&self, id: &str, livemode: bool) -> Option<Value> {
        self.charged(id, livemode)?.charge()
    }
}

/// What an event of this type is about.
fn object_of(kind: &str) -> &str {
    let (first, rest) = kind.split_once('.').unwrap_or_default();
    match (first, rest.split_once('.')) {
        ("charge", Some((what @ ("dispute" | "refund"), _)))
        | ("customer", Some((what @ "subscription", _))) => what,
        _ => first,
    }
}

/// Puts it there, and shows it.
fn put<T: Stored>(shelf: &mut Shelf<T>, thing: T) -> Value {
    let object = thing.to_json();
    shelf.put(thing);
    object
}
