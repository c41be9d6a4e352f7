//! What is read, and what is said where there is nothing to read.

use longshore_provider::secret::{ExposeSecret, Refreshed, open};
use longshore_provider::vault::{Login, Vault, VaultError};
use longshore_sandbox::VaultServer;
use serde_json::json;

use crate::{by_app_role, by_root, config, now, opened, read, vault};

#[tokio::test]
async fn fields_are_read_in_their_newest_version() {
    let server = VaultServer::start();
    let vault = by_root(&server);
    server.put("sendgrid/api-key", "SG.one\n");
    server.put_fields("stripe", &json!({ "test": "sk_test_1", "count": 7 }));
    let key = opened(&vault, "vault:sendgrid/api-key").await;
    assert_eq!(now(&key), "SG.one", "a line's end is no part of it");
    assert_eq!(now(&opened(&vault, "vault:stripe#test").await), "sk_test_1");
    let holder = key.clone();
    assert!(matches!(key.refresh().await, Refreshed::Same));
    server.put("sendgrid/api-key", "SG.two");
    assert!(matches!(key.refresh().await, Refreshed::Changed));
    assert_eq!(now(&holder), "SG.two");
    // Deleted under those who use it: kept, and said.
    server.call("DELETE", "secret/data/sendgrid/api-key", "root", None);
    let Refreshed::Kept(error) = key.refresh().await else {
        panic!("there is nothing to read");
    };
    assert!(error.to_string().contains("has deleted it"), "{error}");
    assert_eq!(now(&holder), "SG.two");

    let error = |reference: &'static str| {
        let vault = vault.clone();
        async move {
            open(reference, Some(&vault))
                .await
                .expect_err("no secret")
                .to_string()
        }
    };
    server.put("empty", "\n");
    for (reference, says) in [
        (
            "vault:nowhere",
            "Vault has no secret at secret/data/nowhere",
        ),
        ("vault:stripe", "Vault's stripe has no field `value`"),
        (
            "vault:stripe#count",
            "Vault's field `count` of stripe is not text",
        ),
        ("vault:empty", "it is empty"),
    ] {
        let error = error(reference).await;
        assert!(error.starts_with(says), "{reference}: {error}");
    }
}

#[tokio::test]
async fn what_is_forbidden_is_told_from_a_token_that_is_over() {
    let server = VaultServer::start();
    server.put("sendgrid/api-key", "SG.one");
    server.put("stripe/key", "sk_test_1");
    let vault = by_app_role(&server, 600, 600);
    assert_eq!(
        read(&vault, "sendgrid/api-key").await.as_deref(),
        Ok("SG.one")
    );
    assert_eq!(server.tokens(), 1);
    for _ in 0..3 {
        let error = read(&vault, "stripe/key").await.expect_err("forbidden");
        assert_eq!(
            error.to_string(),
            "Vault does not allow us to read secret/data/stripe/key"
        );
        assert!(!error.is_passing());
    }
    assert_eq!(
        server.tokens(),
        1,
        "no login for what another token may not read either"
    );
    server.revoke_tokens();
    assert_eq!(server.tokens(), 0);
    assert_eq!(
        read(&vault, "sendgrid/api-key").await.as_deref(),
        Ok("SG.one")
    );
    assert_eq!(server.tokens(), 1);
}

#[tokio::test]
async fn an_engine_of_version_1_and_a_namespace_of_its_own() {
    let server = VaultServer::start();
    server.post(
        "sys/mounts/old",
        &json!({ "type": "kv", "options": { "version": "1" } }),
    );
    server.post("old/data/sendgrid", &json!({ "value": "SG.old" }));
    let mut old = config(&server, Login::Token("root".into()));
    old.mount = "old".to_owned();
    let old = Vault::new(old).expect("a client");
    let error = read(&old, "sendgrid").await.expect_err("no version 2");
    assert!(
        error.cure().contains("providers.vault.kv_version"),
        "{error}"
    );

    server.post("sys/namespaces/payments", &json!({}));
    server.post(
        "payments/sys/mounts/kv",
        &json!({ "type": "kv", "options": { "version": "2" } }),
    );
    server.post(
        "payments/kv/data/stripe",
        &json!({ "data": { "value": "sk_test_1" } }),
    );
    let mut there = config(&server, Login::Token("root".into()));
    there.mount = "kv".to_owned();
    there.namespace = Some("payments".to_owned());
    let there = Vault::new(there).expect("a client");
    let secret = there.read("stripe", "value").await.expect("it is there");
    assert_eq!(secret.expose_secret(), "sk_test_1");
}

#[tokio::test]
async fn nothing_that_is_shown_holds_a_credential_or_a_secret() {
    let server = VaultServer::start();
    server.put("sendgrid/api-key", "SG.very-secret");
    let (role_id, secret_id) = server.app_role("default", 600, 600);
    let login = Login::AppRole {
        role_id: role_id.clone().into(),
        secret_id: secret_id.clone().into(),
        mount: "approle".to_owned(),
    };
    let refused = Login::AppRole {
        role_id: role_id.clone().into(),
        secret_id: "wrong-and-secret".into(),
        mount: "approle".to_owned(),
    };
    let mut shown = format!("{:?}", config(&server, login.clone()));
    for vault in [
        vault(&server, login),
        vault(&server, refused),
        vault(&server, Login::Token("wrong-and-secret".into())),
        vault(&server, Login::Token("wrong\nand-secret".into())),
    ] {
        let error = read(&vault, "sendgrid/api-key").await.expect_err("refused");
        shown += &format!("{vault:?} {error} {error:?}\n");
    }
    let vault = by_root(&server);
    let secret = opened(&vault, "vault:sendgrid/api-key").await;
    shown += &format!("{vault:?} {secret:?} {:?}", secret.current());
    for hidden in [&*role_id, &secret_id, "very-secret", "and-secret", "root"] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
    assert!(matches!(
        read(&vault, "nowhere").await,
        Err(VaultError::NotFound { .. })
    ));
}
