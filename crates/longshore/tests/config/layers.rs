//! What is configured when nothing is, and which layer wins.

use longshore_email::EmailSettings;
use std::path::Path;
use std::time::Duration;

use longshore::program;
use longshore_app::config::{Config, OnUnknown};
use longshore_job::RetrySchedule;
use secrecy::ExposeSecret;

use crate::{SENDGRID_ON, directory, good};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn without_any_file_or_variable_there_are_the_defaults() {
    let config = good("", &[]);
    assert_eq!(config.redis.url.expose_secret(), "redis://127.0.0.1:6379");
    assert_eq!(config.redis.namespace, "longshore");
    assert_eq!(config.worker.heartbeat, secs(5));
    assert_eq!(config.worker.lost_after, secs(15));
    assert_eq!(config.worker.drain, secs(40));
    assert_eq!(config.worker.http_addr.to_string(), "127.0.0.1:9464");
    assert!(
        config.get::<EmailSettings>().is_none(),
        "no key, so no SendGrid"
    );
    assert!(config.warnings().is_empty());

    let email = config.queue("email").unwrap();
    assert_eq!(email.concurrency, 20);
    assert_eq!(email.timeout, secs(30));
    assert_eq!(email.retry, RetrySchedule::from_secs(&[60, 300, 900]));
    assert_eq!(email.on_unknown, OnUnknown::Retry);
    assert_eq!(email.completed_for, secs(3600));
    assert_eq!(email.completed_bytes, Some(64 * 1024 * 1024));

    let sms = config.queue("sms").unwrap();
    assert_eq!(sms.on_unknown, OnUnknown::Verify);
    let payments = config.queue("payment-reconcile").unwrap();
    assert_eq!(payments.timeout, secs(30));
    assert_eq!(config.queue("letters"), None);
}

#[test]
fn a_key_is_all_it_takes_to_have_sendgrid() {
    let config = good(SENDGRID_ON, &[]);
    let sendgrid = &config
        .get::<EmailSettings>()
        .expect("SendGrid is on")
        .sendgrid;
    assert_eq!(sendgrid.base_url.to_string(), "https://api.sendgrid.com");
    assert_eq!(sendgrid.api_key.expose_secret(), "SG.key");
    assert!(!sendgrid.sandbox);
    assert_eq!(sendgrid.calls.timeout, secs(25));
    let email = config.get::<EmailSettings>().unwrap();
    assert_eq!(email.from.email, "no-reply@example.com");
    assert_eq!(email.from.name, None);
    assert_eq!(email.templates["welcome"], "d-1");
    assert!(config.warnings().is_empty());
}

#[test]
fn later_layers_win_key_by_key() {
    let dir = directory(&[
        (
            "default.toml",
            "worker = { heartbeat_seconds = 1, lost_after_seconds = 10, drain_seconds = 11 }",
        ),
        (
            "eu.toml",
            "worker = { lost_after_seconds = 20, drain_seconds = 21 }",
        ),
    ]);
    let worker = |profile, env: &[(&str, &str)]| {
        let config = Config::load(
            Some(dir.path()),
            profile,
            program().integrations(),
            env.iter().copied(),
        );
        let worker = config.unwrap().worker;
        let whole = [worker.heartbeat, worker.lost_after, worker.drain].map(|d| d.as_secs());
        (whole, worker.http_addr.port())
    };
    let env = [("LONGSHORE_WORKER__DRAIN_SECONDS", "31")];
    assert_eq!(worker(None, &[]), ([1, 10, 11], 9464));
    assert_eq!(worker(Some("eu"), &[]), ([1, 20, 21], 9464));
    assert_eq!(worker(Some("eu"), &env), ([1, 20, 31], 9464));
}

#[test]
fn lists_are_replaced_not_joined() {
    let config = good("retry.schedule_seconds = [1]", &[]);
    let email = config.queue("email").unwrap();
    assert_eq!(email.retry, RetrySchedule::from_secs(&[1]));
}

#[test]
fn a_queue_may_have_its_own_retries() {
    let config = good(
        "retry.schedule_seconds = [1, 2]\nqueues.sms.retry_seconds = []",
        &[],
    );
    let attempts = |queue| config.queue(queue).unwrap().retry.max_attempts();
    assert_eq!((attempts("email"), attempts("sms")), (3, 1));
}

#[test]
fn times_may_have_fractions_and_sizes_units() {
    let config = good(
        r#"
        retry.schedule_seconds = [0.25]
        worker = { heartbeat_seconds = 0.1, lost_after_seconds = 0.3, drain_seconds = 0 }
        [queues.email]
        timeout_seconds = 0.5
        completed_seconds = 10.5
        completed_bytes = "1 MiB"
        [queues.sms]
        completed_bytes = 4096
        "#,
        &[],
    );
    let millis = Duration::from_millis;
    let email = config.queue("email").unwrap();
    assert_eq!(email.retry, RetrySchedule::new([millis(250)]));
    assert_eq!(config.worker.heartbeat, millis(100));
    assert_eq!(config.worker.lost_after, millis(300));
    assert_eq!(config.worker.drain, Duration::ZERO);
    assert_eq!(email.timeout, millis(500));
    assert_eq!(email.completed_for, millis(10_500));
    assert_eq!(email.completed_bytes, Some(1024 * 1024));
    assert_eq!(config.queue("sms").unwrap().completed_bytes, Some(4096));
}

#[test]
fn templates_come_as_text_or_as_table() {
    let config = good(
        &format!("{SENDGRID_ON}\nemail.templates.invoice = {{ sendgrid = \"d-2\" }}"),
        &[],
    );
    let templates = config.get::<EmailSettings>().unwrap().clone().templates;
    assert_eq!(templates["invoice"], "d-2");
    assert_eq!(templates["welcome"], "d-1");
}

#[test]
fn references_to_secrets_are_kept_and_shown_but_secrets_are_not() {
    for (text, shown) in [
        ("env:SENDGRID_API_KEY", "env:SENDGRID_API_KEY"),
        ("file:/run/secrets/sendgrid", "file:/run/secrets/sendgrid"),
        ("vault:sendgrid/api-key-prod", "vault:sendgrid/api-key-prod"),
        ("SG.hunter2", "***"),
    ] {
        let env = [
            ("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", text),
            ("LONGSHORE_REDIS__URL", "redis://:hunter2@localhost"),
            (
                "LONGSHORE_PROVIDERS__VAULT__ADDR",
                "https://vault.example.com",
            ),
            ("LONGSHORE_PROVIDERS__VAULT__TOKEN", "hunter2"),
        ];
        let config = good(SENDGRID_ON, &env);
        let key = &config.get::<EmailSettings>().unwrap().sendgrid.api_key;
        assert_eq!(key.expose_secret(), text);
        assert_eq!(key.to_string(), shown);
        assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    }
}

#[test]
fn the_default_directory_need_not_exist() {
    // Tests run in the crate's own directory, which has none.
    assert!(!Path::new("config").exists());
    let config = Config::load(None, None, program().integrations(), [("", ""); 0]).unwrap();
    assert!(config.warnings().is_empty());
}
