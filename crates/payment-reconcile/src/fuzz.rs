//! What strangers send: whatever it is, it is read or refused, and nothing panics.

use longshore_testing::fuzz::{bytes, cases, text};
use proptest::prelude::*;

use crate::app::{EffectAnswer, LedgerPage};
use crate::events::APPLIED;
use crate::stripe::{Charge, Dispute, Invoice, Listed, PaymentIntent, Refund, Subscription};
use crate::webhook::{read_event, read_signature};

const EVENTS: &[&str] = &[
    r#"{"id":"evt_1","object":"event","api_version":"2023-10-16","type":"payment_intent.succeeded","livemode":false,"account":null,"data":{"object":{"id":"pi_1"}}}"#,
    r#"{"id":"evt_2","object":"event","type":"charge.refunded","livemode":false}"#,
];

const SIGNATURES: &[&str] = &[
    "t=1700000000,v1=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "t=1,v1=aa,v1=bb,v0=cc",
];

const PAGES: &[&str] = &[
    r#"{"payments":[{"order_id":"o1","payment_intent":"pi_1","provider":"testpay","status":"paid","amount":1000,"currency":"nok"}],"next":"2"}"#,
    r#"{"email":{"email":"ada@example.com","name":"Ada"},"data":{"a":1}}"#,
];

const OBJECTS: &[&str] = &[
    r#"{"id":"pi_1","status":"succeeded","amount":1000,"amount_received":1000,"currency":"nok","created":1,"livemode":false,"metadata":{"orderId":"o1"},"latest_charge":{"id":"ch_1","amount":1000,"amount_captured":1000,"captured":true,"amount_refunded":0,"disputed":false,"currency":"nok"}}"#,
    r#"{"id":"in_1","status":"paid","subscription":"sub_1","amount_paid":1,"amount_due":1,"currency":"nok","attempt_count":1,"livemode":false}"#,
    r#"{"id":"sub_1","status":"active","livemode":false,"customer":{"id":"cus_1"}}"#,
    r#"{"data":[{"id":"sub_1","status":"active","livemode":false}],"has_more":true}"#,
];

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn an_event_that_is_taken_names_itself_and_is_of_our_mode(body in bytes(EVENTS)) {
        for live in [false, true] {
            let Ok(read) = read_event(live, &body) else { continue };
            for event in read.events {
                let longshore_integration::Event::Job(job) = event else { continue };
                // What nobody looks at may be no text.
                let wire = String::from_utf8_lossy(&body);
                let Ok(wire) = serde_json::from_str::<serde_json::Value>(&wire) else { continue };
                prop_assert_eq!(&wire["livemode"], live);
                prop_assert_eq!(&wire["id"], &*job.event);
                prop_assert!(APPLIED.iter().any(|kind| wire["type"] == *kind));
            }
        }
    }

    #[test]
    fn no_signature_is_made_up(header in text(SIGNATURES), body in bytes(EVENTS)) {
        prop_assert!(!read_signature(&header, &body));
    }

    #[test]
    fn the_apps_pages_are_whole_or_refused(body in bytes(PAGES)) {
        if let Ok(page) = LedgerPage::read(&body) {
            for payment in page.payments {
                prop_assert!(!payment.order_id.is_empty() && payment.currency.len() == 3);
            }
        }
        // What does not read is no contact.
        let _ = EffectAnswer::read(&body);
    }

    #[test]
    fn stripes_objects_are_read_or_refused(body in bytes(OBJECTS)) {
        if let Ok(intent) = serde_json::from_slice::<PaymentIntent>(&body) {
            let _ = intent.money_back();
        }
        if let Ok(charge) = serde_json::from_slice::<Charge>(&body) {
            prop_assert!(charge.given_back() <= charge.amount_refunded);
        }
        let _ = serde_json::from_slice::<Invoice>(&body);
        let _ = serde_json::from_slice::<Subscription>(&body);
        let _ = serde_json::from_slice::<Refund>(&body);
        let _ = serde_json::from_slice::<Dispute>(&body);
        let _ = serde_json::from_slice::<Listed<Subscription>>(&body);
    }
}
