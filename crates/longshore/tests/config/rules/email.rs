//! `providers.sendgrid.*` and `email.*`.

use longshore_app::config::Severity;
use longshore_email::EmailSettings;

use super::check;
use crate::{SENDGRID_ON, finding, good};

#[test]
fn how_sendgrid_is_called() {
    check(
        &[
            (
                "providers.sendgrid.base_url = 'https://hunter2@api.sendgrid.com'",
                "providers.sendgrid.base_url",
                "is not an origin",
                "scheme, host and port only",
            ),
            (
                "providers.sendgrid.base_url = 'http://api.sendgrid.com'",
                "providers.sendgrid.base_url",
                "is not an origin",
                "https, or http for loopback",
            ),
            (
                "providers.sendgrid.sandbox = 'yes'",
                "providers.sendgrid.sandbox",
                "is a text, not true or false",
                "write true or false",
            ),
            (
                "providers.sendgrid.timeout_seconds = 0",
                "providers.sendgrid.timeout_seconds",
                "is 0 s",
                "set 0.001 to",
            ),
            (
                "providers.sendgrid.timeout = 5",
                "providers.sendgrid.timeout",
                "not a key",
                "`providers.sendgrid.timeout_seconds`?",
            ),
        ],
        "",
    );
    check(
        &[
            (
                "providers.sendgrid.api_key = 1234",
                "providers.sendgrid.api_key",
                "is a number, not a text",
                "quotes",
            ),
            (
                "providers.sendgrid.api_key = \"SG.hunter2\\n\"",
                "providers.sendgrid.api_key",
                "blanks, line ends",
                "copy it again",
            ),
            (
                "providers.sendgrid.api_key = 'file:'",
                "providers.sendgrid.api_key",
                "reference to nothing",
                "file:PATH",
            ),
        ],
        "email = { from.email = 'a@example.com', templates.welcome = 'd-1' }",
    );
}

#[test]
fn senders_and_templates() {
    check(
        &[
            (
                "email.from = 'a@example.com'",
                "email.from",
                "is a text, not a table",
                "with the keys email, name",
            ),
            (
                "email.from.email = 'Ada <a@example.com>'",
                "email.from.email",
                "not an email address",
                "local@domain.tld",
            ),
            (
                "email.from.email = 'a@localhost'",
                "email.from.email",
                "not an email address",
                "local@domain.tld",
            ),
            (
                "email.from.name = \"Ada\\r\\nBcc: x\"",
                "email.from.name",
                "control characters",
                "on one line",
            ),
            (
                "email.templates = 'd-1'",
                "email.templates",
                "is a text, not a table",
                "table of names",
            ),
            (
                "email.templates.Welcome = 'd-1'",
                "email.templates.Welcome",
                "not a name that a job can use",
                "a-z, 0-9, _ and -",
            ),
            (
                "email.templates.welcome = ''",
                "email.templates.welcome",
                "not the id",
                "d-0123…",
            ),
            (
                "email.templates.welcome = ' d-1'",
                "email.templates.welcome",
                "not the id",
                "without blanks",
            ),
            (
                "email.templates.welcome = 5",
                "email.templates.welcome",
                "is a number, not a text",
                "quotes",
            ),
            (
                "email.templates.welcome = {}",
                "email.templates.welcome.sendgrid",
                "is not set",
                "SendGrid's id",
            ),
            (
                "email.templates.welcome = { sendgrid = '' }",
                "email.templates.welcome.sendgrid",
                "not the id",
                "d-0123…",
            ),
            (
                "email.templates.welcome = { sendgrid = 'd-1', sendgird = 'd-1' }",
                "email.templates.welcome.sendgird",
                "not a key",
                "`email.templates.welcome.sendgrid`?",
            ),
        ],
        "",
    );
}

#[test]
fn sendgrid_needs_a_sender() {
    let finding = finding(
        "providers.sendgrid.api_key = 'SG.key'\nemail.templates.welcome = 'd-1'",
        &[],
    );
    assert_eq!(finding.key, "email.from.email");
    assert_eq!(finding.origin, None);
    assert!(finding.problem.contains("SendGrid is on"), "{finding}");
    assert!(finding.cure.contains("verified"), "{finding}");
}

#[test]
fn sendgrid_without_templates_is_a_warning() {
    let config = good(
        "providers.sendgrid.api_key = 'SG.key'\nemail.from.email = 'a@example.com'",
        &[],
    );
    assert!(config.get::<EmailSettings>().is_some());
    let warnings: Vec<_> = config.warnings().iter().collect();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].key, "email.templates");
    assert_eq!(warnings[0].severity, Severity::Warning);
    assert!(warnings[0].cure.contains("template ids"), "{}", warnings[0]);
}

#[test]
fn an_empty_key_turns_sendgrid_off_with_a_warning() {
    let env = [("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "")];
    let config = good(SENDGRID_ON, &env);
    assert!(config.get::<EmailSettings>().is_none());
    let warnings: Vec<_> = config.warnings().iter().collect();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].key, "providers.sendgrid.api_key");
    assert!(
        warnings[0].problem.contains("SendGrid is off"),
        "{}",
        warnings[0]
    );
}

/// From the tests of SendGrid's SDK.
const PUBLIC_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==";

#[test]
fn public_keys_are_checked_as_they_stand() {
    let keys =
        |list: &str| format!("{SENDGRID_ON}\nproviders.sendgrid.webhook_public_keys = {list}");
    let sendgrid = |list: &str| {
        good(&keys(list), &[])
            .get::<EmailSettings>()
            .expect("on")
            .sendgrid
            .clone()
    };
    assert!(sendgrid("[]").webhook_public_keys.is_empty());
    let two = sendgrid(&format!("['{PUBLIC_KEY}', '{PUBLIC_KEY}']"));
    assert_eq!(two.webhook_public_keys.len(), 2);
    let env = [(
        "LONGSHORE_PROVIDERS__SENDGRID__WEBHOOK_PUBLIC_KEYS",
        &*format!("[\"{PUBLIC_KEY}\"]"),
    )];
    let from_env = good(SENDGRID_ON, &env);
    assert_eq!(
        from_env
            .get::<EmailSettings>()
            .expect("on")
            .sendgrid
            .webhook_public_keys
            .len(),
        1
    );

    let typo = PUBLIC_KEY.replace("EEDr2", "EEDr3");
    for (list, problem, cure) in [
        (
            format!("['''-----BEGIN PUBLIC KEY-----\n{PUBLIC_KEY}\n-----END PUBLIC KEY-----''']"),
            "is in PEM form",
            "leave out the lines with dashes",
        ),
        (
            "['env:SENDGRID_KEY']".to_owned(),
            "is not base64",
            "write it here",
        ),
        (
            "['']".to_owned(),
            "is not an ECDSA key on P-256",
            "begin with MFkw",
        ),
        (
            "['aHVudGVyMg==']".to_owned(),
            "is not an ECDSA key",
            "copy it again",
        ),
        (
            format!("['{typo}']"),
            "a character in it is wrong",
            "copy it again",
        ),
        (
            format!("['{PUBLIC_KEY}', '{typo}']"),
            "wrong (key 2 of the list)",
            "copy it again",
        ),
        (
            format!("'{PUBLIC_KEY}'"),
            "is a text, not a list",
            "write a list",
        ),
    ] {
        let finding = finding(&keys(&list), &[]);
        assert_eq!(
            finding.key, "providers.sendgrid.webhook_public_keys",
            "{finding}"
        );
        assert!(finding.problem.contains(problem), "{finding}");
        assert!(finding.cure.contains(cure), "{finding}");
        assert!(!finding.to_string().contains(&typo[4..]), "{finding}");
    }
}
