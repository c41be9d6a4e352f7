//! The secrets that a process uses: opened where they are kept, and read again now and then.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use longshore_provider::secret::{ExposeSecret, Secret, SecretError, SecretString, open};
use longshore_provider::vault::{KvVersion, Login, Vault, VaultConfig, VaultError};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::config::{Config, Finding, SENTRY_DSN, SecretRef, Severity, VaultLogin, VaultSettings};
use crate::failure::Failure;

/// How long Vault counts as away once it was found so.
const STAYS_AWAY: Duration = Duration::from_secs(10);

/// Where secrets are opened. One for a process, so that what two of its parts refer to is one secret and one login.
#[derive(Debug, Default)]
pub struct Secrets {
    vault: Option<Vault>,
    /// By reference. What stands in the configuration itself is not kept here: it does not change.
    opened: Mutex<BTreeMap<String, Secret>>,
    /// When Vault was last found away, and how: at a start, one after the other is not to wait for it.
    away: Mutex<Option<(Instant, VaultError)>>,
}

impl Secrets {
    /// None opened yet. Asks nobody.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: &Config) -> Result<Self, Failure> {
        let vault = config.vault.as_ref().map(client).transpose()?;
        Ok(Self {
            vault,
            ..Self::default()
        })
    }

    /// Vault, where it is configured.
    #[must_use]
    pub fn vault(&self) -> Option<&Vault> {
        self.vault.as_ref()
    }

    /// The secret at this key of the configuration.
    ///
    /// # Errors
    /// When it is not where its reference leads: a failure while Vault is away, and else wrong input.
    pub async fn get(&self, key: &str, secret: &SecretRef) -> Result<Secret, Failure> {
        self.open(secret).await.map_err(|error| {
            let text = format!("{key}: {error}; {}", error.cure());
            match error.is_passing() {
                true => Failure::Failed(text),
                false => Failure::Input(text),
            }
        })
    }

    async fn open(&self, secret: &SecretRef) -> Result<Secret, SecretError> {
        let reference = secret.expose_secret();
        if !secret.is_reference() {
            return open(reference, None).await;
        }
        if let Some(secret) = self.opened().get(reference) {
            return Ok(secret.clone());
        }
        if secret.is_in_vault()
            && let Some((since, error)) = &*lock(&self.away)
            && since.elapsed() < STAYS_AWAY
        {
            return Err(error.clone().into());
        }
        let opened = open(reference, self.vault.as_ref()).await;
        if let Err(SecretError::Vault(error)) = &opened
            && error.is_passing()
        {
            *lock(&self.away) = Some((Instant::now(), error.clone()));
        }
        let secret = opened?;
        self.opened().insert(reference.to_owned(), secret.clone());
        Ok(secret)
    }

    /// What is wrong with the references of a configuration: variables that are not set, files that cannot be read,
    /// what Vault does not have or does not give. What is wrong with Vault itself is said once.
    pub async fn unresolved(&self, config: &Config) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut vault_works = true;
        if let Some(vault) = &self.vault
            && let Err(error) = vault.ensure_logged_in().await
        {
            vault_works = false;
            findings.push(finding("providers.vault", error.to_string(), error.cure()));
        }
        for (key, secret) in config.secrets() {
            // Said already, by the login that needs it, or not to be found out.
            let of_vault = key.starts_with("providers.vault.") || secret.is_in_vault();
            if of_vault && !vault_works {
                continue;
            }
            match self.open(secret).await {
                Ok(secret) => {
                    // The only one with a form to find fault with.
                    let sentry = config.sentry.as_ref().filter(|_| key == SENTRY_DSN);
                    findings.extend(
                        sentry.and_then(|sentry| sentry.finding(secret.current().expose_secret())),
                    );
                }
                Err(error) => {
                    let problem = format!("leads nowhere: {error}");
                    findings.push(finding(&key, problem, error.cure()));
                }
            }
        }
        findings
    }

    /// Reads what has been opened again, now and then, and keeps Vault's token alive, until the process ends.
    pub fn keep_fresh(self: &Arc<Self>, every: Duration) {
        if let Some(vault) = self.vault.clone() {
            tokio::spawn(async move { vault.keep_logged_in().await });
        }
        let secrets = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                // Up to a tenth earlier, so that a fleet does not ask in one moment.
                let drawn = RandomState::new().build_hasher().finish();
                sleep(every.mul_f64(1.0 - 0.1 * (drawn as f64 / u64::MAX as f64))).await;
                secrets.refresh().await;
            }
        });
    }

    async fn refresh(&self) {
        let opened: Vec<_> = self.opened().values().cloned().collect();
        let mut refreshing: JoinSet<_> = opened
            .into_iter()
            .map(|secret| async move { secret.refresh().await })
            .collect();
        // Each says itself what came of it.
        while refreshing.join_next().await.is_some() {}
    }

    fn opened(&self) -> MutexGuard<'_, BTreeMap<String, Secret>> {
        lock(&self.opened)
    }
}

/// A panic elsewhere leaves whole values behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn finding(key: &str, problem: String, cure: String) -> Finding {
    Finding {
        severity: Severity::Error,
        key: key.to_owned(),
        origin: None,
        problem,
        cure,
    }
}

fn client(settings: &VaultSettings) -> Result<Vault, Failure> {
    let text = |secret: &SecretRef| SecretString::from(secret.expose_secret());
    let login = match &settings.login {
        VaultLogin::Token(token) => Login::Token(text(token)),
        VaultLogin::AppRole {
            role_id,
            secret_id,
            mount,
        } => Login::AppRole {
            role_id: text(role_id),
            secret_id: text(secret_id),
            mount: mount.clone(),
        },
        VaultLogin::Kubernetes { role, jwt, mount } => Login::Kubernetes {
            role: role.clone(),
            jwt: jwt.clone(),
            mount: mount.clone(),
        },
        VaultLogin::Jwt { role, jwt, mount } => Login::Jwt {
            role: role.clone(),
            jwt: text(jwt),
            mount: mount.clone(),
        },
    };
    Vault::new(VaultConfig {
        addr: settings.addr.clone(),
        mount: settings.keys.mount.clone(),
        kv: match settings.keys.kv_version {
            1 => KvVersion::One,
            _ => KvVersion::Two,
        },
        ca_file: settings.keys.ca_file.clone(),
        namespace: settings.keys.namespace.clone(),
        login,
        timeout: settings.keys.timeout,
    })
    .map_err(|error| Failure::failed(format!("providers.vault: {error}")))
}
