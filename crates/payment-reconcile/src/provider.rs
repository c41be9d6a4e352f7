//! What a payment provider is to the operations, and which one serves whom.
//!
//! Operations know no provider by name. Another one is another implementation of [`PaymentProvider`], put into
//! [`Providers`]: new customers go where the configuration says, and whoever is a customer already stays where they
//! are, because the mapping of users and subscriptions says so. So both serve side by side until the last subscription
//! has moved.

mod share;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

pub use share::Share;

use crate::{
    CancelSubscription, ConfirmPaymentIntent, CreateCustomer, CreatePaymentIntent, CreateRefund,
    CreateSubscription,
};
use longshore_job::{Answer, JobError, PrivateResult, Run};

/// A provider's answer, on its way.
pub type OperationFuture<'a> = Pin<Box<dyn Future<Output = Result<Receipt, JobError>> + Send + 'a>>;

/// What a provider has done before, if anything, on its way.
pub type LookupFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Option<Receipt>, JobError>> + Send + 'a>>;

/// What a provider has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The provider's id of what was made or changed.
    pub id: String,
    /// The provider's word for how far it has come, where there is one.
    pub status: Option<String>,
    /// The provider's word for what the payer has to do, where something is left to do. No URL and no secret: results are
    /// kept.
    pub next_action: Option<String>,
    /// Why the last try to collect it was declined, in the bank's word, where it was.
    pub decline_code: Option<String>,
    /// What the payer's browser needs for what is left to do: `client_secret`, `redirect_url`. Only those who wait for the job are
    /// told, and it is kept nowhere.
    pub private: Option<PrivateResult>,
    /// What is told of the answer.
    pub answer: Answer,
}

impl Receipt {
    /// Of this thing, by the provider's id of it, with nothing else known yet.
    #[must_use]
    pub fn of(id: impl Into<String>, answer: Answer) -> Self {
        Self {
            id: id.into(),
            status: None,
            next_action: None,
            decline_code: None,
            private: None,
            answer,
        }
    }
}

/// What a job wants done, to be looked for.
#[derive(Debug, Clone, Copy)]
pub enum Operation<'a> {
    /// Somebody made a customer.
    CreateCustomer(&'a CreateCustomer),
    /// An intent to collect a payment, of this customer.
    CreatePaymentIntent(&'a CreatePaymentIntent, Option<&'a str>),
    /// A payment collected.
    Confirm(&'a ConfirmPaymentIntent),
    /// Money given back.
    CreateRefund(&'a CreateRefund),
    /// A subscription of this customer.
    CreateSubscription(&'a CreateSubscription, &'a str),
    /// A subscription ended.
    CancelSubscription(&'a CancelSubscription),
}

/// Carries payments out.
///
/// Each operation is done at most once for a job, however often it is called for it: what an earlier call of the same
/// job has done is found again. Operations that make something write the job's id on it, where the provider has a
/// place for that. On a run that [may have been sent](Run::may_have_been_sent), a refusal is final only once the provider
/// was looked at: a refusal makes a new key, and a new key would do it again.
///
/// A provider that is not the queue's own sends [elsewhere](Run::elsewhere), and neither refuses its credentials
/// ([`JobError::Unauthorized`]) nor holds the whole queue back: those are words about the queue's own.
pub trait PaymentProvider: Send + Sync + 'static {
    /// Its name, as configuration, results and metrics have it. It stands in the mapping, so it never changes.
    fn name(&self) -> &'static str;

    /// Whether an id looks like one of its own.
    fn owns(&self, id: &str) -> bool;

    /// Makes somebody a customer.
    fn create_customer<'a>(&'a self, run: &'a Run, job: &'a CreateCustomer) -> OperationFuture<'a>;

    /// Makes an intent to collect a payment, and collects it if the job says so.
    fn create_payment_intent<'a>(
        &'a self,
        run: &'a Run,
        job: &'a CreatePaymentIntent,
        customer: Option<&'a str>,
    ) -> OperationFuture<'a>;

    /// Collects a payment.
    fn confirm<'a>(&'a self, run: &'a Run, job: &'a ConfirmPaymentIntent) -> OperationFuture<'a>;

    /// Gives money of a payment back. What has gone back already is refused.
    fn create_refund<'a>(&'a self, run: &'a Run, job: &'a CreateRefund) -> OperationFuture<'a>;

    /// Lets a customer subscribe.
    fn create_subscription<'a>(
        &'a self,
        run: &'a Run,
        job: &'a CreateSubscription,
        customer: &'a str,
    ) -> OperationFuture<'a>;

    /// Ends a subscription, now or with its period. One that has ended already is done.
    fn cancel_subscription<'a>(
        &'a self,
        run: &'a Run,
        job: &'a CancelSubscription,
    ) -> OperationFuture<'a>;

    /// Whether an earlier request of the job has done this, without doing it. An error where that cannot be told now,
    /// and the refusal where it was refused.
    fn find<'a>(&'a self, run: &'a Run, operation: Operation<'a>) -> LookupFuture<'a>;
}

/// The providers that are configured. Cheap to clone.
#[derive(Clone)]
pub struct Providers {
    /// The first one is for new customers.
    all: Arc<[Arc<dyn PaymentProvider>]>,
    /// Those of them who go there. The others go to the second one.
    share: Arc<Share>,
}

impl Providers {
    /// One provider, for new customers and all others.
    #[must_use]
    pub fn new(for_new_customers: impl PaymentProvider) -> Self {
        Self::of(vec![Arc::new(for_new_customers)])
    }

    /// These, the first one for new customers.
    pub(crate) fn of(all: Vec<Arc<dyn PaymentProvider>>) -> Self {
        Self {
            all: all.into(),
            share: Arc::new(Share::ALL),
        }
    }

    /// The same, with one more for those who are its customers already.
    #[must_use]
    pub fn and(self, provider: impl PaymentProvider) -> Self {
        let more: Arc<dyn PaymentProvider> = Arc::new(provider);
        Self {
            all: self.all.iter().cloned().chain([more]).collect(),
            ..self
        }
    }

    /// The same, with only this share of new customers for the first one, and the rest for the second one.
    #[must_use]
    pub fn with_share(self, share: Share) -> Self {
        Self {
            share: Arc::new(share),
            ..self
        }
    }

    /// Where this user goes, being nobody's customer yet.
    #[must_use]
    pub fn for_new_customer(&self, user_id: &str) -> &dyn PaymentProvider {
        match self.all.get(1) {
            Some(second) if !self.share.has(user_id) => &**second,
            _ => &*self.all[0],
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&dyn PaymentProvider> {
        self.first(|provider| provider.name() == name)
    }

    /// The one that has such ids.
    #[must_use]
    pub fn owner_of(&self, id: &str) -> Option<&dyn PaymentProvider> {
        self.first(|provider| provider.owns(id))
    }

    fn first(&self, is_it: impl Fn(&dyn PaymentProvider) -> bool) -> Option<&dyn PaymentProvider> {
        let mut all = self.all.iter().map(|provider| &**provider);
        all.find(|provider| is_it(*provider))
    }
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.all.iter().map(|provider| provider.name());
        f.debug_list().entries(names).finish()
    }
}
