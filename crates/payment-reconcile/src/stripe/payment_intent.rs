//! Payment intents, as they are read.

use std::collections::BTreeMap;
use std::fmt;

use longshore_job::PrivateResult;
use serde::Deserialize;
use serde_json::Map;

use super::charge::{Charge, MoneyBack};
use super::linked::{Linked, id_of};

/// What matters of a payment intent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct PaymentIntent {
    /// `pi_…`
    pub(crate) id: String,
    /// How far the payment has come.
    pub(crate) status: IntentStatus,
    /// What is to be paid, in minor units.
    pub(crate) amount: u64,
    /// What was paid, in minor units.
    #[serde(default)]
    pub(crate) amount_received: u64,
    /// Three lower-case letters.
    pub(crate) currency: String,
    /// The id of the customer.
    #[serde(default, deserialize_with = "id_of")]
    pub(crate) customer: Option<String>,
    /// What the app and this fleet wrote on it.
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, String>,
    /// Unix time in seconds.
    pub(crate) created: i64,
    /// Whether it is about real money.
    pub(crate) livemode: bool,
    /// The last try to collect it.
    #[serde(default)]
    pub(crate) latest_charge: Option<Linked<Charge>>,
    /// The id of the invoice that Stripe made it for, if it did.
    #[serde(default, deserialize_with = "id_of")]
    pub(crate) invoice: Option<String>,
    /// What its payer's browser needs to pay it.
    #[serde(default)]
    pub(crate) client_secret: Option<Hidden>,
    /// What its payer has to do.
    #[serde(default)]
    pub(crate) next_action: Option<NextAction>,
    /// Why that failed, if it did.
    #[serde(default)]
    pub(crate) last_payment_error: Option<LastError>,
    /// Unix time in seconds.
    #[serde(default)]
    pub(crate) canceled_at: Option<i64>,
}

/// What a payer has to do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct NextAction {
    /// `redirect_to_url`, `use_stripe_sdk`, …
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Where to, if it is that.
    #[serde(default)]
    pub(crate) redirect_to_url: Option<Redirect>,
}

/// Where a payer has to go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Redirect {
    /// The URL has a secret in it.
    #[serde(default)]
    pub(crate) url: Option<Hidden>,
}

/// A text that is told only those who wait.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Hidden(String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

impl PaymentIntent {
    /// What a browser needs to pay it, if there is anything left to do.
    pub(crate) fn for_the_payer(&self) -> Option<PrivateResult> {
        let is_open = !matches!(
            self.status,
            IntentStatus::Canceled | IntentStatus::Succeeded
        );
        let redirect = self.next_action.as_ref();
        let redirect = redirect.and_then(|action| action.redirect_to_url.as_ref());
        let texts = [
            ("client_secret", self.client_secret.as_ref()),
            ("redirect_url", redirect.and_then(|to| to.url.as_ref())),
        ];
        let texts = texts.into_iter().filter(|_| is_open);
        let texts: Map<_, _> = texts
            .filter_map(|(name, text)| Some((name.to_owned(), text?.0.clone().into())))
            .collect();
        (!texts.is_empty()).then(|| PrivateResult::new(texts.into()))
    }

    /// What of it went back, as far as its charge was read.
    pub(crate) fn money_back(&self) -> MoneyBack {
        let charge = self.latest_charge.as_ref().and_then(Linked::object);
        charge.map_or(MoneyBack::Nothing, Charge::money_back)
    }

    /// Whether it is an invoice's, and no order's: Stripe makes those by itself, with nothing of ours on them.
    pub(crate) fn is_of_an_invoice(&self) -> bool {
        self.invoice.is_some() && self.metadata.get("orderId").is_none_or(String::is_empty)
    }
}

/// Why a payment failed, without the parts that name people and cards.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct LastError {
    /// `card_declined`, …
    #[serde(default)]
    pub(crate) code: Option<String>,
    /// `insufficient_funds`, …
    #[serde(default)]
    pub(crate) decline_code: Option<String>,
}

/// How far a payment has come.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum IntentStatus {
    /// It has no payment method, or its last one was declined.
    RequiresPaymentMethod,
    /// It has one and waits to be confirmed.
    RequiresConfirmation,
    /// The payer has something to do at their bank.
    RequiresAction,
    /// It is on its way.
    Processing,
    /// It is authorised and waits to be captured.
    RequiresCapture,
    /// It will never be paid.
    Canceled,
    /// It is paid.
    Succeeded,
    /// A word that is newer than this.
    Other(String),
}

impl IntentStatus {
    /// Stripe's word for it.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Canceled => "canceled",
            Self::Succeeded => "succeeded",
            Self::Other(word) => word,
        }
    }
}

impl From<String> for IntentStatus {
    fn from(word: String) -> Self {
        let known = [
            Self::RequiresPaymentMethod,
            Self::RequiresConfirmation,
            Self::RequiresAction,
            Self::Processing,
            Self::RequiresCapture,
            Self::Canceled,
            Self::Succeeded,
        ];
        let mut known = known.into_iter();
        known
            .find(|status| status.as_str() == word)
            .unwrap_or(Self::Other(word))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn intents_show_neither_their_secret_nor_people() {
        let intent = json!({
            "id": "pi_1", "object": "payment_intent", "status": "requires_payment_method",
            "amount": 1000, "currency": "nok", "created": 1_795_435_200, "livemode": false,
            "client_secret": "pi_1_secret_x", "customer": { "id": "cus_1", "email": "ada@example.com" },
            "last_payment_error": { "code": "card_declined", "decline_code": "fraudulent", "message": "m" },
            "metadata": { "orderId": "o1" }, "something_new": {},
            "next_action": {
                "type": "redirect_to_url",
                "redirect_to_url": { "url": "https://bank.example/pi_1_secret_x", "return_url": "https://shop" },
            },
        });
        let intent: PaymentIntent = serde_json::from_value(intent).expect("an intent");
        assert_eq!(intent.customer.as_deref(), Some("cus_1"));
        assert_eq!(intent.status, IntentStatus::RequiresPaymentMethod);
        assert_eq!((intent.amount, intent.amount_received), (1000, 0));
        let error = intent.last_payment_error.as_ref().expect("an error");
        assert_eq!(error.decline_code.as_deref(), Some("fraudulent"));
        let shown = format!("{intent:?}");
        assert!(
            !shown.contains("_secret_") && !shown.contains("ada@"),
            "{shown}"
        );
        let private = intent.for_the_payer().expect("there is something to do");
        let expected = json!({
            "client_secret": "pi_1_secret_x",
            "redirect_url": "https://bank.example/pi_1_secret_x",
        });
        assert_eq!(*private.expose(), expected);
        let paid = PaymentIntent {
            status: IntentStatus::Succeeded,
            ..intent
        };
        assert_eq!(paid.for_the_payer(), None, "nothing is left to do");
    }

    #[test]
    fn customers_are_ids_or_objects_and_words_may_be_new() {
        for (customer, id) in [
            (json!("cus_1"), Some("cus_1")),
            (json!({ "id": "cus_2", "deleted": true }), Some("cus_2")),
            (json!(null), None),
        ] {
            let intent = json!({
                "id": "pi_1", "status": "thinking", "amount": 1, "currency": "nok", "created": 1,
                "livemode": true, "customer": customer,
            });
            let intent: PaymentIntent = serde_json::from_value(intent).expect("an intent");
            assert_eq!(intent.customer.as_deref(), id);
            assert_eq!(intent.status, IntentStatus::Other("thinking".to_owned()));
            assert_eq!(intent.status.as_str(), "thinking");
        }
    }
}
