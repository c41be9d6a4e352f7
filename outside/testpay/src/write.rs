//! The writes: what each sends, and where its effect shows.

use longshore_job::{JobError, Run};
use longshore_payment_reconcile::{
    CancelSubscription, ConfirmPaymentIntent, CreateCustomer, CreatePaymentIntent,
    CreateSubscription,
};
use longshore_provider::{CallError, Request};
use serde::Serialize;

use crate::client::at;
use crate::object::{Customer, Object, Payment, Subscription};

/// A request that makes or changes one thing, under the job's reference.
pub(crate) trait Write: Sync {
    type Made: Object;

    fn request(&self, run: &Run) -> Result<Request, CallError>;

    /// The id or the reference of what would show the effect.
    fn shown_by<'a>(&'a self, run: &'a Run) -> &'a str {
        &run.idempotency_key
    }

    /// Whether the effect shows; the refusal where that shows.
    fn shows(&self, _run: &Run, _found: &Self::Made) -> Result<bool, JobError> {
        Ok(true)
    }
}

/// `POST /v1/customers/:reference`
pub(crate) struct NewCustomer<'a>(pub(crate) &'a CreateCustomer);

#[derive(Serialize)]
struct CustomerBody<'a> {
    user: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl Write for NewCustomer<'_> {
    type Made = Customer;

    fn request(&self, run: &Run) -> Result<Request, CallError> {
        let body = CustomerBody {
            user: &self.0.user_id,
            email: self.0.email.as_deref(),
            name: self.0.name.as_deref(),
        };
        Ok(post(made_at::<Customer>(run)?, &body))
    }
}

/// `POST /v1/payments/:reference`
pub(crate) struct NewPayment<'a> {
    pub(crate) job: &'a CreatePaymentIntent,
    pub(crate) customer: Option<&'a str>,
}

/// There is no bank to send a payer to, so nothing is said of `off_session` and `return_url`.
#[derive(Serialize)]
struct PaymentBody<'a> {
    order: &'a str,
    user: &'a str,
    amount: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    collect: bool,
}

/// `{"value":1000,"currency":"NOK"}`, in minor units.
#[derive(Serialize)]
struct Amount {
    value: u64,
    currency: String,
}

impl Write for NewPayment<'_> {
    type Made = Payment;

    fn request(&self, run: &Run) -> Result<Request, CallError> {
        let job = self.job;
        let body = PaymentBody {
            order: &job.order_id,
            user: &job.user_id,
            amount: Amount {
                value: job.amount,
                currency: job.currency.to_ascii_uppercase(),
            },
            customer: self.customer,
            method: job.payment_method.as_deref(),
            collect: job.confirm == Some(true),
        };
        Ok(post(made_at::<Payment>(run)?, &body))
    }

    fn shows(&self, run: &Run, found: &Payment) -> Result<bool, JobError> {
        found.check(&run.idempotency_key).map(|()| true)
    }
}

/// `POST /v1/payments/:id/collections/:reference`
pub(crate) struct NewCollection<'a>(pub(crate) &'a ConfirmPaymentIntent);

#[derive(Serialize)]
struct CollectionBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
}

impl Write for NewCollection<'_> {
    type Made = Payment;

    fn request(&self, run: &Run) -> Result<Request, CallError> {
        let more = format!("/collections/{}", run.idempotency_key);
        let path = at(Payment::OBJECTS, &self.0.payment_intent, &more)?;
        let method = self.0.payment_method.as_deref();
        Ok(post(path, &CollectionBody { method }))
    }

    fn shown_by<'a>(&'a self, _run: &'a Run) -> &'a str {
        &self.0.payment_intent
    }

    fn shows(&self, run: &Run, found: &Payment) -> Result<bool, JobError> {
        found.check(&run.idempotency_key)?;
        Ok(found.is_collected())
    }
}

/// `POST /v1/subscriptions/:reference`
pub(crate) struct NewSubscription<'a> {
    pub(crate) job: &'a CreateSubscription,
    pub(crate) customer: &'a str,
}

#[derive(Serialize)]
struct SubscriptionBody<'a> {
    customer: &'a str,
    user: &'a str,
    plan: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u32>,
}

impl Write for NewSubscription<'_> {
    type Made = Subscription;

    fn request(&self, run: &Run) -> Result<Request, CallError> {
        let body = SubscriptionBody {
            customer: self.customer,
            user: &self.job.user_id,
            plan: &self.job.price,
            quantity: self.job.quantity,
        };
        Ok(post(made_at::<Subscription>(run)?, &body))
    }
}

/// `POST /v1/subscriptions/:id/endings/:reference`
pub(crate) struct NewEnding<'a>(pub(crate) &'a CancelSubscription);

#[derive(Serialize)]
struct EndingBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    credit_unused: Option<bool>,
}

impl Write for NewEnding<'_> {
    type Made = Subscription;

    fn request(&self, run: &Run) -> Result<Request, CallError> {
        let more = format!("/endings/{}", run.idempotency_key);
        let path = at(Subscription::OBJECTS, &self.0.subscription, &more)?;
        let credit_unused = self.0.prorate;
        Ok(post(path, &EndingBody { credit_unused }))
    }

    fn shown_by<'a>(&'a self, _run: &'a Run) -> &'a str {
        &self.0.subscription
    }

    fn shows(&self, _run: &Run, found: &Subscription) -> Result<bool, JobError> {
        Ok(found.has_ended())
    }
}

fn made_at<T: Object>(run: &Run) -> Result<String, CallError> {
    at(T::OBJECTS, &run.idempotency_key, "")
}

fn post(path: String, body: &impl Serialize) -> Request {
    Request::post(path)
        .json(body)
        .unwrap_or_else(|error| unreachable!("texts and numbers become JSON: {error}"))
}
