//! What has to be known of the server before jobs are trusted to it.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{Link, Node, Queue, QueueError};

/// How long one of several servers may take to say how it is set up.
const SAID_WITHIN: Duration = Duration::from_secs(1);

/// How a Redis is set up. `None` where it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFacts {
    /// What it calls itself: `Redis`, or `Valkey`.
    pub product: Option<&'static str>,
    /// Its own version.
    pub version: Option<String>,
    /// The version of Redis that it behaves as. Valkey stands for one, too.
    pub behaves_as: Option<String>,
    /// It is a node of a Redis Cluster.
    pub cluster: Option<bool>,
    /// `maxmemory-policy`: anything but `noeviction` drops jobs when memory is full.
    pub eviction_policy: Option<String>,
    /// How many keys it has evicted since it was started.
    pub evicted: Option<u64>,
    /// Whether it writes an append-only file.
    pub append_only: Option<bool>,
    /// Whether its last write to that file, or its last snapshot, went well.
    pub persists: Option<bool>,
    /// `master` or `slave`.
    pub role: Option<String>,
    /// How many replicas it has that keep up.
    pub replicas: Option<u64>,
    /// Memory in use, in bytes.
    pub used_memory: Option<u64>,
    /// The most it may use, in bytes; 0 = as much as there is.
    pub max_memory: Option<u64>,
}

impl ServerFacts {
    /// Reads what `INFO` says. A field without a value says nothing.
    pub(crate) fn read(info: &str) -> Self {
        let field = |name: &str| {
            let value = info
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let value = value.map(str::trim).filter(|value| !value.is_empty());
            value.map(str::to_owned)
        };
        let number = |name| field(name).and_then(|value| value.parse().ok());
        let yes = |name| field(name).map(|value| value == "1");
        let append_only = yes("aof_enabled");
        let writes = match append_only {
            Some(true) => field("aof_last_write_status"),
            _ => field("rdb_last_bgsave_status"),
        };
        let behaves_as = field("redis_version");
        let valkey = field("valkey_version");
        // `slave0:ip=10.0.0.2,port=6379,state=online,offset=42,lag=0`
        let online = |line: &&str| line.starts_with("slave") && line.contains("state=online");
        Self {
            product: match (&valkey, &behaves_as) {
                (Some(_), _) => Some("Valkey"),
                (None, Some(_)) => Some("Redis"),
                (None, None) => None,
            },
            version: valkey.or_else(|| behaves_as.clone()),
            behaves_as,
            cluster: yes("cluster_enabled"),
            eviction_policy: field("maxmemory_policy"),
            evicted: number("evicted_keys"),
            append_only,
            persists: writes.map(|status| status == "ok"),
            replicas: field("connected_slaves").map(|_| info.lines().filter(online).count() as u64),
            role: field("role"),
            used_memory: number("used_memory"),
            max_memory: number("maxmemory"),
        }
    }

    /// What is to be known of several servers that share the queues: of each fact the worst.
    pub(crate) fn worst(all: Vec<Self>) -> Self {
        let mut all = all.into_iter();
        let first = all.next().unwrap_or_default();
        all.fold(first, |worst, other| {
            let both = |one: Option<bool>, two: Option<bool>| Some(one? && two?);
            let older = other.major() < worst.major();
            let fuller = other.fullness() > worst.fullness();
            let (named, full) = match (older, fuller) {
                (true, true) => (&other, &other),
                (true, false) => (&other, &worst),
                (false, true) => (&worst, &other),
                (false, false) => (&worst, &worst),
            };
            Self {
                product: named.product,
                version: named.version.clone(),
                behaves_as: named.behaves_as.clone(),
                used_memory: full.used_memory,
                max_memory: full.max_memory,
                cluster: worst.cluster,
                eviction_policy: match worst.may_evict() {
                    Some(false) => other.eviction_policy,
                    _ => worst.eviction_policy,
                },
                evicted: worst.evicted.zip(other.evicted).map(|(one, two)| one + two),
                append_only: both(worst.append_only, other.append_only),
                persists: both(worst.persists, other.persists),
                role: worst.role,
                replicas: worst
                    .replicas
                    .zip(other.replicas)
                    .map(|(one, two)| one.min(two)),
            }
        })
    }

    fn major(&self) -> Option<u32> {
        self.behaves_as.as_deref()?.split('.').next()?.parse().ok()
    }

    /// How full its memory is; without a limit, how much it uses.
    fn fullness(&self) -> (f64, u64) {
        let used = self.used_memory.unwrap_or(0);
        match self.max_memory {
            Some(most) if most > 0 => (used as f64 / most as f64, used),
            _ => (0.0, used),
        }
    }

    /// Whether it may drop jobs when its memory is full; `None` where it does not say.
    #[must_use]
    pub fn may_evict(&self) -> Option<bool> {
        self.eviction_policy
            .as_deref()
            .map(|policy| policy != "noeviction")
    }

    /// Whether it is too old for our scripts, which say by a flag when they may run: that came with Redis 7. `None`
    /// where it does not say.
    #[must_use]
    pub fn too_old(&self) -> Option<bool> {
        Some(self.major()? < 7)
    }
}

impl Link {
    /// Asks the server how it is set up, by `INFO`. Of a cluster each primary is asked, and of each fact the worst is returned;
    /// one that is away says nothing.
    ///
    /// # Errors
    /// When Redis cannot be reached, or refuses to say.
    pub async fn server_facts(&self) -> Result<ServerFacts, QueueError> {
        let said = self.each_server().await?.into_iter();
        let (mut all, mut failed) = (Vec::new(), None);
        for (_, facts) in said {
            match facts {
                Ok(facts) => all.push(facts),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            // What a primary refuses to say is not known of all.
            Some(error) if all.is_empty() || !error.is_outage() => Err(error),
            _ => Ok(ServerFacts::worst(all)),
        }
    }

    /// How each server that has keys is set up: the only one, or each primary of a cluster. All are asked at the same time.
    ///
    /// # Errors
    /// When no node of the cluster can be reached.
    pub async fn each_server(
        &self,
    ) -> Result<Vec<(Node, Result<ServerFacts, QueueError>)>, QueueError> {
        let nodes = self.nodes().await?;
        let several = nodes.len() > 1;
        let each = nodes.into_iter().map(async |node| {
            let ask = redis::cmd("INFO");
            let asking = self.command_at::<String>(&node, &ask);
            let said = match several {
                false => asking.await,
                // The others are not kept waiting by one that hangs.
                true => timeout(SAID_WITHIN, asking).await.unwrap_or_else(|_| {
                    Err(QueueError::Unreachable {
                        server: node.as_str().to_owned(),
                        reason: format!("it has not answered within {} s", SAID_WITHIN.as_secs()),
                    })
                }),
            };
            let facts = said.map(|info| ServerFacts::read(&info));
            (node, facts)
        });
        Ok(join_all(each).await)
    }

    /// Asks the server for settings that `INFO` does not say. Managed services often refuse that. Where the primaries of a
    /// cluster differ, all values are there with commas between them; one that is away says nothing.
    ///
    /// # Errors
    /// When Redis cannot be reached, or refuses to say.
    pub async fn server_settings(
        &self,
        names: &[&str],
    ) -> Result<HashMap<String, String>, QueueError> {
        let nodes = self.nodes().await?;
        let each = nodes.iter().map(|node| self.settings_of(node, names));
        let mut all: HashMap<String, String> = HashMap::new();
        let mut failed = None;
        for settings in join_all(each).await {
            let settings = match settings {
                Ok(settings) => settings,
                Err(error) if error.is_outage() => {
                    failed = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            for (name, value) in settings {
                let known = all.entry(name).or_insert_with(|| value.clone());
                if !known.split(", ").any(|one| one == value) {
                    *known = format!("{known}, {value}");
                }
            }
        }
        match failed {
            Some(error) if all.is_empty() => Err(error),
            _ => Ok(all),
        }
    }

    /// The same of one server.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses to say.
    pub async fn settings_of(
        &self,
        node: &Node,
        names: &[&str],
    ) -> Result<HashMap<String, String>, QueueError> {
        let mut command = redis::cmd("CONFIG");
        command.arg("GET").arg(names);
        self.command_at(node, &command).await
    }

    /// Redis's time in milliseconds since the epoch.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn now_ms(&self) -> Result<u64, QueueError> {
        let (secs, micros): (u64, u64) = self.command_anywhere(&redis::cmd("TIME")).await?;
        Ok(secs * 1000 + micros / 1000)
    }

    async fn now_ms_at(&self, node: &Node) -> Result<u64, QueueError> {
        let (secs, micros): (u64, u64) = self.command_at(node, &redis::cmd("TIME")).await?;
        Ok(secs * 1000 + micros / 1000)
    }
}

impl Queue {
    /// Redis's time in milliseconds since the epoch.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn now_ms(&self) -> Result<u64, QueueError> {
        let node = self.link.node_of(&self.keys.timeline).await?;
        self.link.now_ms_at(&node).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valkey_is_known_by_its_name_and_a_field_without_a_value_says_nothing() {
        let info = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.3\r\n\
                    # Replication\r\nrole:master\r\nconnected_slaves:2\r\n\
                    slave0:ip=10.0.0.2,port=6379,state=online,offset=42,lag=0\r\n\
                    slave1:ip=10.0.0.3,port=6379,state=wait_bgsave,offset=0,lag=0\r\n\
                    maxmemory_policy:\r\nevicted_keys:7\r\naof_enabled:1\r\naof_last_write_status:err\r\n";
        let facts = ServerFacts::read(info);
        assert_eq!(facts.product, Some("Valkey"));
        assert_eq!(facts.version.as_deref(), Some("8.1.3"));
        assert_eq!(facts.too_old(), Some(false));
        assert_eq!(facts.replicas, Some(1));
        assert_eq!(facts.eviction_policy, None);
        assert_eq!(facts.may_evict(), None);
        assert_eq!(facts.evicted, Some(7));
        assert_eq!(facts.persists, Some(false));
        let old = ServerFacts::read("redis_version:6.2.7\nmaxmemory_policy:allkeys-lru\n");
        assert_eq!((old.product, old.too_old()), (Some("Redis"), Some(true)));
        assert_eq!(old.may_evict(), Some(true));
        assert_eq!(ServerFacts::read(""), ServerFacts::default());
    }

    #[test]
    fn of_several_servers_the_worst_is_told() {
        let facts = |memory, policy, aof, replicas| {
            ServerFacts::read(&format!(
                "redis_version:7.2.4\nrole:master\nused_memory:{memory}\nmaxmemory:100\nevicted_keys:2\n\
                 maxmemory_policy:{policy}\naof_enabled:{aof}\nconnected_slaves:{replicas}\n"
            ))
        };
        let all = vec![
            facts(10, "noeviction", 1, 0),
            facts(90, "allkeys-lru", 1, 0),
            facts(20, "noeviction", 0, 0),
        ];
        let worst = ServerFacts::worst(all);
        assert_eq!(worst.used_memory, Some(90));
        assert_eq!(worst.may_evict(), Some(true));
        assert_eq!(worst.append_only, Some(false));
        assert_eq!(worst.evicted, Some(6));
        let silent = vec![facts(1, "noeviction", 1, 0), ServerFacts::default()];
        assert_eq!(ServerFacts::worst(silent).may_evict(), None);
    }
}
