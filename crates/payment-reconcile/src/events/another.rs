//! The events of a payment provider beside Stripe, applied as Stripe's are.
//!
//! An event only says which object to look at. What is true of it by then is what the app is told, so events may come in any
//! order, and more than once. The app hears the same effects as from Stripe, with the provider's ids in them. What it was told
//! is remembered by provider, since ids of two may be alike, and an event's id has the provider's name before it.

use std::fmt;
use std::sync::Arc;

use longshore_job::{Answer, Handler, JobError, Outcome, Run};
use serde_json::Value;

use super::deliver::{Delivered, deliver};
use super::result_of;
use crate::ApplyPaymentEvent;
use crate::app::{AppClient, Effect, EffectKind};
use crate::records::{
    AnotherRecords, EventRecord, PaymentRecord, PaymentRecordState, PaymentRecords,
    SubscriptionRecord,
};

/// Carries out `apply_payment_event` jobs: what the provider is asked, and at most one request to the app.
///
/// The result is `{"provider","effect","order_id"?,"payment_intent"?,"invoice"?,"subscription"?}`.
#[derive(Clone)]
pub struct ApplyPaymentEventHandler {
    records: AnotherRecords,
    app: AppClient,
}

impl ApplyPaymentEventHandler {
    /// A handler that asks this provider, and tells this app.
    #[must_use]
    pub fn new(name: &'static str, records: Arc<dyn PaymentRecords>, app: AppClient) -> Self {
        Self {
            records: AnotherRecords { name, records },
            app,
        }
    }
}

impl Handler for ApplyPaymentEventHandler {
    type Job = ApplyPaymentEvent;

    // It only reads at the provider, and the app knows an effect by its key.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: ApplyPaymentEvent, run: Run) -> Result<Outcome, JobError> {
        let AnotherRecords { name, records } = &self.records;
        if job.provider != *name {
            return Err(JobError::refusal(
                "unknown provider",
                format!(
                    "the program has no payment provider of this name beside Stripe but {name}"
                ),
            ));
        }
        let event_id = format!("{name}_{}", job.event_id);
        let effect = match records.event(&run, &job.event_id).await? {
            EventRecord::Payment(payment) => of_state(name, event_id, &payment),
            EventRecord::Renewed(subscription) => Ok(of_renewal(name, event_id, subscription)),
            EventRecord::Ended(subscription) => Ok(of_end(name, event_id, subscription)),
            EventRecord::Nothing(reason) => Err(reason),
        };
        let effect = match effect {
            Ok(effect) => effect,
            Err(reason) => return Ok(Outcome::Skipped { reason }),
        };
        match deliver(&self.app, &run, &effect).await? {
            Delivered::Now | Delivered::Again => {
                let mut result = result_of(&effect);
                result.insert("provider".to_owned(), (*name).into());
                Ok(Outcome::Done {
                    result: Some(Value::Object(result)),
                    // It says nothing of the queue's own provider.
                    answer: Answer::default(),
                })
            }
            delivered @ (Delivered::Before | Delivered::Overtaken) => Ok(Outcome::Skipped {
                reason: delivered.reason(&effect),
            }),
        }
    }
}

/// The effect of what is true of a payment, or why there is none.
fn of_state(
    provider: &'static str,
    event_id: String,
    payment: &PaymentRecord,
) -> Result<Effect, String> {
    let kind = match payment.state {
        PaymentRecordState::Open => return Err(format!("{} is open", payment.id)),
        PaymentRecordState::Paid => EffectKind::OrderPaid,
        PaymentRecordState::PartlyRefunded(_) | PaymentRecordState::Refunded => {
            EffectKind::PaymentRefunded
        }
        PaymentRecordState::Disputed(_) => EffectKind::PaymentDisputed,
        PaymentRecordState::Failed { .. } => EffectKind::PaymentFailed,
    };
    Ok(of_record(provider, kind, event_id, payment))
}

/// What is true of a payment, told as this.
pub(crate) fn of_record(
    provider: &'static str,
    kind: EffectKind,
    event_id: impl Into<String>,
    payment: &PaymentRecord,
) -> Effect {
    let refunded = match payment.state {
        PaymentRecordState::PartlyRefunded(refunded) => Some(refunded),
        PaymentRecordState::Refunded => Some(payment.amount),
        _ => None,
    };
    let refunded = refunded.filter(|_| kind == EffectKind::PaymentRefunded);
    let dispute = match &payment.state {
        PaymentRecordState::Disputed(status) => Some(status.clone()),
        _ => None,
    };
    let attempt = match (kind, &payment.state) {
        (EffectKind::PaymentFailed, PaymentRecordState::Failed { attempt, .. }) => attempt.clone(),
        (EffectKind::PaymentRefunded, _) => refunded.map(|sum| sum.to_string()),
        (EffectKind::PaymentDisputed, _) => dispute.clone(),
        _ => None,
    };
    Effect {
        order_id: payment.order_id.clone(),
        user_id: payment.user_id.clone(),
        customer: payment.customer.clone(),
        payment_intent: Some(payment.id.clone()),
        amount: Some(payment.amount),
        amount_refunded: refunded,
        currency: Some(payment.currency.to_ascii_lowercase()),
        dispute_status: dispute,
        provider: Some(provider),
        attempt,
        ..Effect::new(kind, event_id, &*payment.id)
    }
}

fn of_renewal(provider: &'static str, event_id: String, renewed: SubscriptionRecord) -> Effect {
    // A period that has no invoice of its own is one by its event.
    let object = renewed.invoice.clone().unwrap_or_else(|| event_id.clone());
    Effect {
        invoice: renewed.invoice.clone(),
        amount: renewed.amount,
        currency: renewed.currency.as_deref().map(str::to_ascii_lowercase),
        ..of_subscription(
            provider,
            Effect::new(EffectKind::SubscriptionRenewed, event_id, object),
            renewed,
        )
    }
}

fn of_end(provider: &'static str, event_id: String, ended: SubscriptionRecord) -> Effect {
    let effect = Effect::new(EffectKind::SubscriptionCancelled, event_id, &*ended.id);
    of_subscription(provider, effect, ended)
}

fn of_subscription(
    provider: &'static str,
    effect: Effect,
    subscription: SubscriptionRecord,
) -> Effect {
    Effect {
        user_id: subscription.user_id,
        customer: subscription.customer,
        subscription: Some(subscription.id),
        provider: Some(provider),
        ..effect
    }
}

impl fmt::Debug for ApplyPaymentEventHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplyPaymentEventHandler")
            .field("provider", &self.records.name)
            .finish_non_exhaustive()
    }
}
