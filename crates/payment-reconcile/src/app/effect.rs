//! An effect: what the app is told about a payment or a subscription.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What has happened, for the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EffectKind {
    /// The order's money is there.
    OrderPaid,
    /// The money of an order or of a subscription did not come. Its payer is written to.
    PaymentFailed,
    /// Money of a payment was refunded: so much in all.
    PaymentRefunded,
    /// The payer's bank has claimed the money, or has decided on that.
    PaymentDisputed,
    /// An invoice of a subscription is paid, the first one or a later one.
    SubscriptionRenewed,
    /// A subscription has ended.
    SubscriptionCancelled,
}

impl EffectKind {
    /// The word for it, as it is sent.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::OrderPaid => "order_paid",
            Self::PaymentFailed => "payment_failed",
            Self::PaymentRefunded => "payment_refunded",
            Self::PaymentDisputed => "payment_disputed",
            Self::SubscriptionRenewed => "subscription_renewed",
            Self::SubscriptionCancelled => "subscription_cancelled",
        }
    }

    /// Whether the app answers who is to be written to.
    pub(crate) fn has_contact(self) -> bool {
        self == Self::PaymentFailed
    }

    /// Whether it says that money came.
    pub(crate) fn is_payment(self) -> bool {
        matches!(self, Self::OrderPaid | Self::SubscriptionRenewed)
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
    /// `userId` of the object's metadata; of an invoice, its subscription's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<String>,
    /// Stripe's id of the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) customer: Option<String>,
    /// Stripe's id of the subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<String>,
    /// Stripe's id of the subscription's invoice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) invoice: Option<String>,
    /// Stripe's id of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment_intent: Option<String>,
    /// In minor units: what was paid, or what should have been, or what is disputed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<u64>,
    /// In minor units: what was refunded of it, in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount_refunded: Option<u64>,
    /// In lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<String>,
    /// Stripe's word for how a dispute stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dispute_status: Option<String>,
    /// How many refunds of the payment came to nothing.
    #[serde(skip)]
    pub(crate) failed_refunds: u64,
    /// Whose it is, where it is not Stripe's. Ids of two providers may be alike, so they are remembered apart.
    #[serde(skip)]
    pub(crate) provider: Option<&'static str>,
    /// The provider's id of what it is about.
    #[serde(skip)]
    pub(crate) object: String,
    /// Which of several effects of one kind it is that the object can have: each try that failed, each sum that was
    /// refunded. An object has each other effect once.
    #[serde(skip)]
    pub(crate) attempt: Option<String>,
}

impl Effect {
    /// An effect of which nothing is known but what it is about.
    pub(crate) fn new(
        effect: EffectKind,
        event_id: impl Into<String>,
        object: impl Into<String>,
    ) -> Self {
        Self {
            effect,
            event_id: event_id.into(),
            order_id: None,
            user_id: None,
            customer: None,
            subscription: None,
            invoice: None,
            payment_intent: None,
            amount: None,
            amount_refunded: None,
            currency: None,
            dispute_status: None,
            failed_refunds: 0,
            provider: None,
            object: object.into(),
            attempt: None,
        }
    }

    /// The same without an event: what was found out by comparing. In the event's place stands `repair_<effect>_<id of
    /// the payment>`, and for a failed try `_<its id>`, the same whenever and by whomever it is found out.
    pub(crate) fn of_repair(mut self) -> Self {
        let attempt = self.attempt.iter().map(|attempt| format!("_{attempt}"));
        let attempt: String = attempt.collect();
        let provider = self.provider.map(|name| format!("{name}_"));
        let provider = provider.unwrap_or_default();
        let effect = self.effect.as_str();
        self.event_id = format!("repair_{provider}{effect}_{}{attempt}", self.object);
        self
    }

    /// What it is remembered under, and its mail enqueued under: `effect:order_paid:pi_1`, and
    /// `effect:payment_failed:pi_1:ch_1`.
    pub(crate) fn place(&self) -> String {
        let place = self.place_as(self.effect);
        match &self.attempt {
            Some(attempt) => format!("{place}:{attempt}"),
            None => place,
        }
    }

    /// Where it would be remembered that the same object is paid.
    pub(crate) fn place_of_payment(&self) -> String {
        let paid = match self.invoice {
            Some(_) => EffectKind::SubscriptionRenewed,
            None => EffectKind::OrderPaid,
        };
        self.place_as(paid)
    }

    /// Where it is remembered what of the payment the app was told to have been refunded.
    pub(crate) fn place_of_refunds(&self) -> String {
        format!("refunds:{}{}", self.of_provider(), self.payment())
    }

    /// Where it is remembered what the app was told of a dispute of the payment.
    pub(crate) fn place_of_disputes(&self) -> String {
        format!("disputes:{}{}", self.of_provider(), self.payment())
    }

    fn place_as(&self, effect: EffectKind) -> String {
        let (of_provider, effect) = (self.of_provider(), effect.as_str());
        format!("effect:{of_provider}{effect}:{}", self.object)
    }

    /// `testpay:`; nothing for Stripe.
    fn of_provider(&self) -> String {
        let provider = self.provider.map(|name| format!("{name}:"));
        provider.unwrap_or_default()
    }

    /// The provider's id of the payment; of what has none, its own.
    fn payment(&self) -> &str {
        self.payment_intent.as_deref().unwrap_or(&self.object)
    }
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
    pub(crate) fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }
}
