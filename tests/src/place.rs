//! Several servers, set up as `deploy/redis` has them, and what can be done to them.

use std::time::Duration;

use longshore_client::{Address, Sentinel};
use longshore_queue::{Link, LinkOptions};
use longshore_sandbox::{RedisCluster, RedisSentinels, RedisServer, RedisServerError};
use redis::Value;

use crate::{
    Authority, SENTINEL_PASSWORD, SENTINEL_USER, User, secured_cluster, secured_sentinels,
    shipped_cluster, shipped_sentinels, within,
};

/// How long anybody may take to replace a primary.
const REPLACED_WITHIN: Duration = Duration::from_secs(30);
/// How long a slot may take to move, also where its nodes take the cluster for down at first.
const MOVED_WITHIN: Duration = Duration::from_secs(30);

/// The servers.
#[derive(Debug)]
pub enum Place {
    /// A primary, two replicas, three Sentinels.
    Sentinels(RedisSentinels),
    /// Three primaries and a replica of each. The number is the primary that has the queue.
    Cluster(RedisCluster, usize),
}

impl Place {
    /// A primary, two replicas, three Sentinels.
    ///
    /// # Panics
    /// When they do not come up.
    #[must_use]
    pub fn with_sentinels() -> Self {
        Self::Sentinels(shipped_sentinels())
    }

    /// Three primaries and a replica of each; the queue that is meant has this slot.
    ///
    /// # Panics
    /// When they do not come up.
    pub fn cluster(slot: impl Fn(&RedisCluster) -> u16) -> Self {
        let nodes = shipped_cluster();
        let primary = usize::from(slot(&nodes) / 16384_u16.div_ceil(3));
        Self::Cluster(nodes, primary)
    }

    /// The same as [`with_sentinels`](Self::with_sentinels), by TLS and for users.
    ///
    /// # Panics
    /// When they do not come up.
    #[must_use]
    pub fn secured_sentinels(authority: &Authority) -> Self {
        Self::Sentinels(secured_sentinels(authority))
    }

    /// The same as [`cluster`](Self::cluster), by TLS and for users.
    ///
    /// # Panics
    /// When they do not come up.
    pub fn secured_cluster(authority: &Authority, slot: impl Fn(&RedisCluster) -> u16) -> Self {
        let nodes = secured_cluster(authority);
        let primary = usize::from(slot(&nodes) / 16384_u16.div_ceil(3));
        Self::Cluster(nodes, primary)
    }

    /// How clients reach it.
    #[must_use]
    pub fn address(&self) -> Address {
        self.address_with(&self.urls(), None)
    }

    /// How this user reaches it by TLS.
    #[must_use]
    pub fn secured_address(&self, user: User, authority: &Authority) -> Address {
        let asks = Some((SENTINEL_USER.to_owned(), SENTINEL_PASSWORD.to_owned()));
        let address = self.address_with(&user.at_each(&self.urls()), asks);
        address.with_tls(authority.files())
    }

    fn address_with(&self, urls: &str, asks: Option<(String, String)>) -> Address {
        let (username, password) = asks.unzip();
        match self {
            Self::Sentinels(servers) => Address::new(urls).behind_sentinels(Sentinel {
                master: servers.name().to_owned(),
                username,
                password,
            }),
            Self::Cluster(..) => Address::new(urls).of_cluster(),
        }
    }

    /// How this user reaches it by TLS, as configuration has it.
    ///
    /// # Panics
    /// When a path is not UTF-8.
    #[must_use]
    pub fn secured_settings(
        &self,
        user: User,
        authority: &Authority,
    ) -> Vec<(&'static str, String)> {
        let mut settings = self.settings();
        settings[0].1 = user.at_each(&self.urls());
        for (name, file) in [
            ("REDIS__CA_FILE", "ca.pem"),
            ("REDIS__CLIENT_CERT_FILE", "cert.pem"),
            ("REDIS__CLIENT_KEY_FILE", "key.pem"),
        ] {
            let file = authority.dir().join(file);
            settings.push((name, file.to_str().expect("UTF-8").to_owned()));
        }
        if let Self::Sentinels(_) = self {
            settings.push(("REDIS__SENTINEL_USERNAME", SENTINEL_USER.to_owned()));
            settings.push(("REDIS__SENTINEL_PASSWORD", SENTINEL_PASSWORD.to_owned()));
        }
        settings
    }

    /// The URLs of those that are named to clients, with commas between them.
    #[must_use]
    pub fn urls(&self) -> String {
        match self {
            Self::Sentinels(servers) => servers.urls(),
            Self::Cluster(nodes, _) => nodes.urls(),
        }
    }

    /// How workers reach it, as configuration has it.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
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
    ///
    /// # Panics
    /// When there is no such one.
    pub fn server(&mut self, place: usize) -> &mut RedisServer {
        match self {
            Self::Sentinels(servers) => &mut servers.servers[place],
            Self::Cluster(nodes, _) => &mut nodes.nodes[place],
        }
    }

    /// Which of them are primaries now, in the order of the servers.
    ///
    /// # Panics
    /// When nobody says so for half a minute.
    pub async fn primaries(&self) -> Vec<usize> {
        let nodes = match self {
            Self::Sentinels(servers) => {
                let primary = servers.primary().expect("the Sentinels say");
                return vec![primary];
            }
            Self::Cluster(nodes, _) => &nodes.nodes,
        };
        let ports: Vec<_> = self
            .slots()
            .await
            .into_iter()
            .map(|(.., port)| port)
            .collect();
        let nodes = nodes.iter().enumerate();
        let primaries = nodes.filter(|(_, node)| ports.contains(&node.port()));
        primaries.map(|(place, _)| place).collect()
    }

    /// Which server has this slot of a cluster.
    ///
    /// # Panics
    /// When none has it.
    pub async fn owner(&self, slot: u16) -> usize {
        let slots = self.slots().await.into_iter();
        let mut of = slots.filter(|(first, last, _)| (*first..=*last).contains(&slot));
        let (.., port) = of.next().expect("a node has it");
        let Self::Cluster(nodes, _) = self else {
            return 0;
        };
        let mut nodes = nodes.nodes.iter();
        nodes
            .position(|node| node.port() == port)
            .expect("it is one of ours")
    }

    /// Moves a slot of a cluster with its keys from one server to another. A node that saw the others only just again still
    /// answers CLUSTERDOWN; like who moves slots by hand, this asks again then, and goes on with the keys that are left.
    ///
    /// # Panics
    /// When it has not moved within half a minute, or is refused otherwise.
    pub async fn move_slot(&self, slot: u16, from: usize, to: usize) {
        let Self::Cluster(nodes, _) = self else {
            return;
        };
        within(MOVED_WITHIN, "the slot moves", async || {
            let moving = || nodes.migrate(slot, from, to, || {});
            match tokio::task::block_in_place(moving) {
                Err(error) if error.to_string().contains("CLUSTERDOWN") => false,
                moved => moved.map(|()| true).expect("it moves"),
            }
        })
        .await;
    }

    /// `first, last, port` of each range of slots of a cluster.
    async fn slots(&self) -> Vec<(u16, u16, u16)> {
        let link = Link::open_later(self.address(), LinkOptions::default()).expect("an address");
        let mut ask = redis::cmd("CLUSTER");
        ask.arg("SLOTS");
        let mut ranges = Vec::new();
        within(REPLACED_WITHIN, "a map of the slots", || async {
            match link.command_anywhere::<Value>(&ask).await {
                Ok(Value::Array(said)) => said.iter().filter_map(range).count() > 0,
                _ => false,
            }
        })
        .await;
        if let Ok(Value::Array(said)) = link.command_anywhere::<Value>(&ask).await {
            ranges.extend(said.iter().filter_map(range));
        }
        ranges
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
    ///
    /// # Panics
    /// When it does not.
    pub async fn hold_writes(&mut self, span: Duration) {
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

    /// Has it hold them no more: nobody takes its place.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn release_writes(&self) {
        let Self::Sentinels(servers) = self else {
            return;
        };
        let primary = &servers.servers[servers.primary().expect("there is one")];
        let link = Link::new(&primary.url(), LinkOptions::default()).expect("a URL");
        let mut unpause = redis::cmd("CLIENT");
        let _: String = link
            .command(unpause.arg("UNPAUSE"))
            .await
            .expect("it goes on");
    }

    /// A replica takes the place of a primary that is well.
    ///
    /// # Panics
    /// When nobody begins it.
    pub fn fail_over(&self) {
        let primary = match self {
            Self::Sentinels(_) => 0,
            Self::Cluster(_, primary) => *primary,
        };
        self.fail_over_from(primary).expect("it begins");
    }

    /// The same from this one of several primaries.
    ///
    /// # Errors
    /// When its replica is not there, or refuses.
    pub fn fail_over_from(&self, primary: usize) -> Result<(), RedisServerError> {
        match self {
            Self::Sentinels(servers) => servers.fail_over(),
            // Two servers share each part of the slots.
            Self::Cluster(nodes, _) => nodes.fail_over((primary + 3) % nodes.nodes.len()),
        }
    }

    /// All that are no primaries copy nothing, until they are woken.
    pub async fn freeze_all_replicas(&self) {
        let primaries = self.primaries().await;
        for (place, server) in self.servers().iter().enumerate() {
            if !primaries.contains(&place) {
                // One that was killed does not run.
                let _ = server.pause();
            }
        }
    }

    /// All servers.
    #[must_use]
    pub fn servers(&self) -> &[RedisServer] {
        match self {
            Self::Sentinels(servers) => &servers.servers,
            Self::Cluster(nodes, _) => &nodes.nodes,
        }
    }

    /// Nobody copies anything, until they are woken.
    ///
    /// # Panics
    /// When one does not run.
    pub fn freeze_replicas(&self) {
        for replica in self.replicas() {
            replica.pause().expect("it runs");
        }
    }

    /// They go on.
    pub fn wake(&self) {
        for server in self.servers() {
            // One that was killed does not run.
            let _ = server.resume();
        }
    }

    /// Waits until another server is the primary.
    ///
    /// # Panics
    /// When none is for half a minute.
    pub async fn replaced(&self, before: usize) {
        let Self::Sentinels(servers) = self else {
            return;
        };
        within(REPLACED_WITHIN, "another primary", || async {
            servers.primary().is_ok_and(|now| now != before)
        })
        .await;
    }
}

/// `first, last, [host, port, …], …`
fn range(said: &Value) -> Option<(u16, u16, u16)> {
    let Value::Array(parts) = said else {
        return None;
    };
    let [Value::Int(first), Value::Int(last), Value::Array(node), ..] = parts.as_slice() else {
        return None;
    };
    let Some(Value::Int(port)) = node.get(1) else {
        return None;
    };
    let small = |number: &i64| u16::try_from(*number).ok();
    Some((small(first)?, small(last)?, small(port)?))
}
