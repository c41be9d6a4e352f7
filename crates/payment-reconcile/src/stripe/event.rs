//! Events: what happened at Stripe.

use longshore_job::Run;
use serde::Deserialize;

use super::{CallError, ListPage, Listed, Stripe};

/// What is read of an event: which object it is about. What became of the object is asked for, never taken from here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub(crate) struct Event {
    /// `evt_…`
    pub(crate) id: String,
    /// Its type: `payment_intent.succeeded`, …
    pub(crate) kind: String,
    /// Whether it is about real money.
    pub(crate) livemode: bool,
    /// Unix time in seconds.
    pub(crate) created: i64,
    /// The version of the API that it is written in.
    pub(crate) api_version: Option<String>,
    /// The object's id: `pi_…`, `sub_…`
    pub(crate) object_id: String,
}

/// As Stripe writes it.
#[derive(Deserialize)]
struct Wire {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    livemode: bool,
    created: i64,
    #[serde(default)]
    api_version: Option<String>,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    id: String,
}

impl From<Wire> for Event {
    fn from(wire: Wire) -> Self {
        Self {
            id: wire.id,
            kind: wire.kind,
            livemode: wire.livemode,
            created: wire.created,
            api_version: wire.api_version,
            object_id: wire.data.object.id,
        }
    }
}

impl Stripe {
    /// Up to 100 events of these types that an endpoint has not taken, or not yet, newest first. Of 30 days at the most.
    pub(crate) async fn undelivered_events(
        &self,
        run: &Run,
        page: &ListPage<'_>,
        types: &[&str],
    ) -> Result<Listed<Event>, CallError> {
        let types = types.iter().map(|kind| ("types[]", *kind));
        let filter: Vec<_> = types.chain([("delivery_success", "false")]).collect();
        self.list(run, "/v1/events", page, &filter).await
    }
}
