//! A request on its way out.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::Origin;

/// A request to one of the origin's paths. Only [`Http::send`](super::Http::send) and
/// [`Http::read`](super::Http::read) can send it, and only for a run that may.
#[derive(Clone)]
pub struct Request {
    method: Method,
    path: String,
    query: Option<String>,
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
    authorization("Bearer", secret)
}

/// `<scheme> <secret>`, marked as sensitive: for schemes beside those of [`bearer`] and [`basic`], such as `Bot`.
///
/// # Errors
/// When the scheme or the secret has characters that no header can carry.
pub fn authorization(
    scheme: &str,
    secret: &SecretString,
) -> Result<HeaderValue, InvalidCredential> {
    sensitive(format!("{scheme} {}", secret.expose_secret()))
}

/// `Basic <base64 of user:secret>`, marked as sensitive.
#[must_use]
pub fn basic(user: &str, secret: &SecretString) -> HeaderValue {
    let pair = format!("{user}:{}", secret.expose_secret());
    sensitive(format!("Basic {}", BASE64_STANDARD.encode(pair)))
        .unwrap_or_else(|error| unreachable!("base64 is plain ASCII: {error}"))
}

pub(crate) fn sensitive(text: String) -> Result<HeaderValue, InvalidCredential> {
    let mut value = HeaderValue::try_from(text).map_err(|_| InvalidCredential)?;
    value.set_sensitive(true);
    Ok(value)
}

impl Request {
    /// A POST to this path, which begins with `/`.
    #[must_use]
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// A GET of this path, which begins with `/`.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A DELETE of this path, which begins with `/`. It has no body.
    #[must_use]
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// A request with this method to this path, which begins with `/`. It has a body where it is a POST, a PUT or a PATCH.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: None,
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    /// Sets the query to these pairs, percent-encoded. It is shown nowhere: keys and people may stand in it.
    #[must_use]
    pub fn query<'a>(mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.query = Some(encode(pairs));
        self
    }

    /// Sets the path and the query to what a provider said comes next: `/path?query`, as its answers have it. Never
    /// leads to another host.
    #[must_use]
    pub fn get_next(path_and_query: &str) -> Self {
        let (path, query) = path_and_query
            .split_once('?')
            .map_or((path_and_query, None), |(path, query)| (path, Some(query)));
        Self {
            query: query.map(str::to_owned),
            ..Self::get(path)
        }
    }

    /// Sets the `Authorization`, see [`bearer`], [`basic`] and [`authorization`].
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

    /// Sets the body to this JSON, as it is written.
    #[must_use]
    pub fn raw_json(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    /// Sets the body to these pairs as a form. A name may stand in it several times.
    #[must_use]
    pub fn form<'a>(self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.encoded_form(encode(pairs))
    }

    /// Sets the body to a form that is encoded already, in a provider's own way.
    #[must_use]
    pub fn encoded_form(mut self, form: String) -> Self {
        self.body = form.into_bytes();
        self.header(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        )
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn build(self, origin: &Origin) -> reqwest::Request {
        let mut url = origin.at(&self.path);
        url.set_query(self.query.as_deref());
        let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&self.method);
        let mut request = reqwest::Request::new(self.method, url);
        *request.headers_mut() = self.headers;
        if has_body {
            *request.body_mut() = Some(self.body.into());
        }
        request
    }
}

fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// Shows neither query nor body.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
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
        let request = Request::get("/geocode")
            .query([("key", "very-secret")])
            .form([("To", "very-secret")])
            .authorization(basic("AC1", &SecretString::from("very-secret")));
        let shown = format!("{request:?}");
        assert!(
            !shown.contains("very-secret") && !shown.contains("QUMx"),
            "{shown}"
        );
        assert_eq!(
            bearer(&SecretString::from("two\nlines")),
            Err(InvalidCredential)
        );
    }

    #[test]
    fn a_scheme_of_a_providers_own_is_as_secret_as_bearer() {
        let secret = SecretString::from("very-secret");
        let value = authorization("Bot", &secret).expect("a header");
        assert_eq!(value.as_bytes(), b"Bot very-secret");
        let request = Request::post("/channels/1/messages").authorization(value);
        let shown = format!("{request:?}");
        assert!(!shown.contains("very-secret"), "{shown}");
        assert_eq!(authorization("Bot\r\n", &secret), Err(InvalidCredential));
    }

    #[test]
    fn what_comes_next_stays_with_the_origin() {
        let origin: Origin = "https://api.example.com".parse().expect("an origin");
        for (next, url) in [
            (
                "/2010/Messages.json?To=%2B47&Page=1",
                "https://api.example.com/2010/Messages.json?To=%2B47&Page=1",
            ),
            (
                "https://evil.example/x?y",
                "https://api.example.com/https://evil.example/x?y",
            ),
            (
                "//evil.example/x",
                "https://api.example.com//evil.example/x",
            ),
        ] {
            let request = Request::get_next(next).build(&origin);
            assert_eq!(request.url().as_str(), url);
        }
    }

    #[test]
    fn posts_puts_and_patches_have_bodies() {
        let origin: Origin = "https://api.example.com".parse().expect("an origin");
        for (request, method, has_body) in [
            (Request::get("/x"), Method::GET, false),
            (Request::delete("/x"), Method::DELETE, false),
            (Request::post("/x"), Method::POST, true),
            (Request::new(Method::PUT, "/x"), Method::PUT, true),
            (Request::new(Method::PATCH, "/x"), Method::PATCH, true),
        ] {
            assert_eq!(request.method(), method);
            let built = request.encoded_form("a=1".to_owned()).build(&origin);
            assert_eq!(built.method(), method);
            assert_eq!(built.body().is_some(), has_body, "{method}");
        }
    }

    #[test]
    fn forms_and_queries_are_percent_encoded() {
        let origin: Origin = "https://api.example.com".parse().expect("an origin");
        let request = Request::get("/Messages.json")
            .query([("To", "+4790000000"), ("DateSent>", "2026-11-01")])
            .build(&origin);
        let query = request.url().query();
        assert_eq!(query, Some("To=%2B4790000000&DateSent%3E=2026-11-01"));
        let request = Request::post("/Messages.json").form([("Body", "blå & grønn\n🫐")]);
        let body = String::from_utf8_lossy(&request.body).into_owned();
        assert_eq!(body, "Body=bl%C3%A5+%26+gr%C3%B8nn%0A%F0%9F%AB%90");
    }
}
