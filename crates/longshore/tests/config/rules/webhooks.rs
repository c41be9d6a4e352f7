//! `webhooks.*`, and what Google's terms say about keeping results.

use longshore::program;
use longshore_app::config::Config;
use longshore_listener::TrustedProxies;

use super::check;
use crate::{directory, good, load_as};

#[test]
fn the_listener_has_its_addresses_and_perhaps_a_public_url() {
    let webhooks = good("", &[]).webhooks;
    assert_eq!(webhooks.http_addr.to_string(), "127.0.0.1:9465");
    assert_eq!(webhooks.private_addr.to_string(), "127.0.0.1:9467");
    assert!(webhooks.public_url.is_none());
    let toml = "webhooks.public_url = 'https://hooks.example.com'";
    let url = good(toml, &[]).webhooks.public_url.expect("set");
    assert_eq!(url.to_string(), "https://hooks.example.com");
}

#[test]
fn proxies_are_addresses_and_networks() {
    assert_eq!(good("", &[]).trusted_proxies, TrustedProxies::default());
    let some = TrustedProxies::parse(["10.0.0.0/8", "::1"]).expect("they are");
    let toml = "trusted_proxies = ['10.0.0.0/8', '::1']";
    assert_eq!(good(toml, &[]).trusted_proxies, some);
    // The one key that is a single word, so its variable has no `__` in it.
    let variable = [("LONGSHORE_TRUSTED_PROXIES", r#"["10.0.0.0/8", "::1"]"#)];
    assert_eq!(good("", &variable).trusted_proxies, some);
    check(
        &[
            (
                "trusted_proxies = ['10.0.0.0/8', 'lb.internal']",
                "trusted_proxies",
                "`lb.internal`, which is neither an address nor a network",
                "10.0.0.0/8",
            ),
            (
                "trusted_proxies = '10.0.0.1'",
                "trusted_proxies",
                "is a text, not a list of texts",
                "write a list",
            ),
        ],
        "",
    );
}

#[test]
fn what_is_wrong_is_found() {
    check(
        &[
            (
                "webhooks.http_addr = '9465'",
                "webhooks.http_addr",
                "is not an address to listen on",
                "write an IP address and a port",
            ),
            (
                "webhooks.private_addr = 'localhost:1'",
                "webhooks.private_addr",
                "is not an address",
                "write an IP address",
            ),
            (
                "webhooks.public_url = 'https://hooks.example.com/in'",
                "webhooks.public_url",
                "other than scheme, host and port",
                "write scheme, host and port only",
            ),
            (
                "webhooks.public_url = 'http://hooks.example.com'",
                "webhooks.public_url",
                "plain http",
                "https",
            ),
        ],
        "",
    );
    let plain = load_as(
        Some("production"),
        "webhooks.public_url = 'http://127.0.0.1:9465'",
        &[],
    );
    assert!(plain.expect_err("refused").to_string().contains("https"));
}

#[test]
fn results_are_kept_no_longer_than_the_terms_allow() {
    let day = 24 * 3600;
    let load = |seconds: u64| {
        let toml = format!("queues.geocode.completed_seconds = {seconds}");
        let dir = directory(&[("default.toml", &toml)]);
        Config::load(
            Some(dir.path()),
            None,
            program().integrations(),
            [("", ""); 0],
        )
    };
    assert!(load(30 * day).is_ok());
    let findings = load(30 * day + 1).expect_err("refused").to_string();
    assert!(findings.contains("more than the 30 days"), "{findings}");
}
