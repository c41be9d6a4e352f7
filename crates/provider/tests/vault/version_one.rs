//! A KV engine of version 1.

use longshore_provider::vault::{KvVersion, Login, Vault, VaultError};
use longshore_sandbox::VaultServer;
use serde_json::json;

use crate::{config, read};

#[tokio::test]
async fn a_kv_engine_of_version_one_is_read_where_it_is_said_to_be_one() {
    let server = VaultServer::start();
    let engine = json!({ "type": "kv", "options": { "version": "1" } });
    server.post("sys/mounts/old", &engine);
    server.post(
        "old/sendgrid/api-key",
        &json!({ "value": "SG.one", "n": 1 }),
    );
    // A field named as version 2 names its own.
    server.post("old/odd", &json!({ "data": "itself" }));
    let of = |mount: &str, kv| {
        let mut config = config(&server, Login::Token(VaultServer::ROOT.into()));
        config.mount = mount.to_owned();
        config.kv = kv;
        Vault::new(config).expect("a client")
    };
    let old = of("old", KvVersion::One);
    assert_eq!(
        read(&old, "sendgrid/api-key").await.as_deref(),
        Ok("SG.one")
    );
    assert!(old.read("odd", "data").await.is_ok());
    let error = old
        .read("sendgrid/api-key", "n")
        .await
        .expect_err("a number");
    assert!(matches!(error, VaultError::NotText { .. }), "{error}");
    let error = read(&old, "nothing").await.expect_err("nothing there");
    assert_eq!(
        error.to_string(),
        "Vault has no secret at old/nothing, or has deleted it"
    );
    // Taken for the other version, it says what to look at.
    server.put("sendgrid/api-key", "SG.two");
    for wrong in [of("old", KvVersion::Two), of("secret", KvVersion::One)] {
        let error = read(&wrong, "sendgrid/api-key")
            .await
            .expect_err("the other version");
        assert!(
            matches!(
                error,
                VaultError::NotFound { .. }
                    | VaultError::Forbidden { .. }
                    | VaultError::NoField { .. }
            ),
            "{error:?}"
        );
    }
    let error = read(&of("old", KvVersion::Two), "sendgrid/api-key").await;
    assert!(
        error
            .expect_err("none")
            .cure()
            .contains("providers.vault.kv_version")
    );
}
