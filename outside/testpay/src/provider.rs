//! testpay as a payment provider.

use longshore_job::{Answer, JobError, Run};
use longshore_payment_reconcile::{
    CancelSubscription, ConfirmPaymentIntent, CreateCustomer, CreatePaymentIntent, CreateRefund,
    CreateSubscription, LookupFuture, Operation, OperationFuture, PaymentProvider, Receipt,
};
use longshore_provider::{CallError, decode};

use crate::client::{NAME, TestPay};
use crate::error;
use crate::object::Object;
use crate::write::{NewCollection, NewCustomer, NewEnding, NewPayment, NewSubscription, Write};

impl PaymentProvider for TestPay {
    fn name(&self) -> &'static str {
        NAME
    }

    fn owns(&self, id: &str) -> bool {
        id.starts_with("tp_")
    }

    fn create_customer<'a>(&'a self, run: &'a Run, job: &'a CreateCustomer) -> OperationFuture<'a> {
        Box::pin(async { self.once(run, &NewCustomer(job)).await })
    }

    fn create_payment_intent<'a>(
        &'a self,
        run: &'a Run,
        job: &'a CreatePaymentIntent,
        customer: Option<&'a str>,
    ) -> OperationFuture<'a> {
        Box::pin(async move { self.once(run, &NewPayment { job, customer }).await })
    }

    fn confirm<'a>(&'a self, run: &'a Run, job: &'a ConfirmPaymentIntent) -> OperationFuture<'a> {
        Box::pin(async { self.once(run, &NewCollection(job)).await })
    }

    /// testpay has no call for it: its money goes back at its own dashboard.
    fn create_refund<'a>(&'a self, _: &'a Run, _: &'a CreateRefund) -> OperationFuture<'a> {
        Box::pin(async {
            Err(JobError::refusal(
                "no refunds",
                "testpay gives money back at its dashboard only",
            ))
        })
    }

    fn create_subscription<'a>(
        &'a self,
        run: &'a Run,
        job: &'a CreateSubscription,
        customer: &'a str,
    ) -> OperationFuture<'a> {
        Box::pin(async move { self.once(run, &NewSubscription { job, customer }).await })
    }

    fn cancel_subscription<'a>(
        &'a self,
        run: &'a Run,
        job: &'a CancelSubscription,
    ) -> OperationFuture<'a> {
        Box::pin(async { self.once(run, &NewEnding(job)).await })
    }

    fn find<'a>(&'a self, run: &'a Run, operation: Operation<'a>) -> LookupFuture<'a> {
        Box::pin(async move {
            match operation {
                Operation::CreateCustomer(job) => self.look(run, &NewCustomer(job)).await,
                Operation::CreatePaymentIntent(job, customer) => {
                    self.look(run, &NewPayment { job, customer }).await
                }
                Operation::Confirm(job) => self.look(run, &NewCollection(job)).await,
                Operation::CreateRefund(_) => Ok(None),
                Operation::CreateSubscription(job, customer) => {
                    self.look(run, &NewSubscription { job, customer }).await
                }
                Operation::CancelSubscription(job) => self.look(run, &NewEnding(job)).await,
            }
        })
    }
}

impl TestPay {
    /// Makes a write, which its reference makes once.
    async fn once<W: Write>(&self, run: &Run, write: &W) -> Result<Receipt, JobError> {
        let error = match self.send(run, write).await {
            Ok(receipt) => return Ok(receipt),
            Err(error) => error,
        };
        // A refusal gives the job another reference. So it has to be one of the earlier requests, too: after one that
        // was carried out and not heard of, the next replay would be a second payment.
        if run.may_have_been_sent
            && error::may_hide_an_earlier_one(&error)
            && let Some(receipt) = self.look(run, write).await?
        {
            return Ok(receipt);
        }
        Err(error::of_writing(&error))
    }

    async fn send<W: Write>(&self, run: &Run, write: &W) -> Result<Receipt, CallError> {
        let response = self.post(run, write.request(run)?).await?;
        let made: W::Made = decode(&response)?;
        Ok(made.receipt(error::answer(&response)))
    }

    /// What there is of a write. That there is nothing need not be waited for, as it has to be where keys expire: a
    /// request that comes in later finds, or is found, under the same reference.
    async fn look<W: Write>(&self, run: &Run, write: &W) -> Result<Option<Receipt>, JobError> {
        let found = self.read(run, W::Made::OBJECTS, write.shown_by(run));
        let found: W::Made = match found.await {
            Ok(found) => found,
            Err(error) if error::is_missing(&error) => return Ok(None),
            Err(error) => return Err(error::of_looking(&error)),
        };
        let shows = write.shows(run, &found)?;
        Ok(shows.then(|| found.receipt(Answer::of(NAME))))
    }
}
