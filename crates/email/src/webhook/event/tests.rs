use serde_json::json;

use super::*;

const JOB: &str = "01JD2Z5V9GQ8X0T6M3K7W4R1YB";
const ADA: &str = "ada@example.com";

/// An event with all that SendGrid sends, and these fields in place of its own.
fn event(kind: &str, fields: &Value) -> Value {
    let mut event = json!({
        "email": ADA, "timestamp": 1_700_000_000, "event": kind,
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>", "category": ["cat facts"],
        "sg_event_id": "2FeCcG5VRWpck6mKqRgnDg==", "ip": "168.1.1.1", "tls": 1,
        "sg_message_id": "QtRSVbcnQlqvR8kVGAbSKg.recvd-84b8fbc5d6-x-1-65B2.0", "job_id": JOB,
    });
    for (name, value) in fields.as_object().expect("fields") {
        event[name] = value.clone();
    }
    event
}

fn update_of(kind: &str, fields: &Value) -> DeliveryUpdate {
    match read(&event(kind, fields)) {
        Some(Event::Delivery(told)) => *told,
        other => panic!("{kind} {fields}: {other:?}"),
    }
}

/// Why the address is suppressed, if it is.
fn suppressed(kind: &str, fields: &Value) -> Option<SuppressedFor> {
    update_of(kind, fields)
        .suppress
        .map(|suppress| suppress.reason)
}

#[test]
fn an_event_becomes_news_of_its_message() {
    let told = update_of(
        "bounce",
        &json!({ "type": "bounce", "status": "5.1.1", "reason": "550 no" }),
    );
    let suppress = Suppress::new(AddressHash::of(ADA), SuppressedFor::Bounce)
        .by_event(Some("2FeCcG5VRWpck6mKqRgnDg==".to_owned()));
    let expected = DeliveryUpdate {
        message: Some("QtRSVbcnQlqvR8kVGAbSKg".to_owned()),
        job: Some(JOB.parse().expect("an id")),
        state: "bounce".to_owned(),
        rank: 4,
        code: Some("5.1.1".to_owned()),
        suppress: Some(suppress),
    };
    assert_eq!(told, expected);
}

#[test]
fn states_have_their_ranks() {
    let rank = |kind| update_of(kind, &json!({})).rank;
    let order = [
        "processed",
        "deferred",
        "delivered",
        "bounce",
        "unsubscribe",
        "group_resubscribe",
        "spamreport",
    ];
    assert_eq!(order.map(rank), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!((rank("dropped"), rank("group_unsubscribe")), (4, 5));
    let blocked = update_of("bounce", &json!({ "type": "blocked", "status": "5.7.1" }));
    assert_eq!((&*blocked.state, blocked.rank), ("blocked", 4));
    assert_eq!(blocked.code.as_deref(), Some("5.7.1"));
}

#[test]
fn only_what_holds_for_good_suppresses() {
    use SuppressedFor::{Bounce, SpamReport, Unsubscribe};
    for (kind, fields, why) in [
        (
            "bounce",
            json!({ "type": "bounce", "status": "5.1.1" }),
            Some(Bounce),
        ),
        ("bounce", json!({ "status": "5.0.0" }), Some(Bounce)),
        (
            "bounce",
            json!({ "type": "bounce", "status": "4.2.2" }),
            None,
        ),
        (
            "bounce",
            json!({ "type": "bounce", "status": "550 no" }),
            None,
        ),
        ("bounce", json!({ "type": "bounce" }), None),
        (
            "bounce",
            json!({ "type": "blocked", "status": "5.7.1" }),
            None,
        ),
        ("spamreport", json!({}), Some(SpamReport)),
        (
            "dropped",
            json!({ "reason": "Bounced Address", "status": "5.0.0" }),
            Some(Bounce),
        ),
        (
            "dropped",
            json!({ "reason": "Spam Reporting Address" }),
            Some(SpamReport),
        ),
        (
            "dropped",
            json!({ "reason": "Unsubscribed Address" }),
            Some(Unsubscribe),
        ),
        ("dropped", json!({ "reason": "Invalid" }), None),
        ("dropped", json!({}), None),
        (
            "deferred",
            json!({ "status": "5.1.1", "type": "bounce" }),
            None,
        ),
        ("delivered", json!({}), None),
        ("unsubscribe", json!({}), Some(Unsubscribe)),
        ("group_resubscribe", json!({}), None),
        ("group_unsubscribe", json!({}), None),
    ] {
        assert_eq!(suppressed(kind, &fields), why, "{kind} {fields}");
    }
}

#[test]
fn codes_are_words_that_name_nobody() {
    let code = |kind, fields: Value| update_of(kind, &fields).code;
    let reason = "550 5.1.1 <ada@example.com>: no such user";
    assert_eq!(
        code("bounce", json!({ "status": reason, "reason": reason })),
        None
    );
    assert_eq!(code("dropped", json!({ "reason": reason })), None);
    let dropped = code("dropped", json!({ "reason": "Spam Content" }));
    assert_eq!(dropped.as_deref(), Some("Spam Content"));
    assert_eq!(
        code("deferred", json!({ "response": reason, "attempt": "5" })),
        None
    );
}

#[test]
fn what_readers_do_is_no_news() {
    for kind in ENGAGEMENT {
        assert_eq!(
            read(&event(kind, &json!({}))),
            Some(Event::Ignored),
            "{kind}"
        );
    }
    for kind in ["account_status_change", "", "Delivered"] {
        assert_eq!(read(&event(kind, &json!({}))), None, "{kind}");
        let list = json!([event(kind, &json!({}))]).to_string();
        let read = read_all(list.as_bytes()).expect("a list");
        assert_eq!(read.events, [Event::Ignored]);
        assert_eq!(read.remarks[0].what, UNKNOWN);
    }
}

#[test]
fn what_may_be_missing_or_odd() {
    // A late bounce names no message, a mail of somebody else no job.
    let late = update_of(
        "bounce",
        &json!({ "sg_message_id": null, "status": "5.1.1" }),
    );
    assert!(late.message.is_none() && late.job.is_some() && late.suppress.is_some());
    for id in ["", ".x", "a b.c", "{x}", &"a".repeat(129)] {
        let odd = update_of("delivered", &json!({ "sg_message_id": id }));
        assert_eq!(odd.message, None, "{id}");
    }
    for job in [json!(null), json!(7), json!("x"), json!(JOB.to_lowercase())] {
        assert_eq!(
            update_of("delivered", &json!({ "job_id": job })).job,
            None,
            "{job}"
        );
    }
    for id in [json!(null), json!("a:b"), json!("")] {
        let suppress = update_of("spamreport", &json!({ "sg_event_id": id })).suppress;
        assert_eq!(suppress.expect("suppresses").event, None, "{id}");
    }
}

#[test]
fn one_that_cannot_be_read_loses_no_other() {
    let good = event("delivered", &json!({}));
    for bad in [
        json!(null),
        json!("delivered"),
        json!([]),
        json!({}),
        json!({ "event": 7 }),
        event("spamreport", &json!({ "email": null })),
        event("spamreport", &json!({ "email": "" })),
    ] {
        let body = format!("{}\r\n", json!([good, bad, good]));
        let read = read_all(body.as_bytes()).expect("a list");
        let told = |event: &Event| matches!(event, Event::Delivery(_));
        let events = &read.events;
        assert!(told(&events[0]) && told(&events[2]), "{bad}");
        assert_eq!(events[1], Event::Unreadable, "{bad}");
        assert_eq!(read.remarks[0].what, UNREADABLE);
    }
    assert_eq!(read_all(b"[]\r\n"), Ok(Read::default()));
    for body in ["", "{}", "null", "[", "[1,]", "{\"event\":\"delivered\"}"] {
        let refused = Err(Refusal::BadRequest("the body is no list of events"));
        assert_eq!(read_all(body.as_bytes()), refused, "{body}");
    }
}
