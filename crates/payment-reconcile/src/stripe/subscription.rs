//! Subscriptions, as they are read.

use std::collections::BTreeMap;

use longshore_job::Run;
use serde::Deserialize;

use super::linked::id_of;
use super::{CallError, ListPage, Stripe};

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

impl Stripe {
    /// How many subscriptions have not ended, page by page.
    pub(crate) async fn running_subscriptions(&self, run: &Run) -> Result<u64, CallError> {
        let mut running = 0;
        let mut after: Option<String> = None;
        loop {
            let page = ListPage {
                created_from: 0,
                // Whatever there is: no clock is asked.
                created_to: i64::from(u32::MAX),
                starting_after: after.as_deref(),
            };
            // Without a status Stripe lists those that were not cancelled.
            let listed = self
                .list::<Subscription>(run, "/v1/subscriptions", &page, &[])
                .await?;
            running += listed.data.iter().filter(|one| !one.has_ended()).count() as u64;
            let last = listed.data.last().map(|one| one.id.clone());
            if !listed.has_more || last.is_none() || last == after {
                return Ok(running);
            }
            after = last;
        }
    }
}
