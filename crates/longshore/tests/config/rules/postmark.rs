//! `providers.postmark.*` and `email.fallback`.

use longshore_app::config::{Config, Findings};
use longshore_email::PostmarkTemplate;
use longshore_email::{EmailSettings, PostmarkTransport};

use super::check;
use longshore::program;

use crate::{SENDGRID_ON, directory, finding, good, load_as};

const POSTMARK_ON: &str = "
    providers.postmark.server_token = 'token'
    email.fallback = 'postmark'
";

fn both(more: &str) -> String {
    format!("{SENDGRID_ON}\n{POSTMARK_ON}\n{more}")
}

#[test]
fn how_postmark_is_called() {
    check(
        &[
            (
                "providers.postmark.base_url = 'http://api.postmarkapp.com'",
                "providers.postmark.base_url",
                "is not an origin",
                "https, or http for loopback",
            ),
            (
                "providers.postmark.transport = 'pigeon'",
                "providers.postmark.transport",
                "is `pigeon`",
                "rest or smtp",
            ),
            (
                "providers.postmark.smtp_host = 'smtp://smtp.postmarkapp.com'",
                "providers.postmark.smtp_host",
                "is not a host",
                "without scheme and port",
            ),
            (
                "providers.postmark.smtp_host = 'smtp.postmarkapp.com:587'",
                "providers.postmark.smtp_host",
                "is not a host",
                "without scheme and port",
            ),
            (
                "providers.postmark.smtp_port = 0",
                "providers.postmark.smtp_port",
                "is 0",
                "1 to 65535",
            ),
            (
                "providers.postmark.message_stream = 'out bound'",
                "providers.postmark.message_stream",
                "is not the id",
                "outbound",
            ),
            (
                "providers.postmark.token = 'x'",
                "providers.postmark.token",
                "not a key",
                "remove it; known here",
            ),
            (
                "email.fallback = 'mailgun'",
                "email.fallback",
                "is `mailgun`",
                "none or postmark",
            ),
            (
                "email.templates.welcome = { sendgrid = 'd-1', postmark = '1x' }",
                "email.templates.welcome.postmark",
                "not a template at Postmark",
                "its alias",
            ),
            (
                "email.templates.welcome = { sendgrid = 'd-1', postmark = true }",
                "email.templates.welcome.postmark",
                "is true or false, not a text",
                "quotes",
            ),
            (
                "email.templates.welcome = { postmark = 7 }",
                "email.templates.welcome.sendgrid",
                "is not set",
                "SendGrid's id",
            ),
        ],
        "",
    );
}

#[test]
fn it_stands_in_when_it_is_told_to() {
    let config = good(
        &both("email.templates.invoice = { sendgrid = 'd-2', postmark = 7 }"),
        &[
            (
                "LONGSHORE_EMAIL__TEMPLATES__WELCOME",
                r#"{sendgrid = "d-1", postmark = "welcome-mail"}"#,
            ),
            (
                "LONGSHORE_EMAIL__TEMPLATES__RECEIPT",
                r#"{sendgrid = "d-3", postmark = "123"}"#,
            ),
        ],
    );
    assert!(config.warnings().is_empty(), "{}", config.warnings());
    let email = config.get::<EmailSettings>().expect("is on");
    assert_eq!(email.templates["welcome"], "d-1");
    let fallback = email.fallback.as_ref().expect("stands in");
    assert_eq!(fallback.postmark.transport, PostmarkTransport::Rest);
    assert_eq!(fallback.postmark.message_stream, "outbound");
    assert_eq!(fallback.postmark.calls.limit.count, 100);
    let ids: Vec<_> = fallback.ids.values().cloned().collect();
    let alias = PostmarkTemplate::Alias("welcome-mail".into());
    let (seven, many) = (PostmarkTemplate::Id(7), PostmarkTemplate::Id(123));
    assert_eq!(ids, [seven, many, alias]);
    let shown = config.values().iter();
    let token = shown
        .clone()
        .find(|value| value.key == "providers.postmark.server_token");
    assert_eq!(token.expect("is shown").value, "***");
}

#[test]
fn a_token_alone_is_of_no_use_and_says_so() {
    let token = "providers.postmark.server_token = 'token'";
    let config = good(&format!("{SENDGRID_ON}\n{token}"), &[]);
    assert!(
        config
            .get::<EmailSettings>()
            .is_some_and(|email| email.fallback.is_none())
    );
    let warnings: Vec<_> = config.warnings().iter().collect();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].key, "email.fallback");
    // Unless that is meant.
    let meant = format!("{SENDGRID_ON}\n{token}\nemail.fallback = 'none'");
    assert!(good(&meant, &[]).warnings().is_empty());
}

#[test]
fn a_fallback_needs_its_token() {
    let finding = finding(&format!("{SENDGRID_ON}\nemail.fallback = 'postmark'"), &[]);
    assert_eq!(finding.key, "providers.postmark.server_token");
    assert!(
        finding.problem.contains("email.fallback is postmark"),
        "{finding}"
    );
}

#[test]
fn the_test_token_is_refused_in_production() {
    let toml = both("").replace("'token'", "'POSTMARK_API_TEST'");
    let findings = load_as(Some("production"), &toml, &[]).expect_err("refused");
    assert!(findings.to_string().contains("test token"), "{findings}");
    assert!(load_as(Some("staging"), &toml, &[]).is_ok());
}

#[test]
fn mails_that_have_to_wait_for_sendgrid_are_told_of_beforehand() {
    let config = good(&both(""), &[]);
    let warnings: Vec<_> = config.warnings().iter().collect();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].key, "email.templates.welcome.postmark");
    assert!(
        warnings[0].problem.contains("wait for SendGrid"),
        "{}",
        warnings[0]
    );
}

#[test]
fn templates_for_smtp_are_read_beside_the_configuration() {
    let toml = both("providers.postmark.transport = 'smtp'\nemail.templates.invoice = 'd-2'");
    let dir = directory(&[("default.toml", &toml)]);
    let load = || {
        let none: [(&str, &str); 0] = [];
        Config::load(Some(dir.path()), None, program().integrations(), none)
    };
    let config = load().expect("is right");
    let keys = |warnings: &Findings| -> Vec<String> {
        warnings.iter().map(|warning| warning.key.clone()).collect()
    };
    let missing = ["email.templates.invoice", "email.templates.welcome"];
    assert_eq!(keys(config.warnings()), missing);

    let templates = dir.path().join("templates");
    std::fs::create_dir(&templates).expect("made");
    let write = |name: &str, text: &str| {
        std::fs::write(templates.join(name), text).expect("written");
    };
    for name in ["welcome", "invoice"] {
        write(&format!("{name}.subject.hbs"), "Hello");
        write(&format!("{name}.text.hbs"), "Hello {{firstName}}");
    }
    let config = load().expect("is right");
    assert!(config.warnings().is_empty(), "{}", config.warnings());
    let fallback = config
        .get::<EmailSettings>()
        .expect("is on")
        .clone()
        .fallback
        .expect("stands in");
    assert!(!fallback.postmark.is_local());

    write("welcome.html.hbs", "<p>\n{{#each}}</p>");
    let findings = load().expect_err("is broken").to_string();
    assert!(
        findings.contains("email.templates.welcome")
            && findings.contains("welcome.html.hbs is not a template: line"),
        "{findings}"
    );
}
