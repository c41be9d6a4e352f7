//! The URLs of Redis servers.

use std::fmt;
use std::str::FromStr;

use longshore_queue::Address;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{RedisMode, RedisSettings};

/// A checked URL of a Redis server: `redis://[user:password@]host[:port][/db]`, `rediss://` for TLS, or
/// `unix:///path?db=N&user=U&pass=P`. Shown without its password.
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
        if url.scheme() == "unix" {
            return Self::of_socket(text, url);
        }
        if !matches!(url.scheme(), "redis" | "rediss") {
            return Err(InvalidRedisUrl(
                "begins with neither redis:// nor rediss:// nor unix://",
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

impl RedisUrl {
    fn of_socket(text: &str, mut url: Url) -> Result<Self, InvalidRedisUrl> {
        if url.host_str().is_some_and(|host| !host.is_empty()) || url.path().len() < 2 {
            return Err(InvalidRedisUrl(
                "names no socket: unix:// and then its path from the root",
            ));
        }
        if url.fragment().is_some() {
            return Err(InvalidRedisUrl("has a # in it"));
        }
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        for (name, value) in &pairs {
            match name.as_str() {
                "db" if value.parse::<u16>().is_err() => {
                    return Err(InvalidRedisUrl(
                        "has a db that is not the number of a database",
                    ));
                }
                "db" | "user" | "pass" => {}
                _ => {
                    return Err(InvalidRedisUrl(
                        "has something else than db, user and pass after the ?",
                    ));
                }
            }
        }
        if !pairs.is_empty() {
            let masked = pairs.iter().map(|(name, value)| match name.as_str() {
                "pass" => (name.as_str(), "***"),
                name => (name, value.as_str()),
            });
            url.query_pairs_mut().clear().extend_pairs(masked);
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

/// One URL or several, with commas between them.
#[derive(Debug, Clone)]
pub struct RedisUrls(Vec<RedisUrl>);

impl RedisUrls {
    /// Whether they are of this mode. If not, what is wrong and what to do about it.
    ///
    /// # Errors
    /// If not.
    pub(crate) fn fit(&self, mode: RedisMode) -> Result<(), (&'static str, String)> {
        let any = |what: fn(&str) -> bool| self.0.iter().any(|url| what(url.expose_secret()));
        let is_socket = |url: &str| url.starts_with("unix:");
        if mode == RedisMode::Single && self.0.len() > 1 {
            return Err((
                "is several URLs, which are for Sentinels or a cluster",
                format!(
                    "leave one, or set {} to sentinel or cluster",
                    RedisSettings::MODE
                ),
            ));
        }
        if mode != RedisMode::Single && any(is_socket) {
            return Err((
                "is a socket of one server",
                format!(
                    "name hosts with redis:// or rediss://, or set {} = \"single\"",
                    RedisSettings::MODE
                ),
            ));
        }
        if mode == RedisMode::Cluster && any(has_database) {
            return Err((
                "names a database, and a cluster has none but 0",
                format!(
                    "leave the path out, and keep fleets apart by {}",
                    RedisSettings::NAMESPACE
                ),
            ));
        }
        if self.0.iter().any(|url| !url.leads_where(&self.0[0])) {
            return Err((
                "is several URLs that differ in more than host and port",
                "write the same scheme, user, password and database in all of them".to_owned(),
            ));
        }
        Ok(())
    }

    /// Whether they are for TLS.
    pub(crate) fn are_tls(&self) -> bool {
        self.0
            .iter()
            .any(|url| url.expose_secret().starts_with("rediss://"))
    }
}

impl RedisUrl {
    /// Whether it differs from another one at most in host and port.
    fn leads_where(&self, other: &Self) -> bool {
        let parts = |url: &Self| {
            let url = Url::parse(url.expose_secret()).ok()?;
            let database = url.path().trim_matches('/').parse::<u16>().unwrap_or(0);
            Some((
                url.scheme().to_owned(),
                url.username().to_owned(),
                url.password().map(str::to_owned),
                database,
            ))
        };
        parts(self) == parts(other)
    }
}

fn has_database(url: &str) -> bool {
    let path = Url::parse(url).map(|url| url.path().trim_matches('/').to_owned());
    path.is_ok_and(|path| !path.is_empty() && path != "0")
}

impl FromStr for RedisUrls {
    type Err = InvalidRedisUrl;

    fn from_str(text: &str) -> Result<Self, InvalidRedisUrl> {
        let urls = Address::split(text).into_iter().map(str::parse);
        urls.collect::<Result<Vec<_>, _>>().map(Self)
    }
}

/// Without their passwords.
impl fmt::Display for RedisUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, url) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            url.fmt(f)?;
        }
        Ok(())
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
            "unix:///run/redis.sock",
            "unix:///run/redis.sock?db=2&user=app&pass=hunter2",
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
                "begins with neither redis:// nor rediss:// nor unix://",
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
            (
                "unix://run/redis.sock",
                "names no socket: unix:// and then its path from the root",
            ),
            (
                "unix:///s?password=x",
                "has something else than db, user and pass after the ?",
            ),
            (
                "unix:///s?db=x",
                "has a db that is not the number of a database",
            ),
        ] {
            let refused = text.parse::<RedisUrl>().expect_err(text);
            assert_eq!(refused.to_string(), problem, "{text}");
        }
    }

    #[test]
    fn urls_that_are_not_of_the_mode_are_refused_for_what_is_wrong_with_them() {
        use RedisMode::{Cluster, Sentinel, Single};
        for (text, mode, problem) in [
            ("redis://a/3", Single, ""),
            ("redis://:p@a/3,redis://:p@b/3", Sentinel, ""),
            ("redis://a,redis://b", Cluster, ""),
            (
                "redis://a,redis://b",
                Single,
                "is several URLs, which are for",
            ),
            ("redis://a/3", Cluster, "names a database"),
            ("unix:///s", Cluster, "is a socket"),
            (
                "redis://:p@a,redis://b",
                Sentinel,
                "is several URLs that differ",
            ),
            (
                "redis://a,rediss://b",
                Cluster,
                "is several URLs that differ",
            ),
        ] {
            let urls: RedisUrls = text.parse().expect(text);
            let found = urls.fit(mode).err().map_or("", |(problem, _)| problem);
            assert!(found.starts_with(problem), "{text}: {found}");
            assert_eq!(found.is_empty(), problem.is_empty(), "{text}: {found}");
        }
    }

    #[test]
    fn the_password_is_never_shown() {
        let url: RedisUrl = "redis://app:hunter2@host:6379/3".parse().unwrap();
        assert_eq!(url.to_string(), "redis://app:***@host:6379/3");
        assert_eq!(format!("{url:?}"), "RedisUrl(redis://app:***@host:6379/3)");
        let urls: RedisUrls = "redis://:hunter2@a,unix:///s?user=u&pass=hunter2"
            .parse()
            .unwrap();
        assert_eq!(urls.to_string(), "redis://:***@a,unix:///s?user=u&pass=***");
    }
}
