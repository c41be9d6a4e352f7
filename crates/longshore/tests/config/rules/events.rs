//! `events.*`: what the application is told, and where.

use longshore_app::config::Severity;
use longshore_events::EventsSettings;

use super::check;
use crate::{finding, good, load_as};

/// A file in which events are on and nothing is wrong.
const ON: &str = r#"
    events.url = "https://shop.example.com/longshore/events"
    events.secret = "hunter2"
"#;

#[test]
fn they_are_on_with_a_url_and_a_secret() {
    assert!(good("", &[]).get::<EventsSettings>().is_none());
    let events = good(ON, &[]).get::<EventsSettings>().expect("on").clone();
    assert_eq!(events.origin.to_string(), "https://shop.example.com");
    assert_eq!(events.path, "/longshore/events");
    assert_eq!(events.wanted.on, ["dead".to_owned()].into());
    assert_eq!(events.wanted.kinds, None);
    assert_eq!(events.calls.timeout.as_secs(), 10);
    let more = format!(
        "{ON}\nevents.on = ['completed', 'bounced']\nevents.kinds = ['send_email']\nevents.old_secrets = ['env:OLD']"
    );
    let events = good(&more, &[])
        .get::<EventsSettings>()
        .expect("on")
        .clone();
    assert_eq!(events.wanted.on.len(), 2);
    assert!(!events.wanted.wants_kind(Some("send_sms")));
    assert_eq!(events.keys.old_secrets.len(), 1);
    // Local receivers, without a path.
    let local = "events.url = 'http://127.0.0.1:8080'\nevents.secret = 'x'";
    let events = good(local, &[])
        .get::<EventsSettings>()
        .expect("on")
        .clone();
    assert_eq!(events.path, "/");
}

#[test]
fn what_is_wrong_with_them_is_found() {
    let with = |more: &str| format!("events.secret = 'hunter2'\n{more}");
    let cases = [
        ("events.url = 'shop.example.com'", "not a URL"),
        ("events.url = 'http://shop.example.com/x'", "plain http"),
        (
            "events.url = 'https://a:hunter2@shop.example.com/x'",
            "credentials in the URL",
        ),
        (
            "events.url = 'https://shop.example.com/x?token=hunter2'",
            "more than scheme",
        ),
        (
            "events.url = 'https://shop.example.com/x#y'",
            "more than scheme",
        ),
    ];
    for (toml, problem) in cases {
        let found = finding(&with(toml), &[]);
        assert_eq!(found.key, "events.url", "{found}");
        assert!(found.problem.contains(problem), "{found}");
        assert!(!found.to_string().contains("hunter2"), "{found}");
    }
    check(
        &[
            (
                "events.on = []",
                "events.on",
                "is empty",
                "completed, dead, cancelled",
            ),
            (
                "events.on = ['Dead!']",
                "events.on",
                "has Dead!",
                "completed, dead, cancelled",
            ),
            ("events.on = 'dead'", "events.on", "", ""),
            (
                "events.kinds = []",
                "events.kinds",
                "is empty",
                "leave it out",
            ),
            (
                "events.kinds = ['send_mail']",
                "events.kinds",
                "send_mail",
                "send_email",
            ),
            (
                "events.kinds = ['deliver_event']",
                "events.kinds",
                "never told",
                "send_email",
            ),
        ],
        ON,
    );
    // One without the other.
    let found = finding("events.url = 'https://shop.example.com/x'", &[]);
    assert_eq!(found.key, "events.secret");
    let found = finding("events.secret = 'hunter2'", &[]);
    assert_eq!(found.key, "events.url");
    // Another integration's provider may say what none of ours does.
    let odd = format!("{ON}\nevents.on = ['dead', 'faxed']");
    let config = good(&odd, &[]);
    let warned = config
        .warnings()
        .iter()
        .find(|found| found.key == "events.on");
    let warned = warned.expect("a finding");
    assert_eq!(warned.severity, Severity::Warning);
    assert!(warned.problem.contains("faxed"), "{warned}");
}

#[test]
fn production_tells_nobody_in_the_clear() {
    let local = "events.url = 'http://127.0.0.1:8080/x'\nevents.secret = 'env:X'";
    let found = load_as(Some("production"), local, &[]).expect_err("is refused");
    let found: Vec<_> = found
        .iter()
        .filter(|found| found.key == "events.url")
        .collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].problem, "is plain http");
}
