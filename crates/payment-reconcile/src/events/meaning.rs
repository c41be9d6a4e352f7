//! What an event's object, as it is now, comes to.

use super::effects;
use crate::app::{Effect, EffectKind};
use crate::stripe::{
    Charge, Dispute, IntentStatus, Invoice, Linked, MoneyBack, PaymentIntent, Refund, Subscription,
};

/// The types of events that can have an effect.
pub(crate) const APPLIED: [&str; 10] = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.refunded",
    "charge.refund.updated",
    "charge.dispute.created",
    "charge.dispute.closed",
    "invoice.paid",
    "invoice.payment_failed",
    "customer.subscription.deleted",
];

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// A payment, and the one effect that the event can lead to.
    Payment(EffectKind),
    /// An invoice, and the one effect that the event can lead to.
    Invoice(EffectKind),
    /// A charge of which something was refunded.
    Charge,
    /// A refund that has come on.
    Refund,
    /// A dispute that began, or was decided.
    Dispute,
    /// A subscription that ended.
    Subscription,
}

impl About {
    /// By the event's type; `None` for the many that have no effect here.
    pub(super) fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "payment_intent.succeeded" => Self::Payment(EffectKind::OrderPaid),
            "payment_intent.payment_failed" | "payment_intent.canceled" => {
                Self::Payment(EffectKind::PaymentFailed)
            }
            "invoice.paid" => Self::Invoice(EffectKind::SubscriptionRenewed),
            "invoice.payment_failed" => Self::Invoice(EffectKind::PaymentFailed),
            "charge.refunded" => Self::Charge,
            "charge.refund.updated" => Self::Refund,
            "charge.dispute.created" | "charge.dispute.closed" => Self::Dispute,
            "customer.subscription.deleted" => Self::Subscription,
            _ => return None,
        })
    }
}

/// The effect of an event about a payment, or why there is none.
pub(super) fn of_payment(
    kind: EffectKind,
    event_id: &str,
    intent: &PaymentIntent,
) -> Result<Effect, String> {
    let id = &intent.id;
    if intent.is_of_an_invoice() {
        return Err(format!(
            "{id} is of an invoice: that has an event of its own"
        ));
    }
    match (kind, state(intent)) {
        (EffectKind::OrderPaid, Some(EffectKind::OrderPaid)) => {
            still_there(id, intent.money_back())?;
            Ok(effects::of_payment(kind, event_id, intent))
        }
        (kind, Some(now)) if kind == now => Ok(effects::of_payment(kind, event_id, intent)),
        (_, Some(EffectKind::OrderPaid)) => Err(format!(
            "{id} has succeeded since: that has an event of its own"
        )),
        _ => Err(format!("{id} is {} now", word(intent.status.as_str()))),
    }
}

/// What is true of a payment; nothing while it is not known how it ends.
fn state(intent: &PaymentIntent) -> Option<EffectKind> {
    match intent.status {
        IntentStatus::Succeeded => Some(EffectKind::OrderPaid),
        IntentStatus::Canceled => Some(EffectKind::PaymentFailed),
        IntentStatus::RequiresPaymentMethod if intent.last_payment_error.is_some() => {
            Some(EffectKind::PaymentFailed)
        }
        IntentStatus::RequiresPaymentMethod
        | IntentStatus::RequiresConfirmation
        | IntentStatus::RequiresAction
        | IntentStatus::Processing
        | IntentStatus::RequiresCapture
        | IntentStatus::Other(_) => None,
    }
}

/// That money came is not told once it has gone back.
fn still_there(id: &str, back: MoneyBack) -> Result<(), String> {
    match back {
        MoneyBack::Nothing | MoneyBack::Part(_) => Ok(()),
        MoneyBack::All => Err(format!(
            "{id} was refunded since: that has an event of its own"
        )),
        MoneyBack::Disputed => Err(format!(
            "{id} is disputed since: that has an event of its own"
        )),
    }
}

/// The effect of an event about an invoice, or why there is none.
pub(super) fn of_invoice(
    kind: EffectKind,
    event_id: &str,
    invoice: &Invoice,
) -> Result<Effect, String> {
    let id = &invoice.id;
    let Some(subscription) = &invoice.subscription else {
        return Err(format!("{id} is of no subscription"));
    };
    let status = invoice.status.as_deref().unwrap_or("draft");
    match (kind, status) {
        (EffectKind::SubscriptionRenewed, "paid") => {
            let charge = invoice.charge.as_ref().and_then(Linked::object);
            still_there(id, charge.map_or(MoneyBack::Nothing, Charge::money_back))?;
        }
        (EffectKind::PaymentFailed, "open" | "uncollectible") => {}
        (EffectKind::PaymentFailed, "paid") => {
            return Err(format!("{id} was paid since: that has an event of its own"));
        }
        (_, status) => return Err(format!("{id} is {} now", word(status))),
    }
    Ok(effects::of_invoice(kind, event_id, invoice, subscription))
}

/// The effect of an event about what was refunded of a charge, or why there is none.
pub(super) fn of_charge(event_id: &str, charge: &Charge) -> Result<Effect, String> {
    match (charge.given_back(), charge.failed_refunds()) {
        (0, 0) => Err(format!("nothing of {} is refunded", charge.id)),
        (0, _) if !charge.captured => Err(format!("nothing of {} was collected", charge.id)),
        _ => Ok(effects::of_refunds(event_id, charge)),
    }
}

/// The effect of an event about a refund, or why there is none.
pub(super) fn of_refund(event_id: &str, refund: &Refund) -> Result<Effect, String> {
    let charge = refund.charge.as_ref().and_then(Linked::object);
    let charge = charge.ok_or_else(|| format!("{} is of no charge", refund.id))?;
    of_charge(event_id, charge)
}

/// The effect of an event about a dispute, or why there is none.
pub(super) fn of_dispute(event_id: &str, dispute: &Dispute) -> Result<Effect, String> {
    let charge = dispute.charge.object();
    let charge = charge.ok_or_else(|| format!("{} is of no charge", dispute.id))?;
    Ok(effects::of_dispute(event_id, dispute, charge))
}

/// The effect of an event about the end of a subscription, or why there is none.
pub(super) fn of_subscription(
    event_id: &str,
    subscription: &Subscription,
) -> Result<Effect, String> {
    match subscription.status.as_str() {
        "canceled" => Ok(effects::of_ended_subscription(event_id, subscription)),
        other => Err(format!("{} is {} now", subscription.id, word(other))),
    }
}

/// A state's word, as far as it looks like one.
fn word(text: &str) -> &str {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    match (1..=40).contains(&text.len()) && text.bytes().all(fits) {
        true => text,
        false => "in an unknown state",
    }
}

#[cfg(test)]
mod tests;
