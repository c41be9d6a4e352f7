//! How the stand-in tells what happened.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::API_VERSION;

/// Who is told of events, and how. As it begins: nobody. What is set here counts for events that are told from then
/// on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookSettings {
    /// Each gets every event that it wants.
    pub endpoints: Vec<WebhookEndpoint>,
    /// Nothing is told until this is taken back. Then all of it is, in one row.
    pub held: bool,
    /// Tells everything twice.
    pub twice: bool,
    /// Tells the newest first: of one request, or of all that were held.
    pub reversed: bool,
    /// Announces events in the way of version 2 of the API, without their object.
    pub thin: bool,
    /// Says live where it is test, and the reverse.
    pub flipped_livemode: bool,
    /// How long before it is sent an event says that it was signed, in seconds.
    pub signed_seconds_ago: u64,
    /// How often an event is told again to an endpoint that did not take it; three times where this is not set. The pauses begin
    /// with 50 ms and double.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
}

/// One endpoint that is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookEndpoint {
    /// Where it listens.
    pub url: String,
    /// What events are signed with, `whsec_…`; several while one takes the place of another.
    pub secrets: Vec<String>,
    /// The version that its events are rendered with; `2023-10-16` unless it is changed.
    #[serde(default = "api_version")]
    pub api_version: String,
    /// The types it wants; all when there are none.
    #[serde(default)]
    pub events: Vec<String>,
}

/// One event that an endpoint was told of, after the last try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTold {
    /// The event.
    pub event: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The endpoint's URL.
    pub url: String,
    /// The status that it was answered with; none when there was no answer.
    pub answer: Option<u16>,
    /// How often it was tried.
    pub tries: u32,
}

impl WebhookEndpoint {
    /// An endpoint that gets everything, signed with this secret.
    #[must_use]
    pub fn new(url: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            secrets: vec![secret.into()],
            api_version: api_version(),
            events: Vec::new(),
        }
    }

    pub(super) fn wants(&self, kind: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|wanted| wanted == kind)
    }
}

fn api_version() -> String {
    API_VERSION.to_owned()
}

/// Hides the secrets.
impl fmt::Debug for WebhookEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookEndpoint")
            .field("url", &self.url)
            .field("api_version", &self.api_version)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
