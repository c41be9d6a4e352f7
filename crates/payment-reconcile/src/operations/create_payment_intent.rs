//! `create_payment_intent`

use crate::CreatePaymentIntent;
use longshore_job::{Handler, JobError, Outcome, Run};
use serde_json::json;

use super::choice::Wanted;
use super::{checkout, choice, done, tell_waiters, with_what_is_left};
use crate::{Operation, PaymentProvider, Providers, Receipt};

/// Carries out `create_payment_intent` jobs.
///
/// The result is `{"payment_intent","status","next_action"?,"provider"}`. The status is the provider's word: `requires_payment_method`
/// and `requires_confirmation` before it is confirmed, `requires_action`, `processing` or `succeeded` after. Who waits for the
/// job is told the `client_secret`, and the `redirect_url` if there is one.
#[derive(Debug, Clone)]
pub struct CreatePaymentIntentHandler {
    providers: Providers,
}

impl CreatePaymentIntentHandler {
    /// A handler over these providers.
    #[must_use]
    pub fn new(providers: Providers) -> Self {
        Self { providers }
    }
}

impl Handler for CreatePaymentIntentHandler {
    type Job = CreatePaymentIntent;

    // Each request has its idempotency key.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: CreatePaymentIntent, run: Run) -> Result<Outcome, JobError> {
        let chosen = choice::for_user(&self.providers, &run, wanted(&job)).await?;
        let (provider, customer) = chosen;
        let operation = Operation::CreatePaymentIntent(&job, customer.as_deref());
        let receipt = checkout::carry_out(provider, &run, operation).await?;
        tell_waiters(&run, &receipt).await;
        Ok(made(provider, receipt))
    }

    async fn verify(
        &self,
        job: &CreatePaymentIntent,
        run: &Run,
    ) -> Result<Option<Outcome>, JobError> {
        let chosen = choice::for_user(&self.providers, run, wanted(job)).await?;
        let (provider, customer) = chosen;
        let operation = Operation::CreatePaymentIntent(job, customer.as_deref());
        let found = provider.find(run, operation).await?;
        if let Some(receipt) = &found {
            tell_waiters(run, receipt).await;
        }
        Ok(found.map(|receipt| made(provider, receipt)))
    }
}

fn wanted(job: &CreatePaymentIntent) -> Wanted<'_> {
    Wanted {
        user_id: &job.user_id,
        provider: job.provider.as_deref(),
        customer: job.customer.as_deref(),
    }
}

fn made(provider: &dyn PaymentProvider, receipt: Receipt) -> Outcome {
    let result = json!({
        "payment_intent": receipt.id,
        "status": receipt.status,
        "provider": provider.name(),
    });
    let result = with_what_is_left(result, &receipt);
    done(result, receipt.answer)
}
