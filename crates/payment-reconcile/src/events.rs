//! Stripe's events, applied.
//!
//! An event only says which object to look at. It and its object are fetched from Stripe again, and what is true by
//! then is what the app is told. So events may come in any order, and more than once:
//!
//! | event | the object now | effect |
//! |---|---|---|
//! | `payment_intent.succeeded` | `succeeded`, neither refunded in whole nor disputed | `order_paid` |
//! | `payment_intent.payment_failed`, `.canceled` | `requires_payment_method` with a last error, or `canceled` | `payment_failed` |
//! | `charge.refunded`, `charge.refund.updated` | its charge, with what was refunded of it in all | `payment_refunded` |
//! | `charge.dispute.created`, `.closed` | how the dispute stands | `payment_disputed` |
//! | `invoice.paid` | `paid`, of a subscription, its money still there | `subscription_renewed` |
//! | `invoice.payment_failed` | `open` or `uncollectible`, of a subscription | `payment_failed` |
//! | `customer.subscription.deleted` | `canceled` | `subscription_cancelled`; tried again later where it is not yet |
//!
//! What reached no endpoint of ours is fetched by [`backfill`] each night.
//!
//! Everything else is skipped, the payments that Stripe makes for invoices among it: those have the invoice's events.  An event leads to its own effect or to none: a failed payment that has succeeded since
//! has an event of its own for that, which Stripe repeats for three days, and a reconcile finds what it lost. It could
//! lead to `order_paid` just as well, but then under its own id: the app would know one payment under two keys, or two
//! effects under one, where an answer had been lost in between.

mod another;
mod backfill;
mod deliver;
mod effects;
mod mail;
mod meaning;
mod overtaken;

use crate::ApplyStripeEvent;
use longshore_job::{Answer, Handler, JobError, Outcome, Run};
use serde_json::{Map, Value};

use crate::app::{AppClient, Effect};
use crate::error;
use crate::stripe::{Event, NAME, Stripe};
pub use another::ApplyPaymentEventHandler;
pub(crate) use another::of_record;
pub use backfill::BackfillStripeEventsHandler;
pub(crate) use deliver::{Delivered, deliver, deliver_again};
pub(crate) use effects::of_payment;
pub(crate) use mail::KIND as MAIL;
pub(crate) use meaning::APPLIED;
use meaning::About;

/// Carries out `apply_stripe_event` jobs: two requests to Stripe, and at most one to the app.
///
/// The result is `{"effect","order_id"?,"payment_intent"?,"invoice"?,"subscription"?}`.
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
            Some(About::Invoice(kind)) => {
                let invoice = self.stripe.invoice(run, id).await;
                let invoice = invoice.map_err(error::of_reading)?;
                Ok(meaning::of_invoice(kind, &event.id, &invoice))
            }
            Some(About::Charge) => {
                let charge = self.stripe.charge(run, id).await;
                let charge = charge.map_err(error::of_reading)?;
                Ok(meaning::of_charge(&event.id, &charge))
            }
            Some(About::Refund) => {
                let refund = self.stripe.refund(run, id).await;
                let refund = refund.map_err(error::of_reading)?;
                Ok(meaning::of_refund(&event.id, &refund))
            }
            Some(About::Dispute) => {
                let dispute = self.stripe.dispute(run, id).await;
                let dispute = dispute.map_err(error::of_reading)?;
                Ok(meaning::of_dispute(&event.id, &dispute))
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
            Delivered::Now | Delivered::Again => Ok(done(&effect)),
            delivered @ (Delivered::Before | Delivered::Overtaken) => Ok(Outcome::Skipped {
                reason: delivered.reason(&effect),
            }),
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
    Outcome::Done {
        result: Some(Value::Object(result_of(effect))),
        answer: Answer::of(NAME),
    }
}

/// What a job's result says of an effect that was told.
fn result_of(effect: &Effect) -> Map<String, Value> {
    let mut result = Map::new();
    result.insert("effect".to_owned(), effect.effect.as_str().into());
    for (name, id) in [
        ("order_id", &effect.order_id),
        ("payment_intent", &effect.payment_intent),
        ("invoice", &effect.invoice),
        ("subscription", &effect.subscription),
    ] {
        if let Some(id) = id {
            result.insert(name.to_owned(), id.as_str().into());
        }
    }
    result
}
