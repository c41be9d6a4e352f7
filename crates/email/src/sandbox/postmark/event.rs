//! What Postmark tells of a mail.

use std::sync::atomic::{AtomicU64, Ordering};

use longshore_sandbox::Draft;
use serde_json::{Value, json};

use super::PostmarkWebhook;

/// The numbers of bounces, as Postmark counts them.
static BOUNCES: AtomicU64 = AtomicU64::new(4_000_000_001);

/// All that becomes of one mail, oldest first.
pub(super) fn of(mail: &Draft, webhook: &PostmarkWebhook) -> Vec<Value> {
    let address = mail.recipient.to_lowercase();
    if webhook.bounced.contains(&address) {
        return vec![bounce(mail, "Bounce", ("HardBounce", 1), true)];
    }
    if webhook.soft_bounced.contains(&address) {
        return vec![bounce(mail, "Bounce", ("SoftBounce", 4096), false)];
    }
    let delivered =
        json!({ "Recipient": mail.recipient, "DeliveredAt": now(), "Details": "smtp;250 OK" });
    let mut events = vec![event(mail, "Delivery", &delivered)];
    if webhook.spam_reported.contains(&address) {
        let kind = ("SpamComplaint", 512);
        events.push(bounce(mail, "SpamComplaint", kind, true));
    }
    if webhook.unsubscribed.contains(&address) {
        let change = json!({
            "Recipient": mail.recipient, "ChangedAt": now(), "Origin": "Recipient",
            "SuppressSending": true, "SuppressionReason": "ManualSuppression",
        });
        events.push(event(mail, "SubscriptionChange", &change));
    }
    events
}

/// A server quotes the address that it does not know.
fn bounce(mail: &Draft, record: &str, (kind, code): (&str, u32), inactive: bool) -> Value {
    let address = &mail.recipient;
    let fields = json!({
        "ID": BOUNCES.fetch_add(1, Ordering::Relaxed), "Type": kind, "TypeCode": code, "Name": kind,
        "Email": address, "From": "shop@example.com", "BouncedAt": now(),
        "Description": "The server was unable to deliver your message.",
        "Details": format!("smtp;550 5.1.1 <{address}>: Recipient address rejected: User unknown"),
        "DumpAvailable": false, "Inactive": inactive, "CanActivate": kind != "SpamComplaint", "Subject": "",
    });
    event(mail, record, &fields)
}

/// With what every event has.
fn event(mail: &Draft, record: &str, fields: &Value) -> Value {
    let mut event = json!({
        "RecordType": record, "MessageID": mail.id, "ServerID": 23, "MessageStream": "outbound",
        "Tag": "", "Metadata": {},
    });
    if let Some(job) = &mail.job {
        event["Metadata"]["job_id"] = job.as_str().into();
    }
    for (name, value) in fields.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    event
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}
