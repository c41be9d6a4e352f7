//! Login by a pod's service account, with a Kubernetes that answers what Vault asks of it and nothing else.

use longshore_provider::vault::Login;
use longshore_sandbox::VaultServer;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{read, vault};

/// Vault wants one, and needs none for plain HTTP: of a key that was thrown away.
const CA: &str = "\
-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUWtbtjYCdSDXJ4sKKVoQatUsLBhgwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEyMzIxNTQyMloYDzIxMjYxMDMwMjE1
NDIyWjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQdOxpWde2SZqviUOknWElaSgXOLY+4ejseJ/+F+7Qmf1B9aouy7Ee4Id5gnayD
JqnPgNr7y6//Ms8bxD5Z1a7Yo1MwUTAdBgNVHQ4EFgQUsTM7kfBdR0MJ/WvWFkBN
OBNrvXcwHwYDVR0jBBgwFoAUsTM7kfBdR0MJ/WvWFkBNOBNrvXcwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiABdlCncYE+go6Z2RXQO1p1esP9aVB/
hNTmbGmQF3RXAQIhALCaStIElvxWUu2CUTB3ZQwMlKp3ButWXfeO6/gIVwkE
-----END CERTIFICATE-----
";

/// A header, the claims of the service account `workers` in `shop`, and a signature that the stand-in takes.
fn jwt(signature: &str) -> String {
    let claims = r#"{"iss":"kubernetes/serviceaccount","sub":"system:serviceaccount:shop:workers","kubernetes.io":{"namespace":"shop","serviceaccount":{"name":"workers","uid":"u-1"}}}"#;
    let parts = [r#"{"alg":"RS256","kid":"1"}"#, claims, signature];
    parts.map(|part| base64url(part.as_bytes())).join(".")
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut digits = String::new();
    for chunk in bytes.chunks(3) {
        let mut bits = 0_u32;
        for at in 0..3 {
            bits = bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0));
        }
        for at in 0..=chunk.len() {
            digits.push(char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize]));
        }
    }
    digits
}

/// Reviews tokens: good is what is signed by `good`.
async fn kubernetes() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"}\n") && !request.ends_with(b"}}") {
                if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let good = String::from_utf8_lossy(&request).contains(&jwt("good"));
            let user = json!({ "username": "system:serviceaccount:shop:workers", "uid": "u-1", "groups": ["system:serviceaccounts"] });
            let status = json!({ "authenticated": good, "user": user });
            let body = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status });
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all((head + &body).as_bytes()).await;
        }
    });
    (origin, serving)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_accounts_token_is_read_at_each_login() {
    let server = VaultServer::start();
    let (kubernetes, serving) = kubernetes().await;
    server.put("sendgrid/api-key", "SG.one");
    server.grant("workers", "sendgrid/*");
    server.post("sys/auth/kubernetes", &json!({ "type": "kubernetes" }));
    let config = json!({ "kubernetes_host": kubernetes, "token_reviewer_jwt": jwt("reviewer"), "disable_local_ca_jwt": true, "kubernetes_ca_cert": CA });
    server.post("auth/kubernetes/config", &config);
    let role = json!({
        "bound_service_account_names": ["workers"], "bound_service_account_namespaces": ["shop"],
        "token_policies": ["workers"], "token_ttl": 600,
    });
    server.post("auth/kubernetes/role/longshore", &role);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("token");
    std::fs::write(&path, jwt("bad")).expect("written");
    let by = |role: &str| {
        let login = Login::Kubernetes {
            role: role.to_owned(),
            jwt: path.clone(),
            mount: "kubernetes".to_owned(),
        };
        vault(&server, login)
    };
    let vault = by("longshore");
    let error = read(&vault, "sendgrid/api-key").await.expect_err("refused");
    assert!(
        error
            .to_string()
            .starts_with("Vault refuses the login by Kubernetes"),
        "{error}"
    );
    assert!(!error.to_string().contains(&jwt("bad")), "{error}");
    std::fs::write(&path, jwt("good")).expect("written");
    assert_eq!(
        read(&vault, "sendgrid/api-key").await.as_deref(),
        Ok("SG.one")
    );
    let error = read(&by("nobody"), "sendgrid/api-key")
        .await
        .expect_err("refused");
    assert!(
        error.cure().contains("providers.vault.kubernetes_role"),
        "{error}"
    );
    std::fs::remove_file(&path).expect("removed");
    let error = read(&by("longshore"), "x").await.expect_err("no token");
    assert!(
        error.to_string().contains("providers.vault.kubernetes_jwt"),
        "{error}"
    );
    serving.abort();
}
