//! Stripe as a payment provider.

use crate::{
    CancelSubscription, ConfirmPaymentIntent, CreateCustomer, CreatePaymentIntent, CreateRefund,
    CreateSubscription,
};
use longshore_job::{Answer, JobError, Run};
use longshore_provider::Request;

use super::once::{find, once};
use super::refunding::NewRefund;
use super::write::{
    Confirmation, EndAtPeriod, NewCustomer, NewPaymentIntent, NewSubscription, subscribed,
};
use super::{CallError, NAME, Stripe, Subscription, at, understood};
use crate::error::{answer, coded, is_missing, of_looking, of_writing};
use crate::{LookupFuture, Operation, OperationFuture, PaymentProvider, Receipt};

impl PaymentProvider for Stripe {
    fn name(&self) -> &'static str {
        NAME
    }

    fn owns(&self, id: &str) -> bool {
        // Charges of banks and wallets are py_….
        ["cus_", "pi_", "sub_", "ch_", "py_"]
            .iter()
            .any(|prefix| id.starts_with(prefix))
    }

    fn create_customer<'a>(&'a self, run: &'a Run, job: &'a CreateCustomer) -> OperationFuture<'a> {
        Box::pin(async { once(self, run, &NewCustomer(job)).await })
    }

    fn create_payment_intent<'a>(
        &'a self,
        run: &'a Run,
        job: &'a CreatePaymentIntent,
        customer: Option<&'a str>,
    ) -> OperationFuture<'a> {
        Box::pin(async move { once(self, run, &NewPaymentIntent { job, customer }).await })
    }

    fn confirm<'a>(&'a self, run: &'a Run, job: &'a ConfirmPaymentIntent) -> OperationFuture<'a> {
        Box::pin(async { once(self, run, &Confirmation(job)).await })
    }

    fn create_refund<'a>(&'a self, run: &'a Run, job: &'a CreateRefund) -> OperationFuture<'a> {
        Box::pin(async { once(self, run, &NewRefund(job)).await })
    }

    fn create_subscription<'a>(
        &'a self,
        run: &'a Run,
        job: &'a CreateSubscription,
        customer: &'a str,
    ) -> OperationFuture<'a> {
        Box::pin(async move { once(self, run, &NewSubscription { job, customer }).await })
    }

    fn cancel_subscription<'a>(
        &'a self,
        run: &'a Run,
        job: &'a CancelSubscription,
    ) -> OperationFuture<'a> {
        Box::pin(async {
            match job.at_period_end {
                Some(true) => self.end_with_period(run, job).await,
                _ => self.cancel(run, job).await,
            }
        })
    }

    fn find<'a>(&'a self, run: &'a Run, operation: Operation<'a>) -> LookupFuture<'a> {
        Box::pin(async move {
            match operation {
                Operation::CreateCustomer(job) => find(self, run, &NewCustomer(job)).await,
                Operation::CreatePaymentIntent(job, customer) => {
                    find(self, run, &NewPaymentIntent { job, customer }).await
                }
                Operation::Confirm(job) => find(self, run, &Confirmation(job)).await,
                Operation::CreateRefund(job) => find(self, run, &NewRefund(job)).await,
                Operation::CreateSubscription(job, customer) => {
                    find(self, run, &NewSubscription { job, customer }).await
                }
                Operation::CancelSubscription(job) if job.at_period_end == Some(true) => {
                    find(self, run, &EndAtPeriod(job)).await
                }
                Operation::CancelSubscription(job) => self.ended(run, job).await,
            }
        })
    }
}

impl Stripe {
    /// `DELETE /v1/subscriptions/:id`. What has ended already is answered as if it had never been there, also when it
    /// was this job that ended it: so it is read then.
    async fn cancel(&self, run: &Run, job: &CancelSubscription) -> Result<Receipt, JobError> {
        let id = job.subscription.as_str();
        let error = match self.try_cancel(run, job).await {
            Ok(receipt) => return Ok(receipt),
            Err(error) => error,
        };
        if !is_missing(&error) {
            return Err(of_writing(error));
        }
        run.not_carried_out();
        match self.subscription(run, id).await {
            Ok(subscription) if subscription.has_ended() => Ok(found(subscription)),
            Ok(_) => Err(JobError::Transient {
                reason: "Stripe says that the subscription is not there, and shows it".to_owned(),
                answer: coded("contradiction"),
            }),
            Err(look) if is_missing(&look) => Err(of_writing(error)),
            Err(look) => Err(of_looking(look)),
        }
    }

    /// Lets it end with its period. What has ended already is refused, and is done all the same.
    async fn end_with_period(
        &self,
        run: &Run,
        job: &CancelSubscription,
    ) -> Result<Receipt, JobError> {
        let refused = match once(self, run, &EndAtPeriod(job)).await {
            Err(refused @ JobError::Permanent { .. }) => refused,
            end => return end,
        };
        run.not_carried_out();
        match self.ended(run, job).await {
            Ok(Some(receipt)) => Ok(receipt),
            Ok(None) | Err(JobError::Permanent { .. }) => Err(refused),
            Err(error) => Err(error),
        }
    }

    /// The subscription, if it has ended.
    async fn ended(
        &self,
        run: &Run,
        job: &CancelSubscription,
    ) -> Result<Option<Receipt>, JobError> {
        match self.subscription(run, &job.subscription).await {
            Ok(subscription) => Ok(Some(subscription)
                .filter(Subscription::has_ended)
                .map(found)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(of_looking(error)),
        }
    }

    async fn try_cancel(&self, run: &Run, job: &CancelSubscription) -> Result<Receipt, CallError> {
        let mut request = Request::delete(at("subscriptions", &job.subscription, "")?);
        if let Some(prorate) = job.prorate {
            let prorate = if prorate { "true" } else { "false" };
            request = request.query([("prorate", prorate)]);
        }
        let response = self.delete(run, request).await?;
        Ok(subscribed(understood(&response)?, answer(&response)))
    }
}

fn found(subscription: Subscription) -> Receipt {
    subscribed(subscription, Answer::of(NAME))
}
