//! `LONGSHORE_SECTION__KEY`.

use longshore_email::EmailSettings;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use longshore_app::config::Config;
use secrecy::ExposeSecret;

use longshore::program;

use crate::{SENDGRID_ON, directory, finding, good};

const API_KEY: &str = "LONGSHORE_PROVIDERS__SENDGRID__API_KEY";

#[test]
fn texts_stay_as_they_stand() {
    for token in ["4780000000", "+4780000000", "true", "[1]", "1e3", "\"x\""] {
        let config = good(SENDGRID_ON, &[(API_KEY, token)]);
        assert_eq!(
            config
                .get::<EmailSettings>()
                .unwrap()
                .sendgrid
                .api_key
                .expose_secret(),
            token
        );
    }
    let template = [("LONGSHORE_EMAIL__TEMPLATES__WELCOME", "20")];
    let config = good(SENDGRID_ON, &template);
    assert_eq!(
        config.get::<EmailSettings>().unwrap().clone().templates["welcome"],
        "20"
    );
}

#[test]
fn everything_else_is_toml() {
    let config = good(
        SENDGRID_ON,
        &[
            ("LONGSHORE_RETRY__SCHEDULE_SECONDS", "[60,300]"),
            ("LONGSHORE_QUEUES__EMAIL__CONCURRENCY", "7"),
            ("LONGSHORE_QUEUES__EMAIL__COMPLETED_BYTES", "2MiB"),
            ("LONGSHORE_QUEUES__SMS__COMPLETED_BYTES", "2048"),
            ("LONGSHORE_PROVIDERS__SENDGRID__SANDBOX", "true"),
            (
                "LONGSHORE_EMAIL__FROM",
                r#"{email="x@example.com", name="X"}"#,
            ),
            (
                "LONGSHORE_EMAIL__TEMPLATES__INVOICE",
                r#"{sendgrid = "d-2"}"#,
            ),
        ],
    );
    let email = config.queue("email").unwrap();
    assert_eq!(email.retry.max_attempts(), 3);
    assert_eq!(email.concurrency, 7);
    assert_eq!(email.completed_bytes, Some(2 * 1024 * 1024));
    assert_eq!(config.queue("sms").unwrap().completed_bytes, Some(2048));
    assert!(config.get::<EmailSettings>().unwrap().sendgrid.sandbox);
    let email = config.get::<EmailSettings>().unwrap().clone();
    assert_eq!(email.from.email, "x@example.com");
    assert_eq!(email.from.name.as_deref(), Some("X"));
    assert_eq!(email.templates["invoice"], "d-2");
}

#[test]
fn one_key_wins_over_the_table_it_is_in() {
    let config = good(
        SENDGRID_ON,
        &[
            ("LONGSHORE_EMAIL__FROM__NAME", "One"),
            (
                "LONGSHORE_EMAIL__FROM",
                r#"{email="x@example.com", name="All"}"#,
            ),
        ],
    );
    let from = config.get::<EmailSettings>().unwrap().clone().from;
    assert_eq!(from.name.as_deref(), Some("One"));
    assert_eq!(from.email, "x@example.com");
}

#[test]
fn a_dash_is_an_underscore() {
    let config = good(
        &format!(
            "{SENDGRID_ON}\nemail.templates.order-sent = \"d-2\"\nemail.templates.a_b = \"d-3\""
        ),
        &[
            ("LONGSHORE_QUEUES__PAYMENT_RECONCILE__CONCURRENCY", "3"),
            ("LONGSHORE_EMAIL__TEMPLATES__ORDER_SENT", "d-20"),
            ("LONGSHORE_EMAIL__TEMPLATES__A_B", "d-30"),
            ("LONGSHORE_EMAIL__TEMPLATES__NEW_ONE", "d-40"),
        ],
    );
    let payments = config.queue("payment-reconcile").unwrap();
    assert_eq!(payments.concurrency, 3);
    let templates: Vec<_> = config
        .get::<EmailSettings>()
        .unwrap()
        .clone()
        .templates
        .into_iter()
        .collect();
    let expected = [
        ("a_b", "d-30"),
        ("new_one", "d-40"),
        ("order-sent", "d-20"),
        ("welcome", "d-1"),
    ];
    assert_eq!(
        templates,
        expected.map(|(name, id)| (name.to_owned(), id.to_owned()))
    );
}

#[test]
fn names_are_read_in_any_case() {
    let config = good("", &[("longshore_Redis__NAMESPACE", "mixed")]);
    assert_eq!(config.redis.namespace, "mixed");
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let config = good(
        "",
        &[
            ("LONGSHORE_PORT", "tcp://10.0.0.1:80"),
            ("LONGSHORE_SERVICE_HOST", "10.0.0.1"),
            ("LONGSHORE_REDIS_SERVICE_HOST", "10.0.0.1"),
            ("LONGSHORE_REDIS_PORT_6379_TCP", "tcp://10.0.0.1:6379"),
            ("LONGSHORE_PROFILE", "eu"),
            ("LONGSHORE_", ""),
            ("NOT_LONGSHORE_REDIS__NAMESPACE", "theirs"),
            ("REDIS__NAMESPACE", "theirs"),
        ],
    );
    assert_eq!(config.redis.namespace, "longshore");
    assert!(config.warnings().is_empty(), "{}", config.warnings());
}

#[test]
fn a_variable_that_lacks_an_underscore_is_warned_of() {
    for (variable, meant) in [
        ("LONGSHORE_REDIS_URL", "LONGSHORE_REDIS__URL"),
        (
            "longshore_worker_drain_seconds",
            "LONGSHORE_WORKER__DRAIN_SECONDS",
        ),
        (
            "LONGSHORE_PROVIDERS_SENDGRID_API_KEY",
            "LONGSHORE_PROVIDERS__SENDGRID__API_KEY",
        ),
        (
            "LONGSHORE_QUEUES_PAYMENT_RECONCILE_CONCURRENCY",
            "LONGSHORE_QUEUES__PAYMENT_RECONCILE__CONCURRENCY",
        ),
        // Not even with two of them.
        ("LONGSHORE_REDIS_UR", "LONGSHORE_REDIS__URL"),
        ("LONGSHORE_PROFIL", "LONGSHORE_PROFILE"),
        ("LONGSHORE_NAMESPACES", "unset it"),
    ] {
        let config = good("", &[(variable, "redis://:hunter2@elsewhere")]);
        let warnings: Vec<_> = config.warnings().iter().map(ToString::to_string).collect();
        let [warning] = &warnings[..] else {
            panic!("{variable}: {warnings:?}");
        };
        assert!(warning.contains(&format!("({variable})")), "{warning}");
        assert!(
            warning.ends_with(meant) || warning.ends_with(&format!("did you mean {meant}?")),
            "{warning}"
        );
        assert!(!warning.contains("hunter2"), "{warning}");
    }
}

#[test]
fn a_mistake_is_named_by_its_variable() {
    for (variable, text, key, problem, cure) in [
        (
            "LONGSHORE_REDIS__URI",
            "x",
            "redis.uri",
            "not a key",
            "LONGSHORE_REDIS__URL?",
        ),
        (
            "LONGSHORE__REDIS__URL",
            "x",
            "_redis",
            "not a key",
            "LONGSHORE_REDIS__URL?",
        ),
        (
            "LONGSHORE_STRIPE__SECRET_KEY",
            "sk_live_hunter2",
            "stripe",
            "not a key",
            "remove it",
        ),
        (
            "LONGSHORE_RETRY__SCHEDULE_SECONDS__FIRST",
            "60",
            "retry.schedule_seconds.first",
            "not a key",
            "remove it",
        ),
        (
            "LONGSHORE_QUEUES__EMIAL__CONCURRENCY",
            "5",
            "queues.emial",
            "no such queue",
            "LONGSHORE_QUEUES__EMAIL__CONCURRENCY?",
        ),
        (
            "LONGSHORE_WORKER__HEARTBEAT_SECONDS",
            "5s",
            "worker.heartbeat_seconds",
            "not a number of seconds",
            "without quotes or unit",
        ),
        (
            "LONGSHORE_PROVIDERS__SENDGRID__SANDBOX",
            "True",
            "providers.sendgrid.sandbox",
            "not true or false",
            "write true or false",
        ),
        (
            "LONGSHORE_EMAIL__FROM",
            "x@example.com",
            "email.from",
            "not a TOML table",
            "{ key = value }",
        ),
        (
            "LONGSHORE_PROVIDERS__SENDGRID",
            "{api_key = hunter2}",
            "providers.sendgrid",
            "not a TOML table",
            "{ key = value }",
        ),
        (
            "LONGSHORE_EMAIL__FROM",
            "{mail = \"x@example.com\"}",
            "email.from.mail",
            "not a key",
            "`email.from.email`?",
        ),
    ] {
        let finding = finding("", &[(variable, text)]);
        assert_eq!(finding.key, key);
        assert_eq!(finding.origin.as_deref(), Some(variable));
        assert!(finding.problem.contains(problem), "{finding}");
        assert!(finding.cure.contains(cure), "{finding}");
        assert!(!finding.to_string().contains("hunter2"), "{finding}");
    }
}

#[test]
fn two_variables_for_one_key_are_refused() {
    let finding = finding(
        "",
        &[
            ("LONGSHORE_REDIS__NAMESPACE", "a"),
            ("longshore_redis__namespace", "b"),
        ],
    );
    assert_eq!(finding.key, "redis.namespace");
    let origin = finding.origin.as_deref();
    assert_eq!(origin, Some("longshore_redis__namespace"));
    assert!(
        finding.problem.contains("LONGSHORE_REDIS__NAMESPACE"),
        "{finding}"
    );
    assert!(finding.cure.contains("unset one"), "{finding}");
}

#[test]
fn bytes_that_are_not_text_are_refused_in_ours_only() {
    let dir = directory(&[("default.toml", "")]);
    let load = |name: &[u8]| {
        let variable = (
            OsString::from_vec(name.to_vec()),
            OsString::from_vec(vec![0xFF]),
        );
        Config::load(Some(dir.path()), None, program().integrations(), [variable])
    };
    assert!(load(b"PATH").is_ok());
    assert!(load(b"LONGSHORE_\xFF__URL").is_ok());
    let findings = load(b"LONGSHORE_REDIS__URL").unwrap_err();
    assert!(
        findings
            .to_string()
            .contains("redis.url (LONGSHORE_REDIS__URL): is not UTF-8")
    );
}
