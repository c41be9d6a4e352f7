//! Charges: where it stands what of a payment went back.

use std::collections::BTreeMap;

use longshore_job::Run;
use longshore_provider::Request;
use serde::Deserialize;

use super::linked::{Identified, Linked, WithMetadata, id_of};
use super::{CallError, Stripe, at, expanded};

/// What matters of a charge. What went back has to be there: a charge that is half read would count as kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Charge {
    /// `ch_…`
    pub(crate) id: String,
    /// In minor units: what was to be collected.
    pub(crate) amount: u64,
    /// In minor units: what was collected.
    pub(crate) amount_captured: u64,
    /// In minor units. What was authorised and never collected is in it, too.
    pub(crate) amount_refunded: u64,
    /// Whether anything was collected.
    pub(crate) captured: bool,
    /// Whether the payer's bank has claimed it back, at any time.
    pub(crate) disputed: bool,
    /// Three lower-case letters.
    pub(crate) currency: String,
    /// The id of the customer.
    #[serde(default, deserialize_with = "id_of")]
    pub(crate) customer: Option<String>,
    /// The payment that it is a try at.
    #[serde(default)]
    pub(crate) payment_intent: Option<Linked<WithMetadata>>,
    /// The invoice that it pays, if it pays one.
    #[serde(default)]
    pub(crate) invoice: Option<Linked<InvoiceOf>>,
    /// Its last refunds, where the request has asked for them.
    #[serde(default)]
    refunds: Option<Refunds>,
    /// What was on its payment when it was made.
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Refunds {
    data: Vec<RefundOf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct RefundOf {
    #[serde(default)]
    status: Option<String>,
}

/// An invoice, as far as it says which subscription it is of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct InvoiceOf {
    /// `in_…`
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) subscription: Option<Linked<WithMetadata>>,
}

impl Identified for InvoiceOf {
    fn id(&self) -> &str {
        &self.id
    }
}

/// What of a payment went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MoneyBack {
    /// Nothing.
    Nothing,
    /// So much of it was refunded, in minor units.
    Part(u64),
    /// All of it was refunded.
    All,
    /// The payer's bank has claimed it.
    Disputed,
}

impl Charge {
    /// What was collected and refunded, in minor units. Of an authorisation that was collected in part Stripe calls the
    /// rest refunded.
    pub(crate) fn given_back(&self) -> u64 {
        match self.captured {
            true => {
                let never_taken = self.amount.saturating_sub(self.amount_captured);
                self.amount_refunded.saturating_sub(never_taken)
            }
            false => 0,
        }
    }

    /// How many refunds came to nothing: their money is ours again. What was refunded in all only grows while this stays.
    pub(crate) fn failed_refunds(&self) -> u64 {
        let failed =
            |refund: &&RefundOf| matches!(refund.status.as_deref(), Some("failed" | "canceled"));
        let refunds = self.refunds.as_ref().map(|refunds| &*refunds.data);
        refunds.unwrap_or_default().iter().filter(failed).count() as u64
    }

    /// What of it went back.
    pub(crate) fn money_back(&self) -> MoneyBack {
        match self.given_back() {
            all if all > 0 && all >= self.amount_captured => MoneyBack::All,
            _ if self.disputed => MoneyBack::Disputed,
            0 => MoneyBack::Nothing,
            part => MoneyBack::Part(part),
        }
    }
}

impl Identified for Charge {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Stripe {
    /// A charge, with its payment, its refunds, and the subscription that its invoice is of.
    pub(crate) async fn charge(&self, run: &Run, id: &str) -> Result<Charge, CallError> {
        let path = at("charges", id, "")?;
        let with = ["payment_intent", "refunds", "invoice.subscription"];
        self.read(run, Request::get(path).query(expanded(with)))
            .await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_went_back_is_what_was_collected_and_refunded() {
        for (captured, amount_captured, refunded, disputed, expected) in [
            (true, 1000, 0, false, MoneyBack::Nothing),
            (true, 1000, 1, false, MoneyBack::Part(1)),
            (true, 1000, 999, false, MoneyBack::Part(999)),
            (true, 1000, 1000, false, MoneyBack::All),
            (true, 1000, 1000, true, MoneyBack::All),
            (true, 1000, 0, true, MoneyBack::Disputed),
            (true, 1000, 300, true, MoneyBack::Disputed),
            // 600 of 1000 were collected: Stripe calls the other 400 refunded.
            (true, 600, 400, false, MoneyBack::Nothing),
            (true, 600, 500, false, MoneyBack::Part(100)),
            (true, 600, 1000, false, MoneyBack::All),
            // An authorisation that was let go.
            (false, 0, 1000, false, MoneyBack::Nothing),
        ] {
            let charge = json!({
                "id": "ch_1", "amount": 1000, "amount_captured": amount_captured, "captured": captured,
                "amount_refunded": refunded, "disputed": disputed, "currency": "nok", "livemode": false,
                "payment_intent": "pi_1", "invoice": null, "customer": { "id": "cus_1", "email": "ada@example.com" },
                "billing_details": { "email": "ada@example.com" },
            });
            let charge: Charge = serde_json::from_value(charge).expect("a charge");
            assert_eq!(charge.money_back(), expected, "{charge:?}");
            assert!(!format!("{charge:?}").contains("ada@"));
        }
    }

    #[test]
    fn a_charge_that_is_half_read_is_none() {
        let whole = json!({
            "id": "ch_1", "amount": 1, "amount_captured": 1, "amount_refunded": 0, "captured": true, "disputed": false,
            "currency": "nok",
        });
        let read = |value| serde_json::from_value::<Charge>(value);
        assert!(read(whole.clone()).is_ok());
        for field in ["amount_refunded", "disputed", "captured", "amount_captured"] {
            let mut half = whole.clone();
            half.as_object_mut().expect("an object").remove(field);
            assert!(read(half).is_err(), "{field}");
        }
    }
}
