//! The app's ledger, page by page.
//!
//! Fields that are not known here are the app's business. What money hangs on has to be there and has to be right: a
//! payment that is half read would be reported as a difference, or repaired.

use longshore_provider::answers::from_json;
use serde::{Deserialize, Deserializer};

/// One page of the app's payments.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct LedgerPage {
    /// In the app's order.
    pub(crate) payments: Vec<LedgerPayment>,
    /// The cursor of the next page; none after the last one.
    #[serde(default, deserialize_with = "not_empty")]
    pub(crate) next: Option<String>,
}

/// A payment, as the app knows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct LedgerPayment {
    /// The app's id of the order.
    pub(crate) order_id: String,
    /// Stripe's id of the payment, once the app knows it.
    #[serde(default, deserialize_with = "not_empty")]
    pub(crate) payment_intent: Option<String>,
    /// The payment provider that has it, if the app says so; else it is told by the id.
    #[serde(default, deserialize_with = "not_empty")]
    pub(crate) provider: Option<String>,
    /// How far it has come.
    pub(crate) status: LedgerStatus,
    /// In minor units.
    pub(crate) amount: u64,
    /// In lower case, however the app writes it.
    pub(crate) currency: String,
    /// Whether it may as well be at a provider that is not asked about.
    #[serde(skip)]
    pub(crate) may_be_elsewhere: bool,
}

/// How far a payment has come for the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LedgerStatus {
    /// Its money is waited for.
    Pending,
    /// Its money is there.
    Paid,
    /// Its money did not come.
    Failed,
    /// Its money was given back.
    Refunded,
}

/// What is wrong with a page. Quotes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread(pub(super) String);

impl LedgerPage {
    /// Reads a body.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Unread> {
        let mut page: Self = from_json(body).map_err(Unread)?;
        for (n, payment) in page.payments.iter_mut().enumerate() {
            if payment.order_id.is_empty() {
                return Err(Unread(format!("payments[{n}].order_id is empty")));
            }
            payment.currency.make_ascii_lowercase();
            let is_code =
                |code: &str| code.len() == 3 && code.bytes().all(|b| b.is_ascii_lowercase());
            if !is_code(&payment.currency) {
                return Err(Unread(format!(
                    "payments[{n}].currency is not three letters"
                )));
            }
        }
        Ok(page)
    }
}

fn not_empty<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(payment: &str) -> Result<LedgerPage, Unread> {
        LedgerPage::read(format!(r#"{{"payments":[{payment}],"next":"2","total":7}}"#).as_bytes())
    }

    #[test]
    fn unknown_fields_are_the_apps_business() {
        let read = page(
            r#"{"order_id":"o1","payment_intent":"pi_1","status":"paid","amount":1000,"currency":"NOK","at":"x"}"#,
        );
        let expected = LedgerPage {
            payments: vec![LedgerPayment {
                order_id: "o1".to_owned(),
                payment_intent: Some("pi_1".to_owned()),
                provider: None,
                status: LedgerStatus::Paid,
                amount: 1000,
                currency: "nok".to_owned(),
                may_be_elsewhere: false,
            }],
            next: Some("2".to_owned()),
        };
        assert_eq!(read, Ok(expected));
        for body in [
            r#"{"payments":[]}"#,
            r#"{"payments":[],"next":null}"#,
            r#"{"payments":[],"next":""}"#,
        ] {
            let last = LedgerPage::read(body.as_bytes()).expect("a page");
            assert_eq!((last.payments.len(), last.next), (0, None), "{body}");
        }
        for id in ["", r#""payment_intent":null,"#, r#""payment_intent":"","#] {
            let early = page(&format!(
                r#"{{"order_id":"o1",{id}"status":"pending","amount":0,"currency":"nok"}}"#
            ));
            assert_eq!(early.expect("a page").payments[0].payment_intent, None);
        }
    }

    #[test]
    fn what_money_hangs_on_has_to_be_right() {
        let whole = r#"{"order_id":"o1","status":"paid","amount":1000,"currency":"nok"}"#;
        assert!(page(whole).is_ok());
        for (from, to) in [
            (r#""order_id":"o1","#, ""),
            ("\"o1\"", "\"\""),
            ("\"o1\"", "7"),
            (r#""status":"paid","#, ""),
            ("\"paid\"", "\"charged\""),
            ("\"paid\"", "\"Paid\""),
            ("\"paid\"", "null"),
            (r#""amount":1000,"#, ""),
            ("1000", "-1000"),
            ("1000", "10.5"),
            ("1000", "\"1000\""),
            ("\"nok\"", "\"\""),
            ("\"nok\"", "\"kr\""),
            ("\"nok\"", "\"n\u{f8}k\""),
            (r#","currency":"nok""#, ""),
        ] {
            assert!(whole.contains(from), "{from}");
            let spoilt = whole.replace(from, to);
            assert!(page(&spoilt).is_err(), "{spoilt}");
        }
        for body in ["", "[]", "{}", "<html>", r#"{"payments":null}"#] {
            assert!(LedgerPage::read(body.as_bytes()).is_err(), "{body}");
        }
        let Unread(why) = page(&whole.replace("1000", "\"ada@example.com\"")).expect_err("refused");
        assert_eq!(why, "it does not read: payments[0].amount: expected u64");
    }
}
