//! What has to be known of the server before jobs are trusted to it.

use crate::{Link, Queue, QueueError};

/// How a Redis is set up. `None` where it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFacts {
    /// Its version; Valkey says which Redis it stands for.
    pub version: Option<String>,
    /// `maxmemory-policy`: anything but `noeviction` drops jobs when memory is full.
    pub eviction_policy: Option<String>,
    /// Whether it writes an append-only file.
    pub append_only: Option<bool>,
    /// Whether its last write to that file, or its last snapshot, went well.
    pub persists: Option<bool>,
    /// `master` or `slave`.
    pub role: Option<String>,
    /// Memory in use, in bytes.
    pub used_memory: Option<u64>,
    /// The most it may use, in bytes; 0 = as much as there is.
    pub max_memory: Option<u64>,
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
        let number = |name| field(name).and_then(|value| value.parse().ok());
        let append_only = field("aof_enabled").map(|enabled| enabled == "1");
        let writes = match append_only {
            Some(true) => field("aof_last_write_status"),
            _ => field("rdb_last_bgsave_status"),
        };
        Ok(ServerFacts {
            version: field("redis_version"),
            eviction_policy: field("maxmemory_policy"),
            append_only,
            persists: writes.map(|status| status == "ok"),
            role: field("role"),
            used_memory: number("used_memory"),
            max_memory: number("maxmemory"),
        })
    }

    /// Redis's time in milliseconds since the epoch.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn now_ms(&self) -> Result<u64, QueueError> {
        let (secs, micros): (u64, u64) = self.command(&redis::cmd("TIME")).await?;
        Ok(secs * 1000 + micros / 1000)
    }
}

impl Queue {
    /// Redis's time in milliseconds since the epoch.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn now_ms(&self) -> Result<u64, QueueError> {
        self.link.now_ms().await
    }
}
