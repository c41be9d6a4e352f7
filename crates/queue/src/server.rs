//! What has to be known of the server before jobs are trusted to it.

use crate::{Link, QueueError};

/// How a Redis is set up. `None` where it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFacts {
    /// Its version.
    pub version: Option<String>,
    /// `maxmemory-policy`: anything but `noeviction` drops jobs when memory is full.
    pub eviction_policy: Option<String>,
    /// Whether it writes an append-only file.
    pub append_only: Option<bool>,
}

impl Link {
    /// Asks the server how it is set up. From `INFO`, which managed services allow, too.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn server_facts(&self) -> Result<ServerFacts, QueueError> {
        let info: String = self.command(&redis::cmd("INFO")).await?;
        let field = |name: &str| {
            let value = info
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.map(|value| value.trim().to_owned())
        };
        Ok(ServerFacts {
            version: field("redis_version"),
            eviction_policy: field("maxmemory_policy"),
            append_only: field("aof_enabled").map(|enabled| enabled == "1"),
        })
    }
}
