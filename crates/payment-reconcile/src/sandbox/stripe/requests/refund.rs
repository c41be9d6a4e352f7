//! The request that refunds a payment.

use std::collections::BTreeMap;

use super::super::book::Book;
use super::super::params::Params;
use super::super::payment_intent::PaymentIntent;
use super::super::plan::{Change, Maker, Plan};
use super::super::problem::Problem;
use super::super::refund::Refund;
use super::super::shelf::Stored;

/// `POST /v1/refunds`
#[derive(Debug)]
pub(in super::super) struct NewRefund {
    payment_intent: Option<String>,
    charge: Option<String>,
    amount: Option<u64>,
    reason: Option<String>,
    metadata: BTreeMap<String, String>,
}

impl NewRefund {
    pub(in super::super) fn read(params: &mut Params) -> Result<Self, Problem> {
        let (payment_intent, charge) = (params.text("payment_intent"), params.text("charge"));
        match (&payment_intent, &charge) {
            (None, None) => {
                let message = "One of the following params should be provided for this request: payment_intent or charge.";
                return Err(Problem::new(400, "invalid_request_error", None, message));
            }
            (Some(_), Some(_)) => {
                let message =
                    "You may only specify one of these parameters: charge, payment_intent.";
                return Err(Problem::new(400, "invalid_request_error", None, message));
            }
            _ => {}
        }
        let reason = params.text("reason");
        let known = ["duplicate", "fraudulent", "requested_by_customer"];
        if let Some(other) = reason.as_deref().filter(|reason| !known.contains(reason)) {
            let message = format!(
                "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer, not {other}"
            );
            return Err(Problem::invalid(None, message, "reason"));
        }
        Ok(Self {
            payment_intent,
            charge,
            amount: params.count("amount")?,
            reason,
            metadata: params.map("metadata"),
        })
    }

    pub(in super::super) fn plan(self, book: &Book, maker: &Maker<'_>) -> Result<Plan, Problem> {
        let intent = self.intent(book, maker.livemode)?;
        let (refund, intent) = refund(intent, self.amount, maker)?;
        let refund = Refund {
            reason: self.reason,
            metadata: self.metadata,
            ..refund
        };
        Ok(Plan {
            job: maker.job(&refund.metadata),
            events: vec!["charge.refunded"],
            status: 200,
            answer: refund.to_json(),
            change: Change::Refund(refund, Box::new(intent)),
        })
    }

    fn intent(&self, book: &Book, livemode: bool) -> Result<PaymentIntent, Problem> {
        if let Some(id) = &self.payment_intent {
            let found = book.payment_intents.get(id, livemode);
            let missing = || Problem::missing(404, PaymentIntent::WORD, id, "payment_intent");
            return found.cloned().ok_or_else(missing);
        }
        let id = self.charge.as_deref().unwrap_or_default();
        let missing = || Problem::missing(404, "charge", id, "charge");
        book.charged(id, livemode).cloned().ok_or_else(missing)
    }
}

/// A refund of so much, or of all that is left, and the payment after it.
pub(in super::super) fn refund(
    mut intent: PaymentIntent,
    amount: Option<u64>,
    maker: &Maker<'_>,
) -> Result<(Refund, PaymentIntent), Problem> {
    let refused = |code, message: String| Problem::new(400, "invalid_request_error", code, message);
    let charge = match (&*intent.status, &intent.latest_charge) {
        ("succeeded", Some(charge)) => charge.clone(),
        _ => {
            let message = format!(
                "This PaymentIntent ({}) does not have a successful charge to refund.",
                intent.id
            );
            return Err(refused(None, message));
        }
    };
    let left = intent.amount.saturating_sub(intent.refunded);
    if intent.disputed {
        let message = format!("Charge {charge} has been charged back; cannot issue a refund.");
        return Err(refused(Some("charge_disputed"), message));
    }
    if left == 0 {
        let message = format!("Charge {charge} has already been refunded.");
        return Err(refused(Some("charge_already_refunded"), message));
    }
    let amount = amount.unwrap_or(left);
    if amount > left {
        let message = format!(
            "Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        );
        let problem = refused(None, message);
        return Err(Problem {
            param: Some("amount".to_owned()),
            ..problem
        });
    }
    intent.refunded += amount;
    let refund = Refund {
        id: maker.id("re_"),
        created: maker.now,
        livemode: maker.livemode,
        amount,
        currency: intent.currency.clone(),
        charge,
        payment_intent: intent.id.clone(),
        reason: None,
        metadata: BTreeMap::new(),
        status: "succeeded",
    };
    Ok((refund, intent))
}
