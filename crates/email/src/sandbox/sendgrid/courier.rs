//! Tells what becomes of mails.

use std::sync::Arc;
use std::time::Duration;

use longshore_sandbox::{Draft, signed};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::{EventWebhook, EventsPosted, State, event};
use longshore_sandbox::post::{PostAnswer, WebhookPost, post};

/// How long a listener may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How often a list that was not taken is posted again, unless it is set. SendGrid goes on for a day.
const RETRIES: u32 = 3;

/// Takes the mails of accepted requests, and tells of them. Whatever is under way ends with it.
pub(super) async fn run(state: Arc<State>, mut accepted: UnboundedReceiver<Vec<Draft>>) {
    let mut webhook = state.webhook.subscribe();
    let mut under_way = JoinSet::new();
    while let Some(mut mails) = accepted.recv().await {
        let webhook = loop {
            tokio::select! {
                biased;
                free = webhook.wait_for(|webhook| !webhook.held) => match free {
                    Ok(webhook) => break webhook.clone(),
                    // The sandbox is gone.
                    Err(_) => return,
                },
                Some(more) = accepted.recv() => mails.extend(more),
            }
        };
        // What came while it was let go belongs to the same list.
        while let Ok(more) = accepted.try_recv() {
            mails.extend(more);
        }
        under_way.spawn(post_events(Arc::clone(&state), webhook, mails));
        while under_way.try_join_next().is_some() {}
    }
}

async fn post_events(state: Arc<State>, webhook: EventWebhook, mails: Vec<Draft>) {
    let Some(Ok(url)) = webhook.url.as_ref().map(|url| url.parse()) else {
        return;
    };
    let mut events: Vec<Value> = mails
        .iter()
        .flat_map(|mail| event::of(mail, &webhook, &state.ids))
        .collect();
    if webhook.reversed {
        events.reverse();
    }
    let call = WebhookPost {
        url,
        content_type: "application/json;charset=utf-8",
        body: event::list(&events),
        timeout: TIMEOUT,
    };
    let headers = || {
        let time = signed::now().saturating_sub(webhook.signed_seconds_ago);
        let time = time.to_string();
        vec![
            (
                "x-twilio-email-event-webhook-signature",
                state.key().sign(&time, call.body.as_bytes()),
            ),
            ("x-twilio-email-event-webhook-timestamp", time),
        ]
    };
    let again = |answer: &PostAnswer| !matches!(answer, PostAnswer::Status(200..300));
    for _ in 0..if webhook.twice { 2 } else { 1 } {
        let retries = webhook.retries.unwrap_or(RETRIES);
        let posted = post(&call, retries, headers, again).await;
        let kinds = events.iter().filter_map(|event| event["event"].as_str());
        let posted = EventsPosted {
            events: kinds.map(str::to_owned).collect(),
            jobs: mails.iter().filter_map(|mail| mail.job.clone()).collect(),
            answer: posted.answer,
            tries: posted.tries,
        };
        state.posted.send_modify(|all| all.push(posted));
    }
}
