//! An effect: what the app is told about a payment or a subscription.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::stripe::{PaymentIntent, Subscription};

/// What has happened, for the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EffectKind {
    /// The order's money is there.
    OrderPaid,
    /// The order's money did not come. Its payer is written to.
    PaymentFailed,
    /// A subscription has ended.
    SubscriptionCancelled,
}

impl EffectKind {
    /// The word for it, as it is sent.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::OrderPaid => "order_paid",
            Self::PaymentFailed => "payment_failed",
            Self::SubscriptionCancelled => "subscription_cancelled",
        }
    }

    /// Whether the app answers who is to be written to.
    pub(super) fn has_contact(self) -> bool {
        self == Self::PaymentFailed
    }
}

/// One effect, as it is sent: only what is known. Names no person but by ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Effect {
    /// What has happened.
    pub(crate) effect: EffectKind,
    /// Stripe's event that says so, or what stands for it, see [`of_repair`](Effect::of_repair). It is the
    /// `Idempotency-Key`, and the same for everybody who tells the app of this effect: whoever is first names it.
    pub(crate) event_id: String,
    /// `orderId` of the object's metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order_id: Option<String>,
    /// `userId` of the object's metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<String>,
    /// Stripe's id of the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) customer: Option<String>,
    /// Stripe's id of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment_intent: Option<String>,
    /// In minor units: what was paid, or what should have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<u64>,
    /// In lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<String>,
    /// Stripe's id of what it is about.
    #[serde(skip)]
    pub(crate) object: String,
    /// Which try to pay it was that failed: each is an effect of its own, since the payer may try again. An object has
    /// each other effect once.
    #[serde(skip)]
    pub(crate) attempt: Option<String>,
}

impl Effect {
    /// What an event says of a payment.
    pub(crate) fn of_payment(
        effect: EffectKind,
        event_id: impl Into<String>,
        intent: &PaymentIntent,
    ) -> Self {
        let amount = match effect {
            EffectKind::OrderPaid => intent.amount_received,
            EffectKind::PaymentFailed | EffectKind::SubscriptionCancelled => intent.amount,
        };
        Self {
            effect,
            event_id: event_id.into(),
            order_id: metadata(&intent.metadata, "orderId"),
            user_id: metadata(&intent.metadata, "userId"),
            customer: intent.customer.clone(),
            payment_intent: Some(intent.id.clone()),
            amount: Some(amount),
            currency: Some(intent.currency.clone()),
            object: intent.id.clone(),
            attempt: match effect {
                EffectKind::PaymentFailed => intent.latest_charge.clone(),
                EffectKind::OrderPaid | EffectKind::SubscriptionCancelled => None,
            },
        }
    }

    /// The same without an event: what was found out by comparing. In the event's place stands `repair_<effect>_<id of
    /// the payment>`, and for a failed try `_<its id>`, the same whenever and by whomever it is found out.
    pub(crate) fn of_repair(effect: EffectKind, intent: &PaymentIntent) -> Self {
        let told = Self::of_payment(effect, String::new(), intent);
        let attempt = told.attempt.iter().map(|attempt| format!("_{attempt}"));
        let attempt: String = attempt.collect();
        Self {
            event_id: format!("repair_{}_{}{attempt}", effect.as_str(), intent.id),
            ..told
        }
    }

    /// What it is remembered under, and its mail enqueued under: `effect:order_paid:pi_1`, and
    /// `effect:payment_failed:pi_1:ch_1`.
    pub(crate) fn place(&self) -> String {
        let place = place(self.effect, &self.object);
        match &self.attempt {
            Some(attempt) => format!("{place}:{attempt}"),
            None => place,
        }
    }

    /// Where it would be remembered that the same object is paid.
    pub(crate) fn place_of_payment(&self) -> String {
        place(EffectKind::OrderPaid, &self.object)
    }

    /// What an event says of a subscription that has ended.
    pub(crate) fn of_subscription(
        event_id: impl Into<String>,
        subscription: &Subscription,
    ) -> Self {
        Self {
            effect: EffectKind::SubscriptionCancelled,
            event_id: event_id.into(),
            order_id: metadata(&subscription.metadata, "orderId"),
            user_id: metadata(&subscription.metadata, "userId"),
            customer: subscription.customer.clone(),
            payment_intent: None,
            amount: None,
            currency: None,
            object: subscription.id.clone(),
            attempt: None,
        }
    }
}

fn place(effect: EffectKind, object: &str) -> String {
    format!("effect:{}:{object}", effect.as_str())
}

fn metadata(metadata: &std::collections::BTreeMap<String, String>, key: &str) -> Option<String> {
    metadata.get(key).filter(|value| !value.is_empty()).cloned()
}

/// What the app says to an effect that it took.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct EffectAnswer {
    /// Who is to be written to.
    #[serde(default)]
    pub(crate) email: Option<Contact>,
    /// What the mail is filled with, as the app wrote it.
    #[serde(default)]
    pub(crate) data: Option<Box<RawValue>>,
}

/// An address that the app has given, not looked at yet.
#[derive(Deserialize)]
pub(crate) struct Contact {
    pub(crate) email: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
}

/// Shows nothing: it is a person.
impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact").finish_non_exhaustive()
    }
}

impl EffectAnswer {
    /// Reads a body. The app has taken the effect, whatever it says about it: what does not read is no contact.
    pub(super) fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }
}
