//! What changes something: read from a request, planned, and carried out when nothing is against it.

use super::book::Book;
use super::params::Params;
use super::plan::{Maker, Plan};
use super::problem::Problem;
use super::requests::customer::NewCustomer;
use super::requests::payment_intent::{Confirm, NewPaymentIntent};
use super::requests::refund::NewRefund;
use super::requests::subscription::{Cancel, NewSubscription, Update};

/// One request that is in order.
#[derive(Debug)]
pub(super) enum Operation {
    CreateCustomer(NewCustomer),
    CreatePaymentIntent(NewPaymentIntent),
    ConfirmPaymentIntent(Confirm),
    CreateSubscription(NewSubscription),
    CancelSubscription(Cancel),
    UpdateSubscription(Update),
    CreateRefund(NewRefund),
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
            (false, ["subscriptions", id]) => Update::read(id, at).map(Self::UpdateSubscription),
            (false, ["refunds"]) => NewRefund::read(at).map(Self::CreateRefund),
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
            Self::UpdateSubscription(_) => "update",
            Self::CreateRefund(_) => "refund",
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
            Self::UpdateSubscription(update) => update.plan(book, maker),
            Self::CreateRefund(new) => new.plan(book, maker),
        }
    }
}
