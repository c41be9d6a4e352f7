//! Payment intents that are to be there without a request.

use std::collections::BTreeMap;

use longshore_sandbox::{Ids, signed};
use serde::{Deserialize, Serialize};

use super::payment_intent::{PaymentIntent, Redirects};
use super::payment_method::Decline;
use super::shelf::Stored;

/// A payment intent that is to be there without having been asked for through the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlantedPaymentIntent {
    /// In minor units.
    pub amount: u64,
    /// In lower case.
    pub currency: String,
    /// `succeeded`, `requires_payment_method`, `canceled`, …
    pub status: String,
    /// Whose it is.
    #[serde(default)]
    pub customer: Option<String>,
    /// Such as `orderId`.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// When it was created, in seconds since the Unix epoch; now unless it is said.
    #[serde(default)]
    pub created: Option<u64>,
    /// That its last payment was declined.
    #[serde(default)]
    pub declined: bool,
    /// In minor units: what of it was refunded.
    #[serde(default)]
    pub refunded: u64,
    /// That its payer's bank has claimed it.
    #[serde(default)]
    pub disputed: bool,
    /// The invoice that it was made for.
    #[serde(default)]
    pub invoice: Option<String>,
    /// Whether keys of live mode see it, rather than those of test mode.
    #[serde(default)]
    pub livemode: bool,
}

impl PlantedPaymentIntent {
    /// One that was created now, in test mode.
    #[must_use]
    pub fn new(amount: u64, currency: impl Into<String>, status: impl Into<String>) -> Self {
        Self {
            amount,
            currency: currency.into(),
            status: status.into(),
            customer: None,
            metadata: BTreeMap::new(),
            created: None,
            declined: false,
            refunded: 0,
            disputed: false,
            invoice: None,
            livemode: false,
        }
    }

    /// The same, created at this time, in seconds since the Unix epoch.
    #[must_use]
    pub fn at(mut self, created: u64) -> Self {
        self.created = Some(created);
        self
    }

    /// The same, with this in its metadata.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// The same, after its last payment was declined.
    #[must_use]
    pub fn declined(mut self) -> Self {
        self.declined = true;
        self
    }

    /// The same, of which so much was refunded, in minor units.
    #[must_use]
    pub fn refunded(mut self, amount: u64) -> Self {
        self.refunded = amount;
        self
    }

    /// The same, which its payer's bank has claimed.
    #[must_use]
    pub fn disputed(mut self) -> Self {
        self.disputed = true;
        self
    }

    /// The same, made for this invoice.
    #[must_use]
    pub fn of_invoice(mut self, invoice: impl Into<String>) -> Self {
        self.invoice = Some(invoice.into());
        self
    }

    pub(super) fn grow(self, ids: &Ids) -> PaymentIntent {
        let mut intent = PaymentIntent {
            id: ids.next("pi_"),
            created: self.created.unwrap_or_else(signed::now),
            livemode: self.livemode,
            amount: self.amount,
            currency: self.currency,
            customer: self.customer,
            payment_method: None,
            latest_charge: None,
            last_payment_error: None,
            metadata: self.metadata,
            status: self.status.clone(),
            redirects: Redirects::Always,
            invoice: self.invoice,
            canceled_at: None,
            return_url: None,
            refunded: self.refunded,
            disputed: self.disputed,
        };
        if self.declined {
            intent.decline(Decline::GENERIC, ids.next("ch_"));
            intent.status = self.status;
        } else if intent.status == "succeeded" {
            let charge = intent.id().replacen("pi_", "ch_", 1);
            intent.succeed(charge);
        }
        intent
    }
}
