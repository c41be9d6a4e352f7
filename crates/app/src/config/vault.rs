//! `providers.vault.*`: where secrets are kept, and what opens it.

use std::path::PathBuf;
use std::time::Duration;

use longshore_integration::settings::{Key, KeyPath, Reader, SOME_TIME, SecretRef, secret};
use longshore_provider::Origin;
use longshore_provider::vault::is_mount;

pub(super) const ADDR: &str = "providers.vault.addr";
const MOUNT: &str = "providers.vault.mount";
const NAMESPACE: &str = "providers.vault.namespace";
const TOKEN: &str = "providers.vault.token";
const ROLE_ID: &str = "providers.vault.role_id";
const SECRET_ID: &str = "providers.vault.secret_id";
const APPROLE_MOUNT: &str = "providers.vault.approle_mount";
const KUBERNETES_ROLE: &str = "providers.vault.kubernetes_role";
const KUBERNETES_MOUNT: &str = "providers.vault.kubernetes_mount";
const KUBERNETES_JWT: &str = "providers.vault.kubernetes_jwt";
const TIMEOUT: &str = "providers.vault.timeout_seconds";
const REREAD: &str = "providers.vault.reread_seconds";

/// What its own credentials may be.
const OWN: &str = "use env:NAME or file:PATH: it is what opens Vault";

pub(super) const KEYS: &[Key] = &[
    Key::text(ADDR),
    Key::text(MOUNT).or("secret"),
    Key::text(NAMESPACE),
    Key::text(TOKEN).secret(),
    Key::text(ROLE_ID).secret(),
    Key::text(SECRET_ID).secret(),
    Key::text(APPROLE_MOUNT).or("approle"),
    Key::text(KUBERNETES_ROLE),
    Key::text(KUBERNETES_MOUNT).or("kubernetes"),
    Key::text(KUBERNETES_JWT).or("/var/run/secrets/kubernetes.io/serviceaccount/token"),
    Key::toml(TIMEOUT).or("5"),
    Key::toml(REREAD).or("300"),
];

/// How Vault is reached.
#[derive(Debug, Clone)]
pub struct VaultSettings {
    /// Where it is.
    pub addr: Origin,
    /// Where its KV engine is mounted.
    pub mount: String,
    /// The namespace, if there is one.
    pub namespace: Option<String>,
    /// What opens it.
    pub login: VaultLogin,
    /// How long one call may take.
    pub timeout: Duration,
}

/// What opens Vault.
#[derive(Debug, Clone)]
pub enum VaultLogin {
    /// A token that somebody else has made.
    Token(SecretRef),
    /// AppRole.
    AppRole {
        /// The role's id.
        role_id: SecretRef,
        /// Its secret id.
        secret_id: SecretRef,
        /// Where the method is mounted.
        mount: String,
    },
    /// The service account of a pod.
    Kubernetes {
        /// The role.
        role: String,
        /// Where the account's token is.
        jwt: PathBuf,
        /// Where the method is mounted.
        mount: String,
    },
}

impl VaultSettings {
    /// Every secret in it, by its key.
    pub(super) fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        match &self.login {
            VaultLogin::Token(token) => vec![(TOKEN, token)],
            VaultLogin::AppRole {
                role_id, secret_id, ..
            } => vec![(ROLE_ID, role_id), (SECRET_ID, secret_id)],
            VaultLogin::Kubernetes { .. } => Vec::new(),
        }
    }
}

/// How often secrets are read again, from Vault and from files.
pub(super) fn reread(reader: &mut Reader<'_>) -> Option<Duration> {
    reader.seconds(REREAD, SOME_TIME)
}

/// `None` without an address: then there is no Vault, and what is wrong with the rest is a finding all the same.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<VaultSettings> {
    let addr = addr(reader);
    let mount = vault_path(reader, MOUNT);
    let namespace = match reader.is_set(NAMESPACE) {
        true => vault_path(reader, NAMESPACE).map(Some),
        false => Some(None),
    };
    let timeout = reader.seconds(TIMEOUT, SOME_TIME);
    let login = login(reader);
    Some(VaultSettings {
        addr: addr?,
        mount: mount?,
        namespace: namespace?,
        login: login?,
        timeout: timeout?,
    })
}

/// Plain http is for loopback, in production too: that is where an agent of Vault's listens.
fn addr(reader: &mut Reader<'_>) -> Option<Origin> {
    if !reader.is_set(ADDR) {
        let set = [TOKEN, ROLE_ID, SECRET_ID, KUBERNETES_ROLE];
        if let Some(key) = set.into_iter().find(|key| reader.is_set(key)) {
            let problem = format!("is not set, and {key} is");
            let cure = "set Vault's origin, such as https://vault.example.com:8200";
            reader.missing(ADDR, problem, cure);
        }
        return None;
    }
    match reader.text(ADDR)?.parse() {
        Ok(addr) => Some(addr),
        // Says what is wrong without quoting the text.
        Err(error) => {
            let cure = "write scheme, host and port only; https, or http for loopback";
            reader.error(ADDR, format!("is not an origin, {error}"), cure);
            None
        }
    }
}

/// What stands in a path of Vault's as it is written.
fn vault_path(reader: &mut Reader<'_>, key: &str) -> Option<String> {
    let text = reader.text(key)?;
    if is_mount(&text) {
        return Some(text);
    }
    let problem = format!("`{text}` is no path in Vault");
    let cure = "write it without slashes around it, such as `secret` or `teams/payments`";
    reader.error(key, problem, cure);
    None
}

fn login(reader: &mut Reader<'_>) -> Option<VaultLogin> {
    let token = own(reader, TOKEN);
    let role_id = own(reader, ROLE_ID);
    let secret_id = own(reader, SECRET_ID);
    let approle_mount = vault_path(reader, APPROLE_MOUNT);
    let kubernetes_mount = vault_path(reader, KUBERNETES_MOUNT);
    let kubernetes_role = reader.text(KUBERNETES_ROLE).filter(|role| !role.is_empty());
    let jwt = reader.text(KUBERNETES_JWT);
    let ways = [
        (TOKEN, reader.is_set(TOKEN)),
        (ROLE_ID, reader.is_set(ROLE_ID) || reader.is_set(SECRET_ID)),
        (KUBERNETES_ROLE, reader.is_set(KUBERNETES_ROLE)),
    ];
    let set: Vec<_> = ways.iter().filter(|(_, is_set)| *is_set).collect();
    if let [(first, _), (second, _), ..] = set[..] {
        let cure = "keep one way to log in";
        reader.error(*second, format!("is set beside {first}"), cure);
        return None;
    }
    if set.is_empty() && reader.is_set(ADDR) {
        let problem = "is set, and nothing to log in with";
        let cure = format!("set {TOKEN}, or {ROLE_ID} and {SECRET_ID}, or {KUBERNETES_ROLE}");
        reader.error(ADDR, problem, cure);
    }
    for (key, other) in [(ROLE_ID, SECRET_ID), (SECRET_ID, ROLE_ID)] {
        if reader.is_set(other) && !reader.is_set(key) {
            let problem = format!("is not set, and {other} is");
            reader.missing(key, problem, "a login by AppRole takes both");
        }
    }
    if let Some(token) = token {
        return Some(VaultLogin::Token(token));
    }
    if let Some(role) = kubernetes_role {
        return Some(VaultLogin::Kubernetes {
            role,
            jwt: jwt?.into(),
            mount: kubernetes_mount?,
        });
    }
    Some(VaultLogin::AppRole {
        role_id: role_id?,
        secret_id: secret_id?,
        mount: approle_mount?,
    })
}

/// One of Vault's own credentials, which cannot be in it.
fn own(reader: &mut Reader<'_>, key: &str) -> Option<SecretRef> {
    if !reader.is_set(key) {
        return None;
    }
    let secret = secret::read(reader, key, "it is not used")?;
    if secret.is_in_vault() {
        reader.error(key, "is in Vault itself", OWN);
        return None;
    }
    Some(secret)
}

/// Secrets that are in Vault take one. `keys` are all there are.
pub(super) fn is_there(reader: &mut Reader<'_>, keys: impl Iterator<Item = &'static Key>) {
    if reader.is_set(ADDR) {
        return;
    }
    let secret = |key: &&Key| key.secret && !key.path.starts_with("providers.vault.");
    let in_vault: Vec<_> = keys
        .filter(secret)
        .filter(|key| {
            let value = reader.raw(&KeyPath::from(key.path));
            let texts = value.into_iter().flat_map(|value| match value.as_array() {
                Some(values) => values.iter().filter_map(|value| value.as_str()).collect(),
                None => value.as_str().into_iter().collect::<Vec<_>>(),
            });
            texts.into_iter().any(|text| text.starts_with("vault:"))
        })
        .map(|key| key.path)
        .collect();
    for key in in_vault {
        let problem = format!("is in Vault, and {ADDR} is not set");
        let cure = format!("set {ADDR} and what to log in with, or use env:NAME or file:PATH");
        reader.error(key, problem, cure);
    }
}
