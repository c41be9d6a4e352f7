//! `cancel_subscription`

use crate::CancelSubscription;
use longshore_job::{Handler, JobError, Outcome, Run};
use serde_json::json;

use super::choice::named;
use super::done;
use super::mapping::provider_of;
use crate::{Operation, PaymentProvider, Providers, Receipt};

/// Carries out `cancel_subscription` jobs.
///
/// The result is `{"subscription","status"}`. One that has ended already is done; one that is not there is refused.
#[derive(Debug, Clone)]
pub struct CancelSubscriptionHandler {
    providers: Providers,
}

impl CancelSubscriptionHandler {
    /// A handler over these providers.
    #[must_use]
    pub fn new(providers: Providers) -> Self {
        Self { providers }
    }

    async fn provider(
        &self,
        job: &CancelSubscription,
        run: &Run,
    ) -> Result<&dyn PaymentProvider, JobError> {
        let id = job.subscription.as_str();
        if let Some(name) = provider_of(run, id).await? {
            return named(&self.providers, &name);
        }
        // One that the fleet did not make.
        self.providers.owner_of(id).ok_or_else(|| {
            JobError::refusal(
                "unknown subscription",
                "no provider that is configured has subscriptions with such ids",
            )
        })
    }
}

impl Handler for CancelSubscriptionHandler {
    type Job = CancelSubscription;

    // Each request has its idempotency key.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: CancelSubscription, run: Run) -> Result<Outcome, JobError> {
        let provider = self.provider(&job, &run).await?;
        let receipt = provider.cancel_subscription(&run, &job).await?;
        Ok(ended(receipt))
    }

    async fn verify(
        &self,
        job: &CancelSubscription,
        run: &Run,
    ) -> Result<Option<Outcome>, JobError> {
        let provider = self.provider(job, run).await?;
        let found = provider.find(run, Operation::CancelSubscription(job));
        Ok(found.await?.map(ended))
    }
}

fn ended(receipt: Receipt) -> Outcome {
    let result = json!({ "subscription": receipt.id, "status": receipt.status });
    done(result, receipt.answer)
}
