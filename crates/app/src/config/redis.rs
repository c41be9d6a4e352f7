//! `redis.*`: where the queues are kept.

mod url;

use std::fmt;
use std::path::PathBuf;

use longshore_integration::section;
use longshore_integration::settings::{
    KeyPath, Reader, SecretRef, flag, secret, secret_by, text, text_by, whole,
};
use secrecy::ExposeSecret;

pub use url::{InvalidRedisUrl, RedisUrl, RedisUrls};

section! {
    /// Where the queues are kept.
    pub struct RedisSettings in "redis" {
        /// `redis://[user:password@]host[:port][/db]`, `rediss://` for TLS, or
        /// `unix:///path?db=N&user=U&pass=P` for a socket. With commas between them, several nodes of a cluster, or several
        /// Sentinels; user, password and database are then those of the servers behind the Sentinels. It may be a reference,
        /// since it may hold a password: a reference is read again when the server refuses the user or the password.
        pub url: SecretRef = "url" as URL, secret_by(url).or("redis://127.0.0.1:6379");
        /// What stands there: `single`, one server; `sentinel`, Sentinels that name the primary; or `cluster`, in which each
        /// queue is one slot.
        pub mode: RedisMode = "mode" as MODE, text_by(mode).or("single").checked(fits);
        /// What the Sentinels call the primary.
        pub sentinel_master: Option<String> = "sentinel_master" as SENTINEL_MASTER,
            text().optional().example("mymaster");
        /// The user at the Sentinels themselves, where they want one.
        pub sentinel_username: Option<String> = "sentinel_username" as SENTINEL_USERNAME,
            text().optional().example("longshore");
        /// The password at the Sentinels themselves, where they want one.
        pub sentinel_password: Option<SecretRef> = "sentinel_password" as SENTINEL_PASSWORD,
            secret("Sentinels are asked without a password").optional().example("env:SENTINEL_PASSWORD");
        /// A PEM file with the certificates of those who may vouch for the server, too, beside those that the system trusts.
        /// It and the next two are read for each new connection, so they may be renewed. For `rediss://`.
        pub ca_file: Option<PathBuf> = "ca_file" as CA_FILE,
            text_by(file).optional().example("/etc/longshore/redis-ca.pem");
        /// A PEM file with the certificate that the server knows us by, where it asks for one.
        pub client_cert_file: Option<PathBuf> = "client_cert_file" as CLIENT_CERT_FILE,
            text_by(file).checked(has_key).optional().example("/etc/longshore/redis-client.pem");
        /// The key of that certificate, as PEM.
        pub client_key_file: Option<PathBuf> = "client_key_file" as CLIENT_KEY_FILE,
            text_by(file).checked(has_certificate).optional().example("/etc/longshore/redis-client.key");
        /// The first part of every key, so that several fleets can share a server: `{longshore:email}`. 1 to 64 characters
        /// of a-z, 0-9, _ and -.
        pub namespace: String = "namespace" as NAMESPACE, text().or("longshore").checked(namespace);
        /// How many replicas of Redis must have a job before it counts as accepted; 0: none. With all of them, a failover
        /// loses no accepted job; with fewer, it may, if another one is promoted. Emails and texts, which their provider
        /// would send twice, also wait for it before they are sent. Each wait ends after 1 s. Without enough replicas,
        /// enqueues fail and such jobs wait. 0 to 10.
        pub wait_replicas: u32 = "wait_replicas" as WAIT_REPLICAS, whole(0..=10).or("0");
        /// Some managed services do not say whether they drop keys when their memory is full. Set this once you know that
        /// yours does not; until then `work` and `doctor` warn of it.
        pub allow_eviction_unknown: bool = "allow_eviction_unknown" as ALLOW_EVICTION_UNKNOWN, flag().or("false");
    }
}

/// What stands at `redis.url`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisMode {
    /// One server.
    Single,
    /// Sentinels, which name the primary.
    Sentinel,
    /// Nodes of a cluster.
    Cluster,
}

/// As in the configuration.
impl fmt::Display for RedisMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "single",
            Self::Sentinel => "sentinel",
            Self::Cluster => "cluster",
        })
    }
}

fn mode(reader: &mut Reader<'_>, path: &KeyPath) -> Option<RedisMode> {
    match reader.text(path)?.as_str() {
        "single" => Some(RedisMode::Single),
        "sentinel" => Some(RedisMode::Sentinel),
        "cluster" => Some(RedisMode::Cluster),
        other => {
            let problem = format!("is `{other}`");
            reader.error(path, problem, "use single, sentinel or cluster");
            None
        }
    }
}

/// What is set for another mode, or lacks for this one.
fn fits(reader: &mut Reader<'_>, _: &KeyPath, mode: &RedisMode) {
    let master = RedisSettings::SENTINEL_MASTER;
    if *mode == RedisMode::Sentinel {
        if !reader.is_set(master) {
            let cure = "set the name that the Sentinels have for the primary, often `mymaster`";
            reader.missing(master, "is needed to ask Sentinels for the primary", cure);
        }
    } else {
        for key in [
            master,
            RedisSettings::SENTINEL_USERNAME,
            RedisSettings::SENTINEL_PASSWORD,
        ] {
            if reader.is_set(key) {
                let problem = format!("is of no use while {} is {mode}", RedisSettings::MODE);
                let cure = format!(
                    "set {} = \"sentinel\", or leave it out",
                    RedisSettings::MODE
                );
                reader.error(key, problem, cure);
            }
        }
    }
    let Some(url) = reader.peek(RedisSettings::URL) else {
        return;
    };
    // Where it is a reference, that is found when it is followed.
    if SecretRef::new(url.clone()).is_reference() {
        return;
    }
    let Ok(urls) = url.parse::<RedisUrls>() else {
        return;
    };
    if let Err((problem, cure)) = urls.fit(*mode) {
        reader.error(RedisSettings::URL, problem, cure);
    }
    let files = [RedisSettings::CA_FILE, RedisSettings::CLIENT_CERT_FILE];
    for key in files.into_iter().filter(|_| !urls.are_tls()) {
        if reader.is_set(key) {
            let problem = format!(
                "is of no use: {} does not begin with rediss://",
                RedisSettings::URL
            );
            reader.warn(
                key,
                problem,
                "write rediss:// if the server has TLS, or leave it out",
            );
        }
    }
}

/// A file that is there and may be read.
pub(super) fn file(reader: &mut Reader<'_>, path: &KeyPath) -> Option<PathBuf> {
    let file = PathBuf::from(reader.text(path)?);
    match std::fs::File::open(&file) {
        Ok(_) => Some(file),
        Err(error) => {
            let problem = format!("names {}, which cannot be read: {error}", file.display());
            reader.error(
                path,
                problem,
                "write the path of a PEM file that this user may read",
            );
            None
        }
    }
}

fn has_key(reader: &mut Reader<'_>, _: &KeyPath, _: &PathBuf) {
    belongs(
        reader,
        RedisSettings::CLIENT_KEY_FILE,
        RedisSettings::CLIENT_CERT_FILE,
    );
}

fn has_certificate(reader: &mut Reader<'_>, _: &KeyPath, _: &PathBuf) {
    belongs(
        reader,
        RedisSettings::CLIENT_CERT_FILE,
        RedisSettings::CLIENT_KEY_FILE,
    );
}

/// A certificate is of no use without its key, nor a key without its certificate.
fn belongs(reader: &mut Reader<'_>, key: &str, to: &str) {
    if !reader.is_set(key) {
        reader.missing(
            key,
            format!("is needed, since {to} is set"),
            "set both, or neither",
        );
    }
}

fn url(reader: &mut Reader<'_>, path: &KeyPath) -> Option<SecretRef> {
    let url = SecretRef::new(reader.text(path)?);
    let problem = match url.is_reference() {
        true => url.check().err().map(|(problem, _)| problem.to_owned()),
        false => (url.expose_secret().parse::<RedisUrls>().err()).map(|error| error.to_string()),
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
