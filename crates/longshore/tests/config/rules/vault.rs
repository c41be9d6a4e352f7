//! `providers.vault.*`, and secrets that are kept there.

use longshore_app::config::VaultLogin;

use super::check;
use crate::{SENDGRID_ON, good, load_as};

/// A file in which Vault is configured and nothing is wrong.
const ON: &str = r#"
    providers.vault.addr = "https://vault.example.com:8200"
    providers.vault.token = "hunter2"
"#;

#[test]
fn it_takes_an_address_and_one_way_to_log_in() {
    assert!(good("", &[]).vault.is_none());
    assert_eq!(good("", &[]).reread.as_secs(), 300);
    let vault = good(ON, &[]).vault.expect("configured");
    assert_eq!(vault.addr.to_string(), "https://vault.example.com:8200");
    assert_eq!(
        (&*vault.keys.mount, vault.keys.namespace.clone()),
        ("secret", None)
    );
    assert!(matches!(vault.login, VaultLogin::Token(_)));
    assert_eq!(vault.keys.timeout.as_secs(), 5);

    // In production too: an agent of Vault's listens on loopback.
    let app_role = r#"
        [providers.vault]
        addr = "http://127.0.0.1:8200"
        mount = "kv/apps"
        namespace = "teams/payments"
        role_id = "env:VAULT_ROLE_ID"
        secret_id = "file:/run/secrets/secret-id"
    "#;
    let config = load_as(Some("production"), app_role, &[]).expect("good");
    let vault = config.vault.expect("configured");
    assert_eq!(vault.keys.namespace.as_deref(), Some("teams/payments"));
    let VaultLogin::AppRole {
        role_id, secret_id, ..
    } = vault.login
    else {
        panic!("{vault:?}");
    };
    assert_eq!(role_id.to_string(), "env:VAULT_ROLE_ID");
    assert_eq!(secret_id.to_string(), "file:/run/secrets/secret-id");

    let kubernetes = r#"
        providers.vault.addr = "https://vault.vault.svc:8200"
        providers.vault.kubernetes_role = "longshore"
    "#;
    let vault = good(kubernetes, &[]).vault.expect("configured");
    let VaultLogin::Kubernetes { role, jwt, mount } = vault.login else {
        panic!("{vault:?}");
    };
    assert_eq!((&*role, &*mount), ("longshore", "kubernetes"));
    assert!(jwt.ends_with("serviceaccount/token"));
}

#[test]
fn what_is_wrong_is_found() {
    check(
        &[
            (
                "providers.vault.role_id = 'hunter2'\nproviders.vault.secret_id = 'hunter2'",
                "providers.vault.role_id",
                "is set beside providers.vault.token",
                "keep one way",
            ),
            (
                "providers.vault.mount = '/secret/'",
                "providers.vault.mount",
                "is not a path in Vault",
                "without slashes around it",
            ),
            (
                "providers.vault.namespace = 'a/../b'",
                "providers.vault.namespace",
                "is not a path in Vault",
                "teams/payments",
            ),
            (
                "providers.vault.reread_seconds = 0",
                "providers.vault.reread_seconds",
                "is 0 s",
                "set 0.001 to",
            ),
            (
                "providers.google_maps.api_key = 'vault:a/../b'",
                "providers.google_maps.api_key",
                "names no path in Vault",
                "vault:stripe/secret-key-prod",
            ),
            (
                "providers.google_maps.api_key = 'vault:'",
                "providers.google_maps.api_key",
                "is a reference to nothing",
                "vault:PATH",
            ),
        ],
        ON,
    );
    check(
        &[
            (
                "addr = 'http://vault.example.com'\ntoken = 'hunter2'",
                "providers.vault.addr",
                "plain http",
                "https",
            ),
            (
                "addr = 'https://vault.example.com'",
                "providers.vault.addr",
                "but no login",
                "providers.vault.kubernetes_role",
            ),
            (
                "token = 'hunter2'",
                "providers.vault.addr",
                "is not set, and providers.vault.token is",
                "set Vault's origin",
            ),
            (
                "addr = 'https://vault.example.com'\nrole_id = 'hunter2'",
                "providers.vault.secret_id",
                "is not set, and providers.vault.role_id is",
                "takes both",
            ),
            (
                "addr = 'https://vault.example.com'\ntoken = 'vault:hunter2'",
                "providers.vault.token",
                "is in Vault itself",
                "env:NAME or file:PATH",
            ),
        ],
        "[providers.vault]",
    );
    check(
        &[
            (
                "providers.stripe.secret_key = 'vault:stripe/key'",
                "providers.stripe.secret_key",
                "is in Vault, and providers.vault.addr is not set",
                "set providers.vault.addr",
            ),
            (
                "providers.stripe.webhook_secrets = ['hunter2', 'vault:stripe/webhook']",
                "providers.stripe.webhook_secrets",
                "is in Vault",
                "set providers.vault.addr",
            ),
            (
                "redis.url = 'vault:redis'",
                "redis.url",
                "is in Vault",
                "set providers.vault.addr",
            ),
        ],
        SENDGRID_ON,
    );
}

#[test]
fn its_credentials_are_masked() {
    let toml = format!("{ON}\nproviders.google_maps.api_key = 'vault:maps#key'");
    let config = good(&toml, &[]);
    let shown: Vec<_> = config
        .values()
        .iter()
        .map(|value| value.value.to_string())
        .collect();
    assert!(
        shown.contains(&"\"vault:maps#key\"".to_owned()),
        "{shown:?}"
    );
    assert!(!format!("{shown:?} {config:?}").contains("hunter2"));
}
