//! What the app is told to do about payments.

use longshore_sandbox::signed;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::payments::{AppPayment, Payments};

/// One effect on the app's payments, as it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppEffect {
    /// What is to be done.
    pub effect: AppEffectKind,
    /// The event that it follows from. The same event is one effect.
    pub event_id: String,
    /// The order it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The same, by Stripe's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The subscription it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    /// The subscription's invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<String>,
    /// What was paid, or was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_intent: Option<String>,
    /// In minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<u64>,
    /// In minor units: what was refunded, in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_refunded: Option<u64>,
    /// In lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// How a dispute stands: `needs_response`, `won`, `lost`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute_status: Option<String>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppEffectKind {
    /// The order's money is there.
    OrderPaid,
    /// The order's money did not come.
    PaymentFailed,
    /// Money of an order was given back: so much in all.
    PaymentRefunded,
    /// The payer's bank has claimed the money of an order, or has decided on that.
    PaymentDisputed,
    /// A period of a subscription is paid.
    SubscriptionRenewed,
    /// A subscription has ended.
    SubscriptionCancelled,
}

impl AppEffectKind {
    /// As it is written: `order_paid`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OrderPaid => "order_paid",
            Self::PaymentFailed => "payment_failed",
            Self::PaymentRefunded => "payment_refunded",
            Self::PaymentDisputed => "payment_disputed",
            Self::SubscriptionRenewed => "subscription_renewed",
            Self::SubscriptionCancelled => "subscription_cancelled",
        }
    }
}

impl AppEffect {
    /// Does it.
    pub(super) fn apply(&self, payments: &mut Payments) {
        let Some(order_id) = &self.order_id else {
            return;
        };
        let known = payments.get(order_id).cloned();
        let status = match (self.effect, known.as_ref().map(|known| &*known.status)) {
            // What has gone back is not paid, and what has been paid does not fail any more.
            (AppEffectKind::OrderPaid, Some("refunded"))
            | (AppEffectKind::PaymentFailed, Some("paid" | "refunded")) => return,
            (AppEffectKind::OrderPaid, _) => "paid",
            (AppEffectKind::PaymentFailed, _) => "failed",
            (AppEffectKind::PaymentRefunded, known) => match (self.is_refunded(), known) {
                (true, _) => "refunded",
                // A refund that came to nothing.
                (false, Some("refunded")) => "paid",
                (false, _) => return,
            },
            (AppEffectKind::PaymentDisputed, _) => match self.dispute_status.as_deref() {
                Some("lost") => "refunded",
                Some("won") => "paid",
                _ => return,
            },
            (AppEffectKind::SubscriptionRenewed | AppEffectKind::SubscriptionCancelled, _) => {
                return;
            }
        };
        let mut payment = known.unwrap_or_else(|| AppPayment {
            order_id: order_id.clone(),
            payment_intent: None,
            provider: None,
            status: String::new(),
            amount: self.amount.unwrap_or_default(),
            currency: self.currency.clone().unwrap_or_default(),
            created: signed::now(),
        });
        status.clone_into(&mut payment.status);
        if self.payment_intent.is_some() {
            payment.payment_intent.clone_from(&self.payment_intent);
        }
        payments.put(payment);
    }

    /// Whether all of it was given back.
    fn is_refunded(&self) -> bool {
        self.amount_refunded.unwrap_or_default() >= self.amount.unwrap_or(u64::MAX)
    }

    /// What it is answered: `contact` for those who have to be written to.
    pub(super) fn answer(&self, contact: &Value) -> Value {
        match self.effect {
            AppEffectKind::PaymentFailed => contact.clone(),
            _ => json!({}),
        }
    }
}
