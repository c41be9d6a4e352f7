//! Tells an endpoint of events.

use std::sync::Arc;
use std::time::Duration;

use longshore_sandbox::post::{PostAnswer, WebhookPost, post};
use longshore_sandbox::signed;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;

use super::State;

/// How long the endpoint may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How often an event is told again that was not taken: over some seconds.
const RETRIES: u32 = 7;

/// What has happened to something, as the API shows it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Event {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) object: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) invoice: Option<String>,
}

/// Where events are posted, and what they are signed with.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) secret: String,
}

/// Tells of each event, one after the other.
pub(super) async fn run(state: Arc<State>, mut happened: UnboundedReceiver<String>) {
    while let Some(event) = happened.recv().await {
        let endpoint = state.endpoint().clone();
        if let Some(endpoint) = endpoint {
            tell(&endpoint, &event).await;
        }
    }
}

async fn tell(endpoint: &Endpoint, event: &str) {
    let Ok(url) = endpoint.url.parse() else {
        return;
    };
    let call = WebhookPost {
        url,
        content_type: "application/json",
        body: json!({ "id": event }).to_string(),
        timeout: TIMEOUT,
    };
    // Each try has a time of its own.
    let headers = || {
        let secrets = [endpoint.secret.as_str()];
        let value = signed::header(secrets, signed::now(), call.body.as_bytes());
        vec![("testpay-signature", value)]
    };
    let again = |answer: &PostAnswer| !matches!(answer, PostAnswer::Status(200..300));
    post(&call, RETRIES, headers, again).await;
}
