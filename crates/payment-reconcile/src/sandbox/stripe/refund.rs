//! Refunds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::shelf::Stored;

/// One refund.
#[derive(Debug, Clone)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) livemode: bool,
    /// In minor units.
    pub(super) amount: u64,
    pub(super) currency: String,
    pub(super) charge: String,
    pub(super) payment_intent: String,
    pub(super) reason: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    /// `succeeded`, `failed`
    pub(super) status: &'static str,
}

impl Stored for Refund {
    const WORD: &'static str = "refund";

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
            "object": "refund",
            "amount": self.amount,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "reason": self.reason,
            "status": self.status,
        })
    }
}
