//! `providers.twilio.*`, and what its status callbacks need.

use longshore_app::config::Severity;
use longshore_sms::{TwilioCredentials, TwilioSender, TwilioSettings};

use super::check;
use crate::{findings, good, load_as};

/// A file in which Twilio is on and nothing is wrong.
const ON: &str = r#"
    providers.twilio.account_sid = "AC123"
    providers.twilio.auth_token = "hunter2"
    providers.twilio.from = "+4780000000"
"#;

#[test]
fn it_is_on_with_an_account_credentials_and_a_sender() {
    assert!(good("", &[]).get::<TwilioSettings>().is_none());
    let twilio = good(ON, &[]).get::<TwilioSettings>().expect("on").clone();
    assert_eq!(twilio.keys.base_url.to_string(), "https://api.twilio.com");
    assert_eq!(twilio.keys.account_sid, "AC123");
    assert!(matches!(
        twilio.credentials,
        TwilioCredentials::AuthToken(_)
    ));
    assert_eq!(twilio.sender, TwilioSender::From("+4780000000".to_owned()));
    assert_eq!(twilio.keys.calls.timeout.as_secs(), 10);

    let service = r#"
        [providers.twilio]
        account_sid = "AC123"
        api_key_sid = "SK1"
        api_key_secret = "env:TWILIO_API_KEY_SECRET"
        messaging_service_sid = "MG1"
        webhook_shared_keys = ["env:ONE", "file:/run/two"]
    "#;
    let twilio = good(service, &[])
        .get::<TwilioSettings>()
        .expect("on")
        .clone();
    assert!(matches!(twilio.credentials, TwilioCredentials::ApiKey { sid, .. } if sid == "SK1"));
    assert_eq!(
        twilio.sender,
        TwilioSender::MessagingService("MG1".to_owned())
    );
    assert!(twilio.keys.auth_token.is_none());
    let shared: Vec<_> = twilio
        .keys
        .shared_keys
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(shared, ["env:ONE", "file:/run/two"]);
}

#[test]
fn the_environment_takes_numbers_and_tokens_as_they_stand() {
    let env = [
        ("LONGSHORE_PROVIDERS__TWILIO__ACCOUNT_SID", "AC123"),
        ("LONGSHORE_PROVIDERS__TWILIO__AUTH_TOKEN", "12345678"),
        ("LONGSHORE_PROVIDERS__TWILIO__FROM", "+4780000000"),
        (
            "LONGSHORE_PROVIDERS__TWILIO__WEBHOOK_SHARED_KEYS",
            r#"["one"]"#,
        ),
    ];
    let twilio = good("", &env).get::<TwilioSettings>().expect("on").clone();
    assert_eq!(twilio.sender, TwilioSender::From("+4780000000".to_owned()));
    assert_eq!(twilio.keys.shared_keys.len(), 1);
}

#[test]
fn senders_are_numbers_short_codes_or_names() {
    for from in ["+4780000000", "12345", "My Shop", "Shop24"] {
        let toml = ON.replace("+4780000000", from);
        assert!(good(&toml, &[]).get::<TwilioSettings>().is_some(), "{from}");
    }
    for from in [
        "4780000000",
        "+47 80",
        "Twelve chars",
        "shop!",
        " Shop",
        "1",
    ] {
        let toml = ON.replace("+4780000000", from);
        let found = findings(&toml, &[]);
        assert_eq!(found[0].key, "providers.twilio.from", "{from}");
    }
}

#[test]
fn what_is_wrong_is_found() {
    check(
        &[
            (
                "providers.twilio.messaging_service_sid = 'MG1'",
                "providers.twilio.from",
                "is set beside providers.twilio.messaging_service_sid",
                "keep one",
            ),
            (
                "providers.twilio.api_key_sid = 'SK1'",
                "providers.twilio.api_key_secret",
                "is not set",
                "set both",
            ),
            (
                "providers.twilio.api_key_secret = 'hunter2'",
                "providers.twilio.api_key_sid",
                "is not set",
                "set both",
            ),
            (
                "providers.twilio.webhook_shared_keys = 'hunter2'",
                "providers.twilio.webhook_shared_keys",
                "is a text, not a list of texts",
                "write a list",
            ),
            (
                "providers.twilio.webhook_shared_keys = ['hunter2', '']",
                "providers.twilio.webhook_shared_keys",
                "has an empty secret in it",
                "leave it out",
            ),
            (
                "providers.twilio.base_url = 'http://api.twilio.com'",
                "providers.twilio.base_url",
                "is not an origin",
                "https",
            ),
            (
                "providers.twilio.rate_per_second = 0",
                "providers.twilio.rate_per_second",
                "is 0",
                "set 1 to",
            ),
        ],
        ON,
    );
    check(
        &[
            (
                "account_sid = 'SK123'\nfrom = 'Shop'",
                "providers.twilio.account_sid",
                "is not an id that begins with AC",
                "copy it again",
            ),
            (
                "account_sid = 'AC123/../x'\nfrom = 'Shop'",
                "providers.twilio.account_sid",
                "is not an id",
                "copy it again",
            ),
            (
                "from = 'Shop'",
                "providers.twilio.account_sid",
                "is not set",
                "AC",
            ),
            (
                "account_sid = 'AC123'",
                "providers.twilio.from",
                "is not set, nor is providers.twilio.messaging_service_sid",
                "set one of them",
            ),
        ],
        "[providers.twilio]\nauth_token = 'hunter2'",
    );
}

#[test]
fn an_account_alone_leaves_it_off() {
    let config = good("providers.twilio.account_sid = 'AC123'", &[]);
    assert!(config.get::<TwilioSettings>().is_none());
}

#[test]
fn secrets_in_a_list_are_masked() {
    let toml = format!("{ON}\nproviders.twilio.webhook_shared_keys = ['hunter2', 'env:ONE']");
    let config = good(&toml, &[]);
    let shown = config.values().iter();
    let shown: Vec<_> = shown
        .filter(|value| value.key.starts_with("providers.twilio"))
        .map(|value| (value.key.as_str(), value.value.to_string()))
        .collect();
    let keys = (
        "providers.twilio.webhook_shared_keys",
        r#"["***","env:ONE"]"#.to_owned(),
    );
    assert!(shown.contains(&keys), "{shown:?}");
    assert!(!format!("{shown:?}").contains("hunter2"));
    // Each is one that is looked for.
    let secrets: Vec<_> = config.secrets().into_iter().map(|(key, _)| key).collect();
    let keys = secrets.iter().filter(|key| **key == keys.0);
    assert_eq!(keys.count(), 2);
}

#[test]
fn reports_that_could_not_be_verified_are_warned_of() {
    let toml = r#"
        webhooks.public_url = "https://hooks.example.com"
        [providers.twilio]
        account_sid = "AC123"
        api_key_sid = "SK1"
        api_key_secret = "hunter2"
        from = "Shop"
    "#;
    let config = load_as(None, toml, &[]).expect("only a warning");
    let warnings: Vec<_> = config.warnings().iter().collect();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].severity, Severity::Warning);
    assert_eq!(warnings[0].key, "webhooks.public_url");
}
