//! `confirm_payment_intent`

use crate::ConfirmPaymentIntent;
use longshore_job::{Handler, JobError, Outcome, Run};
use serde_json::json;

use super::{checkout, done, tell_waiters, with_what_is_left};
use crate::{Operation, PaymentProvider, Providers, Receipt};

/// Carries out `confirm_payment_intent` jobs.
///
/// The result is `{"payment_intent","status","next_action"?}`. `requires_action` is a good end, too: the payer goes on at
/// their bank and comes back to `return_url`. Who waits for the job is told the `client_secret` and the `redirect_url`. A
/// declined card is a dead letter at once, with the bank's reason as its code.
#[derive(Debug, Clone)]
pub struct ConfirmPaymentIntentHandler {
    providers: Providers,
}

impl ConfirmPaymentIntentHandler {
    /// A handler over these providers.
    #[must_use]
    pub fn new(providers: Providers) -> Self {
        Self { providers }
    }

    fn provider(&self, job: &ConfirmPaymentIntent) -> Result<&dyn PaymentProvider, JobError> {
        let owner = self.providers.owner_of(&job.payment_intent);
        owner.ok_or_else(|| {
            JobError::refusal(
                "unknown payment intent",
                "no provider that is configured has payment intents with such ids",
            )
        })
    }
}

impl Handler for ConfirmPaymentIntentHandler {
    type Job = ConfirmPaymentIntent;

    // Each request has its idempotency key.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: ConfirmPaymentIntent, run: Run) -> Result<Outcome, JobError> {
        let operation = Operation::Confirm(&job);
        let receipt = checkout::carry_out(self.provider(&job)?, &run, operation).await?;
        tell_waiters(&run, &receipt).await;
        Ok(confirmed(receipt))
    }

    async fn verify(
        &self,
        job: &ConfirmPaymentIntent,
        run: &Run,
    ) -> Result<Option<Outcome>, JobError> {
        let found = self.provider(job)?.find(run, Operation::Confirm(job));
        let found = found.await?;
        if let Some(receipt) = &found {
            tell_waiters(run, receipt).await;
        }
        Ok(found.map(confirmed))
    }
}

fn confirmed(receipt: Receipt) -> Outcome {
    let result = json!({ "payment_intent": receipt.id, "status": receipt.status });
    let result = with_what_is_left(result, &receipt);
    done(result, receipt.answer)
}
