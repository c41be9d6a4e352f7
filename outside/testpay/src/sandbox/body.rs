//! What requests bring. Two of them are the same if they are equal once read.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// What refuses every collection.
pub(super) const DECLINED: &str = "card_declined";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCustomer {
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPayment {
    order: String,
    user: String,
    pub(super) amount: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) customer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<String>,
    #[serde(default, skip_serializing)]
    pub(super) collect: bool,
}

/// In minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Amount {
    pub(super) value: u64,
    currency: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCollection {
    pub(super) method: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSubscription {
    pub(super) customer: String,
    user: String,
    plan: String,
    #[serde(default = "one")]
    quantity: u32,
}

fn one() -> u32 {
    1
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEnding {
    #[serde(default)]
    pub(super) credit_unused: bool,
}

/// What a body says, if it can be meant so.
pub(super) trait Body: DeserializeOwned + PartialEq {
    /// The code of what cannot be.
    fn problem(&self) -> Option<&'static str> {
        None
    }

    fn read(body: &[u8]) -> Result<Self, Problem> {
        let read: Self =
            serde_json::from_slice(body).map_err(|_| Problem::impossible("invalid_body"))?;
        match read.problem() {
            Some(code) => Err(Problem::impossible(code)),
            None => Ok(read),
        }
    }
}

impl NewCustomer {
    /// Of this user, with nothing else known.
    pub(super) fn of(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            email: None,
            name: None,
        }
    }
}

impl Body for NewCustomer {}

impl Body for NewPayment {
    fn problem(&self) -> Option<&'static str> {
        let currency = &self.amount.currency;
        if self.amount.value == 0 {
            return Some("invalid_amount");
        }
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Some("invalid_currency");
        }
        (self.collect && self.method.is_none()).then_some("no_method")
    }
}

impl Body for NewCollection {}

impl Body for NewSubscription {
    fn problem(&self) -> Option<&'static str> {
        (self.quantity == 0).then_some("invalid_quantity")
    }
}

impl Body for NewEnding {}
