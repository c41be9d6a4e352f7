//! What a browser, or somebody instead of one, sends: it is read or refused, nothing panics, and nothing of it acts on a page.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use longshore_testing::fuzz::{bytes, cases, text};
use maud::Render;
use proptest::prelude::*;
use url::Url;

use crate::cookies::{Jar, cookie};
use crate::foreign::{Foreign, Short, plain};
use crate::form::{Form, TYPED_FROM};
use crate::local_path::local_path;
use crate::pages::replay::still_as_seen;
use crate::session::{Session, masked, unmasked};
use crate::view::View;

const NOW: i64 = 1_800_000_000;

/// Forms of acts on many jobs, where the page said how many.
const FORMS: &[&str] = &[
    "token=abc&reason=a+deploy&count=1450&number=1%2C450&queue=email",
    "count=2000&number=+2000+",
    "count=18446744073709551616&number=18446744073709551616",
    "count=900&number=&reason=",
];

/// What Ada's browser sends after her login at [`NOW`], where the hash of her password is `hash`.
const COOKIES: &[&str] = &[
    "longshore_theme=dark; longshore_session=YWRh.AAAAAAAAAAAAAAAAAAAAAAAA.1800000000.1800000000.AFMaZ8xSfKVoEtSsCJiWas-jEpHjEn1rwkz9ERJ5Feg",
];

const TOKENS: &[&str] = &["AAAAAAAAAAAAAAAAAAAAAAAAAFMaZ8xSfKVoEtSsCJiWas-jEpHjEn1rwkz9ERJ5Feg"];

const PATHS: &[&str] = &[
    "/dead?queue=email&next=%2F",
    "//evil.example/",
    "/\\evil.example",
    "/\t/evil.example",
    "https:/evil.example",
];

const TEXTS: &[&str] = &[
    "card <declined> & \"refused\" 'today'",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp;amp; &#60;i&#62;",
    "\u{1b}[31m\u{202e}\u{2066}",
];

fn production() -> View {
    View {
        prefix: String::new(),
        now: Timestamp::UNIX_EPOCH,
        can_act: true,
        is_production: true,
    }
}

/// What a browser shows of markup: without its tags, and with its entities read.
fn shown(markup: &str) -> String {
    let parts = markup.split('<').enumerate();
    let texts = parts.filter_map(|(n, part)| match n {
        0 => Some(part),
        _ => part.split_once('>').map(|(_, text)| text),
    });
    let text: String = texts.collect();
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ];
    let read = |text: String, (entity, is): (&str, &str)| text.replace(entity, is);
    entities.into_iter().fold(text, read)
}

fn is_hidden(character: char) -> bool {
    character.is_control() || ('\u{202a}'..='\u{202e}').contains(&character)
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn many_are_changed_in_production_by_their_number_alone(sent in bytes(FORMS), now in 0..5_000_u64) {
        let form = Form::read(&sent);
        let is_let_through = form.check_number(&production()).is_ok()
            && still_as_seen(form.count(), now, true).is_ok();
        if is_let_through && now > TYPED_FROM {
            let typed = form.get("number").unwrap_or_default().replace(',', "");
            let typed: u64 = typed.parse().expect("a number");
            prop_assert!(typed > TYPED_FROM && now <= typed.saturating_mul(2).saturating_add(100), "{typed} for {now}");
        }
    }

    #[test]
    fn no_session_is_made_up(sent in bytes(COOKIES)) {
        let Ok(value) = HeaderValue::from_bytes(&sent) else { return Ok(()) };
        let headers = HeaderMap::from_iter([(COOKIE, value)]);
        let Some(found) = cookie(&headers, &Jar::default().name("session")) else { return Ok(()) };
        let _ = Session::claimed_name(found);
        if let Some(session) = Session::read(found, "hash", NOW) {
            let known = (&*session.name, session.begun, session.seen);
            prop_assert_eq!(known, ("ada", NOW, NOW));
        }
    }

    #[test]
    fn a_token_comes_out_of_its_mask_as_it_was(sent in text(TOKENS)) {
        let _ = unmasked(&sent);
        prop_assert_eq!(unmasked(&masked(&sent)), sent);
    }

    #[test]
    fn nobody_is_led_out_of_the_console(sent in text(PATHS)) {
        let console = Url::parse("https://shop.example.com").expect("a URL");
        let led = console.join(local_path(&sent)).expect("a path");
        prop_assert_eq!(led.origin(), console.origin(), "{}", led);
    }

    #[test]
    fn a_text_of_somebody_elses_is_shown_and_never_acts(sent in text(TEXTS), more in 0..400_usize) {
        let sent = format!("{sent}{}", "x".repeat(more));
        let (whole, short) = (Foreign(&sent).render(), Short(&sent, 20).render());
        let (whole, short) = (whole.into_string(), short.into_string());
        prop_assert!(shown(&whole).ends_with(&plain(&sent)), "{whole}");
        let begin = shown(&short);
        let begin = begin.strip_suffix('…').unwrap_or(&begin);
        prop_assert!(plain(&sent).starts_with(begin), "{short}");
        prop_assert!(!whole.contains(is_hidden) && !short.contains(is_hidden), "{whole}{short}");
    }
}

#[test]
fn the_session_that_is_edited_is_a_good_one() {
    let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(COOKIES[0]))]);
    let cookie = cookie(&headers, "longshore_session").expect("it is there");
    assert!(Session::read(cookie, "hash", NOW).is_some());
}
