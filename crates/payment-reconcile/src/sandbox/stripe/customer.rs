//! Customers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::shelf::Stored;

/// One customer.
#[derive(Debug, Clone)]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) livemode: bool,
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
}

impl Stored for Customer {
    const WORD: &'static str = "customer";

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
            "object": "customer",
            "address": null,
            "balance": 0,
            "created": self.created,
            "currency": null,
            "default_source": null,
            "delinquent": false,
            "description": null,
            "email": self.email,
            "invoice_settings": { "default_payment_method": null },
            "livemode": self.livemode,
            "metadata": self.metadata,
            "name": self.name,
            "phone": null,
        })
    }
}

impl Customer {
    /// Whether a list that is narrowed to this address shows it.
    pub(super) fn has_email(&self, wanted: Option<&str>) -> bool {
        wanted.is_none() || self.email.as_deref() == wanted
    }
}
