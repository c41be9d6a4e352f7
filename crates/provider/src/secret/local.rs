//! Secrets in this machine's environment and files.

use std::io;
use std::path::PathBuf;

use secrecy::SecretString;

use super::reference::{InvalidReference, Reference};

/// There is no secret in this machine's environment and files where the reference leads.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
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
    /// The reference is one to Vault.
    #[error("it is in Vault, and has to be in the environment or a file")]
    InVault,
    /// The reference is none.
    #[error(transparent)]
    Invalid(#[from] InvalidReference),
}

impl LocalError {
    /// What to do about it.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Env { .. } | Self::File { .. } | Self::EmptyFile { .. } => {
                "set what it refers to where the workers run"
            }
            Self::InVault => "write env:NAME or file:PATH",
            Self::Invalid(error) => error.cure(),
        }
    }

    pub(super) fn unread(reference: &str, source: io::Error) -> Self {
        Self::File {
            path: reference.into(),
            source,
        }
    }
}

/// Follows a reference to a variable or a file; anything that is no reference is the secret itself. Line breaks at the
/// end are dropped: editors and `echo` leave them, and no credential ends in one.
///
/// # Errors
/// When there is no secret where the reference leads, or it is one to Vault.
pub fn resolve(value: &str) -> Result<SecretString, LocalError> {
    resolve_with(value, |name| std::env::var(name).ok())
}

pub(super) fn resolve_with(
    value: &str,
    env: impl Fn(&str) -> Option<String>,
) -> Result<SecretString, LocalError> {
    match Reference::parse(value)? {
        Reference::Itself(secret) => Ok(secret.into()),
        Reference::Env(name) => {
            let secret = env(name).and_then(|text| trimmed(&text));
            secret.ok_or_else(|| LocalError::Env { name: name.into() })
        }
        Reference::File(path) => {
            let text = std::fs::read_to_string(path).map_err(|source| LocalError::File {
                path: path.into(),
                source,
            })?;
            trimmed(&text).ok_or_else(|| LocalError::EmptyFile { path: path.into() })
        }
        Reference::Vault { .. } => Err(LocalError::InVault),
    }
}

pub(super) fn trimmed(text: &str) -> Option<SecretString> {
    let text = text.trim_end_matches(['\r', '\n']);
    (!text.is_empty()).then(|| text.into())
}
