//! `providers.vault.*`: where secrets are kept, and what opens it.

use std::path::PathBuf;
use std::time::Duration;

use longshore_integration::section;
use longshore_integration::settings::{
    KeyAt, KeyPath, NAME, Reader, SOME_TIME, SecretRef, Section, SectionSecrets, seconds, secret,
    text, text_by, whole,
};
use longshore_provider::Origin;
use longshore_provider::vault::is_mount;

section! {
    /// Where secrets may be kept: HashiCorp's Vault or OpenBao. `vault:stripe/secret-key-prod` is the field `value` of that
    /// secret, and `vault:stripe#secret-key-prod` the field `secret-key-prod` of the secret `stripe`.
    pub struct VaultKeys in "providers.vault" {
        /// Where it is. https, or http for loopback, where an agent of Vault's may listen.
        pub addr: Option<Origin> = "addr" as ADDR,
            text_by(addr).optional().example("https://vault.example.com:8200");
        /// Whose certificates it may have, too, beside those that the system trusts: a file in PEM.
        pub ca_file: Option<PathBuf> = "ca_file" as CA_FILE,
            text_by(|reader, path| Some(PathBuf::from(reader.text(path)?)))
                .optional().example("/etc/longshore/vault-ca.pem");
        /// Where the KV engine is mounted.
        pub mount: String = "mount", text_by(vault_path).or("secret");
        /// Its version: 1, or 2.
        pub kv_version: u32 = "kv_version", whole(1..=2).or("2");
        /// The namespace of mounts and secrets, where Vault has namespaces.
        pub namespace: Option<String> = "namespace",
            text_by(vault_path).optional().example("teams/payments");
        /// The first of four ways to log in: a token that somebody else made. Files are read at each login, so they may
        /// change.
        pub token: Option<SecretRef> = "token" as TOKEN,
            secret(UNUSED).checked(not_in_vault).optional().example("env:VAULT_TOKEN");
        /// The second way, AppRole: the role's id.
        pub role_id: Option<SecretRef> = "role_id" as ROLE_ID,
            secret(UNUSED).checked(not_in_vault).optional().example("env:VAULT_ROLE_ID");
        /// AppRole: the secret id.
        pub secret_id: Option<SecretRef> = "secret_id" as SECRET_ID,
            secret(UNUSED).checked(not_in_vault).optional().example("file:/run/secrets/vault-secret-id");
        /// AppRole: where the method is mounted.
        pub approle_mount: String = "approle_mount", text_by(vault_path).or("approle");
        /// The third way, the service account of a pod: the role.
        pub kubernetes_role: Option<String> = "kubernetes_role" as KUBERNETES_ROLE,
            text().optional().example("longshore");
        /// Service account: where the method is mounted.
        pub kubernetes_mount: String = "kubernetes_mount", text_by(vault_path).or("kubernetes");
        /// Service account: the file with its token.
        pub kubernetes_jwt: String = "kubernetes_jwt",
            text().or("/var/run/secrets/kubernetes.io/serviceaccount/token");
        /// The fourth way, a JSON Web Token that a CI system, a cloud or a cluster has signed: the role.
        pub jwt_role: Option<String> = "jwt_role" as JWT_ROLE, text().optional().example("longshore");
        /// JSON Web Token: the token. A file is read at each login.
        pub jwt: Option<SecretRef> = "jwt" as JWT,
            secret(UNUSED).checked(not_in_vault).optional().example("file:/var/run/secrets/tokens/vault");
        /// JSON Web Token: where the method is mounted.
        pub jwt_mount: String = "jwt_mount", text_by(vault_path).or("jwt");
        /// How long one call may take.
        pub timeout: Duration = "timeout_seconds", seconds(SOME_TIME).or("5");
        /// How often secrets are read again, from Vault and from files. What cannot be read stays as it was.
        pub reread: Duration = "reread_seconds", seconds(SOME_TIME).or("300");
    }
}

/// What its own credentials may be.
const OWN: &str = "use env:NAME or file:PATH: it is what opens Vault";
/// What becomes of one that is empty.
const UNUSED: &str = "it is not used";

/// How Vault is reached.
#[derive(Debug, Clone)]
pub struct VaultSettings {
    /// Where it is.
    pub addr: Origin,
    /// What opens it.
    pub login: VaultLogin,
    /// All that is configured of it.
    pub keys: VaultKeys,
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
    /// A JSON Web Token.
    Jwt {
        /// The role.
        role: String,
        /// The token.
        jwt: SecretRef,
        /// Where the method is mounted.
        mount: String,
    },
}

impl VaultSettings {
    /// Every secret in it, by its key.
    pub(super) fn secrets(&self) -> SectionSecrets<'_> {
        let mut found = Vec::new();
        self.keys.secrets(&VaultKeys::AT.into(), &mut found);
        found
    }
}

/// `None` without an address: then there is no Vault, and what is wrong with the rest is a finding all the same.
pub(super) fn vault(reader: &mut Reader<'_>, keys: Option<&VaultKeys>) -> Option<VaultSettings> {
    whether_whole(reader);
    let keys = keys?;
    Some(VaultSettings {
        addr: keys.addr.clone()?,
        login: keys.login()?,
        keys: keys.clone(),
    })
}

/// Plain http is for loopback, in production too: that is where an agent of Vault's listens.
fn addr(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Origin> {
    match reader.text(path)?.parse() {
        Ok(addr) => Some(addr),
        // Says what is wrong without quoting the text.
        Err(error) => {
            let cure = "write scheme, host and port only; https, or http for loopback";
            reader.error(path, format!("is not an origin, {error}"), cure);
            None
        }
    }
}

/// What stands in a path of Vault's as it is written.
fn vault_path(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    let text = reader.text(path)?;
    if is_mount(&text) {
        return Some(text);
    }
    let problem = format!("`{text}` is not a path in Vault");
    let cure = "write it without slashes around it, such as `secret` or `teams/payments`";
    reader.error(path, problem, cure);
    None
}

/// What opens Vault cannot be in it.
fn not_in_vault(reader: &mut Reader<'_>, path: &KeyPath, secret: &SecretRef) {
    if secret.is_in_vault() {
        reader.error(path, "is in Vault itself", OWN);
    }
}

/// Finds what of it is set without the rest, or beside what it does not go together with.
fn whether_whole(reader: &mut Reader<'_>) {
    const ADDR: &str = VaultKeys::ADDR;
    const TOKEN: &str = VaultKeys::TOKEN;
    const ROLE_ID: &str = VaultKeys::ROLE_ID;
    const SECRET_ID: &str = VaultKeys::SECRET_ID;
    const KUBERNETES_ROLE: &str = VaultKeys::KUBERNETES_ROLE;
    const JWT_ROLE: &str = VaultKeys::JWT_ROLE;
    const JWT: &str = VaultKeys::JWT;
    let has_addr = reader.is_set(ADDR);
    let of_login = [TOKEN, ROLE_ID, SECRET_ID, KUBERNETES_ROLE, JWT_ROLE, JWT];
    if let Some(key) = of_login.into_iter().find(|key| reader.is_set(*key))
        && !has_addr
    {
        let problem = format!("is not set, and {key} is");
        let cure = "set Vault's origin, such as https://vault.example.com:8200";
        reader.missing(ADDR, problem, cure);
    }
    let ways = [
        (TOKEN, reader.is_set(TOKEN)),
        (ROLE_ID, reader.is_set(ROLE_ID) || reader.is_set(SECRET_ID)),
        (KUBERNETES_ROLE, reader.is_set(KUBERNETES_ROLE)),
        (JWT_ROLE, reader.is_set(JWT_ROLE) || reader.is_set(JWT)),
    ];
    let set: Vec<_> = ways.iter().filter(|(_, is_set)| *is_set).collect();
    if let [(first, _), (second, _), ..] = set[..] {
        let cure = "keep one way to log in";
        return reader.error(*second, format!("is set beside {first}"), cure);
    }
    if set.is_empty() && has_addr {
        let problem = "is set, but no login";
        let cure = format!(
            "set {TOKEN}, or {ROLE_ID} and {SECRET_ID}, or {KUBERNETES_ROLE}, or {JWT_ROLE} and {JWT}"
        );
        reader.error(ADDR, problem, cure);
    }
    for (key, other, method) in [
        (ROLE_ID, SECRET_ID, "AppRole"),
        (SECRET_ID, ROLE_ID, "AppRole"),
        (JWT_ROLE, JWT, "JSON Web Token"),
        (JWT, JWT_ROLE, "JSON Web Token"),
    ] {
        if reader.is_set(other) && !reader.is_set(key) {
            let problem = format!("is not set, and {other} is");
            reader.missing(key, problem, format!("a login by {method} takes both"));
        }
    }
}

impl VaultKeys {
    /// The way to log in that is configured.
    fn login(&self) -> Option<VaultLogin> {
        if let Some(token) = &self.token {
            return Some(VaultLogin::Token(token.clone()));
        }
        if let Some(role) = &self.kubernetes_role {
            return Some(VaultLogin::Kubernetes {
                role: role.clone(),
                jwt: self.kubernetes_jwt.clone().into(),
                mount: self.kubernetes_mount.clone(),
            });
        }
        if let (Some(role), Some(jwt)) = (&self.jwt_role, &self.jwt) {
            return Some(VaultLogin::Jwt {
                role: role.clone(),
                jwt: jwt.clone(),
                mount: self.jwt_mount.clone(),
            });
        }
        Some(VaultLogin::AppRole {
            role_id: self.role_id.clone()?,
            secret_id: self.secret_id.clone()?,
            mount: self.approle_mount.clone(),
        })
    }
}

/// A path with every name that the configuration makes up at its place.
fn named(reader: &Reader<'_>, path: &KeyPath) -> Vec<KeyPath> {
    let words = path.words();
    let Some(place) = words.iter().position(|word| word == NAME) else {
        return vec![path.clone()];
    };
    let names = reader.names(KeyPath::new(&words[..place])).into_iter();
    names
        .map(|name| {
            let mut words = words.to_vec();
            words[place] = name;
            KeyPath::new(&words)
        })
        .collect()
}

/// Secrets that are in Vault take one. `keys` are all there are.
pub(super) fn is_there<'a>(reader: &mut Reader<'_>, keys: impl Iterator<Item = &'a KeyAt>) {
    if reader.is_set(VaultKeys::ADDR) {
        return;
    }
    let own = KeyPath::from(VaultKeys::AT);
    let secret = |at: &&KeyAt| at.key.secret && at.table.at != own;
    let in_vault: Vec<_> = keys
        .filter(secret)
        .flat_map(|at| named(reader, &at.path()))
        .filter(|path| {
            let value = reader.raw(path);
            let texts = value.into_iter().flat_map(|value| match value.as_array() {
                Some(values) => values.iter().filter_map(|value| value.as_str()).collect(),
                None => value.as_str().into_iter().collect::<Vec<_>>(),
            });
            texts.into_iter().any(|text| text.starts_with("vault:"))
        })
        .collect();
    for key in in_vault {
        let problem = format!("is in Vault, and {} is not set", VaultKeys::ADDR);
        let cure = format!(
            "set {} and what to log in with, or use env:NAME or file:PATH",
            VaultKeys::ADDR
        );
        reader.error(key, problem, cure);
    }
}
