//! What strangers post: whatever it is, it is read or refused, and nothing panics.

use longshore_integration::Event;
use longshore_testing::fuzz::{bytes, cases};
use proptest::prelude::*;

const LISTS: &[&str] = &[
    r#"[{"email":"ada@example.com","timestamp":1700000000,"event":"bounce","sg_event_id":"e1","sg_message_id":"m1.x","type":"bounce","reason":"550","longshore_job":"01KBGJDTN7Z2T9K2C7CKFV3H8R"}]"#,
    r#"[{"email":"ada@example.com","event":"dropped","reason":"Bounced Address","sg_message_id":"m1"},{"email":"a@b.c","event":"group_resubscribe","asm_group_id":7}]"#,
];

const POSTMARK: &[&str] = &[
    r#"{"RecordType":"Bounce","MessageID":"883953f4-6105-42a2-a16a-77a8eac79483","Type":"HardBounce","TypeCode":1,"Email":"ada@example.com","BouncedAt":"2026-11-29T09:00:00Z","Metadata":{"longshore_job":"01KBGJDTN7Z2T9K2C7CKFV3H8R"}}"#,
    r#"{"RecordType":"SubscriptionChange","MessageID":"883953f4","Recipient":"a@b.c","SuppressSending":true,"SuppressionReason":"ManualSuppression","Origin":"Recipient"}"#,
    r#"{"RecordType":"Delivery","MessageID":"883953f4","Recipient":"a@b.c"}"#,
];

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn every_event_of_a_list_comes_to_something(body in bytes(LISTS)) {
        if let Ok(read) = super::event::read_all(&body) {
            let list: Vec<serde_json::Value> = serde_json::from_slice(&body).expect("it was read");
            prop_assert_eq!(read.events.len(), list.len());
            prop_assert!(!read.events.iter().any(|event| matches!(event, Event::Job(_))));
        }
    }

    #[test]
    fn postmarks_events_are_read_or_refused(body in bytes(POSTMARK)) {
        if let Ok(event) = serde_json::from_slice(&body) {
            let read = super::postmark::read(&event);
            prop_assert!(!matches!(read, Some(Event::Job(_))));
        }
    }
}
