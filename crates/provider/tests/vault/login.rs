//! Tokens: got, renewed, replaced.

use std::time::Duration;

use longshore_provider::vault::{Login, VaultError};
use longshore_sandbox::VaultServer;
use tokio::time::Instant;

use crate::{by_app_role, eventually, read, vault};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_renewed_before_it_is_over_and_replaced_when_it_can_be_renewed_no_longer() {
    let server = VaultServer::start();
    server.put("sendgrid/api-key", "SG.one");
    let vault = by_app_role(&server, 3, 8);
    read(&vault, "sendgrid/api-key").await.expect("it is there");
    let keeper = vault.clone();
    let keeping = tokio::spawn(async move { keeper.keep_logged_in().await });
    // A token of 3 s that nobody renewed would be gone after them, and there would be none for a moment.
    let started = Instant::now();
    let mut most = 0;
    eventually("six seconds go by", || {
        let tokens = server.tokens();
        assert!(tokens >= 1, "none after {:?}", started.elapsed());
        most = most.max(tokens);
        started.elapsed() >= Duration::from_secs(6)
    })
    .await;
    assert_eq!(most, 1, "it was renewed, and not logged in for again");
    eventually(
        "another one, since eight seconds are its longest time",
        || server.tokens() == 2,
    )
    .await;
    assert!(started.elapsed() < Duration::from_secs(8));
    keeping.abort();
}

#[tokio::test]
async fn a_token_that_is_over_is_logged_in_for_when_it_is_needed() {
    let server = VaultServer::start();
    server.put("sendgrid/api-key", "SG.one");
    let vault = by_app_role(&server, 1, 1);
    for _ in 0..2 {
        read(&vault, "sendgrid/api-key").await.expect("it is there");
        assert_eq!(server.tokens(), 1);
        eventually("the token is over", || server.tokens() == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_read_at_once_log_in_once() {
    let server = VaultServer::start();
    server.put("sendgrid/api-key", "SG.one");
    let vault = by_app_role(&server, 600, 600);
    for logins in 1..=2 {
        let reading: Vec<_> = (0..30)
            .map(|_| {
                let vault = vault.clone();
                tokio::spawn(async move { read(&vault, "sendgrid/api-key").await })
            })
            .collect();
        for one in reading {
            assert_eq!(one.await.expect("ends").as_deref(), Ok("SG.one"));
        }
        assert_eq!(server.tokens(), 1, "after {logins} logins");
        server.revoke_tokens();
    }
}

#[tokio::test]
async fn a_given_token_is_followed_when_it_is_replaced() {
    let server = VaultServer::start();
    server.put("sendgrid/api-key", "SG.one");
    server.grant("workers", "sendgrid/*");
    let given = || {
        let asked = serde_json::json!({ "policies": ["workers"], "ttl": "600s" });
        let made = server.post("auth/token/create", &asked);
        made["auth"]["client_token"]
            .as_str()
            .expect("a token")
            .to_owned()
    };
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("token");
    let first = given();
    std::fs::write(&path, &first).expect("written");
    let reference = format!("file:{}", path.display());
    let vault = vault(&server, Login::Token(reference.into()));
    assert_eq!(
        read(&vault, "sendgrid/api-key").await.as_deref(),
        Ok("SG.one")
    );
    let error = read(&vault, "stripe/key").await.expect_err("forbidden");
    assert!(matches!(error, VaultError::Forbidden { .. }), "{error}");
    server.post("auth/token/revoke", &serde_json::json!({ "token": first }));
    let error = read(&vault, "sendgrid/api-key").await.expect_err("revoked");
    assert!(
        error
            .to_string()
            .contains("refuses the login by token (\"permission denied\")"),
        "{error}"
    );
    std::fs::write(&path, given()).expect("written");
    assert_eq!(
        read(&vault, "sendgrid/api-key").await.as_deref(),
        Ok("SG.one")
    );
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(
        read(&vault, "sendgrid/api-key").await.as_deref(),
        Ok("SG.one"),
        "it has one"
    );
}

#[tokio::test]
async fn a_login_that_is_refused_names_the_keys_to_look_at() {
    let server = VaultServer::start();
    let (role_id, _) = server.app_role("default", 600, 600);
    let by = |mount: &str, secret_id: &str| {
        vault(
            &server,
            Login::AppRole {
                role_id: role_id.clone().into(),
                secret_id: secret_id.into(),
                mount: mount.to_owned(),
            },
        )
    };
    for (login, says, cure) in [
        (
            by("approle", "wrong"),
            "Vault refuses the login by AppRole (\"invalid role or secret ID\")",
            "providers.vault.role_id and .secret_id",
        ),
        (
            by("elsewhere", "wrong"),
            "Vault refuses the login by AppRole (\"permission denied\")",
            "providers.vault.role_id and .secret_id",
        ),
        (
            by("approle", "env:LONGSHORE_TEST_NO_SUCH_SECRET_ID"),
            "the login to Vault failed, providers.vault.secret_id: the environment variable LONGSHORE_TEST_NO_SUCH_SECRET_ID is not set, is empty or is not UTF-8",
            "where the workers run",
        ),
    ] {
        let error = read(&login, "sendgrid/api-key").await.expect_err("refused");
        assert_eq!(error.to_string(), says);
        assert!(error.cure().contains(cure), "{}", error.cure());
        assert!(!error.is_passing());
    }
}
