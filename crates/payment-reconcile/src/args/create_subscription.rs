//! `create_subscription`: a customer subscribes to a price.

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
    expecting = "an object with user_id, price and perhaps customer, quantity"
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
}

impl Job for CreateSubscription {
    const KIND: &'static str = "create_subscription";
    const QUEUE: &'static str = "payment-reconcile";
    const PUBLIC_ARGS: &'static [&'static str] = &["price", "quantity"];
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
