//! `create_payment_intent`: the intent to collect one payment.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{currency, payment};
use longshore_job::{InvalidArgs, Job, KindPolicy, PersonArg};

/// Creates a payment intent for an order. Result: `{"payment_intent","status","next_action"?,"decline_code"?,"provider"}`. With the
/// status `requires_action` `next_action` is the provider's word for what the payer has to do, such as `redirect_to_url`. Who
/// waits for the job has the private result `{"client_secret","redirect_url"?}`, which is kept nowhere. A dead letter of a
/// declined payment has `decline_code` and `payment_intent` as details.
///
/// ```
/// use longshore_payment_reconcile::CreatePaymentIntent;
///
/// let job = CreatePaymentIntent::new("order-1", "user-7", 1000, "nok");
/// assert_eq!(job.amount, 1000);
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with order_id, user_id, amount, currency and perhaps customer, payment_method, confirm, off_session, return_url, setup_future_usage, receipt_email, capture_method, provider, metadata"
)]
pub struct CreatePaymentIntent {
    /// The app's id of the order.
    pub order_id: String,
    /// The app's id of the user.
    pub user_id: String,
    /// In minor units: 1000 is 10.00 NOK, and 1000 JPY.
    pub amount: u64,
    /// Three lower-case letters, ISO 4217.
    pub currency: String,
    /// The provider's id of the customer; the user's own unless given, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The provider's id of the payment method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<String>,
    /// Whether to collect the payment at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<bool>,
    /// Whether the payer is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_session: Option<bool>,
    /// Where the payer comes back to from their bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// Whether the payment method is kept for later payments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup_future_usage: Option<SetupFutureUsage>,
    /// Where the provider sends a receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_email: Option<String>,
    /// When the money is collected; once it is authorised, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_method: Option<CaptureMethod>,
    /// The payment provider that takes the payment; the user's own unless given, or for nobody's customer the configured one
    /// for new customers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The app's own, for Stripe's dashboard and events: at most 46 entries, keys of 40 and values of 500 characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// For which later payments a payment method is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetupFutureUsage {
    /// Those at which the payer is there.
    OnSession,
    /// Those at which the payer is not there, too.
    OffSession,
}

/// When the money of a payment is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// Once it is authorised.
    Automatic,
    /// Once it is authorised, a little later than that is told.
    AutomaticAsync,
    /// When the app asks the provider for it.
    Manual,
}

impl CreatePaymentIntent {
    /// This order, by this user, for this much.
    #[must_use]
    pub fn new(
        order_id: impl Into<String>,
        user_id: impl Into<String>,
        amount: u64,
        currency: impl Into<String>,
    ) -> Self {
        Self {
            order_id: order_id.into(),
            user_id: user_id.into(),
            amount,
            currency: currency.into(),
            customer: None,
            payment_method: None,
            confirm: None,
            off_session: None,
            return_url: None,
            setup_future_usage: None,
            receipt_email: None,
            capture_method: None,
            provider: None,
            metadata: BTreeMap::new(),
        }
    }

    /// The provider's id of the customer.
    #[must_use]
    pub fn customer(mut self, customer: impl Into<String>) -> Self {
        self.customer = Some(customer.into());
        self
    }

    /// The provider's id of the payment method.
    #[must_use]
    pub fn payment_method(mut self, payment_method: impl Into<String>) -> Self {
        self.payment_method = Some(payment_method.into());
        self
    }

    /// Whether to collect the payment at once.
    #[must_use]
    pub fn confirm(mut self, confirm: bool) -> Self {
        self.confirm = Some(confirm);
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

    /// For which later payments the payment method is kept.
    #[must_use]
    pub fn setup_future_usage(mut self, usage: SetupFutureUsage) -> Self {
        self.setup_future_usage = Some(usage);
        self
    }

    /// Where the provider sends a receipt.
    #[must_use]
    pub fn receipt_email(mut self, email: impl Into<String>) -> Self {
        self.receipt_email = Some(email.into());
        self
    }

    /// When the money is collected.
    #[must_use]
    pub fn capture_method(mut self, method: CaptureMethod) -> Self {
        self.capture_method = Some(method);
        self
    }

    /// The payment provider that takes the payment.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// One entry more of the app's own metadata.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }
}

impl Job for CreatePaymentIntent {
    const KIND: &'static str = "create_payment_intent";
    const QUEUE: &'static str = "payment-reconcile";
    const PUBLIC_ARGS: &'static [&'static str] = &[
        "order_id",
        "amount",
        "currency",
        "confirm",
        "off_session",
        "setup_future_usage",
        "capture_method",
        "provider",
    ];
    const PERSON_ARGS: &'static [PersonArg] = &[
        PersonArg::id("user_id"),
        PersonArg::id("customer"),
        PersonArg::email("receipt_email"),
    ];
    const PUBLIC_RESULT: &'static [&'static str] = &[
        "payment_intent",
        "status",
        "next_action",
        "decline_code",
        "provider",
    ];
    const PUBLIC_PROGRESS: &'static [&'static str] = &["provider"];
    const POLICY: KindPolicy = payment::CHECKOUT;
    const VERIFIABLE: bool = true;

    fn check(&self) -> Result<(), InvalidArgs> {
        let mut rules = vec![
            payment::id("order_id", &self.order_id),
            payment::id("user_id", &self.user_id),
            currency::money(self.amount, &self.currency),
            payment::optional_id("customer", self.customer.as_deref()),
            payment::optional_id("payment_method", self.payment_method.as_deref()),
            InvalidArgs::unless(
                self.receipt_email
                    .as_deref()
                    .is_none_or(longshore_job::is_email_address),
                "receipt_email",
                "is not an email address of the form local@domain.tld",
            ),
            payment::provider(self.provider.as_deref()),
            payment::metadata(&self.metadata),
        ];
        if self.confirm == Some(true) {
            rules.push(InvalidArgs::unless(
                self.payment_method.is_some(),
                "payment_method",
                "is needed to confirm",
            ));
            rules.push(payment::check_return_url(
                self.return_url.as_deref(),
                self.off_session,
            ));
        } else {
            for (field, is_there) in [
                ("off_session", self.off_session.is_some()),
                ("return_url", self.return_url.is_some()),
            ] {
                let what = "is of use with confirm = true only";
                rules.push(InvalidArgs::unless(!is_there, field, what));
            }
        }
        InvalidArgs::all(rules)
    }
}

/// Names no person.
impl fmt::Debug for CreatePaymentIntent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatePaymentIntent")
            .field("order_id", &self.order_id)
            .field("amount", &self.amount)
            .field("currency", &self.currency)
            .finish_non_exhaustive()
    }
}
