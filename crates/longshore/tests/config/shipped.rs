//! The files in `config/`, as they are shipped.

use std::path::Path;

use longshore::config::{Config, Severity};
use longshore::registry::queues;
use longshore_sandbox::SendGridSandbox;

#[track_caller]
fn shipped(profile: Option<&str>) -> Config {
    let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config"));
    match Config::load(Some(dir), profile, &queues(), [("", ""); 0]) {
        Ok(config) => config,
        Err(findings) => panic!("{profile:?}:\n{findings}"),
    }
}

#[test]
fn default_leaves_every_provider_off() {
    let config = shipped(None);
    assert!(config.sendgrid().is_none());
    assert!(config.twilio.is_none() && config.google_maps.is_none());
    assert!(config.warnings().is_empty(), "{}", config.warnings());
}

#[test]
fn local_and_test_talk_to_the_sandbox() {
    for profile in ["local", "test"] {
        let config = shipped(Some(profile));
        assert!(config.warnings().is_empty(), "{}", config.warnings());
        let sendgrid = config.sendgrid().expect("SendGrid is on");
        assert_eq!(sendgrid.base_url.to_string(), "http://127.0.0.1:9480");
        let twilio = config.twilio.as_ref().expect("Twilio is on");
        assert_eq!(twilio.base_url.to_string(), "http://127.0.0.1:9481");
        let maps = config.google_maps.as_ref().expect("Google Maps is on");
        assert_eq!(maps.base_url.to_string(), "http://127.0.0.1:9482");
        let hears = sendgrid.webhook_public_keys.as_slice();
        let signs = SendGridSandbox::DEVELOPMENT_PUBLIC_KEY;
        assert_eq!(hears, [signs.parse().expect("a key")], "{profile}");
        let templates = config.email.unwrap().templates.into_keys();
        let expected = [
            "invoice",
            "order_confirmation",
            "password_reset",
            "payment_failed",
            "welcome",
        ];
        assert_eq!(templates.collect::<Vec<_>>(), expected, "{profile}");
    }
}

#[test]
fn production_holds_no_secret_and_wants_its_templates() {
    let config = shipped(Some("production"));
    let sendgrid = config.sendgrid().expect("SendGrid is on");
    assert_eq!(sendgrid.base_url.to_string(), "https://api.sendgrid.com");
    assert_eq!(sendgrid.api_key.to_string(), "env:SENDGRID_API_KEY");
    assert!(!sendgrid.sandbox);
    assert!(
        config.twilio.is_none() && config.google_maps.is_none(),
        "off until somebody says so"
    );
    // The ids are the company's own, so the file cannot hold any.
    let warnings: Vec<_> = config
        .warnings()
        .iter()
        .map(|warning| (warning.severity, warning.key.as_str()))
        .collect();
    assert_eq!(warnings, [(Severity::Warning, "email.templates")]);
}
