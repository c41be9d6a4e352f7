//! `create_subscription`

use crate::CreateSubscription;
use longshore_job::{Handler, JobError, Outcome, Run};
use serde_json::json;

use super::choice::Wanted;
use super::mapping::assign_subscription;
use super::{choice, done};
use crate::{Operation, PaymentProvider, Providers, Receipt};

/// Carries out `create_subscription` jobs.
///
/// The result is `{"subscription","status","provider"}`, and which provider the subscription is at is kept. A status
/// of `incomplete` says that the first payment is still to be made.
#[derive(Debug, Clone)]
pub struct CreateSubscriptionHandler {
    providers: Providers,
}

impl CreateSubscriptionHandler {
    /// A handler over these providers.
    #[must_use]
    pub fn new(providers: Providers) -> Self {
        Self { providers }
    }

    async fn place(
        &self,
        job: &CreateSubscription,
        run: &Run,
    ) -> Result<(&dyn PaymentProvider, String), JobError> {
        let wanted = Wanted {
            user_id: &job.user_id,
            provider: None,
            customer: job.customer.as_deref(),
        };
        let chosen = choice::for_customer(&self.providers, run, wanted).await?;
        let (provider, customer) = chosen;
        let customer = customer.ok_or_else(|| {
            JobError::refusal(
                "no customer",
                "the user is nobody's customer yet: create_customer comes first",
            )
        })?;
        Ok((provider, customer))
    }
}

impl Handler for CreateSubscriptionHandler {
    type Job = CreateSubscription;

    // Each request has its idempotency key.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: CreateSubscription, run: Run) -> Result<Outcome, JobError> {
        let (provider, customer) = self.place(&job, &run).await?;
        let receipt = provider.create_subscription(&run, &job, &customer).await?;
        kept(&run, provider, receipt).await
    }

    async fn verify(
        &self,
        job: &CreateSubscription,
        run: &Run,
    ) -> Result<Option<Outcome>, JobError> {
        let (provider, customer) = self.place(job, run).await?;
        let operation = Operation::CreateSubscription(job, &customer);
        match provider.find(run, operation).await? {
            Some(receipt) => kept(run, provider, receipt).await.map(Some),
            None => Ok(None),
        }
    }
}

/// The outcome, with the provider of the subscription noted.
async fn kept(
    run: &Run,
    provider: &dyn PaymentProvider,
    receipt: Receipt,
) -> Result<Outcome, JobError> {
    // Should this fail, the next attempt gets the same subscription.
    assign_subscription(run, &receipt.id, provider.name()).await?;
    let result = json!({
        "subscription": receipt.id,
        "status": receipt.status,
        "provider": provider.name(),
    });
    Ok(done(result, receipt.answer))
}
