//! `confirm_payment_intent`: one payment is collected.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::payment;
use longshore_job::{InvalidArgs, Job, KindPolicy};

/// Confirms a payment intent. Result: `{"payment_intent","status","next_action"?,"decline_code"?}`. Who waits for the job has the
/// private result `{"client_secret","redirect_url"?}` while there is something left to do; it is kept nowhere. A declined card is
/// a dead letter at once, with `decline_code` and `payment_intent` as details.
///
/// ```
/// use longshore_payment_reconcile::ConfirmPaymentIntent;
///
/// let job = ConfirmPaymentIntent::new("pi_1").return_url("https://shop.example.com/paid");
/// assert_eq!(job.payment_intent, "pi_1");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with payment_intent and perhaps payment_method, off_session, return_url"
)]
pub struct ConfirmPaymentIntent {
    /// The provider's id of the intent.
    pub payment_intent: String,
    /// The provider's id of the payment method, unless the intent has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<String>,
    /// Whether the payer is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_session: Option<bool>,
    /// Where the payer comes back to from their bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
}

impl ConfirmPaymentIntent {
    /// This intent.
    #[must_use]
    pub fn new(payment_intent: impl Into<String>) -> Self {
        Self {
            payment_intent: payment_intent.into(),
            payment_method: None,
            off_session: None,
            return_url: None,
        }
    }

    /// The provider's id of the payment method.
    #[must_use]
    pub fn payment_method(mut self, payment_method: impl Into<String>) -> Self {
        self.payment_method = Some(payment_method.into());
        self
    }

    /// Whether the payer is not there.
    #[must_use]
    pub fn off_session(mut self, off_session: bool) -> Self {
        self.off_session = Some(off_session);
        self
    }

    /// Where the payer comes back to from their bank.
    #[must_use]
    pub fn return_url(mut self, return_url: impl Into<String>) -> Self {
        self.return_url = Some(return_url.into());
        self
    }
}

impl Job for ConfirmPaymentIntent {
    const KIND: &'static str = "confirm_payment_intent";
    const QUEUE: &'static str = "payment-reconcile";
    const PUBLIC_ARGS: &'static [&'static str] = &["payment_intent", "off_session"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] =
        &["payment_intent", "status", "next_action", "decline_code"];
    const POLICY: KindPolicy = payment::CHECKOUT;
    const VERIFIABLE: bool = true;

    fn check(&self) -> Result<(), InvalidArgs> {
        InvalidArgs::all([
            payment::path_id("payment_intent", &self.payment_intent),
            payment::optional_id("payment_method", self.payment_method.as_deref()),
            payment::check_return_url(self.return_url.as_deref(), self.off_session),
        ])
    }
}

/// Names no person.
impl fmt::Debug for ConfirmPaymentIntent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfirmPaymentIntent")
            .field("payment_intent", &self.payment_intent)
            .finish_non_exhaustive()
    }
}
