//! A request on its way out.

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::Origin;

/// A request to one of the origin's paths. Only [`Http::send`](super::Http::send) can send it, and only for a run
/// that may.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// A credential with characters that no header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the credential has characters that cannot be sent in a header, such as a line break")]
pub struct InvalidCredential;

/// `Bearer <secret>`, marked as sensitive so that it is shown nowhere.
///
/// # Errors
/// When the secret has characters that no header can carry.
pub fn bearer(secret: &SecretString) -> Result<HeaderValue, InvalidCredential> {
    let text = format!("Bearer {}", secret.expose_secret());
    let mut value = HeaderValue::try_from(text).map_err(|_| InvalidCredential)?;
    value.set_sensitive(true);
    Ok(value)
}

impl Request {
    /// A POST to this path, which begins with `/`.
    #[must_use]
    pub fn post(path: impl Into<String>) -> Self {
        Self {
            method: Method::POST,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    /// Sets the `Authorization`, see [`bearer`].
    #[must_use]
    pub fn authorization(self, value: HeaderValue) -> Self {
        self.header(AUTHORIZATION, value)
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the body to this value as JSON.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self, serde_json::Error> {
        self.body = serde_json::to_vec(body)?;
        Ok(self.header(CONTENT_TYPE, HeaderValue::from_static("application/json")))
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn build(self, origin: &Origin) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method, origin.at(&self.path));
        *request.headers_mut() = self.headers;
        *request.body_mut() = Some(self.body.into());
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown() {
        let value = bearer(&SecretString::from("SG.very-secret")).expect("a header");
        let request = Request::post("/v3/mail/send").authorization(value);
        assert!(!format!("{request:?}").contains("very-secret"));
        assert_eq!(
            bearer(&SecretString::from("two\nlines")),
            Err(InvalidCredential)
        );
    }
}
