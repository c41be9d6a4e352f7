//! `reconcile_payments`: what Stripe and the app know of payments is compared.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::payment;
use longshore_job::{InvalidArgs, Job, KindPolicy};

/// The longest window.
const LONGEST: jiff::SignedDuration = jiff::SignedDuration::from_hours(366 * 24);

/// Compares the payments of a window at one payment provider (Stripe, unless another one is named) and in the app, reports every difference, and repairs the two that are
/// safe to repair, if asked.
///
/// ```
/// use longshore_payment_reconcile::ReconcilePayments;
///
/// let job = ReconcilePayments::new("2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z");
/// assert!(!job.repair);
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with from, to, repair and perhaps provider"
)]
pub struct ReconcilePayments {
    /// The window's beginning, RFC 3339.
    pub from: String,
    /// Its end, RFC 3339: after its beginning, at most 366 days.
    pub to: String,
    /// Whether to repair what is safe to repair.
    pub repair: bool,
    /// Whose payments; Stripe's unless given. Those of other providers are not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

impl ReconcilePayments {
    /// This window, with nothing repaired.
    #[must_use]
    pub fn new(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            from: from.into(),
            to: to.into(),
            repair: false,
            provider: None,
        }
    }

    /// Repairs what is safe to repair.
    #[must_use]
    pub fn repair(mut self) -> Self {
        self.repair = true;
        self
    }

    /// The payments of this provider.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = Some(provider.into());
        self
    }
}

impl Job for ReconcilePayments {
    const KIND: &'static str = "reconcile_payments";
    const QUEUE: &'static str = "payment-reconcile";
    const PUBLIC_ARGS: &'static [&'static str] = &["from", "to", "repair", "provider"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &[
        "from",
        "to",
        "repair",
        "provider",
        "finished_at",
        "payments_at_stripe",
        "payments_at_provider",
        "open_payments",
        "running_subscriptions",
        "payments_of_invoices",
        "payments_in_app",
        "differences",
        "counts",
        "repaired",
        "truncated",
    ];
    const PUBLIC_PROGRESS: &'static [&'static str] = &[
        "v",
        "from",
        "to",
        "repair",
        "provider",
        "compared_from",
        "payments_at_stripe",
        "payments_at_provider",
        "payments_of_invoices",
        "payments_in_app",
        "differences",
        "counts",
        "repaired",
        "repairs_to_make",
    ];
    const POLICY: KindPolicy = KindPolicy::taking(Duration::from_secs(3600));

    fn check(&self) -> Result<(), InvalidArgs> {
        payment::provider(self.provider.as_deref())?;
        let (from, to) = (
            payment::time("from", &self.from),
            payment::time("to", &self.to),
        );
        let (from, to) = match (from, to) {
            (Ok(from), Ok(to)) => (from, to),
            (from, to) => return InvalidArgs::all([from.map(drop), to.map(drop)]),
        };
        if to <= from {
            return Err(InvalidArgs::field("to", "must be after from"));
        }
        if to.duration_since(from) > LONGEST {
            return Err(InvalidArgs::field(
                "to",
                "must be at most 366 days after from: split the window",
            ));
        }
        Ok(())
    }
}

/// Names no person.
impl fmt::Debug for ReconcilePayments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReconcilePayments")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("repair", &self.repair)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}
