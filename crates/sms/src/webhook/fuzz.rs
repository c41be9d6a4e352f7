//! What strangers post: whatever it is, it is read or refused, and nothing panics.

use std::collections::BTreeSet;

use base64::prelude::{BASE64_STANDARD, Engine};
use http::request::Parts;
use longshore_integration::{Event, PublicUrl};
use longshore_testing::fuzz::{bytes, cases, text};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use ring::hmac;

use super::signature::Verifier;
use super::{form, inbound, status};

const FORMS: &[&str] = &[
    "AccountSid=AC1&MessageSid=SM0123456789abcdef0123456789abcdef&MessageStatus=undelivered&ErrorCode=21610&To=%2B4790000000",
    "AccountSid=AC1&SmsSid=SM1&MessageStatus=delivered&RawDlrDoneDate=2611290900",
    "AccountSid=AC1&MessageSid=SM2&From=%2B4790000000&To=%2B4780000000&Body=STOP&OptOutType=STOP",
];

const SECRET: &str = "12345";

const PATHS: &[&str] = &[
    "/webhooks/twilio?job=01KBGJDTN7Z2T9K2C7CKFV3H8R",
    "/webhooks/twilio",
    "/webhooks/twilio/inbound?a=%2F&b=+&&=",
];

const URLS: [&str; 5] = [
    "https://hooks.example.com",
    "https://hooks.example.com:8443",
    "https://hooks.example.com:443",
    "http://127.0.0.1:9465",
    "http://[::1]:9465",
];

const CONTENT_TYPES: &[&str] = &[
    "application/x-www-form-urlencoded",
    "APPLICATION/X-WWW-FORM-URLENCODED; charset=UTF-8",
    "application/json",
];

const SETTINGS: &[&str] = &["key=SK1,algorithm=HMAC_SHA256", "algorithm=HMAC_SHA1"];

/// As Twilio's documents have it: the URL, then each name and its value, sorted, each pair once.
fn signed(url: &str, params: &[(String, String)]) -> String {
    let pairs: BTreeSet<_> = params.iter().collect();
    let params: Vec<_> = pairs
        .iter()
        .flat_map(|(name, value)| [&**name, &**value])
        .collect();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET.as_bytes());
    let text = [url, &*params.concat()].concat();
    BASE64_STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

/// A request, if it is one: not every text can stand in a URL or in a header.
fn head(path: &str, content_type: &str, signature: &str, settings: Option<&str>) -> Option<Parts> {
    let request = http::Request::post(path)
        .header("content-type", content_type)
        .header("x-twilio-signature", signature);
    let request = match settings {
        Some(settings) => request.header("x-twilio-webhooks-signature-settings", settings),
        None => request,
    };
    Some(request.body(()).ok()?.into_parts().0)
}

fn verifier() -> Verifier {
    Verifier::new(SECRET.into(), vec!["shared".into()])
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn what_twilio_signs_is_verified_whatever_stands_in_it(
        url in select(&URLS[..]),
        with_port in any::<bool>(),
        path in select(PATHS),
        params in vec((".{0,6}", ".{0,12}"), 0..6),
    ) {
        let public: PublicUrl = url.parse().expect("a public URL");
        let spelt = public.spellings(path)[usize::from(with_port)].clone();
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(&params);
        let body = body.finish();
        let head = head(path, CONTENT_TYPES[0], &signed(&spelt, &params), None);
        let verified = verifier().verify(&public, &head.expect("a request"), body.as_bytes());
        prop_assert_eq!(verified.expect("signed"), params);
    }

    #[test]
    fn nothing_is_verified_that_says_something_else_than_what_was_signed(
        path in text(PATHS),
        content_type in text(CONTENT_TYPES),
        body in bytes(FORMS),
        other in proptest::option::weighted(0.2, text(&["", "RSOYDt4T1cUTdK1PDd93/VVr8B8="])),
        settings in proptest::option::of(text(SETTINGS)),
    ) {
        let public: PublicUrl = URLS[0].parse().expect("a public URL");
        let was_at = format!("{}{}", URLS[0], PATHS[0]);
        let was = form::pairs(FORMS[0].as_bytes()).expect("UTF-8");
        let signature = other.unwrap_or_else(|| signed(&was_at, &was));
        let head = head(&path, &content_type, &signature, settings.as_deref());
        let Some(head) = head else { return Ok(()) };
        if let Ok(params) = verifier().verify(&public, &head, &body) {
            let at = head.uri.path_and_query().map_or("/", |at| at.as_str());
            let at = format!("{}{at}", URLS[0]);
            // By the scheme itself a letter may go over from a name to its value.
            prop_assert_eq!(signed(&at, &params), signed(&was_at, &was));
        }
    }

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
