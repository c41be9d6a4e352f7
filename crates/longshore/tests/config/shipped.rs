//! The files in `config/`, as they are shipped.

use longshore_email::EmailSettings;
use longshore_geocode::GoogleMapsSettings;
use longshore_payment_reconcile::{AppSettings, StripeSettings};
use longshore_sms::TwilioSettings;
use std::path::Path;

use longshore::program;
use longshore_app::config::{Config, Severity, defaults, page};
use longshore_app::openapi;
use longshore_email::sandbox::SendGridSandbox;

use crate::{good, load};

#[track_caller]
fn shipped(profile: Option<&str>) -> Config {
    let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config"));
    match Config::load(Some(dir), profile, program().integrations(), [("", ""); 0]) {
        Ok(config) => config,
        Err(findings) => panic!("{profile:?}:\n{findings}"),
    }
}

#[test]
fn default_leaves_every_provider_off() {
    let config = shipped(None);
    assert!(config.get::<EmailSettings>().is_none());
    assert!(
        config.get::<TwilioSettings>().is_none() && config.get::<GoogleMapsSettings>().is_none()
    );
    assert!(config.warnings().is_empty(), "{}", config.warnings());
}

#[test]
fn local_and_test_talk_to_the_sandbox() {
    for profile in ["local", "test"] {
        let config = shipped(Some(profile));
        assert!(config.warnings().is_empty(), "{}", config.warnings());
        let sendgrid = &config
            .get::<EmailSettings>()
            .expect("SendGrid is on")
            .sendgrid;
        assert_eq!(sendgrid.base_url.to_string(), "http://127.0.0.1:9480");
        let fallback = config
            .get::<EmailSettings>()
            .and_then(|email| email.fallback.as_ref());
        let postmark = fallback.map(|fallback| fallback.postmark.base_url.to_string());
        let local = (profile == "local").then(|| "http://127.0.0.1:9488".to_owned());
        assert_eq!(postmark, local, "{profile}");
        let twilio = config.get::<TwilioSettings>().expect("Twilio is on");
        assert_eq!(twilio.keys.base_url.to_string(), "http://127.0.0.1:9481");
        let maps = config
            .get::<GoogleMapsSettings>()
            .expect("Google Maps is on");
        assert_eq!(maps.base_url.to_string(), "http://127.0.0.1:9482");
        let hears = sendgrid.webhook_public_keys.as_slice();
        let signs = SendGridSandbox::DEVELOPMENT_PUBLIC_KEY;
        assert_eq!(hears, [signs.parse().expect("a key")], "{profile}");
        let templates = config
            .get::<EmailSettings>()
            .unwrap()
            .clone()
            .templates
            .into_keys();
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
fn staging_calls_real_services_once_it_has_credentials_and_reaches_nobody() {
    let config = shipped(Some("staging"));
    assert!(config.warnings().is_empty(), "{}", config.warnings());
    assert!(
        config.get::<EmailSettings>().is_none()
            && config.get::<TwilioSettings>().is_none()
            && config.get::<StripeSettings>().is_none()
    );
    let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config"));
    let variables: Vec<_> = include_str!("../../../../.env.test.example")
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once('='))
        .filter(|(name, _)| name.starts_with("LONGSHORE_"))
        .map(|(name, value)| (name, example(value)))
        .collect();
    assert!(variables.len() > 8, "{variables:?}");
    let config = Config::load(
        Some(dir),
        Some("staging"),
        program().integrations(),
        variables,
    );
    let config = config.unwrap_or_else(|findings| panic!("{findings}"));
    let sendgrid = &config
        .get::<EmailSettings>()
        .expect("SendGrid is on")
        .sendgrid;
    assert!(sendgrid.sandbox, "no mail is delivered");
    assert_eq!(sendgrid.base_url.to_string(), "https://api.sendgrid.com");
    assert!(
        config.get::<TwilioSettings>().is_some() && config.get::<GoogleMapsSettings>().is_some()
    );
    assert!(config.get::<StripeSettings>().is_some() && config.get::<AppSettings>().is_some());
}

/// A value that the example only hints at.
fn example(value: &str) -> String {
    match value {
        "AC…" => format!("AC{}", "0".repeat(32)),
        "https://…" => "https://shop.example.com".to_owned(),
        "rediss://…" => "rediss://redis.example.com".to_owned(),
        r#"["MFkw…"]"# => format!("[\"{EVENT_KEY}\"]"),
        value => value.replace('…', "x"),
    }
}

/// From SendGrid's own example of its signatures.
const EVENT_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==";

#[test]
fn production_holds_no_secret_and_wants_its_templates() {
    let config = shipped(Some("production"));
    let sendgrid = &config
        .get::<EmailSettings>()
        .expect("SendGrid is on")
        .sendgrid;
    assert_eq!(sendgrid.base_url.to_string(), "https://api.sendgrid.com");
    assert_eq!(sendgrid.api_key.to_string(), "env:SENDGRID_API_KEY");
    assert!(!sendgrid.sandbox);
    assert!(
        config
            .get::<EmailSettings>()
            .is_some_and(|email| email.fallback.is_none())
    );
    assert!(
        config.get::<TwilioSettings>().is_none() && config.get::<GoogleMapsSettings>().is_none(),
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

/// What `just reference` has written, and what it would write.
#[test]
fn the_file_and_the_page_of_all_keys_are_what_the_sections_declare() {
    let program = program();
    for (file, text, committed) in [
        (
            "config/default.toml",
            defaults(program.integrations(), program.families()),
            include_str!("../../../../config/default.toml"),
        ),
        (
            "docs/configuration.md",
            page(program.integrations(), program.families()),
            include_str!("../../../../docs/configuration.md"),
        ),
        (
            "docs/openapi.json",
            openapi(program.integrations(), program.families()),
            include_str!("../../../../docs/openapi.json"),
        ),
    ] {
        let differ = committed.lines().zip(text.lines()).find(|(a, b)| a != b);
        assert!(
            committed == text,
            "{file} is behind what the sections declare, so run `just reference`. The first difference: {differ:#?}"
        );
    }
}

/// A service there is only where it is described.
fn without_services(file: &str) -> String {
    let mut is_of_services = false;
    let lines = file.lines().filter(|line| {
        if line.starts_with('[') {
            is_of_services = line.starts_with("[services.");
        }
        !is_of_services
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// Whoever uncomments a line is to find it taken, and nothing changed by it.
#[test]
fn every_line_of_the_file_is_taken_and_changes_nothing_but_examples() {
    let before = shipped(None);
    let program = program();
    let file = defaults(program.integrations(), program.families());
    let settings = |examples: bool| {
        let lines = file.lines().filter(|line| !line.is_empty());
        let lines = lines.filter_map(|line| {
            let setting = match line.strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') => setting,
                Some(_) => return None,
                None => line,
            };
            (examples || !setting.ends_with("# example")).then(|| format!("{setting}\n"))
        });
        lines.collect::<String>()
    };
    // An entry by this name there is only where its schedule is.
    let all = settings(false).replace("[cron.example]", "[cron.nightly-reconcile]");
    // A token there is only where its secret is.
    let token = "[api.tokens.example]\nuploads = false\n";
    assert!(all.contains(token), "{all}");
    // So is a user only where their password's hash is.
    let user = "[console.users.example]\nrole = \"viewer\"\n";
    assert!(all.contains(user), "{all}");
    let all = without_services(&all)
        .replace(token, "")
        .replace(user, "")
        .replace("catch_up = \"none\"", "catch_up = \"all\"");
    let value = |config: &Config| {
        let values = config.values().iter();
        let values = values.map(|shown| (shown.key.clone(), shown.value.clone()));
        values.collect::<Vec<_>>()
    };
    assert_eq!(value(&before), value(&good(&all, &[])));

    // Examples do not all go together. Each is a key, of the right type.
    let findings = load(&settings(true), &[]).expect_err("they do not go together");
    let wrong: Vec<_> = findings
        .iter()
        .filter(|finding| {
            finding.problem.contains("not a key") || finding.problem.contains(", not a")
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let shown = file.lines().filter(|line| line.ends_with("# example"));
    assert!(shown.count() > 40, "{file}");
}
