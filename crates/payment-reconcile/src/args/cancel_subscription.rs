//! `cancel_subscription`: a subscription ends now.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::payment;
use longshore_job::{InvalidArgs, Job, KindPolicy};

/// Cancels a subscription. Result: `{"subscription","status"}`. One that is cancelled already is done, too.
///
/// ```
/// use longshore_payment_reconcile::CancelSubscription;
///
/// let job = CancelSubscription::new("sub_1");
/// assert_eq!(job.prorate, None);
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with subscription and perhaps prorate"
)]
pub struct CancelSubscription {
    /// The provider's id of the subscription.
    pub subscription: String,
    /// Whether what was paid for and not used is credited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prorate: Option<bool>,
}

impl CancelSubscription {
    /// This subscription.
    #[must_use]
    pub fn new(subscription: impl Into<String>) -> Self {
        Self {
            subscription: subscription.into(),
            prorate: None,
        }
    }

    /// Whether what was paid for and not used is credited.
    #[must_use]
    pub fn prorate(mut self, prorate: bool) -> Self {
        self.prorate = Some(prorate);
        self
    }
}

impl Job for CancelSubscription {
    const KIND: &'static str = "cancel_subscription";
    const QUEUE: &'static str = "payment-reconcile";
    const PUBLIC_ARGS: &'static [&'static str] = &["subscription", "prorate"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &["subscription", "status"];
    const POLICY: KindPolicy = payment::WITHIN_A_DAY;
    const VERIFIABLE: bool = true;

    fn check(&self) -> Result<(), InvalidArgs> {
        payment::path_id("subscription", &self.subscription)
    }
}

/// Names no person.
impl fmt::Debug for CancelSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelSubscription")
            .field("subscription", &self.subscription)
            .field("prorate", &self.prorate)
            .finish_non_exhaustive()
    }
}
