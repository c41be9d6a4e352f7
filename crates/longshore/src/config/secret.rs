//! Secrets as they are configured: usually not the secret, but where it is.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// What a reference begins with; anything else is the secret itself.
const REFERENCES: [&str; 3] = ["env:", "file:", "vault:"];

/// The configured text of a secret: `env:NAME`, `file:PATH` or `vault:PATH`, to be resolved, or the secret itself.
///
/// Shows references, which tell an operator where to look, and never a secret.
#[derive(Clone)]
pub struct SecretRef(SecretString);

impl SecretRef {
    pub(super) fn new(text: String) -> Self {
        Self(text.into())
    }

    pub(super) fn is_reference(&self) -> bool {
        let text = self.0.expose_secret();
        REFERENCES.iter().any(|prefix| text.starts_with(prefix))
    }

    /// What keeps the text from being used, as a problem and a cure that quote nothing of it.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let text = self.0.expose_secret();
        if self.is_reference() {
            return match text.split_once(':') {
                Some((_, "")) => Err((
                    "is a reference to nothing",
                    "complete it: env:NAME or file:PATH",
                )),
                _ => Ok(()),
            };
        }
        // It will stand in an HTTP header. Most often it is a line end or a blank that was copied along.
        match text.bytes().all(|b| b.is_ascii_graphic()) {
            true => Ok(()),
            false => Err((
                "holds blanks, line ends or characters that are not ASCII",
                "copy it again without them, or refer to it with env:NAME or file:PATH",
            )),
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
