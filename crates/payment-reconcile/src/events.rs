//! Stripe's events, applied.
//!
//! An event only says which object to look at. It and its object are fetched from Stripe again, and what is true by
//! then is what the app is told. So events may come in any order, and more than once:
//!
//! | event | the object now | effect |
//! |---|---|---|
//! | `payment_intent.succeeded` | `succeeded` | `order_paid` |
//! | `payment_intent.payment_failed` | `requires_payment_method` with a last error, or `canceled` | `payment_failed` |
//! | `customer.subscription.deleted` | `canceled` | `subscription_cancelled`; tried again later where it is not yet |
//!
//! Everything else is skipped. An event leads to its own effect or to none: a failed payment that has succeeded since
//! has an event of its own for that, which Stripe repeats for three days, and a reconcile finds what it lost. It could
//! lead to `order_paid` just as well, but then under its own id: the app would know one payment under two keys, or two
//! effects under one, where an answer had been lost in between.

mod deliver;
mod mail;
mod meaning;

use crate::ApplyStripeEvent;
use longshore_job::{Answer, Handler, JobError, Outcome, Run};
use serde_json::{Map, Value};

use crate::app::{AppClient, Effect};
use crate::error;
use crate::stripe::{Event, NAME, Stripe};
pub(crate) use deliver::{Delivered, deliver};
pub(crate) use mail::KIND as MAIL;
use meaning::About;

/// Carries out `apply_stripe_event` jobs: two requests to Stripe, and at most one to the app.
///
/// The result is `{"effect","order_id"?,"payment_intent"?,"subscription"?}`.
#[derive(Debug, Clone)]
pub struct ApplyStripeEventHandler {
    stripe: Stripe,
    app: AppClient,
}

impl ApplyStripeEventHandler {
    /// A handler that asks this client of Stripe, and tells this app.
    #[must_use]
    pub fn new(stripe: Stripe, app: AppClient) -> Self {
        Self { stripe, app }
    }

    /// What an event comes to now, or why to nothing.
    async fn effect(&self, run: &Run, event: &Event) -> Result<Result<Effect, String>, JobError> {
        let id = &event.object_id;
        match About::of(&event.kind) {
            Some(About::Payment(kind)) => {
                let intent = self.stripe.payment_intent(run, id).await;
                let intent = intent.map_err(error::of_reading)?;
                Ok(meaning::of_payment(kind, &event.id, &intent))
            }
            Some(About::Subscription) => {
                let subscription = self.stripe.subscription(run, id).await;
                let subscription = subscription.map_err(error::of_reading)?;
                // Deleted is for good, so this can only be a read from before. Nothing else would find it later, as the
                // reconcile finds payments.
                meaning::of_subscription(&event.id, &subscription)
                    .map(Ok)
                    .map_err(JobError::transient)
            }
            None => Ok(Err("events of this type have no effect here".to_owned())),
        }
    }
}

impl Handler for ApplyStripeEventHandler {
    type Job = ApplyStripeEvent;

    // Each request has its idempotency key.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: ApplyStripeEvent, run: Run) -> Result<Outcome, JobError> {
        let event = self.stripe.event(&run, &job.event_id).await;
        let event = event.map_err(error::of_reading)?;
        if event.livemode != self.stripe.is_live() {
            return Err(wrong_mode(&event));
        }
        let effect = match self.effect(&run, &event).await? {
            Ok(effect) => effect,
            Err(reason) => return Ok(Outcome::Skipped { reason }),
        };
        match deliver(&self.app, &run, &effect).await? {
            Delivered::Now => Ok(done(&effect)),
            delivered @ (Delivered::Before | Delivered::Overtaken) => {
                let (what, of, why) = (effect.effect.as_str(), &effect.object, delivered.why());
                let reason = format!("{what} of {of}: {why}");
                Ok(Outcome::Skipped { reason })
            }
        }
    }
}

fn wrong_mode(event: &Event) -> JobError {
    let mode = |live| if live { "live" } else { "test" };
    JobError::refusal(
        "livemode",
        format!(
            "the event is of {} mode, and the key of {} mode",
            mode(event.livemode),
            mode(!event.livemode),
        ),
    )
}

/// The answer is Stripe's, although the app was asked last: it is Stripe's breaker that a run says something for.
fn done(effect: &Effect) -> Outcome {
    let mut result = Map::new();
    result.insert("effect".to_owned(), effect.effect.as_str().into());
    if let Some(order) = &effect.order_id {
        result.insert("order_id".to_owned(), order.as_str().into());
    }
    let object = match effect.payment_intent {
        Some(_) => "payment_intent",
        None => "subscription",
    };
    result.insert(object.to_owned(), effect.object.as_str().into());
    Outcome::Done {
        result: Some(Value::Object(result)),
        answer: Answer::of(NAME),
    }
}
