//! `create_refund`

use crate::CreateRefund;
use longshore_job::{Handler, JobError, Outcome, Run};
use serde_json::json;

use super::done;
use crate::{Operation, PaymentProvider, Providers, Receipt};

/// Carries out `create_refund` jobs.
///
/// The result is `{"refund","status"}`. A status of `pending` says that the money is on its way; that it did not arrive is
/// told by an event. What is refunded already, or disputed, is refused.
#[derive(Debug, Clone)]
pub struct CreateRefundHandler {
    providers: Providers,
}

impl CreateRefundHandler {
    /// A handler over these providers.
    #[must_use]
    pub fn new(providers: Providers) -> Self {
        Self { providers }
    }

    fn provider(&self, job: &CreateRefund) -> Result<&dyn PaymentProvider, JobError> {
        self.providers.owner_of(job.refunded()).ok_or_else(|| {
            JobError::refusal(
                "unknown payment",
                "no provider that is configured has payments with such ids",
            )
        })
    }
}

impl Handler for CreateRefundHandler {
    type Job = CreateRefund;

    // Each request has its idempotency key.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: CreateRefund, run: Run) -> Result<Outcome, JobError> {
        let receipt = self.provider(&job)?.create_refund(&run, &job);
        Ok(refunded(receipt.await?))
    }

    async fn verify(&self, job: &CreateRefund, run: &Run) -> Result<Option<Outcome>, JobError> {
        let found = self.provider(job)?.find(run, Operation::CreateRefund(job));
        Ok(found.await?.map(refunded))
    }
}

fn refunded(receipt: Receipt) -> Outcome {
    let result = json!({ "refund": receipt.id, "status": receipt.status });
    done(result, receipt.answer)
}
