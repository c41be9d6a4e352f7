//! A cluster of one's own.

use std::io;
use std::time::{Duration, Instant};

use super::probe::free_port;
use super::{RedisServer, RedisServerError, io_error};

/// How many slots a cluster has.
const SLOTS: u16 = 16384;
/// How long the nodes may take to find each other.
const FORMED_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Some primaries, without replicas, that share the slots among them. It is gone when this is.
#[derive(Debug)]
pub struct RedisCluster {
    /// The nodes.
    pub nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts one of so many primaries, and waits until each knows all others.
    ///
    /// # Errors
    /// When a server does not come up, or they do not find each other.
    pub fn start(primaries: u16) -> Result<Self, RedisServerError> {
        let mut nodes = Vec::new();
        for _ in 0..primaries {
            let bus = free_port().map_err(|source| io_error("finding a port", source))?;
            let node = RedisServer::options()
                .set("cluster-enabled", "yes")
                .set("cluster-port", &bus.to_string())
                .set("cluster-node-timeout", "2000")
                // One that is away takes only its own slots with it.
                .set("cluster-require-full-coverage", "no")
                .start()?;
            nodes.push((node, bus));
        }
        let share = SLOTS.div_ceil(primaries.max(1));
        for (place, (node, _)) in (0..).zip(&nodes) {
            let first = place * share;
            let last = (first + share - 1).min(SLOTS - 1);
            node.send_command(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"))?;
            node.send_command(&format!("CLUSTER SET-CONFIG-EPOCH {}", place + 1))?;
        }
        if let Some(((first, _), others)) = nodes.split_first() {
            for (node, bus) in others {
                first.send_command(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", node.port()))?;
            }
        }
        let nodes: Vec<_> = nodes.into_iter().map(|(node, _)| node).collect();
        let cluster = Self { nodes };
        cluster.wait_until_formed()?;
        Ok(cluster)
    }

    fn wait_until_formed(&self) -> Result<(), RedisServerError> {
        let begun = Instant::now();
        let all = format!("cluster_known_nodes:{}\r\n", self.nodes.len());
        for node in &self.nodes {
            loop {
                let info = node.send_command("CLUSTER INFO")?;
                if info.contains("cluster_state:ok") && info.contains(&all) {
                    break;
                }
                if begun.elapsed() > FORMED_WITHIN {
                    let late = io::Error::from(io::ErrorKind::TimedOut);
                    return Err(io_error("waiting for a cluster's nodes", late));
                }
                #[expect(
                    clippy::disallowed_methods,
                    reason = "for programs without a runtime too, and for milliseconds"
                )]
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    /// The URLs of its nodes, with commas between them.
    #[must_use]
    pub fn urls(&self) -> String {
        let urls: Vec<_> = self.nodes.iter().map(RedisServer::url).collect();
        urls.join(",")
    }

    /// Moves a slot with its keys from one node to another, key by key, as `redis-cli --cluster reshard` does: `between` is
    /// called once half of the keys are there.
    ///
    /// # Errors
    /// When a node refuses.
    pub fn migrate(
        &self,
        slot: u16,
        from: usize,
        to: usize,
        between: impl FnOnce(),
    ) -> Result<(), RedisServerError> {
        let (source, target) = (&self.nodes[from], &self.nodes[to]);
        let id = |node: &RedisServer| -> Result<String, RedisServerError> {
            let answer = node.send_command("CLUSTER MYID")?;
            Ok(answer.lines().nth(1).unwrap_or_default().to_owned())
        };
        let (source_id, target_id) = (id(source)?, id(target)?);
        target.send_command(&format!("CLUSTER SETSLOT {slot} IMPORTING {source_id}"))?;
        source.send_command(&format!("CLUSTER SETSLOT {slot} MIGRATING {target_id}"))?;
        let keys = |most: usize| -> Result<Vec<String>, RedisServerError> {
            let answer = source.send_command(&format!("CLUSTER GETKEYSINSLOT {slot} {most}"))?;
            // `*2`, and for each `$5` and the key.
            let lines = answer
                .lines()
                .skip(1)
                .filter(|line| !line.starts_with(['$', '+']));
            Ok(lines.map(str::to_owned).collect())
        };
        let move_key = |key: &str| {
            let port = target.port();
            source.send_command(&format!("MIGRATE 127.0.0.1 {port} {key} 0 5000"))
        };
        let all = keys(1000)?;
        for key in &all[..all.len() / 2] {
            move_key(key)?;
        }
        between();
        // Others may have come meanwhile.
        loop {
            let left = keys(1000)?;
            if left.is_empty() {
                break;
            }
            for key in &left {
                move_key(key)?;
            }
        }
        target.send_command(&format!("CLUSTER SETSLOT {slot} NODE {target_id}"))?;
        source.send_command(&format!("CLUSTER SETSLOT {slot} NODE {target_id}"))?;
        for node in &self.nodes {
            // The others hear of it in time; what they say until then is followed.
            let _ = node.send_command(&format!("CLUSTER SETSLOT {slot} NODE {target_id}"));
        }
        Ok(())
    }
}
