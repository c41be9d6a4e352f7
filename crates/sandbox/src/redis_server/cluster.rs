//! A cluster of one's own.

use std::io;
use std::time::Duration;

use super::probe::{free_port, wait_until};
use super::{RedisServer, RedisServerError, RedisServerOptions, io_error};

/// How many slots a cluster has.
const SLOTS: u16 = 16384;
/// How long the nodes may take to find each other.
const FORMED_WITHIN: Duration = Duration::from_secs(20);
/// How long they may take until all know where a slot was moved to.
const KNOWN_WITHIN: Duration = Duration::from_secs(20);

/// Primaries that share the slots among them, with or without replicas. It is gone when this is.
#[derive(Debug)]
pub struct RedisCluster {
    /// The nodes: first the primaries, then a replica of each in the same order, and so on.
    pub nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts one of so many primaries, and waits until each knows all others.
    ///
    /// # Errors
    /// When a server does not come up, or they do not find each other.
    pub fn start(primaries: u16) -> Result<Self, RedisServerError> {
        let options = RedisServer::options()
            .set("cluster-enabled", "yes")
            .set("cluster-node-timeout", "2000")
            // One that is away takes only its own slots with it.
            .set("cluster-require-full-coverage", "no");
        Self::start_with(&options, primaries, 0)
    }

    /// Starts one of so many primaries with these options, each with so many replicas, and waits until all know each other and
    /// each replica has its copy.
    ///
    /// # Errors
    /// When a server does not come up, or they do not find each other.
    pub fn start_with(
        options: &RedisServerOptions,
        primaries: u16,
        replicas: u16,
    ) -> Result<Self, RedisServerError> {
        let mut nodes = Vec::new();
        for _ in 0..primaries * (1 + replicas) {
            let bus = free_port().map_err(|source| io_error("finding a port", source))?;
            let options = options.clone().set("cluster-port", &bus.to_string());
            nodes.push((options.start()?, bus));
        }
        let share = SLOTS.div_ceil(primaries.max(1));
        for (place, (node, _)) in (0..).zip(&nodes) {
            if place < primaries {
                let first = place * share;
                let last = (first + share - 1).min(SLOTS - 1);
                node.send_command(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"))?;
            }
            node.send_command(&format!("CLUSTER SET-CONFIG-EPOCH {}", place + 1))?;
        }
        if let Some(((first, _), others)) = nodes.split_first() {
            for (node, bus) in others {
                let port = node.port_among_servers();
                first.send_command(&format!("CLUSTER MEET 127.0.0.1 {port} {bus}"))?;
            }
        }
        let nodes: Vec<_> = nodes.into_iter().map(|(node, _)| node).collect();
        let cluster = Self { nodes };
        cluster.wait_until_formed()?;
        cluster.replicate(usize::from(primaries))?;
        Ok(cluster)
    }

    fn wait_until_formed(&self) -> Result<(), RedisServerError> {
        let all = format!("cluster_known_nodes:{}\r\n", self.nodes.len());
        wait_until("waiting for a cluster's nodes", FORMED_WITHIN, || {
            for node in &self.nodes {
                let info = node.send_command("CLUSTER INFO")?;
                if !info.contains("cluster_state:ok") || !info.contains(&all) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// All nodes after the primaries copy them, by turns.
    fn replicate(&self, primaries: usize) -> Result<(), RedisServerError> {
        for (place, replica) in self.nodes.iter().enumerate().skip(primaries) {
            let of = self.nodes[place % primaries].id()?;
            replica.send_command(&format!("CLUSTER REPLICATE {of}"))?;
        }
        wait_until("waiting for a cluster's replicas", FORMED_WITHIN, || {
            for replica in self.nodes.iter().skip(primaries) {
                let info = replica.send_command("INFO replication")?;
                if !info.contains("master_link_status:up") {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Has this node, a replica, take the place of its primary, though nothing has happened to it: a planned failover.
    ///
    /// # Errors
    /// When it refuses.
    pub fn fail_over(&self, replica: usize) -> Result<(), RedisServerError> {
        self.nodes[replica]
            .send_command("CLUSTER FAILOVER")
            .map(drop)
    }

    /// The URLs of its nodes, by TLS where they have it, with commas between them.
    #[must_use]
    pub fn urls(&self) -> String {
        let urls: Vec<_> = self.nodes.iter().map(RedisServer::tls_url).collect();
        urls.join(",")
    }

    /// The slot of a key.
    ///
    /// # Errors
    /// When no node says.
    pub fn slot(&self, key: &str) -> Result<u16, RedisServerError> {
        let said = self.nodes[0].send_command(&format!("CLUSTER KEYSLOT {key}"))?;
        let slot = said.trim().trim_start_matches(':').parse();
        slot.map_err(|_| io_error("asking for a slot", io::ErrorKind::InvalidData.into()))
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
        let (source_id, target_id) = (source.id()?, target.id()?);
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
            // The other primaries; replicas cannot be told, and hear of it.
            let _ = node.send_command(&format!("CLUSTER SETSLOT {slot} NODE {target_id}"));
        }
        self.wait_until_all_know(slot, &target_id)
    }

    /// Waits until every node that answers says whose slot it is. A replica that has not heard of it, and takes its primary's place,
    /// claims the slot; then it can come to belong to nobody, since Redis tells replicas nothing of a slot's move (Valkey 8 does).
    fn wait_until_all_know(&self, slot: u16, owner: &str) -> Result<(), RedisServerError> {
        wait_until("waiting for all to know of a slot", KNOWN_WITHIN, || {
            let knows = |node: &RedisServer| match node.send_command("CLUSTER NODES") {
                Ok(nodes) => owns(&nodes, owner, slot),
                Err(_) => true,
            };
            Ok(self.nodes.iter().all(knows))
        })
    }
}

/// Whether a node's list of all says that this one has the slot.
fn owns(nodes: &str, id: &str, slot: u16) -> bool {
    let has = |slots: &str| {
        let (first, last) = slots.split_once('-').unwrap_or((slots, slots));
        let (first, last) = (first.parse::<u16>(), last.parse());
        first.is_ok_and(|first| first <= slot) && last.is_ok_and(|last| slot <= last)
    };
    // The id, the address, flags, whose replica, when it was heard, its epoch, its link, and its slots.
    let of = nodes.lines().find(|line| line.starts_with(id));
    of.is_some_and(|line| line.split(' ').skip(8).any(has))
}

impl RedisServer {
    /// What the other nodes of its cluster know it by.
    fn id(&self) -> Result<String, RedisServerError> {
        let answer = self.send_command("CLUSTER MYID")?;
        Ok(answer.lines().nth(1).unwrap_or_default().to_owned())
    }
}
