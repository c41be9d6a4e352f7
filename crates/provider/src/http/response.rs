//! What came back.

use std::fmt;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::redact::{EXCERPT_BYTES, excerpt};

/// How much of a body is read: 1 MiB. The answers we need are far smaller.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A provider's answer. Its debug form shows no content: providers quote what they were sent.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or what there is of it: at most 1 MiB.
    pub body: Vec<u8>,
    /// Whether the body is whole.
    ///
    /// Once there is a status line the provider has decided, and the body only explains: a 202 whose body breaks
    /// off is an acceptance, a 400 without its body a refusal. So a broken body is never an error by itself;
    /// a client that needs something out of it looks here.
    pub complete: bool,
}

impl Response {
    /// Reads the body as far as it comes.
    pub(super) async fn read(mut answer: reqwest::Response) -> Self {
        let mut body = Vec::new();
        let complete = loop {
            match answer.chunk().await {
                Ok(None) => break true,
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_BODY_BYTES => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(chunk)) => {
                    body.extend_from_slice(&chunk[..MAX_BODY_BYTES - body.len()]);
                    break false;
                }
                Err(_) => break false,
            }
        };
        Self {
            status: answer.status(),
            headers: std::mem::take(answer.headers_mut()),
            body,
            complete,
        }
    }

    /// A header's value, if it is there and is visible ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The beginning of the body as one short redacted line, see [`excerpt`](crate::excerpt). For bodies that are
    /// not what the provider documents.
    #[must_use]
    pub fn excerpt(&self) -> String {
        // One byte more than is looked at, so that a longer body shows.
        let head = &self.body[..self.body.len().min(EXCERPT_BYTES + 1)];
        excerpt(&String::from_utf8_lossy(head))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status.as_u16())
            .field("body_bytes", &self.body.len())
            .field("complete", &self.complete)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_body(body: impl Into<Vec<u8>>) -> Response {
        Response {
            status: StatusCode::BAD_GATEWAY,
            headers: HeaderMap::new(),
            body: body.into(),
            complete: true,
        }
    }

    #[test]
    fn any_bytes_have_an_excerpt() {
        for (body, said) in [
            (&b""[..], ""),
            (b"no such user ada@example.com", "no such user [email]"),
            (b"\xff\xfe\x00ok", "\u{fffd}\u{fffd} ok"),
        ] {
            assert_eq!(with_body(body).excerpt(), said);
        }
        // Cut in the middle of the last word, which is half an address then.
        let body = format!("{} ada@example.com", " ".repeat(EXCERPT_BYTES - 5));
        assert_eq!(with_body(body).excerpt(), "");
    }

    #[test]
    fn debug_shows_no_content() {
        assert!(!format!("{:?}", with_body("ada@example.com")).contains("ada"));
    }
}
