//! Subscriptions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::shelf::Stored;

/// Thirty days, in seconds.
const PERIOD: u64 = 30 * 24 * 60 * 60;

/// One subscription, to one price.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) livemode: bool,
    pub(super) customer: String,
    pub(super) price: String,
    pub(super) quantity: u64,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) invoice: String,
    pub(super) canceled_at: Option<u64>,
    pub(super) comment: Option<String>,
    pub(super) ends_with_period: bool,
}

impl Stored for Subscription {
    const WORD: &'static str = "subscription";

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
        let status = match self.canceled_at {
            None => "active",
            Some(_) => "canceled",
        };
        let reason = self.canceled_at.map(|_| "cancellation_requested");
        json!({
            "id": self.id,
            "object": "subscription",
            "cancel_at": null,
            "cancel_at_period_end": self.ends_with_period,
            "canceled_at": self.canceled_at,
            "cancellation_details": { "comment": self.comment, "feedback": null, "reason": reason },
            "collection_method": "charge_automatically",
            "created": self.created,
            "current_period_end": self.created + PERIOD,
            "current_period_start": self.created,
            "customer": self.customer,
            "default_payment_method": null,
            "ended_at": self.canceled_at,
            "items": {
                "object": "list",
                "data": [{
                    "id": self.id.replacen("sub_", "si_", 1),
                    "object": "subscription_item",
                    "created": self.created,
                    "metadata": {},
                    "price": { "id": self.price, "object": "price", "livemode": self.livemode },
                    "quantity": self.quantity,
                    "subscription": self.id,
                }],
                "has_more": false,
                "total_count": 1,
                "url": format!("/v1/subscription_items?subscription={}", self.id),
            },
            "latest_invoice": self.invoice,
            "livemode": self.livemode,
            "metadata": self.metadata,
            "start_date": self.created,
            "status": status,
            "trial_end": null,
        })
    }
}

impl Subscription {
    /// Whether a list shows it: without a status, what was cancelled is left out.
    pub(super) fn fits(&self, customer: Option<&str>, status: Option<&str>) -> bool {
        let fits_status = match status {
            None | Some("active") => self.canceled_at.is_none(),
            Some("canceled" | "ended") => self.canceled_at.is_some(),
            Some("all") => true,
            Some(_) => false,
        };
        fits_status && customer.is_none_or(|wanted| wanted == self.customer)
    }
}
