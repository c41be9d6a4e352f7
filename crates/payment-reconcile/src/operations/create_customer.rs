//! `create_customer`

use crate::CreateCustomer;
use longshore_job::{Answer, Handler, JobError, Outcome, Run};
use serde_json::json;

use super::choice::Wanted;
use super::mapping::{Customer, assign_customer, customer_of};
use super::{choice, done};
use crate::{Operation, PaymentProvider, Providers, Receipt};

/// Carries out `create_customer` jobs.
///
/// The result is `{"customer","provider"}`. A user who has a customer keeps it, and nobody is asked. Should two jobs
/// for one user have asked at the same time, the one that came second is done with the first one's customer, and says
/// which of its own is left over, for an operator to delete: `{"customer","provider","left_over":{"customer","provider"}}`.
#[derive(Debug, Clone)]
pub struct CreateCustomerHandler {
    providers: Providers,
}

impl CreateCustomerHandler {
    /// A handler over these providers.
    #[must_use]
    pub fn new(providers: Providers) -> Self {
        Self { providers }
    }
}

impl Handler for CreateCustomerHandler {
    type Job = CreateCustomer;

    // Each request has its idempotency key.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: CreateCustomer, run: Run) -> Result<Outcome, JobError> {
        if let Some(known) = customer_of(&run, &job.user_id).await? {
            return Ok(done(json!(known), Answer::default()));
        }
        let provider = choice::for_new_customer(&self.providers, &run, wanted(&job)).await?;
        let receipt = provider.create_customer(&run, &job).await?;
        kept(&run, &job, provider, receipt).await
    }

    async fn verify(&self, job: &CreateCustomer, run: &Run) -> Result<Option<Outcome>, JobError> {
        if let Some(known) = customer_of(run, &job.user_id).await? {
            return Ok(Some(done(json!(known), Answer::default())));
        }
        let provider = choice::for_new_customer(&self.providers, run, wanted(job)).await?;
        match provider.find(run, Operation::CreateCustomer(job)).await? {
            Some(receipt) => kept(run, job, provider, receipt).await.map(Some),
            None => Ok(None),
        }
    }
}

fn wanted(job: &CreateCustomer) -> Wanted<'_> {
    Wanted {
        user_id: &job.user_id,
        provider: job.provider.as_deref(),
        customer: None,
    }
}

/// The outcome, with the user made this customer.
async fn kept(
    run: &Run,
    job: &CreateCustomer,
    provider: &dyn PaymentProvider,
    receipt: Receipt,
) -> Result<Outcome, JobError> {
    let made = Customer {
        provider: provider.name().to_owned(),
        customer: receipt.id,
    };
    // Should this fail, the next attempt gets the same customer.
    let kept = assign_customer(run, &job.user_id, &made).await?;
    let mut result = json!(kept);
    if kept != made {
        tracing::warn!(job = %run.id, customer = made.customer, "the user has another customer: this one is left over");
        result["left_over"] = json!(made);
    }
    Ok(done(result, receipt.answer))
}
