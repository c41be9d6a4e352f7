//! `retry.*` and `queues.<queue>.*`.

use longshore_app::config::OnUnknown;

use super::check;
use crate::{SENDGRID_ON, good};

#[test]
fn queues_and_their_retries() {
    check(
        &[
            (
                "retry.schedule_seconds = [60, -1]",
                "retry.schedule_seconds[1]",
                "is -1 s",
                "set 0 to 2592000 seconds",
            ),
            (
                "queues.email.retry_seconds = [2592001]",
                "queues.email.retry_seconds[0]",
                "is 2592001 s",
                "set 0 to 2592000 seconds",
            ),
            (
                "retry.schedule_seconds = 60",
                "retry.schedule_seconds",
                "is a number, not a list of seconds",
                "[60, 300, 900]",
            ),
            (
                "queues.email.retry_seconds = [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
                "queues.email.retry_seconds",
                "has 26 entries",
                "at most 25",
            ),
            (
                "queues.email.concurrency = 0",
                "queues.email.concurrency",
                "is 0",
                "set 1 to 10000",
            ),
            (
                "queues.email.concurrency = 10001",
                "queues.email.concurrency",
                "is 10001",
                "set 1 to 10000",
            ),
            (
                "queues.email.concurrency = 1.5",
                "queues.email.concurrency",
                "with a fraction, not a whole number",
                "such as 20",
            ),
            (
                "queues.email.concurrency = 99999999999999999999999",
                "queues.email.concurrency",
                "is ",
                "set 1 to 10000",
            ),
            (
                "queues.email.timeout_seconds = 0",
                "queues.email.timeout_seconds",
                "is 0 s",
                "set 0.001 to",
            ),
            (
                "queues.email.on_unknown = 'verify'",
                "queues.email.on_unknown",
                "nobody can be asked what became of a request of a job of the queue email",
                "use retry, which may do it twice, or hold",
            ),
            (
                "queues.email.on_unknown = 'drop'",
                "queues.email.on_unknown",
                "is `drop`",
                "use retry or hold",
            ),
            (
                "queues.sms.on_unknown = 'drop'",
                "queues.sms.on_unknown",
                "is `drop`",
                "use retry, verify or hold",
            ),
            (
                "queues.email.completed_seconds = 9.9",
                "queues.email.completed_seconds",
                "is 9.9 s",
                "set 10 to",
            ),
            (
                "queues.email.completed_seconds = 34560001",
                "queues.email.completed_seconds",
                "is 34560001 s",
                "to 34560000 seconds",
            ),
            (
                "queues.email.completed_bytes = 0",
                "queues.email.completed_bytes",
                "is 0",
                "at least 1 byte",
            ),
            (
                "queues.email.cancelled_bytes = 0",
                "queues.email.cancelled_bytes",
                "is 0",
                "at least 1 byte",
            ),
            (
                "queues.email.completed_bytes = -1",
                "queues.email.completed_bytes",
                "not a size",
                "\"64MiB\"",
            ),
            (
                "queues.email.completed_bytes = '64 XB'",
                "queues.email.completed_bytes",
                "not a size",
                "\"64MiB\"",
            ),
            (
                "queues.sms.delivery_bytes = 0",
                "queues.sms.delivery_bytes",
                "is 0",
                "at least 1 byte",
            ),
            (
                "queues.emails.concurrency = 1",
                "queues.emails",
                "no such queue",
                "did you mean `queues.email`?",
            ),
            (
                "queues.letters.concurrency = 1",
                "queues.letters",
                "no such queue",
                "known here: email, events, export-cleanup, geocode, payment-reconcile, sms",
            ),
        ],
        "",
    );
}

/// A job that expires before its attempts are over would die as expired, with attempts left.
#[test]
fn all_attempts_of_a_kind_fit_into_its_expiry() {
    let on = format!(
        "{SENDGRID_ON}\nemail.templates.password_reset = 'd-2'\nproviders.stripe.secret_key = 'sk_test_1'\n"
    );
    check(
        &[
            (
                "queues.payment-reconcile.retry_seconds = [1]",
                "queues.payment-reconcile.retry_seconds",
                "create_payment_intent, which expires after 60 s: its 2 attempts of 55 s and the waits between them take \
                 up to 111 s",
                "leave it out, and create_payment_intent is run as its kind says",
            ),
            (
                "queues.payment-reconcile.timeout_seconds = 61",
                "queues.payment-reconcile.timeout_seconds",
                "its one attempt of 61 s",
                "make it shorter",
            ),
            (
                "queues.email.timeout_seconds = 136",
                "queues.email.timeout_seconds",
                "send_email, which expires after 1800 s: its 4 attempts of 136 s and the waits between them take up to \
                 1804 s",
                "make it shorter",
            ),
            (
                "retry.schedule_seconds = [60, 300, 90000]",
                "retry.schedule_seconds",
                "send_email, which expires after 1800 s",
                "make fewer retries",
            ),
        ],
        &on,
    );
    // Of what nobody uses here nothing is said.
    good("retry.schedule_seconds = [90000]", &[]);
    // What fits to the second is allowed.
    good(&format!("{on}queues.email.timeout_seconds = 135"), &[]);
    let config = good(
        &format!("{on}queues.payment-reconcile.timeout_seconds = 60"),
        &[],
    );
    let reconcile = config
        .kind("reconcile_payments", "payment-reconcile")
        .expect("there");
    let timeout = reconcile.timeout.value.as_secs();
    assert_eq!(timeout, 60, "what is configured goes first");
}

#[test]
fn the_limits_themselves_are_allowed() {
    let config = good(
        r#"
        [queues.email]
        concurrency = 10000
        timeout_seconds = 0.001
        on_unknown = "hold"
        completed_seconds = 10
        completed_bytes = 1
        delivery_bytes = "1 MiB"
        [queues.sms]
        retry_seconds = [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2592000]
        concurrency = 1
        on_unknown = "verify"
        "#,
        &[],
    );
    let (email, sms) = (config.queue("email").unwrap(), config.queue("sms").unwrap());
    assert_eq!(sms.retry.max_attempts(), 26);
    assert_eq!((email.concurrency, sms.concurrency), (10_000, 1));
    assert_eq!(
        (email.on_unknown, sms.on_unknown),
        (OnUnknown::Hold, OnUnknown::Verify)
    );
    assert_eq!(email.completed_bytes, Some(1));
    assert_eq!(
        (email.delivery_bytes, sms.delivery_bytes),
        (1 << 20, 64 << 20)
    );
}
