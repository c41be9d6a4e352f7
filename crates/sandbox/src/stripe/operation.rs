//! What changes something: read from a request, planned, and carried out when nothing is against it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::book::Book;
use super::customer::{Customer, NewCustomer};
use super::params::Params;
use super::pay::{Confirm, NewPaymentIntent};
use super::payment_intent::PaymentIntent;
use super::problem::Problem;
use super::shelf::Kept;
use super::subscription::{Cancel, NewSubscription, Subscription};
use crate::ids::Ids;
use crate::provider::Draft;

/// One request that is in order.
#[derive(Debug)]
pub(super) enum Operation {
    CreateCustomer(NewCustomer),
    CreatePaymentIntent(NewPaymentIntent),
    ConfirmPaymentIntent(Confirm),
    CreateSubscription(NewSubscription),
    CancelSubscription(Cancel),
}

/// What objects are made of.
#[derive(Debug)]
pub(super) struct Maker<'a> {
    pub(super) ids: &'a Ids,
    /// Seconds since the Unix epoch.
    pub(super) now: u64,
    pub(super) livemode: bool,
}

/// What an operation comes to.
#[derive(Debug)]
pub(super) struct Plan {
    /// The job that asked for it, by `longshore_job` in the metadata.
    pub(super) job: Option<String>,
    pub(super) change: Change,
    /// The types of its events, in order.
    pub(super) events: Vec<&'static str>,
    pub(super) status: u16,
    pub(super) answer: Value,
}

/// An object as it is from then on.
#[derive(Debug)]
pub(super) enum Change {
    Customer(Customer),
    PaymentIntent(PaymentIntent),
    Subscription(Subscription),
}

impl Operation {
    /// Reads a request; `None` when its path is none of these. Whatever is wrong with its shape is found here.
    pub(super) fn read(
        path: &[&str],
        delete: bool,
        mut params: Params,
    ) -> Option<Result<Self, Problem>> {
        let at = &mut params;
        let read = match (delete, path) {
            (false, ["customers"]) => NewCustomer::read(at).map(Self::CreateCustomer),
            (false, ["payment_intents"]) => {
                NewPaymentIntent::read(at).map(Self::CreatePaymentIntent)
            }
            (false, ["payment_intents", id, "confirm"]) => {
                Confirm::read(id, at).map(Self::ConfirmPaymentIntent)
            }
            (false, ["subscriptions"]) => NewSubscription::read(at).map(Self::CreateSubscription),
            (true, ["subscriptions", id]) => Cancel::read(id, at).map(Self::CancelSubscription),
            _ => return None,
        };
        Some(read.and_then(|read| params.end().map(|()| read)))
    }

    /// Its word, for ledger and faults.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::CreateCustomer(_) => "customer",
            Self::CreatePaymentIntent(_) => "payment_intent",
            Self::ConfirmPaymentIntent(_) => "confirmation",
            Self::CreateSubscription(_) => "subscription",
            Self::CancelSubscription(_) => "cancellation",
        }
    }

    /// What it would come to now. Changes nothing.
    pub(super) fn plan(self, book: &Book, maker: &Maker<'_>) -> Result<Plan, Problem> {
        match self {
            Self::CreateCustomer(new) => Ok(new.plan(maker)),
            Self::CreatePaymentIntent(new) => new.plan(book, maker),
            Self::ConfirmPaymentIntent(confirm) => confirm.plan(book, maker),
            Self::CreateSubscription(new) => new.plan(book, maker),
            Self::CancelSubscription(cancel) => cancel.plan(book, maker),
        }
    }
}

impl Plan {
    /// The one effect of it.
    pub(super) fn draft(&self, word: &str) -> Draft {
        Draft {
            job: self.job.clone(),
            template: None,
            recipient: word.to_owned(),
            id: self.change.id().to_owned(),
        }
    }
}

impl Change {
    fn id(&self) -> &str {
        match self {
            Self::Customer(customer) => customer.id(),
            Self::PaymentIntent(intent) => intent.id(),
            Self::Subscription(subscription) => subscription.id(),
        }
    }
}

impl Maker<'_> {
    pub(super) fn id(&self, prefix: &str) -> String {
        self.ids.next(prefix)
    }

    /// The job that metadata names.
    pub(super) fn job(&self, metadata: &BTreeMap<String, String>) -> Option<String> {
        metadata.get("longshore_job").cloned()
    }
}
