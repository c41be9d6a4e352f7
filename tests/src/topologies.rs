//! Several servers of Redis, set up as `deploy/redis` has them.

use std::path::Path;

use longshore_sandbox::{RedisCluster, RedisSentinels, RedisServer, RedisServerOptions};

use crate::users::users;
use crate::{Authority, NAMESPACE};

/// Where the shipped files are.
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/redis");

/// Who asks Sentinels which server is the primary.
pub const SENTINEL_USER: &str = "asks";
/// Their password.
pub const SENTINEL_PASSWORD: &str = "asked";
/// The password of servers among themselves.
const SERVERS_PASSWORD: &str = "among-us";

fn server(file: &str) -> RedisServerOptions {
    let dir = Path::new(SHIPPED);
    RedisServer::options()
        .include(dir.join("redis.conf"))
        .include(dir.join(file))
}

/// A primary, two replicas and three Sentinels.
///
/// # Panics
/// When they do not come up.
#[must_use]
pub fn shipped_sentinels() -> RedisSentinels {
    sentinels_with(&server("replicated.conf"), "")
}

/// The same with all that keeps strangers out: TLS with an authority of its own, the shipped users, and users of the servers'
/// own for replicas and Sentinels.
///
/// # Panics
/// When they do not come up.
#[must_use]
pub fn secured_sentinels(authority: &Authority) -> RedisSentinels {
    let asks = format!(
        "user {SENTINEL_USER} on >{SENTINEL_PASSWORD} -@all +ping +client|setname +sentinel|get-master-addr-by-name\n\
         sentinel auth-user longshore sentinel\n\
         sentinel auth-pass longshore {SERVERS_PASSWORD}\n"
    );
    sentinels_with(&secured(server("replicated.conf"), authority), &asks)
}

fn secured(options: RedisServerOptions, authority: &Authority) -> RedisServerOptions {
    let users = format!(
        "{}user replica on >{SERVERS_PASSWORD} -@all +psync +replconf +ping\n\
         user sentinel on >{SERVERS_PASSWORD} resetchannels &* -@all +multi +slaveof +ping +exec +subscribe \
         +config|rewrite +role +publish +info +client|setname +client|kill +script|kill\n",
        users(NAMESPACE)
    );
    options
        .users(users)
        .set("masteruser", "replica")
        .set("masterauth", SERVERS_PASSWORD)
        .tls(authority.dir())
}

fn sentinels_with(options: &RedisServerOptions, more: &str) -> RedisSentinels {
    let file = Path::new(SHIPPED).join("sentinel.conf");
    let settings = std::fs::read_to_string(file).expect("the shipped file");
    // Each has a port of its own here.
    let settings = settings.replace("\nport 26379\n", "\n") + "\n" + more;
    let servers = RedisSentinels::start(options, 2, &settings);
    servers.expect("Sentinels")
}

/// Three primaries and a replica of each.
///
/// # Panics
/// When they do not come up.
#[must_use]
pub fn shipped_cluster() -> RedisCluster {
    RedisCluster::start_with(&server("cluster.conf"), 3, 1).expect("a cluster")
}

/// The same with all that keeps strangers out, as [`secured_sentinels`].
///
/// # Panics
/// When they do not come up.
#[must_use]
pub fn secured_cluster(authority: &Authority) -> RedisCluster {
    let options = secured(server("cluster.conf"), authority);
    RedisCluster::start_with(&options, 3, 1).expect("a cluster")
}
