//! `apply_stripe_event`: what an event of Stripe's says is done in the app.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::payment;
use longshore_job::{InvalidArgs, Job};

/// Applies one of Stripe's events: it is fetched from Stripe again, with the object it is about, and what is true now
/// reaches the app, once.
///
/// ```
/// use longshore_payment_reconcile::ApplyStripeEvent;
///
/// let job = ApplyStripeEvent::new("evt_1");
/// assert_eq!(job.event_id, "evt_1");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with event_id")]
pub struct ApplyStripeEvent {
    /// Stripe's id of the event, `evt_…`.
    pub event_id: String,
}

impl ApplyStripeEvent {
    /// This event.
    #[must_use]
    pub fn new(event_id: impl Into<String>) -> Self {
        Self {
            event_id: event_id.into(),
        }
    }
}

impl Job for ApplyStripeEvent {
    const KIND: &'static str = "apply_stripe_event";
    const QUEUE: &'static str = "payment-reconcile";
    const PUBLIC_ARGS: &'static [&'static str] = &["event_id"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &[
        "effect",
        "order_id",
        "payment_intent",
        "invoice",
        "subscription",
    ];

    fn check(&self) -> Result<(), InvalidArgs> {
        payment::path_id("event_id", &self.event_id)?;
        match self.event_id.starts_with("evt_") {
            true => Ok(()),
            false => Err(InvalidArgs::field("event_id", "must begin with evt_")),
        }
    }
}

/// Names no person.
impl fmt::Debug for ApplyStripeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplyStripeEvent")
            .field("event_id", &self.event_id)
            .finish_non_exhaustive()
    }
}
