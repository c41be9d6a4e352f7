//! `apply_payment_event`: what an event of another payment provider says is done in the app.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::payment;
use longshore_job::{InvalidArgs, Job};

/// Applies one event of a payment provider beside Stripe: the provider is asked what is true now, and that reaches the app, once.
/// Its event source makes these jobs.
///
/// ```
/// use longshore_payment_reconcile::ApplyPaymentEvent;
///
/// let job = ApplyPaymentEvent::new("testpay", "tp_evt_1");
/// assert_eq!(job.provider, "testpay");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with provider and event_id"
)]
pub struct ApplyPaymentEvent {
    /// The provider's name, as configuration has it.
    pub provider: String,
    /// The provider's id of the event.
    pub event_id: String,
}

impl ApplyPaymentEvent {
    /// This event of this provider.
    #[must_use]
    pub fn new(provider: impl Into<String>, event_id: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            event_id: event_id.into(),
        }
    }
}

impl Job for ApplyPaymentEvent {
    const KIND: &'static str = "apply_payment_event";
    const QUEUE: &'static str = "payment-reconcile";
    const PUBLIC_ARGS: &'static [&'static str] = &["provider", "event_id"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &[
        "provider",
        "effect",
        "order_id",
        "payment_intent",
        "invoice",
        "subscription",
    ];

    fn check(&self) -> Result<(), InvalidArgs> {
        InvalidArgs::all([
            payment::provider(Some(&self.provider)),
            payment::path_id("event_id", &self.event_id),
        ])
    }
}

/// Names no person.
impl fmt::Debug for ApplyPaymentEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplyPaymentEvent")
            .field("provider", &self.provider)
            .field("event_id", &self.event_id)
            .finish()
    }
}
