//! What an operation comes to: the object as it is from then on, its events, and the answer.

use std::collections::BTreeMap;

use longshore_sandbox::{Draft, Ids};
use serde_json::Value;

use super::customer::Customer;
use super::dispute::Dispute;
use super::invoice::Invoice;
use super::payment_intent::PaymentIntent;
use super::refund::Refund;
use super::shelf::Stored;
use super::subscription::Subscription;

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
    /// With its payment as it is then.
    Refund(Refund, Box<PaymentIntent>),
    /// With its payment as it is then.
    Dispute(Dispute, Box<PaymentIntent>),
    /// With its payment as it is then.
    Invoice(Invoice, Box<PaymentIntent>),
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
            Self::Refund(refund, _) => refund.id(),
            Self::Dispute(dispute, _) => dispute.id(),
            Self::Invoice(invoice, _) => invoice.id(),
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
