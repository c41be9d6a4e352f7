use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;

use super::{Secret, Unusable};
use crate::http::sensitive;
use crate::{InvalidCredential, bearer};

/// A secret that is sent in a header: whatever it changes to, it can be.
#[derive(Debug, Clone)]
pub struct HeaderSecret(Secret);

impl HeaderSecret {
    /// From now on the secret takes no value that cannot stand in a header.
    ///
    /// # Errors
    /// When the one it has cannot.
    pub fn new(secret: Secret) -> Result<Self, InvalidCredential> {
        let fits = |text: &str| match HeaderValue::from_str(text) {
            Ok(_) => Ok(()),
            Err(_) => Err(Unusable(
                "it has characters that cannot be sent in a header, such as a line break",
            )),
        };
        secret.require(fits).map_err(|_| InvalidCredential)?;
        Ok(Self(secret))
    }

    /// `Bearer <secret>`, as it is now, marked as sensitive.
    #[must_use]
    pub fn bearer(&self) -> HeaderValue {
        bearer(&self.0.current()).unwrap_or_else(|error| unreachable!("it was required: {error}"))
    }

    /// The secret as it is now and nothing else, marked as sensitive.
    #[must_use]
    pub fn bare(&self) -> HeaderValue {
        let text = self.0.current();
        sensitive(text.expose_secret().to_owned())
            .unwrap_or_else(|error| unreachable!("it was required: {error}"))
    }
}
