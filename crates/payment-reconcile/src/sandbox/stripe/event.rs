//! Events: what happened, and how the object was then.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::shelf::Stored;

/// The version that events are rendered with where nobody asks for another one.
pub(super) const API_VERSION: &str = "2023-10-16";

/// One event.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) livemode: bool,
    pub(super) kind: &'static str,
    pub(super) object: Value,
    /// The request that made it happen; none for what happened by itself.
    pub(super) request: Option<String>,
    pub(super) idempotency_key: Option<String>,
}

impl Stored for Event {
    const WORD: &'static str = "event";

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
        self.rendered(API_VERSION)
    }
}

impl Event {
    /// As an endpoint of this version gets it.
    pub(super) fn rendered(&self, api_version: &str) -> Value {
        json!({
            "id": self.id,
            "object": "event",
            "api_version": api_version,
            "created": self.created,
            "data": { "object": self.object },
            "livemode": self.livemode,
            "pending_webhooks": 1,
            "request": { "id": self.request, "idempotency_key": self.idempotency_key },
            "type": self.kind,
        })
    }

    /// As version 2 of the API announces it: without the object.
    pub(super) fn thin(&self) -> Value {
        let seconds = i64::try_from(self.created).unwrap_or_default();
        let created = Timestamp::from_second(seconds).unwrap_or_default();
        let (id, kind) = (&self.object["id"], &self.object["object"]);
        let url = format!(
            "/v1/{}s/{}",
            kind.as_str().unwrap_or_default(),
            id.as_str().unwrap_or_default()
        );
        json!({
            "id": self.id,
            "object": "v2.core.event",
            "created": created.to_string(),
            "livemode": self.livemode,
            "related_object": { "id": id, "type": kind, "url": url },
            "type": format!("v1.{}", self.kind),
        })
    }
}
