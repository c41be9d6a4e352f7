//! Where a provider lives.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;
use serde::Deserialize;

/// Scheme, host and port: `https://api.sendgrid.com`. Plain `http` is for loopback only, where the sandbox is:
/// anywhere else credentials would cross a network in the clear.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(Url);

/// A text that is no origin. Names what is wrong and does not quote the text, which may hold credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}: an origin looks like https://api.example.com or http://127.0.0.1:9500")]
pub struct InvalidOrigin(&'static str);

impl Origin {
    /// Whether it is spoken to without TLS, which makes it loopback.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// Its host.
    pub(super) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Its port, said or meant.
    pub(super) fn port(&self) -> Option<u16> {
        self.0.port_or_known_default()
    }

    /// The URL of a path here. Set as a path, never parsed, so that no path can lead to another host.
    pub(super) fn at(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let url = Url::parse(text).map_err(|_| InvalidOrigin("not a URL"))?;
        let host = url.host_str().ok_or(InvalidOrigin("no host"))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => return Err(InvalidOrigin("plain http to a host that is not loopback")),
            _ => return Err(InvalidOrigin("neither https nor http")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidOrigin("credentials in the URL"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidOrigin("more than scheme, host and port"));
        }
        Ok(Self(url))
    }
}

fn is_loopback(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

impl TryFrom<String> for Origin {
    type Error = InvalidOrigin;

    fn try_from(text: String) -> Result<Self, InvalidOrigin> {
        text.parse()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_https_or_loopback() {
        for (text, shown) in [
            ("https://api.sendgrid.com", "https://api.sendgrid.com"),
            ("https://api.sendgrid.com/", "https://api.sendgrid.com"),
            ("https://proxy.internal:8443", "https://proxy.internal:8443"),
            ("http://127.0.0.1:9500", "http://127.0.0.1:9500"),
            ("http://[::1]:9500", "http://[::1]:9500"),
            ("http://localhost:9500", "http://localhost:9500"),
        ] {
            let origin: Origin = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(origin.to_string(), shown);
        }
        for text in [
            "api.sendgrid.com",
            "ftp://api.sendgrid.com",
            "http://api.sendgrid.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
            "https://user:secret@api.sendgrid.com",
            "https://api.sendgrid.com/v3",
            "https://api.sendgrid.com?x=1",
            "https://",
            "",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn no_path_leads_to_another_host() {
        let origin: Origin = "https://api.sendgrid.com".parse().expect("an origin");
        for path in [
            "//evil.example/x",
            "/../x",
            "@evil.example",
            "https://evil.example",
        ] {
            let url = origin.at(path);
            assert_eq!(url.host_str(), Some("api.sendgrid.com"), "{url}");
        }
    }
}
