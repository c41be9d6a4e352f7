//! Invoices of subscriptions.

use serde_json::{Value, json};

use super::shelf::Stored;

/// One invoice.
#[derive(Debug, Clone)]
pub(super) struct Invoice {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) livemode: bool,
    /// In minor units.
    pub(super) amount: u64,
    pub(super) currency: String,
    pub(super) customer: String,
    pub(super) subscription: String,
    pub(super) payment_intent: String,
    pub(super) charge: String,
    pub(super) paid: bool,
}

impl Stored for Invoice {
    const WORD: &'static str = "invoice";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> u64 {
        self.created
    }

    fn livemode(&self) -> bool {
        self.livemode
    }

    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "object": "invoice",
            "amount_due": self.amount,
            "amount_paid": if self.paid { self.amount } else { 0 },
            "attempt_count": 1,
            "billing_reason": "subscription_cycle",
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "livemode": self.livemode,
            "metadata": {},
            "payment_intent": self.payment_intent,
            "status": if self.paid { "paid" } else { "open" },
            "subscription": self.subscription,
        })
    }
}
