//! Invoices of subscriptions, as they are read.

use longshore_job::Run;
use longshore_provider::Request;
use serde::Deserialize;

use super::charge::Charge;
use super::linked::{Linked, WithMetadata, id_of};
use super::{CallError, Stripe, at, expanded};

/// What matters of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Invoice {
    /// `in_…`
    pub(crate) id: String,
    /// `draft`, `open`, `paid`, `uncollectible`, `void`
    #[serde(default)]
    pub(crate) status: Option<String>,
    /// The subscription that it is of, if it is of one.
    #[serde(default)]
    pub(crate) subscription: Option<Linked<WithMetadata>>,
    /// In minor units.
    pub(crate) amount_paid: u64,
    /// In minor units. Below zero where the customer has more credit than the invoice is over.
    pub(crate) amount_due: i64,
    /// Three lower-case letters.
    pub(crate) currency: String,
    /// The id of the customer.
    #[serde(default, deserialize_with = "id_of")]
    pub(crate) customer: Option<String>,
    /// The id of its payment; none where there was nothing to pay.
    #[serde(default, deserialize_with = "id_of")]
    pub(crate) payment_intent: Option<String>,
    /// The last try to collect it.
    #[serde(default)]
    pub(crate) charge: Option<Linked<Charge>>,
    /// How often it was tried.
    #[serde(default)]
    pub(crate) attempt_count: u64,
}

impl Stripe {
    /// An invoice, with its subscription and its last charge.
    pub(crate) async fn invoice(&self, run: &Run, id: &str) -> Result<Invoice, CallError> {
        let path = at("invoices", id, "")?;
        let with = ["subscription", "charge"];
        self.read(run, Request::get(path).query(expanded(with)))
            .await
    }
}
