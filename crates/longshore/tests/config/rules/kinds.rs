//! `kinds.<kind>.*`, and who has the say where several do.

use std::time::Duration;

use longshore_app::config::{Config, KindSettings, OnUnknown, SetBy, Severity};
use longshore_job::{Priority, RetrySchedule};

use super::check;
use crate::{SENDGRID_ON, good};

const STRIPE_ON: &str = "providers.stripe.secret_key = 'sk_test_1'";

#[test]
fn kinds_and_their_limits() {
    check(
        &[
            (
                "kinds.send_email.timeout_seconds = 0",
                "kinds.send_email.timeout_seconds",
                "is 0 s",
                "set 0.001 to",
            ),
            (
                "kinds.send_email.expires_seconds = -1",
                "kinds.send_email.expires_seconds",
                "is -1 s",
                "set 0.001 to",
            ),
            (
                "kinds.send_email.retry_seconds = [60, -1]",
                "kinds.send_email.retry_seconds[1]",
                "is -1 s",
                "set 0 to 2592000 seconds",
            ),
            (
                "kinds.send_email.retry_seconds = [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
                "kinds.send_email.retry_seconds",
                "has 26 entries",
                "at most 25",
            ),
            (
                "kinds.send_email.on_unknown = 'verify'",
                "kinds.send_email.on_unknown",
                "nobody can be asked what became of a request of a job of the kind send_email",
                "use retry, which may do it twice, or hold",
            ),
            // Each kind of a queue for itself: those of its neighbours can be asked about.
            (
                "kinds.reconcile_payments.on_unknown = 'verify'",
                "kinds.reconcile_payments.on_unknown",
                "of the kind reconcile_payments",
                "hold",
            ),
            (
                "kinds.create_customer.on_unknown = 'drop'",
                "kinds.create_customer.on_unknown",
                "is `drop`",
                "use retry, verify or hold",
            ),
            (
                "kinds.send_emial.timeout_seconds = 1",
                "kinds.send_emial",
                "no such kind",
                "did you mean `kinds.send_email`?",
            ),
            (
                "kinds.send_email.timeout = 1",
                "kinds.send_email.timeout",
                "is not a key",
                "did you mean `kinds.send_email.timeout_seconds`?",
            ),
            (
                "kinds.send_email = 1",
                "kinds.send_email",
                "is a number, not a table",
                "expires_seconds, on_unknown, priority, retry_seconds, timeout_seconds",
            ),
        ],
        "",
    );
}

/// The key that is named is the one to change; what is set for the kind alone is named before what is set for its queue.
#[test]
fn all_attempts_fit_into_an_expiry_whoever_set_it() {
    check(
        &[
            (
                "kinds.create_payment_intent.timeout_seconds = 61",
                "kinds.create_payment_intent.timeout_seconds",
                "create_payment_intent, which expires after 60 s: its one attempt of 61 s",
                "leave it out, and create_payment_intent is run as its kind says; or make it shorter",
            ),
            (
                "kinds.create_payment_intent.retry_seconds = [1]",
                "kinds.create_payment_intent.retry_seconds",
                "its 2 attempts of 55 s",
                "leave it out, and create_payment_intent is run as its kind says; or make fewer retries",
            ),
            (
                "kinds.create_payment_intent.expires_seconds = 54",
                "kinds.create_payment_intent.expires_seconds",
                "which expires after 54 s: its one attempt of 55 s",
                "make it longer",
            ),
            // A kind that does not expire by itself.
            (
                "kinds.reconcile_payments.expires_seconds = 3600",
                "kinds.reconcile_payments.expires_seconds",
                "its 4 attempts of 3600 s and the waits between them take up to 15660 s",
                "make it longer",
            ),
            // One attempt takes no retries, so they are not to blame.
            (
                "kinds.create_customer = { retry_seconds = [], timeout_seconds = 90000 }",
                "kinds.create_customer.timeout_seconds",
                "its one attempt of 90000 s",
                "make it shorter",
            ),
            (
                "queues.payment-reconcile.retry_seconds = [9]\nkinds.create_customer.retry_seconds = [90000]\n\
                 kinds.create_payment_intent.retry_seconds = []\nkinds.confirm_payment_intent.retry_seconds = []",
                "kinds.create_customer.retry_seconds",
                "does not fit create_customer",
                "make fewer retries",
            ),
            (
                "queues.payment-reconcile.timeout_seconds = 61\nkinds.create_payment_intent.timeout_seconds = 50",
                "queues.payment-reconcile.timeout_seconds",
                "does not fit confirm_payment_intent",
                "or set kinds.confirm_payment_intent.timeout_seconds for it alone",
            ),
        ],
        STRIPE_ON,
    );
    // To the second, and where nobody uses the kind.
    good(
        &format!("{STRIPE_ON}\nkinds.create_payment_intent.timeout_seconds = 60"),
        &[],
    );
    good("kinds.create_payment_intent.timeout_seconds = 61", &[]);
}

#[test]
fn an_expiry_that_is_longer_than_the_kinds_own_is_warned_of() {
    let config = good("kinds.send_email.expires_seconds = 1801", &[]);
    let warnings: Vec<_> = config.warnings().iter().collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0].severity, Severity::Warning);
    assert_eq!(warnings[0].key, "kinds.send_email.expires_seconds");
    let problem = &warnings[0].problem;
    assert!(problem.contains("longer than the 1800 s"), "{problem}");
    let config = good("kinds.send_email.expires_seconds = 1800", &[]);
    assert!(config.warnings().is_empty());
}

fn kind<'a>(config: &'a Config, kind: &str) -> &'a KindSettings {
    {
        let spec = config.kinds().find(kind).expect("a kind of this program");
        config
            .kind(kind, spec.queue)
            .expect("a kind of this program")
    }
}

const KIND: &str = "kinds.create_customer";
const QUEUE: &str = "queues.payment-reconcile";

/// `kinds.<kind>` before `queues.<queue>` before the kind before the default, each setting for itself.
#[test]
fn who_has_the_say() {
    let secs = Duration::from_secs;
    let (of_kind, of_queue) = (
        format!("{KIND} = {{ timeout_seconds = 7, retry_seconds = [8], on_unknown = 'hold' }}"),
        format!(
            "{QUEUE} = {{ timeout_seconds = 17, retry_seconds = [18], on_unknown = 'verify' }}"
        ),
    );
    for (toml, timeout, retry, on_unknown) in [
        (
            format!("{of_kind}\n{of_queue}"),
            (7, SetBy::KindSection),
            (&[8][..], SetBy::KindSection),
            (OnUnknown::Hold, SetBy::KindSection),
        ),
        (
            of_queue.clone(),
            (17, SetBy::QueueSection),
            (&[18], SetBy::QueueSection),
            (OnUnknown::Verify, SetBy::QueueSection),
        ),
        (
            format!("retry.schedule_seconds = [28]\n{KIND}.timeout_seconds = 7"),
            (7, SetBy::KindSection),
            (&[28], SetBy::Default),
            (OnUnknown::Retry, SetBy::Default),
        ),
        (
            String::new(),
            (30, SetBy::Default),
            (&[60, 300, 900], SetBy::Default),
            (OnUnknown::Retry, SetBy::Default),
        ),
    ] {
        let config = good(&toml, &[]);
        let customer = kind(&config, "create_customer");
        let is = |found: Duration| found.as_secs();
        assert_eq!((is(customer.timeout.value), customer.timeout.by), timeout);
        let schedule = RetrySchedule::from_secs(retry.0);
        let found = (customer.retry.value.clone(), customer.retry.by);
        assert_eq!(found, (schedule, retry.1), "{toml}");
        let found = (customer.on_unknown.value, customer.on_unknown.by);
        assert_eq!(found, on_unknown, "{toml}");
        assert_eq!(customer.expires.value, Some(secs(24 * 3600)));
        assert_eq!(customer.expires.by, SetBy::Kind);
        the_fleet_agrees(&config);
    }
    let config = good(
        &format!("{of_queue}\n{SENDGRID_ON}\nkinds.send_email.expires_seconds = 1700"),
        &[],
    );
    // Not even where the queue is set to verify is a kind that cannot.
    let reconcile = kind(&config, "reconcile_payments");
    assert_eq!(reconcile.on_unknown.value, OnUnknown::Retry);
    let email = kind(&config, "send_email");
    assert_eq!(email.expires.value, Some(secs(1700)));
    assert_eq!(email.expires.by, SetBy::KindSection);
    the_fleet_agrees(&config);
}

/// As for the other settings; and what is configured wins over what the args say.
#[test]
fn who_has_the_say_in_a_priority() {
    for (toml, expected) in [
        ("", (Priority::Normal, SetBy::Default)),
        (
            "queues.email.priority = 'low'",
            (Priority::Low, SetBy::QueueSection),
        ),
        (
            "queues.email.priority = 'low'\nkinds.send_email.priority = 'high'",
            (Priority::High, SetBy::KindSection),
        ),
    ] {
        let config = good(toml, &[]);
        let found = &kind(&config, "send_email").priority;
        assert_eq!((found.value, found.by), expected, "{toml}");
        let spec = config.kinds().find("send_email").expect("a kind");
        for (template, own) in [
            ("welcome", Priority::Normal),
            ("password_reset", Priority::High),
        ] {
            let args =
                format!(r#"{{"template":"{template}","to":{{"email":"a@b.no"}},"data":{{}}}}"#);
            let set = (expected.1 != SetBy::Default).then_some(expected.0);
            let found = spec.prepare(&args).expect("good").priority;
            assert_eq!(found, set.unwrap_or(own), "{toml} {template}");
        }
    }
}

/// What workers make of the overrides is what is shown.
fn the_fleet_agrees(config: &Config) {
    for spec in config.kinds().iter() {
        let queue = config.queue(spec.queue).expect("of this program");
        let of_queue = longshore_job::RunPolicy {
            timeout: queue.timeout,
            expires: None,
            retry: queue.retry.clone(),
            on_unknown: queue.on_unknown,
        };
        let settings = kind(config, spec.kind);
        let mut found = of_queue.of_kind(&spec.policy, &settings.overrides());
        found.on_unknown = found.on_unknown.for_kind(spec.verifiable);
        assert_eq!(found, settings.run_policy(), "{}", spec.kind);
    }
}

/// A reconcile takes an hour by itself, and more if it is to, while payments keep the minute of their users.
#[test]
fn a_reconcile_sets_no_limit_of_a_payment() {
    for (toml, reconcile) in [
        ("", 3600),
        ("kinds.reconcile_payments.timeout_seconds = 7200", 7200),
    ] {
        let config = good(&format!("{STRIPE_ON}\n{toml}"), &[]);
        let seconds = |name| {
            let kind = kind(&config, name);
            let expires = kind.expires.value.map(|expires| expires.as_secs());
            (kind.timeout.value.as_secs(), expires)
        };
        assert_eq!(seconds("reconcile_payments"), (reconcile, None));
        assert_eq!(seconds("create_payment_intent"), (55, Some(60)));
        assert_eq!(seconds("confirm_payment_intent"), (55, Some(60)));
        assert_eq!(seconds("create_customer"), (30, Some(24 * 3600)));
    }
}

#[test]
fn a_variable_sets_it_too() {
    let config = good(
        "",
        &[("LONGSHORE_KINDS__SEND_SMS__RETRY_SECONDS", "[1, 2.5]")],
    );
    let retry = &kind(&config, "send_sms").retry;
    let waits: Vec<_> = retry.value.waits().map(|wait| wait.as_secs_f64()).collect();
    assert_eq!((waits, retry.by), (vec![1.0, 2.5], SetBy::KindSection));
}
