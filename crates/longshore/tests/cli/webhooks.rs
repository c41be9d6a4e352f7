//! `webhooks`: what it refuses to start with.

use std::net::TcpListener;

use super::{Bench, Ran};

const TWILIO: &[(&str, &str)] = &[
    ("LONGSHORE_PROVIDERS__TWILIO__ACCOUNT_SID", "AC1"),
    ("LONGSHORE_PROVIDERS__TWILIO__AUTH_TOKEN", "hunter2"),
    ("LONGSHORE_PROVIDERS__TWILIO__FROM", "Shop"),
];

fn webhooks(bench: &Bench, env: &[(&str, &str)]) -> Ran {
    let mut command = bench.command(&["webhooks"]);
    for (name, value) in TWILIO.iter().chain(env) {
        command.env(name, value);
    }
    Ran::of(&["webhooks"], &mut command)
}

#[test]
fn it_says_what_it_lacks() {
    let bench = Bench::new();
    webhooks(&bench, &[]).fails(2, "set webhooks.public_url");
    let url = (
        "LONGSHORE_WEBHOOKS__PUBLIC_URL",
        "https://hooks.example.com",
    );
    let no_token = ("LONGSHORE_PROVIDERS__TWILIO__AUTH_TOKEN", "");
    let ran = webhooks(&bench, &[url, no_token]);
    ran.fails(2, "no provider that posts events is configured");
    let nowhere = (
        "LONGSHORE_PROVIDERS__TWILIO__AUTH_TOKEN",
        "env:LONGSHORE_TEST_NOT_SET",
    );
    let ran = webhooks(&bench, &[url, nowhere]);
    ran.fails(2, "providers.twilio.auth_token");
    let away = ("LONGSHORE_REDIS__URL", "redis://127.0.0.1:1");
    webhooks(&bench, &[url, away]).fails(3, "127.0.0.1:1");
}

/// Stripe signs no URL: it is served without one, and Twilio left out.
#[test]
fn a_public_url_is_wanted_only_by_whose_signatures_are_over_it() {
    let bench = Bench::new();
    let away = ("LONGSHORE_REDIS__URL", "redis://127.0.0.1:1");
    let secret = (
        "LONGSHORE_PROVIDERS__STRIPE__WEBHOOK_SECRETS",
        r#"["whsec_a"]"#,
    );
    let key = ("LONGSHORE_PROVIDERS__STRIPE__SECRET_KEY", "sk_test_a");
    let app = ("LONGSHORE_APP__BASE_URL", "http://127.0.0.1:1");
    let app_secret = ("LONGSHORE_APP__SECRET", "a");
    let ran = webhooks(&bench, &[secret, key, app, app_secret, away]);
    assert!(
        ran.stderr
            .contains("events of twilio and twilio/inbound are not taken"),
        "{}",
        ran.stderr
    );
    ran.fails(3, "127.0.0.1:1");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let bench = Bench::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("a port").to_string();
    let url = (
        "LONGSHORE_WEBHOOKS__PUBLIC_URL",
        "https://hooks.example.com",
    );
    for (set, other) in [("HTTP_ADDR", "PRIVATE_ADDR"), ("PRIVATE_ADDR", "HTTP_ADDR")] {
        let name = format!("LONGSHORE_WEBHOOKS__{set}");
        let other = format!("LONGSHORE_WEBHOOKS__{other}");
        let env = [
            url,
            (name.as_str(), taken.as_str()),
            (other.as_str(), "127.0.0.1:0"),
        ];
        let ran = webhooks(&bench, &env);
        ran.fails(
            1,
            &format!(
                "`webhooks.{}` (LONGSHORE_WEBHOOKS__{set}): cannot listen on {taken}",
                set.to_lowercase()
            ),
        );
    }
}
