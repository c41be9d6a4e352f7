use std::path::Path;

/// The field that a reference to Vault means when it names none.
const FIELD: &str = "value";

/// What a configured text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    /// The secret itself.
    Itself(&'a str),
    /// `env:NAME`: an environment variable.
    Env(&'a str),
    /// `file:PATH`: a file.
    File(&'a Path),
    /// `vault:PATH`, or `vault:PATH#FIELD`: a field of a secret in Vault, `value` unless it is named.
    Vault {
        /// Where it is under the mount: `stripe/secret-key-prod`.
        path: &'a str,
        /// The field.
        field: &'a str,
    },
}

/// A reference that can lead nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// Nothing follows the colon.
    #[error("is a reference to nothing")]
    Empty,
    /// What follows `vault:` is no path.
    #[error("is not a path in Vault")]
    VaultPath,
}

impl InvalidReference {
    /// What to do about it.
    #[must_use]
    pub fn cure(self) -> &'static str {
        match self {
            Self::Empty => "complete it: env:NAME, file:PATH or vault:PATH",
            Self::VaultPath => {
                "write vault:stripe/secret-key-prod, without the mount, and #FIELD after it for another field than `value`"
            }
        }
    }
}

impl<'a> Reference<'a> {
    /// Reads a configured text.
    ///
    /// # Errors
    /// When it begins like a reference and is none.
    pub fn parse(text: &'a str) -> Result<Self, InvalidReference> {
        let reference = ["env:", "file:", "vault:"].into_iter().find_map(|kind| {
            let rest = text.strip_prefix(kind)?;
            Some((kind, rest))
        });
        match reference {
            None => Ok(Self::Itself(text)),
            Some((_, "")) => Err(InvalidReference::Empty),
            Some(("env:", name)) => Ok(Self::Env(name)),
            Some(("file:", path)) => Ok(Self::File(Path::new(path))),
            Some((_, rest)) => {
                let (path, field) = rest.split_once('#').unwrap_or((rest, FIELD));
                match is_vault_path(path) && !field.is_empty() {
                    true => Ok(Self::Vault { path, field }),
                    false => Err(InvalidReference::VaultPath),
                }
            }
        }
    }
}

/// Whether this can stand in a URL as it is, and stays where it is put.
pub(crate) fn is_vault_path(path: &str) -> bool {
    path.split('/').all(|part| {
        let plain = |b: u8| b.is_ascii_graphic() && !b"?#%\\".contains(&b);
        !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain)
    })
}
