//! `cancel_subscription`: a subscription ends, now or with its period.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::payment;
use longshore_job::{InvalidArgs, Job, KindPolicy};

/// Cancels a subscription, now or at the end of the period that is paid for. Result: `{"subscription","status"}`. One that is
/// cancelled already is done, too.
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
    expecting = "an object with subscription and perhaps prorate, at_period_end"
)]
pub struct CancelSubscription {
    /// The provider's id of the subscription.
    pub subscription: String,
    /// Whether what was paid for and not used is credited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prorate: Option<bool>,
    /// Whether it goes on to the end of the period that is paid for. Nothing is left to credit then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_period_end: Option<bool>,
}

impl CancelSubscription {
    /// This subscription.
    #[must_use]
    pub fn new(subscription: impl Into<String>) -> Self {
        Self {
            subscription: subscription.into(),
            prorate: None,
            at_period_end: None,
        }
    }

    /// Whether what was paid for and not used is credited.
    #[must_use]
    pub fn prorate(mut self, prorate: bool) -> Self {
        self.prorate = Some(prorate);
        self
    }

    /// Whether it goes on to the end of the period that is paid for.
    #[must_use]
    pub fn at_period_end(mut self, at_period_end: bool) -> Self {
        self.at_period_end = Some(at_period_end);
        self
    }
}

impl Job for CancelSubscription {
    const KIND: &'static str = "cancel_subscription";
    const QUEUE: &'static str = "payment-reconcile";
    const PUBLIC_ARGS: &'static [&'static str] = &["subscription", "prorate", "at_period_end"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &["subscription", "status"];
    const POLICY: KindPolicy = payment::WITHIN_A_DAY;
    const VERIFIABLE: bool = true;

    fn check(&self) -> Result<(), InvalidArgs> {
        InvalidArgs::all([
            payment::path_id("subscription", &self.subscription),
            InvalidArgs::unless(
                self.at_period_end != Some(true) || self.prorate != Some(true),
                "prorate",
                "is of no use with at_period_end: what was paid for is used",
            ),
        ])
    }
}

/// Names no person.
impl fmt::Debug for CancelSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelSubscription")
            .field("subscription", &self.subscription)
            .field("prorate", &self.prorate)
            .field("at_period_end", &self.at_period_end)
            .finish_non_exhaustive()
    }
}
