//! Refunds and disputes, as they are read.

use longshore_job::Run;
use longshore_provider::Request;
use serde::Deserialize;

use super::charge::Charge;
use super::linked::Linked;
use super::{CallError, Stripe, at, expanded};

/// Its charge, with what [`Stripe::charge`] reads of that.
const WITH: [&str; 3] = [
    "charge.payment_intent",
    "charge.refunds",
    "charge.invoice.subscription",
];

/// What matters of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Refund {
    /// `re_…`
    pub(crate) id: String,
    /// The charge of which money goes back.
    #[serde(default)]
    pub(crate) charge: Option<Linked<Charge>>,
}

/// What matters of a dispute.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Dispute {
    /// `dp_…`
    pub(crate) id: String,
    /// `needs_response`, `under_review`, `won`, `lost`, …
    pub(crate) status: String,
    /// In minor units: what the payer's bank claims.
    pub(crate) amount: u64,
    /// Three lower-case letters.
    pub(crate) currency: String,
    /// The charge that is disputed.
    pub(crate) charge: Linked<Charge>,
}

impl Stripe {
    /// A refund, with its charge and what is around that.
    pub(crate) async fn refund(&self, run: &Run, id: &str) -> Result<Refund, CallError> {
        let path = at("refunds", id, "")?;
        self.read(run, Request::get(path).query(expanded(WITH)))
            .await
    }

    /// A dispute, with its charge and what is around that.
    pub(crate) async fn dispute(&self, run: &Run, id: &str) -> Result<Dispute, CallError> {
        let path = at("disputes", id, "")?;
        self.read(run, Request::get(path).query(expanded(WITH)))
            .await
    }
}
