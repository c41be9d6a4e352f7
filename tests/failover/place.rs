//! Several servers, set up as `deploy/redis` has them, and what can be done to them.

use std::time::Duration;

use longshore_client::{Address, Sentinel};
use longshore_queue::{Link, LinkOptions};
use longshore_sandbox::{RedisCluster, RedisSentinels, RedisServer};
use longshore_tests::{shipped_cluster, shipped_sentinels, within};

/// How long anybody may take to replace a primary.
const REPLACED_WITHIN: Duration = Duration::from_secs(30);

/// The servers.
#[derive(Debug)]
pub(crate) enum Place {
    /// A primary, two replicas, three Sentinels.
    Sentinels(RedisSentinels),
    /// Three primaries and a replica of each. The number is the primary that has the queue.
    Cluster(RedisCluster, usize),
}

impl Place {
    pub(crate) fn with_sentinels() -> Self {
        Self::Sentinels(shipped_sentinels())
    }

    pub(crate) fn cluster(slot: impl Fn(&RedisCluster) -> u16) -> Self {
        let nodes = shipped_cluster();
        let primary = usize::from(slot(&nodes) / 16384_u16.div_ceil(3));
        Self::Cluster(nodes, primary)
    }

    /// How clients reach it.
    pub(crate) fn address(&self) -> Address {
        match self {
            Self::Sentinels(servers) => Address::new(servers.urls()).behind_sentinels(Sentinel {
                master: servers.name().to_owned(),
                username: None,
                password: None,
            }),
            Self::Cluster(nodes, _) => Address::new(nodes.urls()).of_cluster(),
        }
    }

    /// How workers reach it, as configuration has it.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Sentinels(servers) => vec![
                ("REDIS__URL", servers.urls()),
                ("REDIS__MODE", "sentinel".to_owned()),
                ("REDIS__SENTINEL_MASTER", servers.name().to_owned()),
            ],
            Self::Cluster(nodes, _) => vec![
                ("REDIS__URL", nodes.urls()),
                ("REDIS__MODE", "cluster".to_owned()),
            ],
        }
    }

    /// One of the servers.
    pub(crate) fn server(&mut self, place: usize) -> &mut RedisServer {
        match self {
            Self::Sentinels(servers) => &mut servers.servers[place],
            Self::Cluster(nodes, _) => &mut nodes.nodes[place],
        }
    }

    /// Those that copy it.
    fn replicas(&self) -> Vec<&RedisServer> {
        match self {
            Self::Sentinels(servers) => {
                let primary = servers.primary().expect("there is one");
                let servers = servers.servers.iter().enumerate();
                let others = servers.filter(|(place, _)| *place != primary);
                others.map(|(_, server)| server).collect()
            }
            Self::Cluster(nodes, primary) => vec![&nodes.nodes[primary + 3]],
        }
    }

    /// Has the primary hold writes, so that nothing is taken on that its successor lacks.
    pub(crate) async fn hold_writes(&mut self, span: Duration) {
        let Self::Sentinels(servers) = self else {
            // Nodes of a cluster do it among themselves.
            return;
        };
        let primary = &servers.servers[servers.primary().expect("there is one")];
        let link = Link::new(&primary.url(), LinkOptions::default()).expect("a URL");
        let mut pause = redis::cmd("CLIENT");
        pause.arg("PAUSE").arg(span.as_millis() as u64).arg("WRITE");
        let _: String = link.command(&pause).await.expect("it holds them");
    }

    /// A replica takes the place of a primary that is well.
    pub(crate) fn fail_over(&self) {
        let done = match self {
            Self::Sentinels(servers) => servers.fail_over(),
            Self::Cluster(nodes, primary) => nodes.fail_over(primary + 3),
        };
        done.expect("it begins");
    }

    /// Nobody copies anything, until they are woken.
    pub(crate) fn freeze_replicas(&self) {
        for replica in self.replicas() {
            replica.pause().expect("it runs");
        }
    }

    pub(crate) fn wake(&self) {
        let servers = match self {
            Self::Sentinels(servers) => &servers.servers,
            Self::Cluster(nodes, _) => &nodes.nodes,
        };
        for server in servers {
            // One that was killed does not run.
            let _ = server.resume();
        }
    }

    /// Waits until another server is the primary.
    pub(crate) async fn replaced(&self, before: usize) {
        let Self::Sentinels(servers) = self else {
            return;
        };
        within(REPLACED_WITHIN, "another primary", || async {
            servers.primary().is_ok_and(|now| now != before)
        })
        .await;
    }
}
