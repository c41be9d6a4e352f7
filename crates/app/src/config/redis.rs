//! `redis.*`: where the queues are kept.

use std::fmt;
use std::str::FromStr;

use longshore_integration::section;
use longshore_integration::settings::{KeyPath, Reader, SecretRef, flag, secret_by, text, whole};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

section! {
    /// Where the queues are kept.
    pub struct RedisSettings in "redis" {
        /// `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS. It may be a reference, since it may hold a
        /// password.
        pub url: SecretRef = "url" as URL, secret_by(url).or("redis://127.0.0.1:6379");
        /// The first part of every key, so that several fleets can share a server: `{longshore:email}`. 1 to 64 characters
        /// of a-z, 0-9, _ and -.
        pub namespace: String = "namespace" as NAMESPACE, text().or("longshore").checked(namespace);
        /// How many replicas of Redis must have a job before it counts as accepted; 0: none. With 1, a failover loses no
        /// accepted job. Emails and texts, which their provider would send twice, also wait for it before they are sent, so
        /// a failover doubles none. Each wait ends after 1 s. Without enough replicas, enqueues fail and such jobs wait.
        /// 0 to 10.
        pub wait_replicas: u32 = "wait_replicas" as WAIT_REPLICAS, whole(0..=10).or("0");
        /// Some managed services do not say whether they drop keys when their memory is full. Set this once you know that
        /// yours does not; until then `work` and `doctor` warn of it.
        pub allow_eviction_unknown: bool = "allow_eviction_unknown" as ALLOW_EVICTION_UNKNOWN, flag().or("false");
    }
}

/// A checked URL of a Redis server: `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS. Shown without
/// its password.
#[derive(Clone)]
pub struct RedisUrl {
    url: SecretString,
    shown: String,
}

/// A text that is not the URL of a Redis server. Quotes nothing of it, since it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidRedisUrl(&'static str);

impl FromStr for RedisUrl {
    type Err = InvalidRedisUrl;

    fn from_str(text: &str) -> Result<Self, InvalidRedisUrl> {
        // The parser would skip them, and what is kept is the text.
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(InvalidRedisUrl("has blanks or line ends in it"));
        }
        let mut url = Url::parse(text).map_err(|error| {
            InvalidRedisUrl(match error {
                url::ParseError::InvalidPort => "has no valid port",
                url::ParseError::EmptyHost => "names no host",
                _ => "is not a URL",
            })
        })?;
        if !matches!(url.scheme(), "redis" | "rediss") {
            return Err(InvalidRedisUrl(
                "begins with neither redis:// nor rediss://",
            ));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(InvalidRedisUrl("names no host"));
        }
        if url.port() == Some(0) {
            return Err(InvalidRedisUrl("has no valid port"));
        }
        let database = url.path().trim_start_matches('/');
        if !database.is_empty() && database.parse::<u16>().is_err() {
            return Err(InvalidRedisUrl(
                "has a path that is not the number of a database",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidRedisUrl("has a ? or a # in it"));
        }
        if url.password().is_some() {
            // Cannot fail: there is a host.
            let _ = url.set_password(Some("***"));
        }
        Ok(Self {
            url: text.into(),
            shown: url.into(),
        })
    }
}

/// The whole URL, for the client.
impl ExposeSecret<str> for RedisUrl {
    fn expose_secret(&self) -> &str {
        self.url.expose_secret()
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({})", self.shown)
    }
}

/// `has no valid port`: a sentence about the URL.
impl fmt::Display for InvalidRedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidRedisUrl {}

fn url(reader: &mut Reader<'_>, path: &KeyPath) -> Option<SecretRef> {
    let url = SecretRef::new(reader.text(path)?);
    let problem = match url.is_reference() {
        true => url.check().err().map(|(problem, _)| problem.to_owned()),
        false => (url.expose_secret().parse::<RedisUrl>().err()).map(|error| error.to_string()),
    };
    match problem {
        None => Some(url),
        Some(problem) => {
            let cure = "write redis://[user:password@]host[:port][/db], with / ? # @ in a password \
                        percent-encoded, or refer to it with env:NAME or file:PATH";
            reader.error(path, problem, cure);
            None
        }
    }
}

/// It stands inside the braces that make a queue one slot, before the colon.
#[expect(
    clippy::ptr_arg,
    reason = "it is given the value as the section has it"
)]
fn namespace(reader: &mut Reader<'_>, path: &KeyPath, name: &String) {
    let fits = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
    if !fits {
        let cure = "use 1 to 64 characters of a-z, 0-9, _ and -";
        reader.error(path, "cannot be part of a Redis key", cure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_servers_are_accepted_and_kept_as_they_are() {
        for text in [
            "redis://127.0.0.1",
            "redis://localhost:6380/",
            "rediss://cache.example.com:6379/15",
            "redis://:p%40ss@[::1]:6379/0",
        ] {
            let url: RedisUrl = text.parse().expect(text);
            assert_eq!(url.expose_secret(), text);
        }
    }

    #[test]
    fn other_urls_are_refused_for_what_is_wrong_with_them() {
        for (text, problem) in [
            ("", "is not a URL"),
            ("127.0.0.1:6379", "is not a URL"),
            (
                "http://127.0.0.1:6379",
                "begins with neither redis:// nor rediss://",
            ),
            ("redis://host\n", "has blanks or line ends in it"),
            ("redis:///0", "names no host"),
            ("redis://:6379", "names no host"),
            ("redis://host:99999", "has no valid port"),
            ("redis://host:0", "has no valid port"),
            (
                "redis://host/one",
                "has a path that is not the number of a database",
            ),
            (
                "redis://host/-1",
                "has a path that is not the number of a database",
            ),
            ("redis://host/0?protocol=resp3", "has a ? or a # in it"),
            ("rediss://host/#insecure", "has a ? or a # in it"),
        ] {
            let refused = text.parse::<RedisUrl>().expect_err(text);
            assert_eq!(refused.to_string(), problem, "{text}");
        }
    }

    #[test]
    fn the_password_is_never_shown() {
        let url: RedisUrl = "redis://app:hunter2@host:6379/3".parse().unwrap();
        assert_eq!(url.to_string(), "redis://app:***@host:6379/3");
        assert_eq!(format!("{url:?}"), "RedisUrl(redis://app:***@host:6379/3)");
    }
}
