//! Subscriptions, as they are read.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::linked::id_of;

/// What matters of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Subscription {
    /// `sub_…`
    pub(crate) id: String,
    /// `active`, `incomplete`, `canceled`, …
    pub(crate) status: String,
    /// The id of the customer.
    #[serde(default, deserialize_with = "id_of")]
    pub(crate) customer: Option<String>,
    /// What the app and this fleet wrote on it.
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, String>,
    /// Whether it ends with its period.
    #[serde(default)]
    pub(crate) cancel_at_period_end: bool,
    /// Whether it is about real money.
    pub(crate) livemode: bool,
    /// Unix time in seconds.
    #[serde(default)]
    pub(crate) canceled_at: Option<i64>,
}

impl Subscription {
    /// Whether it has ended for good.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.status.as_str(), "canceled" | "incomplete_expired")
    }
}
