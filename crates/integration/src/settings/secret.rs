//! Secrets as they are configured: usually not the secret, but where it is.

use std::fmt;

use longshore_provider::secret::{InvalidReference, Reference};
use secrecy::{ExposeSecret, SecretString};

use super::key::KeyPath;
use super::reader::Reader;

/// What a reference begins with; anything else is the secret itself.
const REFERENCES: [&str; 3] = ["env:", "file:", "vault:"];

/// The configured text of a secret: `env:NAME`, `file:PATH` or `vault:PATH`, to be resolved, or the secret itself.
///
/// Shows references, which tell an operator where to look, and never a secret.
#[derive(Clone)]
pub struct SecretRef(SecretString);

impl SecretRef {
    /// The secret that this text refers to, or is.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// Whether it says where the secret is, and is not the secret itself.
    #[must_use]
    pub fn is_reference(&self) -> bool {
        let text = self.0.expose_secret();
        REFERENCES.iter().any(|prefix| text.starts_with(prefix))
    }

    /// Whether it is one that Vault has.
    #[must_use]
    pub fn is_in_vault(&self) -> bool {
        self.0.expose_secret().starts_with("vault:")
    }

    /// What keeps the text from being used, as a problem and a cure that quote nothing of it.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let text = match Reference::parse(self.0.expose_secret()) {
            Ok(Reference::Itself(text)) => text,
            Ok(_) => return Ok(()),
            Err(InvalidReference::Empty) => {
                return Err(("is a reference to nothing", InvalidReference::Empty.cure()));
            }
            Err(error @ InvalidReference::VaultPath) => {
                return Err(("names no path in Vault", error.cure()));
            }
        };
        // It will stand in an HTTP header. Most often it is a line end or a blank that was copied along.
        match text.bytes().all(|b| b.is_ascii_graphic()) {
            true => Ok(()),
            false => Err((
                "holds blanks, line ends or characters that are not ASCII",
                "copy it again without them, or refer to it with env:NAME, file:PATH or vault:PATH",
            )),
        }
    }
}

/// Reads a secret. An empty one is no error: it is how one layer takes back the secret of another. `without` says what
/// that means.
pub(super) fn read(reader: &mut Reader<'_>, path: &KeyPath, without: &str) -> Option<SecretRef> {
    let secret = SecretRef::new(reader.text(path)?);
    if secret.expose_secret().is_empty() {
        let cure = "set it, or leave it out to have it so without this warning";
        reader.warn(path, format!("is empty, so {without}"), cure);
        return None;
    }
    checked(reader, path, secret)
}

/// Reads a list of secrets, empty where there is none.
pub(super) fn read_list(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Vec<SecretRef>> {
    if !reader.is_set(path) {
        return Some(Vec::new());
    }
    let secrets = reader.text_list(path)?.into_iter().map(SecretRef::new);
    let secrets: Vec<_> = secrets
        .map(|secret| match secret.expose_secret().is_empty() {
            true => {
                reader.error(path, "has an empty secret in it", "leave it out");
                None
            }
            false => checked(reader, path, secret),
        })
        .collect();
    secrets.into_iter().collect()
}

fn checked(reader: &mut Reader<'_>, path: &KeyPath, secret: SecretRef) -> Option<SecretRef> {
    match secret.check() {
        Ok(()) => Some(secret),
        Err((problem, cure)) => {
            reader.error(path, problem, cure);
            None
        }
    }
}

/// The configured text, for whoever resolves it.
impl ExposeSecret<str> for SecretRef {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_reference() {
            self.0.expose_secret()
        } else {
            "***"
        })
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretRef({self})")
    }
}
