//! Several servers of Redis, set up as `deploy/redis` has them.

use std::path::Path;

use longshore_sandbox::{RedisCluster, RedisSentinels, RedisServer, RedisServerOptions};

/// Where the shipped files are.
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/redis");

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
    let file = Path::new(SHIPPED).join("sentinel.conf");
    let settings = std::fs::read_to_string(file).expect("the shipped file");
    // Each has a port of its own here.
    let settings = settings.replace("\nport 26379\n", "\n");
    let servers = RedisSentinels::start(&server("replicated.conf"), 2, &settings);
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
