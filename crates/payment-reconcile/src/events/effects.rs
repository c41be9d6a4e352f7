//! Effects, made of what Stripe shows.

use std::collections::BTreeMap;

use crate::app::{Effect, EffectKind};
use crate::stripe::{Charge, Dispute, Invoice, Linked, PaymentIntent, Subscription, WithMetadata};

/// What is true of a payment, told as this.
pub(crate) fn of_payment(
    effect: EffectKind,
    event_id: impl Into<String>,
    intent: &PaymentIntent,
) -> Effect {
    let is_paid = effect == EffectKind::OrderPaid;
    let attempt = intent.latest_charge.as_ref().map(Linked::id);
    Effect {
        customer: intent.customer.clone(),
        payment_intent: Some(intent.id.clone()),
        amount: Some(if is_paid {
            intent.amount_received
        } else {
            intent.amount
        }),
        currency: Some(intent.currency.clone()),
        attempt: attempt.filter(|_| !is_paid).map(str::to_owned),
        ..named(Effect::new(effect, event_id, &*intent.id), &intent.metadata)
    }
}

/// What of a charge was refunded, in all: each sum is one to tell, and once more after a refund came to nothing.
pub(super) fn of_refunds(event_id: &str, charge: &Charge) -> Effect {
    let (refunded, failed) = (charge.given_back(), charge.failed_refunds());
    let attempt = match failed {
        0 => refunded.to_string(),
        failed => format!("{refunded}-{failed}"),
    };
    Effect {
        amount: Some(charge.amount_captured),
        amount_refunded: Some(refunded),
        failed_refunds: failed,
        attempt: Some(attempt),
        ..of_charge(EffectKind::PaymentRefunded, event_id, charge, None)
    }
}

/// How a dispute stands.
pub(super) fn of_dispute(event_id: &str, dispute: &Dispute, charge: &Charge) -> Effect {
    Effect {
        amount: Some(dispute.amount),
        currency: Some(dispute.currency.clone()),
        dispute_status: Some(dispute.status.clone()),
        attempt: Some(dispute.status.clone()),
        ..of_charge(
            EffectKind::PaymentDisputed,
            event_id,
            charge,
            Some(&dispute.id),
        )
    }
}

/// What is known around a charge. The object is its payment, unless another is named.
fn of_charge(effect: EffectKind, event_id: &str, charge: &Charge, object: Option<&str>) -> Effect {
    let payment = charge.payment_intent.as_ref();
    let invoice = charge.invoice.as_ref();
    let subscription = invoice
        .and_then(Linked::object)
        .and_then(|invoice| invoice.subscription.as_ref());
    let object = object.or(payment.map(Linked::id)).unwrap_or(&charge.id);
    // The payment's own may have been corrected since the charge was made.
    let metadata = payment.and_then(Linked::object).map(|it| &it.metadata);
    let effect = Effect {
        customer: charge.customer.clone(),
        invoice: invoice.map(|invoice| invoice.id().to_owned()),
        payment_intent: payment.map(|payment| payment.id().to_owned()),
        currency: Some(charge.currency.clone()),
        ..Effect::new(effect, event_id, object)
    };
    let effect = named(effect, metadata.unwrap_or(&charge.metadata));
    of_its_subscription(effect, subscription)
}

/// An invoice that is paid, or could not be collected.
pub(super) fn of_invoice(
    effect: EffectKind,
    event_id: &str,
    invoice: &Invoice,
    subscription: &Linked<WithMetadata>,
) -> Effect {
    let due = || u64::try_from(invoice.amount_due).unwrap_or_default();
    let tried = || match &invoice.charge {
        Some(charge) => charge.id().to_owned(),
        None => invoice.attempt_count.to_string(),
    };
    let is_paid = effect == EffectKind::SubscriptionRenewed;
    let effect = Effect {
        customer: invoice.customer.clone(),
        invoice: Some(invoice.id.clone()),
        payment_intent: invoice.payment_intent.clone(),
        amount: Some(if is_paid { invoice.amount_paid } else { due() }),
        currency: Some(invoice.currency.clone()),
        attempt: (!is_paid).then(tried),
        ..Effect::new(effect, event_id, &*invoice.id)
    };
    of_its_subscription(effect, Some(subscription))
}

/// The end of a subscription.
pub(super) fn of_ended_subscription(event_id: &str, subscription: &Subscription) -> Effect {
    let effect = Effect::new(
        EffectKind::SubscriptionCancelled,
        event_id,
        &*subscription.id,
    );
    Effect {
        customer: subscription.customer.clone(),
        subscription: Some(subscription.id.clone()),
        ..named(effect, &subscription.metadata)
    }
}

/// With the subscription, and who it is of: what Stripe makes for a subscription says nothing of the user itself.
fn of_its_subscription(effect: Effect, subscription: Option<&Linked<WithMetadata>>) -> Effect {
    let Some(subscription) = subscription else {
        return effect;
    };
    let with_id = Effect {
        subscription: Some(subscription.id().to_owned()),
        ..effect
    };
    match subscription.object() {
        Some(object) => named(with_id, &object.metadata),
        None => with_id,
    }
}

/// With the order and the user that the metadata names, where it does not know them yet.
fn named(effect: Effect, metadata: &BTreeMap<String, String>) -> Effect {
    let name = |key: &str| metadata.get(key).filter(|name| !name.is_empty()).cloned();
    Effect {
        order_id: effect.order_id.or_else(|| name("orderId")),
        user_id: effect.user_id.or_else(|| name("userId")),
        ..effect
    }
}
