//! Secrets by reference, and secrets that change while they are used.
//!
//! A value in the configuration is a secret itself, or says where one is: see [`Reference`]. Whoever needs it holds a
//! [`Secret`], which is fetched when it is opened and can be fetched again, and asks it at the moment of use. Errors
//! name the variable, the path or the place in Vault, never a value.

mod header;
mod live;
pub(crate) mod local;
pub(crate) mod reference;

use std::io;

pub use header::HeaderSecret;
pub use live::{Refreshed, Secret, SecretSource, SecretVersion, Unusable};
pub use local::{LocalError, resolve};
pub use reference::{InvalidReference, Reference};
pub use secrecy::{ExposeSecret, SecretString};

use crate::vault::{Vault, VaultError};
use local::trimmed;

/// A reference that leads to no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// There is none in this machine's environment or files.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The reference is one to Vault, and there is none.
    #[error("it is in Vault, which is not configured")]
    NoVault,
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
            Self::Local(error) => error.cure(),
            Self::NoVault => "set providers.vault.addr, and what to log in with",
            Self::Vault(error) => return error.cure(),
            Self::Unusable(_) => "write it anew, without what does not belong to it",
        };
        cure.to_owned()
    }
}

/// Follows any reference to its secret, which can be fetched again from there.
///
/// # Errors
/// When there is no secret where the reference leads.
pub async fn open(value: &str, vault: Option<&Vault>) -> Result<Secret, SecretError> {
    match Reference::parse(value).map_err(LocalError::from)? {
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

impl SecretSource for Local {
    async fn fetch(&self) -> Result<SecretString, SecretError> {
        let reference = self.0.clone();
        let read = tokio::task::spawn_blocking(move || resolve(&reference)).await;
        // Reading a file does not panic; only a runtime that ends drops the task.
        let secret =
            read.unwrap_or_else(|error| Err(LocalError::unread(&self.0, io::Error::other(error))));
        Ok(secret?)
    }
}

struct InVault {
    vault: Vault,
    path: String,
    field: String,
}

impl SecretSource for InVault {
    async fn fetch(&self) -> Result<SecretString, SecretError> {
        let secret = self.vault.read(&self.path, &self.field).await?;
        let text = trimmed(secret.expose_secret());
        text.ok_or_else(|| Unusable("it is empty").into())
    }
}

#[cfg(test)]
mod tests;
