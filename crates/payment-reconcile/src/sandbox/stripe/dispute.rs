//! Disputes.

use serde_json::{Value, json};

use super::shelf::Stored;

/// One dispute, of a whole payment.
#[derive(Debug, Clone)]
pub(super) struct Dispute {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) livemode: bool,
    /// In minor units.
    pub(super) amount: u64,
    pub(super) currency: String,
    pub(super) charge: String,
    pub(super) payment_intent: String,
    /// `needs_response`, `won`, `lost`
    pub(super) status: &'static str,
}

impl Stored for Dispute {
    const WORD: &'static str = "dispute";

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
            "object": "dispute",
            "amount": self.amount,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "is_charge_refundable": false,
            "livemode": self.livemode,
            "metadata": {},
            "payment_intent": self.payment_intent,
            "reason": "fraudulent",
            "status": self.status,
        })
    }
}
