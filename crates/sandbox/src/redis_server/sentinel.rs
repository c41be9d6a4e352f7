//! A Sentinel, which watches a server and its replicas, and puts one of them in its place when it is gone.

use super::{RedisServer, RedisServerError};

impl RedisServer {
    /// Starts a Sentinel that watches this server as `name`. It alone decides, after half a second of silence.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn sentinel(&self, name: &str) -> Result<RedisServer, RedisServerError> {
        Self::sentinel_with(format!(
            "sentinel monitor {name} 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds {name} 500\n\
             sentinel failover-timeout {name} 2000\n",
            self.port
        ))
    }

    /// Starts a Sentinel with these settings.
    pub(super) fn sentinel_with(settings: String) -> Result<RedisServer, RedisServerError> {
        let mut options = RedisServer::options();
        options.file = Some(settings);
        options.flag("sentinel").start()
    }
}
