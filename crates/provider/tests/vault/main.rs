//! Vault, as a real server of its kind (OpenBao) has it.

mod away;
mod jwt;
mod kubernetes;
mod login;
mod read;
mod tls;
mod version_one;

use std::time::Duration;

use longshore_provider::secret::{ExposeSecret, Secret, open};
use longshore_provider::vault::{KvVersion, Login, Vault, VaultConfig, VaultError};
use longshore_sandbox::VaultServer;

fn config(server: &VaultServer, login: Login) -> VaultConfig {
    VaultConfig {
        addr: server.origin().parse().expect("an origin"),
        mount: "secret".to_owned(),
        kv: KvVersion::Two,
        ca_file: None,
        namespace: None,
        login,
        timeout: Duration::from_secs(5),
    }
}

fn vault(server: &VaultServer, login: Login) -> Vault {
    Vault::new(config(server, login)).expect("a client")
}

fn by_root(server: &VaultServer) -> Vault {
    vault(server, Login::Token(VaultServer::ROOT.into()))
}

/// A client that logs in by AppRole, and may read `sendgrid/*`.
fn by_app_role(server: &VaultServer, ttl: u64, max_ttl: u64) -> Vault {
    server.grant("workers", "sendgrid/*");
    let (role_id, secret_id) = server.app_role("workers", ttl, max_ttl);
    vault(
        server,
        Login::AppRole {
            role_id: role_id.into(),
            secret_id: secret_id.into(),
            mount: "approle".to_owned(),
        },
    )
}

async fn read(vault: &Vault, path: &str) -> Result<String, VaultError> {
    let secret = vault.read(path, "value").await?;
    Ok(secret.expose_secret().to_owned())
}

/// The secret at this reference.
async fn opened(vault: &Vault, reference: &str) -> Secret {
    open(reference, Some(vault)).await.expect("it is there")
}

fn now(secret: &Secret) -> String {
    secret.current().expose_secret().to_owned()
}

/// Waits until `check` is true, at most thirty seconds. A token's end is no event that Vault would tell of: it is asked.
async fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let come_true = async {
        while !check() {
            looks.tick().await;
        }
    };
    let within = tokio::time::timeout(Duration::from_secs(30), come_true);
    within.await.unwrap_or_else(|_| panic!("in vain: {what}"));
}
