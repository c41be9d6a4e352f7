//! What SendGrid tells of a mail.

use longshore_sandbox::{Draft, Ids, signed};
use serde_json::{Value, json};

use super::EventWebhook;

/// All that becomes of one mail, oldest first.
pub(super) fn of(mail: &Draft, webhook: &EventWebhook, ids: &Ids) -> Vec<Value> {
    let address = mail.recipient.to_lowercase();
    let event = |kind: &str, fields: Value| event(mail, kind, &fields, ids);
    if let Some(reason) = webhook.dropped.get(&address) {
        return vec![event(
            "dropped",
            json!({ "reason": reason, "status": "5.0.0" }),
        )];
    }
    let mut events = vec![event("processed", json!({ "send_at": 0 }))];
    if webhook.bounced.contains(&address) {
        events.push(event("bounce", bounce(&address)));
        return events;
    }
    if webhook.blocked.contains(&address) {
        let reason = "550 5.7.1 Message rejected by policy";
        let fields = json!({ "type": "blocked", "status": "5.7.1", "reason": reason });
        events.push(event("bounce", fields));
        return events;
    }
    events.push(event(
        "delivered",
        json!({ "response": "250 OK", "ip": "192.0.2.1" }),
    ));
    if webhook.bounced_late.contains(&address) {
        let mut late = event("bounce", bounce(&address));
        late.as_object_mut()
            .map(|late| late.remove("sg_message_id"));
        events.push(late);
    }
    if webhook.unsubscribed.contains(&address) {
        events.push(event(
            "open",
            json!({ "useragent": "Mail/1.0", "ip": "192.0.2.2" }),
        ));
        events.push(event("unsubscribe", json!({})));
    }
    if webhook.spam_reported.contains(&address) {
        events.push(event("spamreport", json!({})));
    }
    events
}

/// A server quotes the address that it does not know.
fn bounce(address: &str) -> Value {
    json!({
        "type": "bounce", "status": "5.1.1", "bounce_classification": "Invalid Address",
        "reason": format!("550 5.1.1 <{address}>: Recipient address rejected: User unknown"),
    })
}

/// With what every event has. `custom_args` stand beside the rest.
fn event(mail: &Draft, kind: &str, fields: &Value, ids: &Ids) -> Value {
    let mut event = json!({
        "email": mail.recipient, "timestamp": signed::now(), "event": kind,
        "smtp-id": format!("<{}@sandbox>", mail.id),
        "sg_event_id": ids.next("ev-"),
        "sg_message_id": format!("{}.recvd-sandbox-1-0.0", mail.id),
    });
    if let Some(job) = &mail.job {
        event["job_id"] = job.as_str().into();
    }
    for (name, value) in fields.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    event
}

/// A list of them, as SendGrid writes it.
pub(super) fn list(events: &[Value]) -> String {
    let events: Vec<_> = events.iter().map(Value::to_string).collect();
    format!("[{}]\r\n", events.join(",\r\n"))
}
