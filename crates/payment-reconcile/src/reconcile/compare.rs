//! When two accounts of one payment differ: pure, and the only place that decides it.
//!
//! | at Stripe \ in the app | `pending` | `paid` | `failed` | `refunded` |
//! |---|---|---|---|---|
//! | succeeded | `paid_at_stripe_pending_in_app` | – | `paid_at_stripe_failed_in_app` | `refunded_in_app_not_at_stripe` |
//! | succeeded, refunded in part | `partly_refunded_at_stripe` | – | `partly_refunded_at_stripe` | – |
//! | succeeded, refunded in whole | `refunded_at_stripe` | `refunded_at_stripe` | `refunded_at_stripe` | – |
//! | succeeded, disputed | `disputed_at_stripe` | `disputed_at_stripe` | `disputed_at_stripe` | – |
//! | failed, for more than a day | `failed_at_stripe_pending_in_app` | `paid_in_app_not_at_stripe` | – | `paid_in_app_not_at_stripe` |
//! | failed, since then | – | `paid_in_app_not_at_stripe` | – | `paid_in_app_not_at_stripe` |
//! | open | – | `paid_in_app_not_at_stripe` | – | `paid_in_app_not_at_stripe` |
//!
//! Money comes first: with another currency or amount it is `wrong_currency` or `wrong_amount`, whatever the states are.
//!
//! - A refund or a dispute changes nothing of the payment, which stays `succeeded` at Stripe: its charge says so. What went
//!   back is never repaired as paid.
//! - Of a payment that is refunded in part the app has no word: `paid` and `refunded` are both right.
//! - A dispute that was won stays one here: Stripe's charge does not tell, and the app was told how it ended.
//! - Failed is `canceled`, or `requires_payment_method` after a decline; without one nobody has tried to pay yet.
//! - Stripe does not say when a payment was declined, so a decline counts from the payment's creation. To tell the app
//!   is right all the same: the event of a decline tells it at once.
//! - Open is the rest: it may still be paid. `processing` and `requires_capture` are not paid, and whoever believes so
//!   ships for nothing.

use serde::{Deserialize, Serialize, Serializer};

use crate::app::{LedgerPayment, LedgerStatus};
use crate::records::{PaymentRecord, PaymentRecordState};
use crate::stripe::{IntentStatus, MoneyBack, PaymentIntent};

/// How long a payment has to have failed before the app is told. Until then its payer may try again.
const GRACE_SECONDS: i64 = 24 * 3600;

/// What a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Safe to repair by `order_paid`.
    PaidAtStripePendingInApp,
    /// Safe to repair by `payment_failed`.
    FailedAtStripePendingInApp,
    /// Money came for an order that was given up.
    PaidAtStripeFailedInApp,
    /// All of the money went back, and the app does not say so.
    RefundedAtStripe,
    /// Part of the money went back, and the app does not know that it ever came.
    PartlyRefundedAtStripe,
    /// The payer's bank has claimed the money.
    DisputedAtStripe,
    /// The app has given money back that is still at Stripe.
    RefundedInAppNotAtStripe,
    /// The app counts on money that is not there.
    PaidInAppNotAtStripe,
    /// Both know the payment, but not its amount.
    WrongAmount,
    /// Both know the payment, but not its currency.
    WrongCurrency,
    /// No payment of the app's has this payment intent.
    UnknownToApp,
    /// Stripe has no such payment intent.
    UnknownToStripe,
    /// One that was to be repaired, and the app refused.
    RepairRefused,
}

impl Kind {
    /// All of them, in the order of the report.
    pub(super) const ALL: [Self; 13] = [
        Self::PaidAtStripePendingInApp,
        Self::FailedAtStripePendingInApp,
        Self::PaidAtStripeFailedInApp,
        Self::RefundedAtStripe,
        Self::PartlyRefundedAtStripe,
        Self::DisputedAtStripe,
        Self::RefundedInAppNotAtStripe,
        Self::PaidInAppNotAtStripe,
        Self::WrongAmount,
        Self::WrongCurrency,
        Self::UnknownToApp,
        Self::UnknownToStripe,
        Self::RepairRefused,
    ];

    /// The word for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::PaidAtStripePendingInApp => "paid_at_stripe_pending_in_app",
            Self::FailedAtStripePendingInApp => "failed_at_stripe_pending_in_app",
            Self::PaidAtStripeFailedInApp => "paid_at_stripe_failed_in_app",
            Self::RefundedAtStripe => "refunded_at_stripe",
            Self::PartlyRefundedAtStripe => "partly_refunded_at_stripe",
            Self::DisputedAtStripe => "disputed_at_stripe",
            Self::RefundedInAppNotAtStripe => "refunded_in_app_not_at_stripe",
            Self::PaidInAppNotAtStripe => "paid_in_app_not_at_stripe",
            Self::WrongAmount => "wrong_amount",
            Self::WrongCurrency => "wrong_currency",
            Self::UnknownToApp => "unknown_to_app",
            Self::UnknownToStripe => "unknown_to_stripe",
            Self::RepairRefused => "repair_refused",
        }
    }
}

/// What became of the money at Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PaymentState {
    /// It is there.
    Succeeded,
    /// It was there, and part of it was refunded.
    PartlyRefunded,
    /// It was there, and all of it was refunded.
    Refunded,
    /// It was there, and the payer's bank has claimed it.
    Disputed,
    /// It did not come, since this time at the earliest, Unix time in seconds.
    Failed(i64),
    /// It may still come.
    Open,
}

/// What is kept of a payment intent while its counterpart is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Payment {
    pub(super) id: String,
    /// `orderId` of its metadata.
    pub(super) order: Option<String>,
    /// Stripe's word.
    pub(super) status: String,
    pub(super) standing: PaymentState,
    /// In minor units: what was paid, or else what is to be paid.
    pub(super) amount: u64,
    pub(super) currency: String,
    /// Unix time in seconds.
    pub(super) created: i64,
    /// Whether it is of an invoice, as renewals of subscriptions are: the app has no order for it.
    #[serde(default)]
    pub(super) of_invoice: bool,
}

/// A payment as its provider shows it.
pub(super) trait Account: Clone + Send + Sync {
    /// The provider's id.
    fn id(&self) -> &str;

    /// Unix time in seconds.
    fn created(&self) -> i64;

    /// What is kept of it.
    fn payment(&self) -> Payment;
}

impl Account for PaymentIntent {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn payment(&self) -> Payment {
        Payment::of(self)
    }
}

impl Account for PaymentRecord {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn payment(&self) -> Payment {
        let order = self.order_id.as_ref();
        Payment {
            id: self.id.clone(),
            order: order.filter(|order| !order.is_empty()).cloned(),
            status: self.status.clone(),
            standing: match self.state {
                PaymentRecordState::Open => PaymentState::Open,
                PaymentRecordState::Paid => PaymentState::Succeeded,
                PaymentRecordState::PartlyRefunded(_) => PaymentState::PartlyRefunded,
                PaymentRecordState::Refunded => PaymentState::Refunded,
                PaymentRecordState::Disputed(_) => PaymentState::Disputed,
                PaymentRecordState::Failed { since, .. } => PaymentState::Failed(since),
            },
            amount: self.amount,
            currency: self.currency.to_ascii_lowercase(),
            created: self.created,
            of_invoice: false,
        }
    }
}

impl Payment {
    fn of(intent: &PaymentIntent) -> Self {
        let standing = match intent.status {
            IntentStatus::Succeeded => match intent.money_back() {
                MoneyBack::Nothing => PaymentState::Succeeded,
                MoneyBack::Part(_) => PaymentState::PartlyRefunded,
                MoneyBack::All => PaymentState::Refunded,
                MoneyBack::Disputed => PaymentState::Disputed,
            },
            IntentStatus::Canceled => {
                PaymentState::Failed(intent.canceled_at.unwrap_or(intent.created))
            }
            IntentStatus::RequiresPaymentMethod if intent.last_payment_error.is_some() => {
                PaymentState::Failed(intent.created)
            }
            _ => PaymentState::Open,
        };
        let order = intent.metadata.get("orderId");
        Self {
            id: intent.id.clone(),
            order: order.filter(|order| !order.is_empty()).cloned(),
            status: intent.status.as_str().to_owned(),
            standing,
            amount: match standing {
                PaymentState::Failed(_) | PaymentState::Open => intent.amount,
                _ => intent.amount_received,
            },
            currency: intent.currency.to_ascii_lowercase(),
            created: intent.created,
            of_invoice: intent.is_of_an_invoice(),
        }
    }

    /// Whether it stays as it is, but for what goes back.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.status.as_str(), "succeeded" | "canceled")
    }

    /// Whether its money may still come.
    pub(super) fn is_open(&self) -> bool {
        self.standing == PaymentState::Open
    }

    pub(super) fn is_paid(&self) -> bool {
        matches!(
            self.standing,
            PaymentState::Succeeded | PaymentState::PartlyRefunded
        )
    }
}

/// A payment of the app's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) order_id: String,
    pub(super) payment_intent: Option<String>,
    #[serde(serialize_with = "as_word")]
    pub(super) status: LedgerStatus,
    /// In minor units.
    pub(super) amount: u64,
    pub(super) currency: String,
    /// Whether the app has it within the window, and not only in its overlap.
    pub(super) within: bool,
    /// When the app was asked for it, Unix time in seconds.
    #[serde(default)]
    pub(super) read_at: i64,
}

impl Entry {
    pub(super) fn of(payment: LedgerPayment, within: bool, read_at: i64) -> Self {
        Self {
            order_id: payment.order_id,
            payment_intent: payment.payment_intent,
            status: payment.status,
            amount: payment.amount,
            currency: payment.currency,
            within,
            read_at,
        }
    }

    /// Whether the app says that money came: given back or not.
    pub(super) fn was_paid(&self) -> bool {
        matches!(self.status, LedgerStatus::Paid | LedgerStatus::Refunded)
    }
}

/// The app's word for a status.
pub(super) fn word(status: LedgerStatus) -> &'static str {
    match status {
        LedgerStatus::Pending => "pending",
        LedgerStatus::Paid => "paid",
        LedgerStatus::Failed => "failed",
        LedgerStatus::Refunded => "refunded",
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn as_word<S: Serializer>(status: &LedgerStatus, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(word(*status))
}

/// How the two differ; `None` when they agree, or may yet come to agree by themselves. `now` is Unix time in seconds.
pub(super) fn compare(payment: &Payment, entry: &Entry, now: i64) -> Option<Kind> {
    if payment.currency != entry.currency {
        return Some(Kind::WrongCurrency);
    }
    if payment.amount != entry.amount {
        return Some(Kind::WrongAmount);
    }
    let paid = matches!(entry.status, LedgerStatus::Paid | LedgerStatus::Refunded);
    match (payment.standing, entry.status) {
        (PaymentState::Succeeded, LedgerStatus::Pending) => Some(Kind::PaidAtStripePendingInApp),
        (PaymentState::Succeeded, LedgerStatus::Failed) => Some(Kind::PaidAtStripeFailedInApp),
        (PaymentState::Succeeded, LedgerStatus::Refunded) => Some(Kind::RefundedInAppNotAtStripe),
        (PaymentState::Succeeded, LedgerStatus::Paid) => None,
        (PaymentState::PartlyRefunded, _) => (!paid).then_some(Kind::PartlyRefundedAtStripe),
        (PaymentState::Refunded | PaymentState::Disputed, LedgerStatus::Refunded) => None,
        (PaymentState::Refunded, _) => Some(Kind::RefundedAtStripe),
        (PaymentState::Disputed, _) => Some(Kind::DisputedAtStripe),
        (PaymentState::Failed(since), LedgerStatus::Pending) => {
            (now.saturating_sub(since) > GRACE_SECONDS).then_some(Kind::FailedAtStripePendingInApp)
        }
        (PaymentState::Open, LedgerStatus::Pending) => None,
        (PaymentState::Failed(_) | PaymentState::Open, _) => {
            paid.then_some(Kind::PaidInAppNotAtStripe)
        }
    }
}

#[cfg(test)]
mod tests;
