//! What a payment provider beside Stripe knows: its payments, what its events come to, and what still runs there.
//!
//! The events of such a provider and its reconcile ask for these, and tell the app what Stripe's would.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use longshore_job::{JobError, Run};

/// An answer of a provider's, on its way.
pub type RecordFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, JobError>> + Send + 'a>>;

/// One payment, as it is now.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentRecord {
    /// The provider's id.
    pub id: String,
    /// The app's id of the order, if it is written there.
    pub order_id: Option<String>,
    /// The app's id of the user, if it is written there.
    pub user_id: Option<String>,
    /// The provider's id of the customer.
    pub customer: Option<String>,
    /// The provider's word for how far it has come.
    pub status: String,
    /// What that means.
    pub state: PaymentRecordState,
    /// In minor units: what was paid, or else what is to be paid.
    pub amount: u64,
    /// Three letters.
    pub currency: String,
    /// When it was created, Unix time in seconds.
    pub created: i64,
}

/// What became of the money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentRecordState {
    /// It may still come.
    Open,
    /// It is there.
    Paid,
    /// It was there, and part of it was refunded: so much in all, in minor units.
    PartlyRefunded(u64),
    /// It was there, and all of it was refunded.
    Refunded,
    /// It was there, and the payer's bank has claimed it. The text is how that stands: `won` and `lost` are its ends.
    Disputed(String),
    /// It did not come.
    Failed {
        /// Since when at the earliest, Unix time in seconds.
        since: i64,
        /// The provider's id of the try that failed. Each one that failed is told to the app.
        attempt: Option<String>,
    },
}

/// What an event comes to now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventRecord {
    /// It is about a payment.
    Payment(PaymentRecord),
    /// A period of a subscription is paid.
    Renewed(SubscriptionRecord),
    /// A subscription has ended.
    Ended(SubscriptionRecord),
    /// The app has nothing to do, for this reason.
    Nothing(String),
}

/// A subscription, as far as the app is told of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SubscriptionRecord {
    /// The provider's id.
    pub id: String,
    /// The app's id of the user, if it is written there.
    pub user_id: Option<String>,
    /// The provider's id of the customer.
    pub customer: Option<String>,
    /// The provider's id of the period's invoice.
    pub invoice: Option<String>,
    /// What was paid, in minor units.
    pub amount: Option<u64>,
    /// Three letters.
    pub currency: Option<String>,
}

/// A page of payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentPage {
    /// Newest first.
    pub payments: Vec<PaymentRecord>,
    /// Whether there are more after the last of these.
    pub has_more: bool,
}

/// Says what a payment provider knows. It only reads, [elsewhere](Run::elsewhere).
pub trait PaymentRecords: Send + Sync + 'static {
    /// What an event comes to now: not what it said when it was sent, since events come late and in any order.
    fn event<'a>(&'a self, run: &'a Run, id: &'a str) -> RecordFuture<'a, EventRecord>;

    /// Payments created in `from..to` (Unix time in seconds), newest first, after the one of this id.
    fn payments<'a>(
        &'a self,
        run: &'a Run,
        from: i64,
        to: i64,
        after: Option<&'a str>,
    ) -> RecordFuture<'a, PaymentPage>;

    /// One payment; `None` where the provider has none of this id.
    fn payment<'a>(&'a self, run: &'a Run, id: &'a str) -> RecordFuture<'a, Option<PaymentRecord>>;

    /// How many subscriptions have not ended.
    fn running_subscriptions<'a>(&'a self, run: &'a Run) -> RecordFuture<'a, u64>;
}

/// A payment provider's records, with its name.
#[derive(Clone)]
pub(crate) struct AnotherRecords {
    pub(crate) name: &'static str,
    pub(crate) records: Arc<dyn PaymentRecords>,
}

/// Names no person.
impl fmt::Debug for PaymentRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaymentRecord")
            .field("id", &self.id)
            .field("order_id", &self.order_id)
            .field("status", &self.status)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Names no person.
impl fmt::Debug for SubscriptionRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriptionRecord")
            .field("id", &self.id)
            .field("invoice", &self.invoice)
            .finish_non_exhaustive()
    }
}
