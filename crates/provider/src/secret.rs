//! Secrets by reference, and secrets that change while they are used.
//!
//! A value in the configuration is a secret itself, or says where one is: see [`Reference`]. Whoever needs it holds a
//! [`Secret`], which is fetched when it is opened and can be fetched again, and asks it at the moment of use. Errors
//! name the variable, the path or the place in Vault, never a value.

mod header;
mod live;
mod reference;

use std::io;
use std::path::PathBuf;

pub use header::HeaderSecret;
pub use live::{Refreshed, Secret, Source, Unusable, Version};
pub use reference::{InvalidReference, Reference};
pub use secrecy::{ExposeSecret, SecretString};

use crate::vault::{Vault, VaultError};

/// A reference that leads to no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not there, is empty, or is not UTF-8.
    #[error("the environment variable {name} is not set, is empty or is not UTF-8")]
    Env {
        /// Its name.
        name: String,
    },
    /// The file cannot be read.
    #[error("the file {} cannot be read: {source}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file has nothing in it.
    #[error("the file {} is empty", path.display())]
    EmptyFile {
        /// Its path.
        path: PathBuf,
    },
    /// The reference is one to Vault, and there is none.
    #[error("it is in Vault, which is not configured")]
    NoVault,
    /// The reference is none.
    #[error(transparent)]
    Invalid(#[from] InvalidReference),
    /// Vault does not have it, or does not give it.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// There is one, and it cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

impl SecretError {
    /// Whether it is likely to be over by itself: Vault is away, sealed or busy.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Vault(error) if error.is_passing())
    }

    /// What to do about it.
    #[must_use]
    pub fn cure(&self) -> String {
        let cure = match self {
            Self::Env { .. } | Self::File { .. } | Self::EmptyFile { .. } => {
                "set what it refers to where the workers run"
            }
            Self::NoVault => "set providers.vault.addr, and what to log in with",
            Self::Invalid(error) => error.cure(),
            Self::Vault(error) => return error.cure(),
            Self::Unusable(_) => "write it anew, without what does not belong to it",
        };
        cure.to_owned()
    }
}

/// Follows a reference to a variable or a file; anything that is no reference is the secret itself. Line breaks at the
/// end are dropped: editors and `echo` leave them, and no credential ends in one.
///
/// # Errors
/// When there is no secret where the reference leads, or it is one to Vault.
pub fn resolve(value: &str) -> Result<SecretString, SecretError> {
    resolve_with(value, |name| std::env::var(name).ok())
}

fn resolve_with(
    value: &str,
    env: impl Fn(&str) -> Option<String>,
) -> Result<SecretString, SecretError> {
    match Reference::parse(value)? {
        Reference::Itself(secret) => Ok(secret.into()),
        Reference::Env(name) => {
            let secret = env(name).and_then(|text| trimmed(&text));
            secret.ok_or_else(|| SecretError::Env { name: name.into() })
        }
        Reference::File(path) => {
            let text = std::fs::read_to_string(path).map_err(|source| SecretError::File {
                path: path.into(),
                source,
            })?;
            trimmed(&text).ok_or_else(|| SecretError::EmptyFile { path: path.into() })
        }
        Reference::Vault { .. } => Err(SecretError::NoVault),
    }
}

/// Follows any reference to its secret, which can be fetched again from there.
///
/// # Errors
/// When there is no secret where the reference leads.
pub async fn open(value: &str, vault: Option<&Vault>) -> Result<Secret, SecretError> {
    match Reference::parse(value)? {
        Reference::Itself(secret) => Ok(secret.into()),
        Reference::Env(_) | Reference::File(_) => Secret::open(value, Local(value.into())).await,
        Reference::Vault { path, field } => {
            let place = InVault {
                vault: vault.ok_or(SecretError::NoVault)?.clone(),
                path: path.to_owned(),
                field: field.to_owned(),
            };
            Secret::open(value, place).await
        }
    }
}

/// A variable, which stays as it is while this process runs, or a file, which somebody may write anew.
struct Local(String);

impl Source for Local {
    async fn fetch(&self) -> Result<SecretString, SecretError> {
        let reference = self.0.clone();
        let read = tokio::task::spawn_blocking(move || resolve(&reference)).await;
        // Reading a file does not panic; only a runtime that ends drops the task.
        read.unwrap_or_else(|error| Err(io_error(&self.0, io::Error::other(error))))
    }
}

fn io_error(reference: &str, source: io::Error) -> SecretError {
    SecretError::File {
        path: reference.into(),
        source,
    }
}

struct InVault {
    vault: Vault,
    path: String,
    field: String,
}

impl Source for InVault {
    async fn fetch(&self) -> Result<SecretString, SecretError> {
        let secret = self.vault.read(&self.path, &self.field).await?;
        let text = trimmed(secret.expose_secret());
        text.ok_or_else(|| Unusable("it is empty").into())
    }
}

fn trimmed(text: &str) -> Option<SecretString> {
    let text = text.trim_end_matches(['\r', '\n']);
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests;
