//! `providers.stripe.*`, `app.*`, `payments.*`.

use super::check;
use crate::{good, load_as};
use longshore_payment_reconcile::{AppSettings, NewCustomers, StripeSettings};

/// A file in which payments are on and nothing is wrong.
const ON: &str = r#"
    providers.stripe.secret_key = "sk_test_hunter2"
    providers.stripe.webhook_secrets = ["whsec_hunter2", "env:OTHER"]
    app.base_url = "https://shop.example.com"
    app.secret = "hunter2"
"#;

#[test]
fn they_are_on_with_a_key_and_an_app() {
    let off = good("", &[]);
    assert!(off.get::<StripeSettings>().is_none() && off.get::<AppSettings>().is_none());
    assert_eq!(off.get::<NewCustomers>().unwrap().provider, "stripe");
    let on = good(ON, &[]);
    let stripe = on.get::<StripeSettings>().expect("on");
    assert_eq!(stripe.base_url.to_string(), "https://api.stripe.com");
    assert_eq!((stripe.calls.limit.count, stripe.writes.count), (100, 100));
    assert_eq!(
        (
            stripe.calls.breaker.failures,
            stripe.calls.breaker.open.as_secs()
        ),
        (5, 30)
    );
    assert_eq!(stripe.webhook_secrets.len(), 2);
    assert_eq!(on.get::<AppSettings>().expect("on").timeout.as_secs(), 10);
    // Operations alone take no app.
    let alone = good("providers.stripe.secret_key = 'sk_test_1'", &[]);
    assert!(alone.get::<StripeSettings>().is_some() && alone.get::<AppSettings>().is_none());
}

#[test]
fn what_has_been_paid_is_kept_for_thirty_days_whatever_its_size() {
    let config = good("", &[]);
    let queue = config.queue("payment-reconcile").expect("there");
    assert_eq!(queue.completed_for.as_secs(), 30 * 24 * 3600);
    assert_eq!(queue.completed_bytes, None);
    let config = good("queues.payment-reconcile.completed_bytes = '1 MiB'", &[]);
    let queue = config.queue("payment-reconcile").expect("there");
    assert_eq!(queue.completed_bytes, Some(1024 * 1024));
}

#[test]
fn what_is_wrong_is_found() {
    check(
        &[
            (
                "providers.stripe.write_rate_per_second = 0",
                "providers.stripe.write_rate_per_second",
                "is 0",
                "set 1 to",
            ),
            (
                "app.timeout_seconds = 0",
                "app.timeout_seconds",
                "is 0 s",
                "set 0.001 to",
            ),
            (
                "payments.provider_for_new_customers = 'adyen'",
                "payments.provider_for_new_customers",
                "is `adyen`, which is no payment provider of this program",
                "use stripe",
            ),
        ],
        ON,
    );
    check(
        &[
            (
                "app.base_url = 'https://shop.example.com'",
                "app.secret",
                "is not set, and app.base_url is",
                "signatures",
            ),
            (
                "app.secret = 'hunter2'",
                "app.base_url",
                "is not set, and app.secret is",
                "origin",
            ),
            (
                "app = { base_url = 'http://shop.example.com', secret = 'hunter2' }",
                "app.base_url",
                "is not an origin",
                "https",
            ),
            (
                "providers.stripe = { secret_key = 'sk_test_hunter2', webhook_secrets = ['whsec_1'] }",
                "app.base_url",
                "would be heard and told to nobody",
                "set app.base_url",
            ),
        ],
        "",
    );
}

#[test]
fn mails_about_failed_payments_want_their_template() {
    let email = r#"
        providers.sendgrid.api_key = "SG.key"
        email.from.email = "no-reply@example.com"
    "#;
    for (template, warned) in [("welcome", true), ("payment_failed", false)] {
        let toml = format!("{ON}\n{email}\nemail.templates.{template} = 'd-1'");
        let config = good(&toml, &[]);
        let keys: Vec<_> = config.warnings().iter().map(|w| w.key.as_str()).collect();
        assert_eq!(
            keys.contains(&"email.templates.payment_failed"),
            warned,
            "{keys:?}"
        );
    }
}

#[test]
fn live_keys_are_for_production_and_test_keys_for_the_rest() {
    for (profile, key, is_taken) in [
        (Some("production"), "sk_live_1", true),
        (Some("production"), "rk_live_1", true),
        (Some("production"), "sk_test_1", false),
        (Some("staging"), "sk_test_1", true),
        (Some("staging"), "sk_live_1", false),
        (Some("local"), "rk_live_1", false),
        (None, "sk_live_1", true),
        (None, "sk_test_1", true),
        // What it refers to is looked at when it is used.
        (Some("staging"), "env:STRIPE_SECRET_KEY", true),
    ] {
        let toml = format!("providers.stripe.secret_key = '{key}'");
        let loaded = load_as(profile, &toml, &[]);
        assert_eq!(loaded.is_ok(), is_taken, "{profile:?} {key}");
        if let Err(findings) = loaded {
            let text = findings.to_string();
            assert!(text.contains("other mode") && !text.contains(key), "{text}");
        }
    }
}
