//! The writes: what each sends, what it makes, and how that is found again.

use std::future::Future;

use crate::{
    CancelSubscription, CaptureMethod, ConfirmPaymentIntent, CreateCustomer, CreatePaymentIntent,
    CreateSubscription, PaymentBehavior, SetupFutureUsage,
};
use longshore_job::{Answer, JobError, Run};
use longshore_provider::answers::word;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::look::{self, Customer, Mark, Window, look};
use super::{CallError, IntentStatus, PaymentIntent, Stripe, Subscription, at};
use crate::{Receipt, error, form};

/// A request that makes or changes one thing.
pub(super) trait Write: Sync {
    /// Its word in the idempotency key.
    const OPERATION: &'static str;

    /// What Stripe answers with.
    type Made: DeserializeOwned + Send;

    fn path(&self) -> Result<String, CallError>;

    /// The same for every attempt: Stripe refuses another form under the same key.
    fn form(&self, run: &Run) -> String;

    fn receipt(made: Self::Made, answer: Answer) -> Receipt;

    /// What an earlier request made. Asked when the key alone does not tell.
    fn look(
        &self,
        stripe: &Stripe,
        run: &Run,
        window: Window,
    ) -> impl Future<Output = Result<Option<Self::Made>, JobError>> + Send;
}

/// `POST /v1/customers`
pub(super) struct NewCustomer<'a>(pub(super) &'a CreateCustomer);

#[derive(Serialize)]
struct CustomerForm<'a> {
    email: Option<&'a str>,
    name: Option<&'a str>,
    metadata: Mark<'a>,
}

impl Write for NewCustomer<'_> {
    const OPERATION: &'static str = "create_customer";

    type Made = Customer;

    fn path(&self) -> Result<String, CallError> {
        Ok("/v1/customers".to_owned())
    }

    fn form(&self, run: &Run) -> String {
        form::encode(&CustomerForm {
            email: self.0.email.as_deref(),
            name: self.0.name.as_deref(),
            metadata: Mark::new(run, &self.0.metadata).with_user(&self.0.user_id),
        })
    }

    fn receipt(made: Customer, answer: Answer) -> Receipt {
        Receipt::of(made.id, answer)
    }

    async fn look(
        &self,
        stripe: &Stripe,
        run: &Run,
        window: Window,
    ) -> Result<Option<Customer>, JobError> {
        // Not by address: it may have been corrected since.
        look(stripe, run, "/v1/customers", window, &[]).await
    }
}

/// `POST /v1/payment_intents`
pub(super) struct NewPaymentIntent<'a> {
    pub(super) job: &'a CreatePaymentIntent,
    pub(super) customer: Option<&'a str>,
}

#[derive(Serialize)]
struct PaymentIntentForm<'a> {
    amount: u64,
    currency: &'a str,
    customer: Option<&'a str>,
    payment_method: Option<&'a str>,
    confirm: Option<bool>,
    off_session: Option<bool>,
    return_url: Option<&'a str>,
    setup_future_usage: Option<SetupFutureUsage>,
    receipt_email: Option<&'a str>,
    capture_method: Option<CaptureMethod>,
    automatic_payment_methods: AutomaticPaymentMethods,
    metadata: Mark<'a>,
}

#[derive(Serialize)]
struct AutomaticPaymentMethods {
    enabled: bool,
}

impl Write for NewPaymentIntent<'_> {
    const OPERATION: &'static str = "create_payment_intent";

    type Made = PaymentIntent;

    fn path(&self) -> Result<String, CallError> {
        Ok("/v1/payment_intents".to_owned())
    }

    fn form(&self, run: &Run) -> String {
        let job = self.job;
        form::encode(&PaymentIntentForm {
            amount: job.amount,
            currency: &job.currency,
            customer: self.customer,
            payment_method: job.payment_method.as_deref(),
            confirm: job.confirm,
            off_session: job.off_session,
            return_url: job.return_url.as_deref(),
            setup_future_usage: job.setup_future_usage,
            receipt_email: job.receipt_email.as_deref(),
            capture_method: job.capture_method,
            automatic_payment_methods: AutomaticPaymentMethods { enabled: true },
            metadata: Mark::new(run, &job.metadata)
                .with_user(&job.user_id)
                .with_order(&job.order_id),
        })
    }

    fn receipt(made: PaymentIntent, answer: Answer) -> Receipt {
        paid(made, answer)
    }

    async fn look(
        &self,
        stripe: &Stripe,
        run: &Run,
        window: Window,
    ) -> Result<Option<PaymentIntent>, JobError> {
        // Not by customer: one can be put on it later.
        let path = "/v1/payment_intents";
        let found: Option<PaymentIntent> = look(stripe, run, path, window, &[]).await?;
        let declined = found.as_ref().filter(|intent| {
            self.job.confirm == Some(true) && intent.status == IntentStatus::RequiresPaymentMethod
        });
        match declined.and_then(|intent| intent.last_payment_error.as_ref()) {
            // What the answer that was lost had said.
            Some(why) => {
                let id = declined.map(|intent| intent.id.as_str());
                let error = error::declined(why.code.as_deref(), why.decline_code.as_deref());
                Err(error.with_detail(error::PAYMENT_INTENT, id))
            }
            None => Ok(found),
        }
    }
}

/// `POST /v1/payment_intents/:id/confirm`
pub(super) struct Confirmation<'a>(pub(super) &'a ConfirmPaymentIntent);

#[derive(Serialize)]
struct ConfirmationForm<'a> {
    payment_method: Option<&'a str>,
    off_session: Option<bool>,
    return_url: Option<&'a str>,
}

impl Write for Confirmation<'_> {
    const OPERATION: &'static str = "confirm_payment_intent";

    type Made = PaymentIntent;

    fn path(&self) -> Result<String, CallError> {
        at("payment_intents", &self.0.payment_intent, "/confirm")
    }

    fn form(&self, _run: &Run) -> String {
        form::encode(&ConfirmationForm {
            payment_method: self.0.payment_method.as_deref(),
            off_session: self.0.off_session,
            return_url: self.0.return_url.as_deref(),
        })
    }

    fn receipt(made: PaymentIntent, answer: Answer) -> Receipt {
        paid(made, answer)
    }

    /// An intent is paid once at the most, and says itself how far that has come. One that still wants to be confirmed,
    /// or was declined, may be confirmed again: nothing was collected.
    async fn look(
        &self,
        stripe: &Stripe,
        run: &Run,
        _window: Window,
    ) -> Result<Option<PaymentIntent>, JobError> {
        use IntentStatus::{Processing, RequiresAction, RequiresCapture, Succeeded};
        let found = look::intent(stripe, run, &self.0.payment_intent).await?;
        Ok(found.filter(|intent| {
            matches!(
                intent.status,
                Succeeded | Processing | RequiresCapture | RequiresAction
            )
        }))
    }
}

fn paid(intent: PaymentIntent, answer: Answer) -> Receipt {
    let decline_code = intent.last_payment_error.as_ref();
    let decline_code = decline_code.and_then(|error| error.decline_code.as_deref());
    Receipt {
        status: Some(intent.status.as_str().to_owned()),
        decline_code: decline_code.and_then(word).map(str::to_owned),
        private: intent.for_the_payer(),
        next_action: intent.next_action.map(|action| action.kind),
        ..Receipt::of(intent.id, answer)
    }
}

/// `POST /v1/subscriptions`
pub(super) struct NewSubscription<'a> {
    pub(super) job: &'a CreateSubscription,
    pub(super) customer: &'a str,
}

#[derive(Serialize)]
struct SubscriptionForm<'a> {
    customer: &'a str,
    items: [Item<'a>; 1],
    default_payment_method: Option<&'a str>,
    payment_behavior: Option<PaymentBehavior>,
    trial_period_days: Option<u32>,
    trial_end: Option<u64>,
    metadata: Mark<'a>,
}

#[derive(Serialize)]
struct Item<'a> {
    price: &'a str,
    quantity: Option<u32>,
}

impl Write for NewSubscription<'_> {
    const OPERATION: &'static str = "create_subscription";

    type Made = Subscription;

    fn path(&self) -> Result<String, CallError> {
        Ok("/v1/subscriptions".to_owned())
    }

    fn form(&self, run: &Run) -> String {
        form::encode(&SubscriptionForm {
            customer: self.customer,
            items: [Item {
                price: &self.job.price,
                quantity: self.job.quantity,
            }],
            default_payment_method: self.job.default_payment_method.as_deref(),
            payment_behavior: self.job.payment_behavior,
            trial_period_days: self.job.trial_days,
            trial_end: self.job.trial_end,
            metadata: Mark::new(run, &self.job.metadata).with_user(&self.job.user_id),
        })
    }

    fn receipt(made: Subscription, answer: Answer) -> Receipt {
        subscribed(made, answer)
    }

    async fn look(
        &self,
        stripe: &Stripe,
        run: &Run,
        window: Window,
    ) -> Result<Option<Subscription>, JobError> {
        // Also one that was cancelled since: it was made, and is not made again.
        let filter = [("status", "all"), ("customer", self.customer)];
        look(stripe, run, "/v1/subscriptions", window, &filter).await
    }
}

/// `POST /v1/subscriptions/:id`, which lets it end with its period.
pub(super) struct EndAtPeriod<'a>(pub(super) &'a CancelSubscription);

#[derive(Serialize)]
struct EndAtPeriodForm {
    cancel_at_period_end: bool,
}

impl Write for EndAtPeriod<'_> {
    const OPERATION: &'static str = "cancel_at_period_end";

    type Made = Subscription;

    fn path(&self) -> Result<String, CallError> {
        at("subscriptions", &self.0.subscription, "")
    }

    fn form(&self, _run: &Run) -> String {
        form::encode(&EndAtPeriodForm {
            cancel_at_period_end: true,
        })
    }

    fn receipt(made: Subscription, answer: Answer) -> Receipt {
        subscribed(made, answer)
    }

    /// One that has ended meanwhile is done, too.
    async fn look(
        &self,
        stripe: &Stripe,
        run: &Run,
        _window: Window,
    ) -> Result<Option<Subscription>, JobError> {
        let found = look::subscription(stripe, run, &self.0.subscription).await?;
        Ok(found.filter(|found| found.cancel_at_period_end || found.has_ended()))
    }
}

pub(super) fn subscribed(subscription: Subscription, answer: Answer) -> Receipt {
    Receipt {
        status: Some(subscription.status),
        ..Receipt::of(subscription.id, answer)
    }
}
