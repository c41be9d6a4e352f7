//! Tells endpoints of events.

use std::sync::Arc;
use std::time::Duration;

use longshore_sandbox::post::{PostAnswer, WebhookPost, post};
use longshore_sandbox::signed;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::event::Event;
use super::{EventTold, State, WebhookEndpoint, WebhookSettings};

/// How long an endpoint may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How often an event is told again to an endpoint that did not take it, unless it is set: as in test mode, though sooner.
const RETRIES: u32 = 3;

/// Takes the ids of events, in rows that belong together, and tells of each. Whatever is under way ends with it.
pub(super) async fn run(state: Arc<State>, mut happened: UnboundedReceiver<Vec<String>>) {
    let mut webhooks = state.webhooks.subscribe();
    let mut under_way = JoinSet::new();
    while let Some(mut events) = happened.recv().await {
        let webhooks = loop {
            tokio::select! {
                biased;
                free = webhooks.wait_for(|webhooks| !webhooks.held) => match free {
                    Ok(webhooks) => break webhooks.clone(),
                    // The sandbox is gone.
                    Err(_) => return,
                },
                Some(more) = happened.recv() => events.extend(more),
            }
        };
        // What came while it was let go belongs to the same row.
        while let Ok(more) = happened.try_recv() {
            events.extend(more);
        }
        under_way.spawn(deliver_all(Arc::clone(&state), webhooks, events));
        while under_way.try_join_next().is_some() {}
    }
}

/// Tells of one row, one event after the other.
async fn deliver_all(state: Arc<State>, webhooks: WebhookSettings, mut events: Vec<String>) {
    if webhooks.reversed {
        events.reverse();
    }
    for event in events {
        let Some(event) = state.event(&event) else {
            continue;
        };
        for endpoint in &webhooks.endpoints {
            if endpoint.wants(event.kind) {
                deliver(&state, &webhooks, endpoint, &event).await;
            }
        }
    }
}

async fn deliver(
    state: &State,
    webhooks: &WebhookSettings,
    endpoint: &WebhookEndpoint,
    event: &Event,
) {
    for _ in 0..if webhooks.twice { 2 } else { 1 } {
        let mut told = EventTold {
            event: event.id.clone(),
            kind: event.kind.to_owned(),
            url: endpoint.url.clone(),
            answer: None,
            tries: 0,
        };
        if let Ok(url) = endpoint.url.parse() {
            let call = WebhookPost {
                url,
                content_type: "application/json; charset=utf-8",
                body: body(webhooks, endpoint, event),
                timeout: TIMEOUT,
            };
            // Each try has a time of its own, as with Stripe.
            let headers = || {
                let at = signed::now().saturating_sub(webhooks.signed_seconds_ago);
                let secrets = endpoint.secrets.iter().map(String::as_str);
                let value = signed::header(secrets, at, call.body.as_bytes());
                vec![("stripe-signature", value)]
            };
            let again = |answer: &PostAnswer| !matches!(answer, PostAnswer::Status(200..300));
            let retries = webhooks.retries.unwrap_or(RETRIES);
            let posted = post(&call, retries, headers, again).await;
            (told.answer, told.tries) = (posted.answer, posted.tries);
        }
        state.told.send_modify(|all| all.push(told));
    }
}

fn body(webhooks: &WebhookSettings, endpoint: &WebhookEndpoint, event: &Event) -> String {
    let mut event = event.clone();
    event.livemode ^= webhooks.flipped_livemode;
    let body = match webhooks.thin {
        true => event.thin(),
        false => event.rendered(&endpoint.api_version),
    };
    body.to_string()
}
