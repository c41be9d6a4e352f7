//! `create_subscription`: a customer subscribes to a price.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::payment;
use longshore_job::{InvalidArgs, Job, KindPolicy, PersonArg};

/// Subscribes a customer. Result: `{"subscription","status","provider"}`, and the mapping from subscription to provider
/// is kept.
///
/// ```
/// use longshore_payment_reconcile::CreateSubscription;
///
/// let job = CreateSubscription::new("user-7", "price_1").quantity(2);
/// assert_eq!(job.quantity, Some(2));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with user_id, price and perhaps customer, quantity, default_payment_method, payment_behavior, trial_days, trial_end, metadata"
)]
pub struct CreateSubscription {
    /// The app's id of the user.
    pub user_id: String,
    /// The provider's id of the customer; the user's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The provider's id of the price.
    pub price: String,
    /// How many, 1 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// The provider's id of the payment method for its invoices; the customer's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_payment_method: Option<String>,
    /// What happens when the first invoice cannot be paid at once; the provider's default unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_behavior: Option<PaymentBehavior>,
    /// How many days are free of charge at first, 1 to 730.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_days: Option<u32>,
    /// Until when it is free of charge, Unix time in seconds. Not together with `trial_days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_end: Option<u64>,
    /// The app's own, for Stripe's dashboard and events: at most 46 entries, keys of 40 and values of 500 characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// What happens when the first invoice of a subscription cannot be paid at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentBehavior {
    /// The subscription is `incomplete`, and its payer has 23 hours.
    AllowIncomplete,
    /// The same, and the payment is not tried: the app lets the payer confirm it.
    DefaultIncomplete,
    /// There is no subscription: the job is refused.
    ErrorIfIncomplete,
}

impl CreateSubscription {
    /// This user, at this price.
    #[must_use]
    pub fn new(user_id: impl Into<String>, price: impl Into<String>) -> Self {
        Self {
            user_id: user_id.into(),
            customer: None,
            price: price.into(),
            quantity: None,
            default_payment_method: None,
            payment_behavior: None,
            trial_days: None,
            trial_end: None,
            metadata: BTreeMap::new(),
        }
    }

    /// The provider's id of the customer.
    #[must_use]
    pub fn customer(mut self, customer: impl Into<String>) -> Self {
        self.customer = Some(customer.into());
        self
    }

    /// How many.
    #[must_use]
    pub fn quantity(mut self, quantity: u32) -> Self {
        self.quantity = Some(quantity);
        self
    }

    /// The provider's id of the payment method for its invoices.
    #[must_use]
    pub fn default_payment_method(mut self, payment_method: impl Into<String>) -> Self {
        self.default_payment_method = Some(payment_method.into());
        self
    }

    /// What happens when the first invoice cannot be paid at once.
    #[must_use]
    pub fn payment_behavior(mut self, behavior: PaymentBehavior) -> Self {
        self.payment_behavior = Some(behavior);
        self
    }

    /// How many days are free of charge at first.
    #[must_use]
    pub fn trial_days(mut self, days: u32) -> Self {
        self.trial_days = Some(days);
        self
    }

    /// Until when it is free of charge, Unix time in seconds.
    #[must_use]
    pub fn trial_end(mut self, end: u64) -> Self {
        self.trial_end = Some(end);
        self
    }

    /// One entry more of the app's own metadata.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }
}

impl Job for CreateSubscription {
    const KIND: &'static str = "create_subscription";
    const QUEUE: &'static str = "payment-reconcile";
    const PUBLIC_ARGS: &'static [&'static str] = &[
        "price",
        "quantity",
        "payment_behavior",
        "trial_days",
        "trial_end",
    ];
    const PERSON_ARGS: &'static [PersonArg] =
        &[PersonArg::id("user_id"), PersonArg::id("customer")];
    const PUBLIC_RESULT: &'static [&'static str] = &["subscription", "status", "provider"];
    const PUBLIC_PROGRESS: &'static [&'static str] = &["provider"];
    const POLICY: KindPolicy = payment::WITHIN_A_DAY;
    const VERIFIABLE: bool = true;

    fn check(&self) -> Result<(), InvalidArgs> {
        InvalidArgs::all([
            payment::id("user_id", &self.user_id),
            payment::optional_id("customer", self.customer.as_deref()),
            payment::id("price", &self.price),
            InvalidArgs::unless(self.quantity != Some(0), "quantity", "must be at least 1"),
            payment::optional_id(
                "default_payment_method",
                self.default_payment_method.as_deref(),
            ),
            InvalidArgs::unless(
                self.trial_days.is_none_or(|days| (1..=730).contains(&days)),
                "trial_days",
                "must be 1 to 730",
            ),
            InvalidArgs::unless(
                self.trial_days.is_none() || self.trial_end.is_none(),
                "trial_end",
                "says what trial_days says: keep one of them",
            ),
            payment::metadata(&self.metadata),
        ])
    }
}

/// Names no person.
impl fmt::Debug for CreateSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateSubscription")
            .field("price", &self.price)
            .field("quantity", &self.quantity)
            .finish_non_exhaustive()
    }
}
