//! A Sentinel, which watches a server and its replicas, and puts one of them in its place when it is gone.

use std::path::PathBuf;

use super::{RedisServer, RedisServerError};

impl RedisServer {
    /// Starts a Sentinel that watches this server as `name`. It alone decides, after half a second of silence.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn sentinel(&self, name: &str) -> Result<RedisServer, RedisServerError> {
        let settings = format!(
            "sentinel monitor {name} 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds {name} 500\n\
             sentinel failover-timeout {name} 2000\n",
            self.port
        );
        Self::sentinel_with(settings, None)
    }

    /// Starts a Sentinel with these settings, and with the files for TLS of this directory.
    pub(super) fn sentinel_with(
        settings: String,
        tls: Option<PathBuf>,
    ) -> Result<RedisServer, RedisServerError> {
        let mut options = RedisServer::options();
        options.file = Some(settings);
        options.tls = tls;
        options.flag("sentinel").start()
    }
}
