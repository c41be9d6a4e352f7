//! Tells what becomes of mails, each event by a request of its own, as Postmark does.

use std::sync::Arc;
use std::time::Duration;

use longshore_sandbox::Draft;
use longshore_sandbox::post::{PostAnswer, WebhookPost, post};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::{PostmarkPosted, State, event};

/// How long a listener may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How often an event that was not taken is posted again. Postmark goes on for hours.
const RETRIES: u32 = 3;

/// Takes the mails that were accepted, and tells of them. Whatever is under way ends with it.
pub(super) async fn run(state: Arc<State>, mut accepted: UnboundedReceiver<Draft>) {
    let mut under_way = JoinSet::new();
    while let Some(mail) = accepted.recv().await {
        under_way.spawn(post_events(Arc::clone(&state), mail));
        while under_way.try_join_next().is_some() {}
    }
}

async fn post_events(state: Arc<State>, mail: Draft) {
    let webhook = state.webhook.borrow().clone();
    let Some(Ok(url)) = webhook.url.as_ref().map(|url| url.parse()) else {
        return;
    };
    let mut call = WebhookPost {
        url,
        content_type: "application/json",
        body: String::new(),
        timeout: TIMEOUT,
    };
    // As Postmark documents it: 200 is success, 403 ends its tries, and anything else is tried again.
    let again = |answer: &PostAnswer| !matches!(answer, PostAnswer::Status(200 | 403));
    for event in event::of(&mail, &webhook) {
        call.body = event.to_string();
        for _ in 0..if webhook.twice { 2 } else { 1 } {
            // User and password of the URL are sent as its header.
            let posted = post(&call, RETRIES, Vec::new, again).await;
            let posted = PostmarkPosted {
                event: event["RecordType"].as_str().unwrap_or_default().to_owned(),
                answer: posted.answer,
                tries: posted.tries,
            };
            state.posted.send_modify(|all| all.push(posted));
        }
    }
}
