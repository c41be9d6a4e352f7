//! `backfill_stripe_events`: Stripe's events that reached nobody are applied after all.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::payment;
use longshore_job::{InvalidArgs, Job, KindPolicy};

/// Asks Stripe for the events of a window that no endpoint has taken, and enqueues `apply_stripe_event` for each of them,
/// once. Stripe has its events for 30 days. Result: `{"from","to","found","enqueued"}`.
///
/// ```
/// use longshore_payment_reconcile::BackfillStripeEvents;
///
/// let job = BackfillStripeEvents::new("2026-11-01T00:00:00Z", "2026-11-23T00:00:00Z");
/// assert_eq!(job.from, "2026-11-01T00:00:00Z");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with from, to")]
pub struct BackfillStripeEvents {
    /// The window's beginning, RFC 3339. What is older than 30 days is not at Stripe any more.
    pub from: String,
    /// Its end, RFC 3339: after its beginning.
    pub to: String,
}

impl BackfillStripeEvents {
    /// This window.
    #[must_use]
    pub fn new(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            from: from.into(),
            to: to.into(),
        }
    }
}

impl Job for BackfillStripeEvents {
    const KIND: &'static str = "backfill_stripe_events";
    const QUEUE: &'static str = "payment-reconcile";
    const PUBLIC_ARGS: &'static [&'static str] = &["from", "to"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &["from", "to", "found", "enqueued"];
    const POLICY: KindPolicy = KindPolicy::taking(Duration::from_secs(3600));

    fn check(&self) -> Result<(), InvalidArgs> {
        let (from, to) = (
            payment::time("from", &self.from),
            payment::time("to", &self.to),
        );
        match (from, to) {
            (Ok(from), Ok(to)) => InvalidArgs::unless(from < to, "to", "must be after from"),
            (from, to) => InvalidArgs::all([from.map(drop), to.map(drop)]),
        }
    }
}

/// Names no person.
impl fmt::Debug for BackfillStripeEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackfillStripeEvents")
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}
