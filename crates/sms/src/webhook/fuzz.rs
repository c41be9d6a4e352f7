//! What strangers post: whatever it is, it is read or refused, and nothing panics.

use longshore_integration::Event;
use longshore_testing::fuzz::{bytes, cases};
use proptest::prelude::*;

use super::{form, inbound, status};

const FORMS: &[&str] = &[
    "AccountSid=AC1&MessageSid=SM0123456789abcdef0123456789abcdef&MessageStatus=undelivered&ErrorCode=21610&To=%2B4790000000",
    "AccountSid=AC1&SmsSid=SM1&MessageStatus=delivered&RawDlrDoneDate=2611290900",
    "AccountSid=AC1&MessageSid=SM2&From=%2B4790000000&To=%2B4780000000&Body=STOP&OptOutType=STOP",
];

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn forms_are_read_or_refused(body in bytes(FORMS)) {
        let Some(params) = form::pairs(&body) else { return Ok(()) };
        let head = http::Request::builder().uri("/webhooks/twilio?job=x").body(());
        let head = head.expect("a request").into_parts().0;
        for read in [status::read("AC1", &head, &params), inbound::read("AC1", &params)] {
            for event in read.map(|read| read.events).unwrap_or_default() {
                prop_assert!(!matches!(event, Event::Job(_)));
            }
        }
        // Nothing of another account's is believed.
        prop_assert!(status::read("AC2", &head, &params).is_err() || !FORMS.contains(&&*String::from_utf8_lossy(&body)));
    }
}
