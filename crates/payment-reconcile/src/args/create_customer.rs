//! `create_customer`: a customer at the payment provider.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::payment;
use longshore_job::{InvalidArgs, Job, KindPolicy, PersonArg};

/// Makes a user a customer of the payment provider, once: the mapping from user to customer is kept, and a user who has
/// a customer keeps it. Result: `{"customer","provider"}`.
///
/// ```
/// use longshore_payment_reconcile::CreateCustomer;
///
/// let job = CreateCustomer::new("user-7").email("ada@example.com");
/// assert_eq!(job.user_id, "user-7");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with user_id and perhaps email, name, provider, metadata"
)]
pub struct CreateCustomer {
    /// The app's id of the user: 1–200 characters without blanks.
    pub user_id: String,
    /// Where receipts go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The name, at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The payment provider that this user becomes a customer of; the configured one for new customers unless given. A
    /// user who is a customer stays where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The app's own, for Stripe's dashboard and events: at most 46 entries, keys of 40 and values of 500 characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl CreateCustomer {
    /// This user, with nothing else known.
    #[must_use]
    pub fn new(user_id: impl Into<String>) -> Self {
        Self {
            user_id: user_id.into(),
            email: None,
            name: None,
            provider: None,
            metadata: BTreeMap::new(),
        }
    }

    /// Where receipts go.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// The name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The payment provider that this user becomes a customer of.
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

impl Job for CreateCustomer {
    const KIND: &'static str = "create_customer";
    const QUEUE: &'static str = "payment-reconcile";
    const PUBLIC_ARGS: &'static [&'static str] = &["provider"];
    const PERSON_ARGS: &'static [PersonArg] =
        &[PersonArg::id("user_id"), PersonArg::email("email")];
    const PUBLIC_RESULT: &'static [&'static str] = &["provider", "customer"];
    const PUBLIC_PROGRESS: &'static [&'static str] = &["provider"];
    const POLICY: KindPolicy = payment::WITHIN_A_DAY;
    const VERIFIABLE: bool = true;

    fn check(&self) -> Result<(), InvalidArgs> {
        let is_address = |email: &String| longshore_job::is_email_address(email);
        let is_name = |name: &String| {
            !name.is_empty() && name.chars().count() <= 256 && !name.chars().any(char::is_control)
        };
        InvalidArgs::all([
            payment::id("user_id", &self.user_id),
            InvalidArgs::unless(
                self.email.as_ref().is_none_or(is_address),
                "email",
                "is not an email address of the form local@domain.tld",
            ),
            InvalidArgs::unless(
                self.name.as_ref().is_none_or(is_name),
                "name",
                "must be 1 to 256 characters without control characters",
            ),
            payment::provider(self.provider.as_deref()),
            payment::metadata(&self.metadata),
        ])
    }
}

/// Names no person.
impl fmt::Debug for CreateCustomer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateCustomer").finish_non_exhaustive()
    }
}
