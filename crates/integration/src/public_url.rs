//! Where the world reaches us: the part of a signed URL that the request itself does not tell reliably.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;

/// Scheme, host and port as providers know them, in front of whatever proxy there is: `https://hooks.example.com`.
/// Plain `http` is for loopback only, as in tests: events hold personal data.
///
/// It is configured, never taken from `Host` or `X-Forwarded-*`, which whoever calls can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    scheme: &'static str,
    host: String,
    port: Option<u16>,
}

/// A text that is no public URL. Names what is wrong and does not quote the text, which may hold credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}: a public URL looks like https://hooks.example.com, without a path")]
pub struct InvalidPublicUrl(&'static str);

impl PublicUrl {
    /// The two ways in which a provider may have written the URL of this path and query: without a port, and with
    /// the one that is configured or else the scheme's own. Path and query stay as they came.
    #[must_use]
    pub fn spellings(&self, path_and_query: &str) -> [String; 2] {
        let Self { scheme, host, port } = self;
        let port = port.unwrap_or(if *scheme == "https" { 443 } else { 80 });
        [
            format!("{scheme}://{host}{path_and_query}"),
            format!("{scheme}://{host}:{port}{path_and_query}"),
        ]
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let uri: Uri = text.parse().map_err(|_| InvalidPublicUrl("not a URL"))?;
        let authority = uri.authority().ok_or(InvalidPublicUrl("no host"))?;
        let host = authority.host();
        let scheme = match uri.scheme_str() {
            Some("https") => "https",
            Some("http") if is_loopback(host) => "http",
            Some("http") => {
                return Err(InvalidPublicUrl(
                    "plain http to a host that is not loopback",
                ));
            }
            _ => return Err(InvalidPublicUrl("neither https nor http")),
        };
        if authority.as_str().contains('@') {
            return Err(InvalidPublicUrl("credentials in the URL"));
        }
        if host.contains('_') {
            // Twilio refuses every message that names such a host for its callbacks (21609).
            return Err(InvalidPublicUrl("a host with `_`"));
        }
        let url = Self {
            scheme,
            host: host.to_owned(),
            port: authority.port_u16(),
        };
        // A path, a query, a fragment, an empty port: whatever would get lost.
        if url.to_string() != text {
            return Err(InvalidPublicUrl("other than scheme, host and port"));
        }
        Ok(url)
    }
}

fn is_loopback(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_https_or_loopback() {
        for text in [
            "https://hooks.example.com",
            "https://hooks.example.com:8443",
            "https://hooks.example.com:443",
            "http://127.0.0.1:9465",
            "http://[::1]:9465",
            "http://localhost",
        ] {
            for written in [text.to_owned(), format!("{text}/")] {
                let url: PublicUrl = written.parse().unwrap_or_else(|e| panic!("{written}: {e}"));
                assert_eq!(url.to_string(), text);
            }
        }
        for text in [
            "",
            "/",
            "hooks.example.com",
            "https://",
            "ftp://hooks.example.com",
            "http://hooks.example.com",
            "http://localhost.example.com",
            "https://user:secret@hooks.example.com",
            "https://hooks.example.com/in",
            "https://hooks.example.com//",
            "https://hooks.example.com?x=1",
            "https://hooks.example.com/?x=1",
            "https://hooks.example.com#x",
            "https://hooks.example.com:",
            "https://hooks.example.com:99999",
            "https://my_hooks.example.com",
        ] {
            let error = text.parse::<PublicUrl>().expect_err(text).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_url_is_spelt_with_and_without_its_port() {
        for (text, spellings) in [
            (
                "https://h.example",
                ["https://h.example/a?b", "https://h.example:443/a?b"],
            ),
            (
                "https://h.example:443",
                ["https://h.example/a?b", "https://h.example:443/a?b"],
            ),
            (
                "https://h.example:8443",
                ["https://h.example/a?b", "https://h.example:8443/a?b"],
            ),
            ("http://[::1]", ["http://[::1]/a?b", "http://[::1]:80/a?b"]),
        ] {
            let url: PublicUrl = text.parse().expect("a public URL");
            assert_eq!(url.spellings("/a?b"), spellings);
        }
    }
}
