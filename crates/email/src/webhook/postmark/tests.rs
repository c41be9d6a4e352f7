use std::time::SystemTime;

use http::Request;
use serde_json::json;

use super::*;

const JOB: &str = "01JD2Z5V9GQ8X0T6M3K7W4R1YB";
const MESSAGE: &str = "883953f4-6105-42a2-a16a-77a8eac79483";
const ADA: &str = "ada@example.com";

/// An event with the fields that the type definitions of Postmark's own library have (postmark 5.1.0).
fn event(record: &str, fields: &Value) -> Value {
    let mut event = match record {
        "Bounce" | "SpamComplaint" => json!({
            "ID": 4_323_372_036_854_775_807_u64, "Type": "HardBounce", "TypeCode": 1, "Name": "Hard bounce",
            "Description": "The server was unable to deliver your message", "Details": "550 5.1.1 <ada@example.com>",
            "Email": ADA, "From": "shop@example.com", "BouncedAt": "2026-11-29T16:33:54.9070259Z",
            "DumpAvailable": true, "Inactive": true, "CanActivate": true, "Subject": "Welcome, Ada",
        }),
        "SubscriptionChange" => json!({
            "ChangedAt": "2026-11-29T10:53:34.416071Z", "Recipient": ADA, "Origin": "Recipient",
            "SuppressSending": true, "SuppressionReason": "ManualSuppression",
        }),
        _ => {
            json!({ "Recipient": ADA, "DeliveredAt": "2026-11-29T16:33:54.9070259Z", "Details": "Test" })
        }
    };
    let common = json!({
        "RecordType": record, "MessageID": MESSAGE, "ServerID": 23, "MessageStream": "outbound",
        "Tag": "greetings", "Metadata": { "job_id": JOB },
    });
    for fields in [&common, fields] {
        for (name, value) in fields.as_object().expect("fields") {
            event[name] = value.clone();
        }
    }
    event
}

fn update_of(record: &str, fields: &Value) -> DeliveryUpdate {
    match read(&event(record, fields)) {
        Some(Event::Delivery(update)) => *update,
        other => panic!("{record} {fields}: {other:?}"),
    }
}

/// How the mail stands, and why its address is suppressed.
fn stands(record: &str, fields: &Value) -> (String, u8, Option<SuppressedFor>, bool) {
    let update = update_of(record, fields);
    let suppress = update.suppress;
    (
        update.state,
        update.rank,
        suppress.as_ref().map(|suppress| suppress.reason),
        suppress.is_some_and(|suppress| suppress.is_over),
    )
}

#[test]
fn a_bounce_becomes_an_update_of_its_mail() {
    let suppress = Suppress::new(AddressHash::of(ADA), SuppressedFor::Bounce)
        .by_event(Some("postmark-4323372036854775807".to_owned()));
    let expected = DeliveryUpdate {
        message: Some(MESSAGE.to_owned()),
        job: Some(JOB.parse().expect("an id")),
        state: "bounce".to_owned(),
        rank: 4,
        code: Some("HardBounce".to_owned()),
        suppress: Some(suppress),
    };
    assert_eq!(update_of("Bounce", &json!({})), expected);
}

#[test]
fn only_what_holds_for_good_suppresses() {
    use SuppressedFor::{Bounce, SpamReport, Unsubscribe};
    let kind = |kind: &str| json!({ "Type": kind });
    let reason = |reason: &str| json!({ "SuppressionReason": reason });
    for (record, fields, state, why) in [
        ("Delivery", json!({}), "delivered", None),
        ("Bounce", kind("HardBounce"), "bounce", Some(Bounce)),
        ("Bounce", kind("BadEmailAddress"), "bounce", Some(Bounce)),
        ("Bounce", kind("SoftBounce"), "soft_bounce", None),
        ("Bounce", kind("Transient"), "soft_bounce", None),
        ("Bounce", kind("DnsError"), "soft_bounce", None),
        ("Bounce", kind("Blocked"), "soft_bounce", None),
        ("Bounce", kind("SpamNotification"), "soft_bounce", None),
        (
            "Bounce",
            kind("Unsubscribe"),
            "unsubscribe",
            Some(Unsubscribe),
        ),
        (
            "Bounce",
            kind("SpamComplaint"),
            "spamreport",
            Some(SpamReport),
        ),
        ("SpamComplaint", json!({}), "spamreport", Some(SpamReport)),
        (
            "SubscriptionChange",
            json!({}),
            "unsubscribe",
            Some(Unsubscribe),
        ),
        (
            "SubscriptionChange",
            reason("HardBounce"),
            "bounce",
            Some(Bounce),
        ),
        (
            "SubscriptionChange",
            reason("SpamComplaint"),
            "spamreport",
            Some(SpamReport),
        ),
    ] {
        let (found, _, suppressed, is_over) = stands(record, &fields);
        assert_eq!(
            (&*found, suppressed, is_over),
            (state, why, false),
            "{record} {fields}"
        );
    }
}

#[test]
fn who_wants_mail_again_undoes_their_unsubscribe_alone() {
    let again = json!({ "SuppressSending": false, "SuppressionReason": null });
    let (state, rank, reason, is_over) = stands("SubscriptionChange", &again);
    assert_eq!((&*state, rank), ("resubscribe", 6));
    assert_eq!((reason, is_over), (Some(SuppressedFor::Unsubscribe), true));
    let event = |fields: &Value| {
        let suppress = update_of("SubscriptionChange", fields).suppress;
        suppress.and_then(|suppress| suppress.event)
    };
    let expected = format!("postmark-{MESSAGE}-20261129105334416071");
    assert_eq!(event(&json!({})), Some(expected));
    let later = json!({ "ChangedAt": "2026-11-30T10:53:34Z" });
    assert_ne!(
        event(&json!({})),
        event(&later),
        "each change is one of its own"
    );
}

#[test]
fn what_may_be_missing_or_odd() {
    let bare = update_of(
        "SubscriptionChange",
        &json!({ "MessageID": NO_MESSAGE, "Metadata": {} }),
    );
    assert_eq!((bare.message, bare.job), (None, None));
    assert!(bare.suppress.is_some());
    for kind in ["AutoResponder", "AddressChange", "Subscribe"] {
        let read = read(&event("Bounce", &json!({ "Type": kind })));
        assert_eq!(read, Some(Event::Ignored), "{kind}");
    }
    for (record, fields) in [
        ("Bounce", json!({ "Email": "" })),
        ("SubscriptionChange", json!({ "SuppressSending": "yes" })),
        ("", json!({})),
    ] {
        let read = read(&event(record, &fields));
        assert_eq!(read, Some(Event::Unreadable), "{record} {fields}");
    }
    assert_eq!(read(&event("Open", &json!({}))), Some(Event::Ignored));
    assert_eq!(read(&event("Click", &json!({}))), Some(Event::Ignored));
    assert_eq!(read(&event("Inbound", &json!({}))), None);
    assert_eq!(read(&event("Bounce", &json!({ "Type": "New" }))), None);
    assert_eq!(read(&json!([])), Some(Event::Unreadable));
}

#[test]
fn postmark_is_known_by_user_and_password() {
    let events = PostmarkEvents::new("postmark".to_owned(), "s3cret".into());
    let url = "https://hooks.example.com".parse().expect("a public URL");
    let body = event("Delivery", &json!({})).to_string();
    let posted = |events: &PostmarkEvents, authorization: &[&str], body: &str| {
        let mut request = Request::post("/webhooks/postmark");
        for value in authorization {
            request = request.header("authorization", *value);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        events.read(&Posted {
            url: &url,
            head: &head,
            body: body.as_bytes(),
            at: SystemTime::now(),
        })
    };
    let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
    let good = basic("postmark:s3cret");
    let read = posted(&events, &[&good], &body).expect("taken");
    assert!(matches!(read.events[..], [Event::Delivery(_)]));
    let lower = good.replace("Basic", "basic");
    assert!(posted(&events, &[&lower], &body).is_ok());
    for authorization in [
        vec![],
        vec![basic("postmark:s3cres")],
        vec![basic("postmark:s3cret ")],
        vec![basic("postmar:s3cret")],
        vec![basic("postmark:")],
        vec![basic("")],
        vec!["Bearer s3cret".to_owned()],
        vec!["Basic !".to_owned()],
        vec![good.clone(), good.clone()],
    ] {
        let values: Vec<_> = authorization.iter().map(String::as_str).collect();
        let refused = posted(&events, &values, &body);
        assert!(
            matches!(refused, Err(Refusal::BadSignature(_))),
            "{values:?}"
        );
    }
    let open = PostmarkEvents::new("postmark".to_owned(), "".into());
    assert!(posted(&open, &[&basic("postmark:")], &body).is_err());
    let refused = posted(&events, &[&good], "not JSON");
    assert_eq!(refused, Err(Refusal::BadRequest("the body is no event")));
}
