use reqwest::StatusCode;
use serde::Deserialize;

use super::Vault;
use crate::{ProviderError, Response, excerpt};

/// Why Vault gives no secret. Names addresses and paths, and never a credential or a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// It cannot be reached, or is in trouble.
    #[error("Vault at {addr} does not answer as it should: {cause}")]
    Away {
        /// Its origin.
        addr: String,
        /// What is known of it.
        cause: String,
    },
    /// It is sealed, or not initialised.
    #[error("Vault at {addr} is sealed")]
    Sealed {
        /// Its origin.
        addr: String,
    },
    /// It does not take what we log in with.
    #[error("Vault refuses the login by {method} (\"{said}\")")]
    LoginRefused {
        /// The method.
        method: &'static str,
        /// Vault's own words.
        said: String,
        /// The keys of configuration to look at.
        keys: &'static str,
    },
    /// What we log in with is not where it should be.
    #[error("the login to Vault failed, {key}: {cause}")]
    NoCredential {
        /// The key of configuration.
        key: &'static str,
        /// What is wrong.
        cause: String,
    },
    /// The token is good, and may not read this.
    #[error("Vault does not allow us to read {path}")]
    Forbidden {
        /// The path, as policies have it.
        path: String,
    },
    /// There is nothing, or it was deleted.
    #[error("Vault has no secret at {path}, or has deleted it")]
    NotFound {
        /// The path.
        path: String,
    },
    /// There is a secret, without this field.
    #[error("Vault's {path} has no field `{field}`")]
    NoField {
        /// The path under the mount.
        path: String,
        /// The field.
        field: String,
    },
    /// The field is a number, a list, or another thing that is no secret.
    #[error("Vault's field `{field}` of {path} is not text")]
    NotText {
        /// The path under the mount.
        path: String,
        /// The field.
        field: String,
    },
    /// It said something that it should not say.
    #[error("Vault at {addr} answered {status}: {said}")]
    Refused {
        /// Its origin.
        addr: String,
        /// The status.
        status: u16,
        /// Its own words.
        said: String,
    },
}

impl VaultError {
    /// Whether it is likely to be over by itself, or by what somebody does to Vault, and not to us.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Sealed { .. })
    }
}

impl VaultError {
    /// What to do about it.
    #[must_use]
    pub fn cure(&self) -> String {
        let cure = match self {
            Self::Away { .. } => {
                "see that it runs and that this machine may reach it, and providers.vault.addr"
            }
            Self::Sealed { .. } => "have it unsealed",
            Self::LoginRefused { keys, .. } => return format!("see {keys}"),
            Self::NoCredential { .. } => "set what it refers to where the workers run",
            Self::Forbidden { .. } => "have a policy of this login grant `read` on it",
            Self::NotFound { .. } => {
                "see the path, providers.vault.mount, and providers.vault.kv_version, the version of the KV engine there"
            }
            Self::NoField { .. } => "write it, or name another with #FIELD",
            Self::NotText { .. } => "write it as a text",
            Self::Refused { .. } => "see providers.vault.addr, and Vault's own log",
        };
        cure.to_owned()
    }
}

impl Vault {
    pub(super) fn away(&self, cause: String) -> VaultError {
        VaultError::Away {
            addr: self.0.addr.clone(),
            cause,
        }
    }

    /// What an answer means that has nothing to do with what was asked for.
    pub(super) fn trouble(&self, error: &ProviderError) -> VaultError {
        let addr = self.0.addr.clone();
        let Some(response) = error.response() else {
            return self.away(error.to_string());
        };
        let said = message_of(response);
        let status = response.status;
        match error {
            // Health says it by a field, everything else in words.
            _ if status == StatusCode::NOT_IMPLEMENTED || said.contains("sealed") => {
                VaultError::Sealed { addr }
            }
            ProviderError::Throttled { .. } | ProviderError::Unavailable { .. } => {
                self.away(format!("answered {}: {said}", status.as_u16()))
            }
            _ => VaultError::Refused {
                addr,
                status: status.as_u16(),
                said: match status.is_redirection() {
                    // A standby that does not pass requests on.
                    true => "another node is the active one: name that, or what stands before them"
                        .to_owned(),
                    false => said,
                },
            },
        }
    }
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    errors: Vec<String>,
    #[serde(default)]
    sealed: bool,
}

/// Vault's own words, redacted.
pub(super) fn message_of(response: &Response) -> String {
    match serde_json::from_slice::<Said>(&response.body) {
        Ok(Said { sealed: true, .. }) => "sealed".to_owned(),
        Ok(Said { errors, .. }) if !errors.is_empty() => excerpt(&errors.join("; ")),
        _ => "without a word".to_owned(),
    }
}
