//! Payment intents, and how each is paid.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::payment_method::{self, Charge, Decline};
use super::problem::Problem;
use super::shelf::Stored;

/// One payment intent.
#[derive(Debug, Clone)]
pub(super) struct PaymentIntent {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) livemode: bool,
    /// In minor units.
    pub(super) amount: u64,
    pub(super) currency: String,
    pub(super) customer: Option<String>,
    pub(super) payment_method: Option<String>,
    pub(super) latest_charge: Option<String>,
    pub(super) last_payment_error: Option<Value>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) status: String,
    pub(super) redirects: Redirects,
    /// The invoice that it was made for.
    pub(super) invoice: Option<String>,
    pub(super) canceled_at: Option<u64>,
    /// Where its payer comes back to.
    pub(super) return_url: Option<String>,
    /// In minor units: what of it was refunded.
    pub(super) refunded: u64,
    pub(super) disputed: bool,
}

/// Its `automatic_payment_methods`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redirects {
    /// They are off.
    Off,
    /// They are on, and some may send the customer elsewhere.
    Always,
    /// They are on, without those.
    Never,
}

/// With what it is to be paid.
#[derive(Debug, Clone, Default)]
pub(super) struct Confirmation {
    pub(super) payment_method: Option<String>,
    pub(super) off_session: bool,
    pub(super) return_url: Option<String>,
}

impl Stored for PaymentIntent {
    const WORD: &'static str = "payment_intent";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> u64 {
        self.created
    }

    fn livemode(&self) -> bool {
        self.livemode
    }

    fn to_json(&self) -> Value {
        let received = match self.status.as_str() {
            "succeeded" => self.amount,
            _ => 0,
        };
        let automatic = match self.redirects {
            Redirects::Off => Value::Null,
            Redirects::Always => json!({ "allow_redirects": "always", "enabled": true }),
            Redirects::Never => json!({ "allow_redirects": "never", "enabled": true }),
        };
        let next_action = match self.status.as_str() {
            "requires_action" => match &self.return_url {
                Some(back) => json!({
                    "type": "redirect_to_url",
                    "redirect_to_url": {
                        "return_url": back,
                        "url": format!("https://hooks.stripe.com/3d_secure/{}?client_secret=pi_secret_sandbox", self.id),
                    },
                }),
                None => json!({ "type": "use_stripe_sdk", "use_stripe_sdk": {} }),
            },
            _ => Value::Null,
        };
        json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": 0,
            "amount_received": received,
            "automatic_payment_methods": automatic,
            "canceled_at": self.canceled_at,
            "cancellation_reason": null,
            "capture_method": "automatic",
            "client_secret": format!("{}_secret_sandbox", self.id),
            "confirmation_method": "automatic",
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "description": null,
            "invoice": self.invoice,
            "last_payment_error": self.last_payment_error,
            "latest_charge": self.latest_charge,
            "livemode": self.livemode,
            "metadata": self.metadata,
            "next_action": next_action,
            "payment_method": self.payment_method,
            "payment_method_types": ["card"],
            "receipt_email": null,
            "status": self.status,
        })
    }
}

impl PaymentIntent {
    /// Its last charge, as the API shows it.
    pub(super) fn charge(&self) -> Option<Value> {
        let id = self.latest_charge.as_ref()?;
        let paid = self.status == "succeeded";
        Some(json!({
            "id": id,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": if paid { self.amount } else { 0 },
            "amount_refunded": self.refunded,
            "captured": paid,
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "disputed": self.disputed,
            "invoice": self.invoice,
            "livemode": self.livemode,
            "metadata": self.metadata,
            "paid": paid,
            "payment_intent": self.id,
            "refunded": paid && self.refunded == self.amount,
            "status": if paid { "succeeded" } else { "failed" },
        }))
    }

    /// Tries to pay. Shows the event it makes, or why it cannot be tried, or what is wrong with the request. A decline is
    /// no error here: it changes the payment intent, and comes with the problem to answer with.
    pub(super) fn confirm(
        &mut self,
        with: Confirmation,
        charge_id: String,
    ) -> Result<Paid, Problem> {
        match self.status.as_str() {
            "requires_payment_method" | "requires_confirmation" | "requires_action" => {}
            "succeeded" => {
                let message = "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.";
                return Err(Problem::unexpected_state(message, self.to_json()));
            }
            status => {
                let message = format!(
                    "You cannot confirm this PaymentIntent because it has a status of {status}."
                );
                return Err(Problem::unexpected_state(&message, self.to_json()));
            }
        }
        if let Some(payment_method) = with.payment_method {
            self.payment_method = Some(payment_method);
        }
        let Some(payment_method) = self.payment_method.clone() else {
            let message = "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method.";
            return Err(Problem::unexpected_state(message, self.to_json()));
        };
        self.return_url = with.return_url;
        Ok(
            match payment_method::charge(&payment_method, with.off_session) {
                Charge::Succeeds => {
                    self.succeed(charge_id);
                    Paid {
                        event: "payment_intent.succeeded",
                        declined: None,
                    }
                }
                Charge::NeedsCustomer => {
                    "requires_action".clone_into(&mut self.status);
                    Paid {
                        event: "payment_intent.requires_action",
                        declined: None,
                    }
                }
                Charge::Declined(why) => {
                    let problem = self.decline(why, charge_id);
                    Paid {
                        event: "payment_intent.payment_failed",
                        declined: Some(problem),
                    }
                }
            },
        )
    }

    /// It is paid.
    pub(super) fn succeed(&mut self, charge_id: String) {
        "succeeded".clone_into(&mut self.status);
        self.latest_charge = Some(charge_id);
        self.last_payment_error = None;
    }

    /// It wants another payment method. Returns what the request for it is answered.
    pub(super) fn decline(&mut self, why: Decline, charge_id: String) -> Problem {
        let mut problem = Problem::new(402, "card_error", Some(why.code), why.message);
        let method = self.payment_method.take();
        let more = [
            ("charge", json!(charge_id)),
            ("decline_code", json!(why.decline_code)),
            (
                "payment_method",
                json!({ "id": method, "object": "payment_method", "type": "card" }),
            ),
        ];
        problem.more = Map::from_iter(more.map(|(name, value)| (name.to_owned(), value)));
        "requires_payment_method".clone_into(&mut self.status);
        self.latest_charge = Some(charge_id);
        self.last_payment_error = Some(problem.to_json()["error"].take());
        let now = self.to_json();
        problem.more.insert("payment_intent".to_owned(), now);
        problem
    }
}

/// How a confirmation ended.
#[derive(Debug)]
pub(super) struct Paid {
    /// The type of its event.
    pub(super) event: &'static str,
    /// What a decline is answered with.
    pub(super) declined: Option<Problem>,
}

impl Confirmation {
    /// Where automatic payment methods may send the customer elsewhere, it has to be known where to come back to.
    pub(super) fn check(&self, redirects: Redirects) -> Result<(), Problem> {
        if redirects == Redirects::Always && !self.off_session && self.return_url.is_none() {
            return Err(Problem::invalid(
                None,
                "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.",
                "return_url",
            ));
        }
        Ok(())
    }
}
