//! Secrets by reference.
//!
//! A value in the configuration is a secret itself, or says where one is: `env:NAME`, `file:PATH`. Errors name the
//! variable or the path, never a value.

use std::io;
use std::path::{Path, PathBuf};

pub use secrecy::{ExposeSecret, SecretString};

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
    /// The reference is one to Vault.
    #[error(
        "vault: references need the Vault provider, which this build does not have yet; use env: or file:"
    )]
    Vault,
}

/// Follows a reference to its secret; anything that is no reference is the secret itself. Line breaks at the end
/// are dropped: editors and `echo` leave them, and no credential ends in one.
///
/// # Errors
/// When there is no secret where the reference leads.
pub fn resolve(value: &str) -> Result<SecretString, SecretError> {
    resolve_with(value, |name| std::env::var(name).ok())
}

fn resolve_with(
    value: &str,
    env: impl Fn(&str) -> Option<String>,
) -> Result<SecretString, SecretError> {
    if let Some(name) = value.strip_prefix("env:") {
        let secret = env(name).and_then(|text| trimmed(&text));
        secret.ok_or_else(|| SecretError::Env { name: name.into() })
    } else if let Some(path) = value.strip_prefix("file:") {
        let path = Path::new(path);
        let text = std::fs::read_to_string(path).map_err(|source| SecretError::File {
            path: path.into(),
            source,
        })?;
        trimmed(&text).ok_or_else(|| SecretError::EmptyFile { path: path.into() })
    } else if value.starts_with("vault:") {
        Err(SecretError::Vault)
    } else {
        Ok(value.into())
    }
}

fn trimmed(text: &str) -> Option<SecretString> {
    let text = text.trim_end_matches(['\r', '\n']);
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(value: &str) -> Result<String, String> {
        let env = |name: &str| match name {
            "KEY" => Some("from-env\n".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        resolve_with(value, env)
            .map(|secret| secret.expose_secret().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_no_reference_is_the_secret() {
        for value in ["SG.abc", "", "https://x:y", "environment", " padded "] {
            assert_eq!(resolved(value).as_deref(), Ok(value));
        }
    }

    #[test]
    fn variables() {
        assert_eq!(resolved("env:KEY").as_deref(), Ok("from-env"));
        for name in ["MISSING", "EMPTY", ""] {
            let error = resolved(&format!("env:{name}")).expect_err("no secret there");
            assert!(error.contains(&format!("variable {name} ")), "{error}");
        }
    }

    #[test]
    fn the_real_environment_is_asked() {
        // Cargo sets it for every test.
        let secret = resolve("env:CARGO_PKG_NAME").expect("a secret");
        assert_eq!(secret.expose_secret(), env!("CARGO_PKG_NAME"));
    }

    #[test]
    fn files() {
        let dir = tempfile::tempdir().expect("a directory");
        for (content, secret) in [
            ("s3cret", Some("s3cret")),
            ("s3cret\n", Some("s3cret")),
            ("s3cret\r\n\r\n", Some("s3cret")),
            ("two\nlines\n", Some("two\nlines")),
            ("", None),
            ("\n", None),
        ] {
            let path = dir.path().join("secret");
            std::fs::write(&path, content).expect("written");
            let found = resolved(&format!("file:{}", path.display())).ok();
            assert_eq!(found.as_deref(), secret, "from {content:?}");
        }
        let error = resolved("file:/no/such/secret").expect_err("no such file");
        assert!(error.contains("/no/such/secret"), "{error}");
    }

    #[test]
    fn vault_says_what_to_do_instead() {
        let error = resolved("vault:sendgrid/api-key").expect_err("not yet");
        assert!(error.ends_with("use env: or file:"), "{error}");
        assert!(!error.contains("sendgrid"), "{error}");
    }
}
