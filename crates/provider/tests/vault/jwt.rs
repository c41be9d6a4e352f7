//! Login by a JSON Web Token of a key that was made here.

use std::time::{SystemTime, UNIX_EPOCH};

use longshore_provider::vault::{Login, VaultError};
use longshore_sandbox::VaultServer;
use rcgen::KeyPair;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;

use crate::kubernetes::base64url;
use crate::{read, vault};

/// Signed by this key, for this subject, good for so many seconds.
fn token(key: &KeyPair, subject: &str, seconds: u64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let claims = json!({ "iss": "https://ci.example.com", "sub": subject, "aud": "vault", "iat": now, "exp": now + seconds });
    let signed = format!(
        "{}.{}",
        base64url(br#"{"alg":"ES256","typ":"JWT"}"#),
        base64url(claims.to_string().as_bytes())
    );
    let random = SystemRandom::new();
    let pkcs8 = key.serialize_der();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random);
    let signature = key.expect("a key").sign(&random, signed.as_bytes());
    format!(
        "{signed}.{}",
        base64url(signature.expect("signed").as_ref())
    )
}

#[tokio::test]
async fn a_token_that_somebody_trusted_has_signed_is_read_at_each_login() {
    let server = VaultServer::start();
    let (key, other) = (
        KeyPair::generate().expect("a key"),
        KeyPair::generate().expect("a key"),
    );
    server.put("sendgrid/api-key", "SG.one");
    server.grant("workers", "sendgrid/*");
    server.post("sys/auth/jwt", &json!({ "type": "jwt" }));
    let pem = pem(&key);
    server.post(
        "auth/jwt/config",
        &json!({ "jwt_validation_pubkeys": [pem] }),
    );
    let role = json!({
        "role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"], "bound_subject": "workers",
        "token_policies": ["workers"], "token_ttl": 600,
    });
    server.post("auth/jwt/role/longshore", &role);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("token");
    let write = |token: String| std::fs::write(&path, token).expect("written");
    let client = |role: &str| {
        let login = Login::Jwt {
            role: role.to_owned(),
            jwt: format!("file:{}", path.display()).into(),
            mount: "jwt".to_owned(),
        };
        vault(&server, login)
    };
    let by = client("longshore");
    for wrong in [token(&other, "workers", 60), token(&key, "somebody", 60)] {
        write(wrong.clone());
        let error = read(&by, "sendgrid/api-key").await.expect_err("refused");
        assert!(
            error
                .to_string()
                .starts_with("Vault refuses the login by JWT"),
            "{error}"
        );
        assert!(
            error.cure().contains("providers.vault.jwt_role"),
            "{}",
            error.cure()
        );
        assert!(!error.to_string().contains(&wrong), "{error}");
    }
    // Written anew, as who issues them does, it is taken at the next login.
    write(token(&key, "workers", 60));
    assert_eq!(read(&by, "sendgrid/api-key").await.as_deref(), Ok("SG.one"));
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(
        read(&by, "sendgrid/api-key").await.as_deref(),
        Ok("SG.one"),
        "logged in still"
    );
    let error = read(&client("longshore"), "x").await.expect_err("no token");
    assert!(
        matches!(
            error,
            VaultError::NoCredential {
                key: "providers.vault.jwt",
                ..
            }
        ),
        "{error}"
    );
}

/// Its public key.
fn pem(key: &KeyPair) -> String {
    key.public_key_pem()
}
