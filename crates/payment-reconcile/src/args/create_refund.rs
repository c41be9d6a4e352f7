//! `create_refund`: money of a payment goes back.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::payment;
use longshore_job::{InvalidArgs, Job, KindPolicy};

/// Refunds a payment, in whole or in part, once. Result: `{"refund","status"}`. What has gone back already, or is disputed, is a
/// dead letter at once.
///
/// ```
/// use longshore_payment_reconcile::CreateRefund;
///
/// let all = CreateRefund::new("pi_1");
/// assert_eq!(all.amount, None);
/// let part = CreateRefund::new("pi_1").amount(500);
/// assert_eq!(part.amount, Some(500));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with payment_intent or charge and perhaps amount, reason, metadata"
)]
pub struct CreateRefund {
    /// The provider's id of the payment; or else `charge`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_intent: Option<String>,
    /// The provider's id of a charge, for payments that were made without a payment intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<String>,
    /// In minor units; all that is left unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<u64>,
    /// Why, for the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RefundReason>,
    /// The app's own, for Stripe's dashboard and events: at most 46 entries, keys of 40 and values of 500 characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// Why money goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundReason {
    /// It was paid twice.
    Duplicate,
    /// The payer was not the card's owner. The provider remembers the card.
    Fraudulent,
    /// The payer has asked for it.
    RequestedByCustomer,
}

impl CreateRefund {
    /// All that is left of this payment.
    #[must_use]
    pub fn new(payment_intent: impl Into<String>) -> Self {
        Self {
            payment_intent: Some(payment_intent.into()),
            charge: None,
            amount: None,
            reason: None,
            metadata: BTreeMap::new(),
        }
    }

    /// All that is left of this charge.
    #[must_use]
    pub fn of_charge(charge: impl Into<String>) -> Self {
        Self {
            payment_intent: None,
            charge: Some(charge.into()),
            amount: None,
            reason: None,
            metadata: BTreeMap::new(),
        }
    }

    /// So much of it, in minor units.
    #[must_use]
    pub fn amount(mut self, amount: u64) -> Self {
        self.amount = Some(amount);
        self
    }

    /// Why.
    #[must_use]
    pub fn reason(mut self, reason: RefundReason) -> Self {
        self.reason = Some(reason);
        self
    }

    /// One entry more of the app's own metadata.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// The provider's id of what is refunded.
    #[must_use]
    pub fn refunded(&self) -> &str {
        let id = self.payment_intent.as_ref().or(self.charge.as_ref());
        id.map_or("", String::as_str)
    }
}

impl Job for CreateRefund {
    const KIND: &'static str = "create_refund";
    const QUEUE: &'static str = "payment-reconcile";
    const PUBLIC_ARGS: &'static [&'static str] = &["payment_intent", "charge", "amount", "reason"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &["refund", "status"];
    const POLICY: KindPolicy = payment::WITHIN_A_DAY;
    const VERIFIABLE: bool = true;

    fn check(&self) -> Result<(), InvalidArgs> {
        InvalidArgs::all([
            InvalidArgs::unless(
                self.payment_intent.is_some() != self.charge.is_some(),
                "payment_intent",
                "or charge is needed, and not both",
            ),
            payment::optional_id("payment_intent", self.payment_intent.as_deref()),
            payment::optional_id("charge", self.charge.as_deref()),
            InvalidArgs::unless(
                self.amount
                    .is_none_or(|amount| (1..=MOST).contains(&amount)),
                "amount",
                "must be at least 1 and have at most 12 digits, in minor units; left out, all that is left goes back",
            ),
            payment::metadata(&self.metadata),
        ])
    }
}

/// The highest amount that a payment can have, in any currency: 12 digits.
const MOST: u64 = 999_999_999_999;

/// Names no person.
impl fmt::Debug for CreateRefund {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateRefund")
            .field("payment_intent", &self.payment_intent)
            .field("charge", &self.charge)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}
