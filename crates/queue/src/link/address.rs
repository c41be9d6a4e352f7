//! Where Redis is, and how to get in.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use redis::io::tcp::TcpSettings;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};

use crate::QueueError;

/// What a URL may begin with.
const SCHEMES: [&str; 3] = ["redis://", "rediss://", "unix://"];

/// Where Redis is, and how to get in: a server, several that Sentinels watch, or a cluster.
#[derive(Clone)]
pub struct Address {
    pub(super) url: String,
    pub(super) topology: Topology,
    pub(super) tls: TlsFiles,
    pub(super) name: Option<String>,
    pub(super) reread: Option<Reread>,
}

/// What stands at an [`Address`].
#[derive(Debug, Clone, Default)]
pub(super) enum Topology {
    /// One server.
    #[default]
    Single,
    /// Sentinels, which know the primary.
    Sentinel(Sentinel),
    /// Some nodes of a cluster.
    Cluster,
}

/// What Sentinels are asked, and how to get in there.
#[derive(Clone)]
pub struct Sentinel {
    /// What they call the primary that is wanted.
    pub master: String,
    /// The user at the Sentinels themselves.
    pub username: Option<String>,
    /// The password at the Sentinels themselves.
    pub password: Option<String>,
}

/// Files for TLS, as PEM. They are read for each connection, so that they may be renewed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Whom to trust beside those whom the system trusts.
    pub ca: Option<PathBuf>,
    /// The certificate by which we are known there. Only with its key.
    pub cert: Option<PathBuf>,
    /// The key of that certificate.
    pub key: Option<PathBuf>,
}

type Read = Pin<Box<dyn Future<Output = Option<String>> + Send>>;
pub(super) type Reread = Arc<dyn Fn() -> Read + Send + Sync>;

impl Address {
    /// One server: `redis://[user:password@]host[:port][/db]`, `rediss://` for TLS, or
    /// `unix:///path[?db=N&user=U&pass=P]`. Of Sentinels or nodes of a cluster several, with commas between them.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            topology: Topology::default(),
            tls: TlsFiles::default(),
            name: None,
            reread: None,
        }
    }

    /// The URLs are those of Sentinels. User, password and database in them are those of the primary.
    #[must_use]
    pub fn behind_sentinels(self, sentinel: Sentinel) -> Self {
        Self {
            topology: Topology::Sentinel(sentinel),
            ..self
        }
    }

    /// The URLs are those of nodes of a cluster; some are enough. It needs the feature `cluster`.
    #[must_use]
    pub fn of_cluster(self) -> Self {
        Self {
            topology: Topology::Cluster,
            ..self
        }
    }

    /// With these files for TLS.
    #[must_use]
    pub fn with_tls(self, tls: TlsFiles) -> Self {
        Self { tls, ..self }
    }

    /// What Redis calls our connections (`CLIENT LIST`): `longshore:` and this.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self {
            name: Some(format!("longshore:{name}")),
            ..self
        }
    }

    /// With a way to read the URL again where it is kept: when the server refuses the user or the password. `None` where it
    /// cannot be read.
    #[must_use]
    pub fn reread_by<F, Fut>(self, reread: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Option<String>> + Send + 'static,
    {
        Self {
            reread: Some(Arc::new(move || Box::pin(reread()))),
            ..self
        }
    }

    /// The single URLs in the text. A comma in a password is none between URLs.
    #[must_use]
    pub fn split(urls: &str) -> Vec<&str> {
        let mut all = Vec::new();
        let mut begin = 0;
        for (at, _) in urls.match_indices(',') {
            let next = &urls[at + 1..];
            if SCHEMES
                .iter()
                .any(|scheme| next.trim_start().starts_with(scheme))
            {
                all.push(urls[begin..at].trim());
                begin = at + 1;
            }
        }
        all.push(urls[begin..].trim());
        all
    }
}

/// One server, at this URL.
impl From<&str> for Address {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

/// One server, at this URL.
impl From<String> for Address {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("topology", &self.topology)
            .field("tls", &self.tls)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Sentinel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentinel")
            .field("master", &self.master)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// The URLs of an address, read.
pub(super) struct Targets {
    pub(super) url: String,
    /// At least one.
    all: Vec<ConnectionInfo>,
}

impl Targets {
    pub(super) fn read(url: &str, topology: &Topology) -> Result<Self, QueueError> {
        let urls = Address::split(url);
        let all = urls.iter().map(|url| info_of(url));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        let refused = |what: &str| Err(QueueError::Address(what.to_owned()));
        if matches!(topology, Topology::Cluster) && !cfg!(feature = "cluster") {
            return refused(
                "a cluster needs the Cargo feature `cluster` of longshore-client, which this program was built without",
            );
        }
        if let Topology::Single = topology
            && all.len() > 1
        {
            return refused("there are several URLs, which are for Sentinels or for a cluster");
        }
        let unix = |info: &ConnectionInfo| matches!(info.addr(), ConnectionAddr::Unix(_));
        if !matches!(topology, Topology::Single) && all.iter().any(unix) {
            return refused(
                "a unix:// URL is one server: neither a Sentinel nor a node of a cluster",
            );
        }
        if matches!(topology, Topology::Cluster)
            && all.iter().any(|info| info.redis_settings().db() != 0)
        {
            return refused("a cluster has no numbered databases: leave the path out of the URL");
        }
        let same = |one: &ConnectionInfo, two: &ConnectionInfo| {
            let (a, b) = (one.redis_settings(), two.redis_settings());
            (a.username(), a.password(), a.db()) == (b.username(), b.password(), b.db())
                && is_tls(one) == is_tls(two)
        };
        if all.iter().any(|info| !same(info, &all[0])) {
            return refused(
                "all URLs must have the same scheme, user, password and database: they lead to the same Redis",
            );
        }
        Ok(Self {
            url: url.to_owned(),
            all,
        })
    }

    pub(super) fn first(&self) -> &ConnectionInfo {
        &self.all[0]
    }

    /// Host and port of each.
    pub(super) fn places(&self) -> Vec<Arc<str>> {
        let places = self.all.iter().map(|info| info.addr().to_string().into());
        places.collect()
    }

    /// Another server that is reached as these are.
    pub(super) fn at(&self, place: &str) -> ConnectionInfo {
        let first = self.first().clone();
        let (host, port) = host_and_port(place);
        let host = host.to_owned();
        let addr = match first.addr() {
            ConnectionAddr::TcpTls { insecure, .. } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: *insecure,
                tls_params: None,
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        first.set_addr(addr)
    }

    /// A Sentinel: reached as the primary is, but with a user and a password of its own.
    pub(super) fn sentinel_at(&self, place: &str, sentinel: &Sentinel) -> ConnectionInfo {
        let mut settings = unnamed(RedisConnectionInfo::default());
        if let Some(username) = &sentinel.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &sentinel.password {
            settings = settings.set_password(password);
        }
        self.at(place).set_redis_settings(settings)
    }
}

/// `host` and `port` of `host:port`; an IPv6 address has colons itself.
pub(super) fn host_and_port(place: &str) -> (&str, u16) {
    let (host, port) = place.rsplit_once(':').unwrap_or((place, "6379"));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (host, port.parse().unwrap_or(6379))
}

fn info_of(url: &str) -> Result<ConnectionInfo, QueueError> {
    if url.starts_with("rediss://") && !cfg!(feature = "tls") {
        return Err(QueueError::Address(
            "rediss:// needs the Cargo feature `tls` of longshore-client, which this program was built without".to_owned(),
        ));
    }
    // The URL may hold a password: it is not repeated.
    let info = url.into_connection_info().map_err(|_| {
        QueueError::Address(
            "the URL is not of the form redis://[user:password@]host[:port][/db], rediss://… or unix:///path".to_owned(),
        )
    })?;
    let settings = unnamed(info.redis_settings().clone());
    // Small calls go out at once.
    let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
    Ok(info.set_redis_settings(settings))
}

/// Redis is not told which library this is: its name says what the process is. An ACL that every Redis 7 reads cannot allow the
/// command for it, which came with 7.2.
fn unnamed(settings: RedisConnectionInfo) -> RedisConnectionInfo {
    settings.set_skip_set_lib_name()
}

pub(super) fn is_tls(info: &ConnectionInfo) -> bool {
    matches!(info.addr(), ConnectionAddr::TcpTls { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(url: &str, topology: &Topology) -> String {
        match Targets::read(url, topology) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn several_urls_are_split_and_a_comma_in_a_password_is_none_between_them() {
        assert_eq!(
            Address::split("redis://:a,b@h:1, redis://i:2,unix:///s"),
            ["redis://:a,b@h:1", "redis://i:2", "unix:///s"]
        );
    }

    #[test]
    fn urls_that_do_not_fit_together_are_refused() {
        let sentinel = Topology::Sentinel(Sentinel {
            master: "m".to_owned(),
            username: None,
            password: None,
        });
        for (url, topology, says) in [
            ("redis://a", &Topology::Single, ""),
            ("unix:///run/redis.sock?db=3", &Topology::Single, ""),
            ("redis://a,redis://b", &Topology::Single, "several URLs"),
            ("redis://a,redis://b", &Topology::Cluster, ""),
            ("redis://a/1", &Topology::Cluster, "no numbered databases"),
            ("redis://a/1,redis://b/1", &sentinel, ""),
            ("redis://a,redis://:p@b", &sentinel, "the same scheme, user"),
            ("unix:///s", &sentinel, "one server"),
            ("http://a", &Topology::Single, "not of the form"),
        ] {
            let said = problem(url, topology);
            assert_eq!(said.is_empty(), says.is_empty(), "{url}: {said}");
            assert!(said.contains(says), "{url}: {said}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        let address = Address::new("redis://:hunter2@h").behind_sentinels(Sentinel {
            master: "m".to_owned(),
            username: None,
            password: Some("hunter3".to_owned()),
        });
        assert!(!format!("{address:?}").contains("hunter"));
    }
}
