//! A queue whose primary is away, while others of the cluster are there.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use crate::{Queue, QueueError};

/// How long the others may take to say since when it is away.
const SAID_WITHIN: Duration = Duration::from_secs(4);

/// Why a queue cannot be used at the moment, though other queues of the cluster may be well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryAway {
    /// Host and port of the primary.
    pub server: String,
    /// What it answered, or why it did not.
    pub reason: String,
    /// Whether it answers, and only takes no calls.
    pub answers: bool,
    /// When the others last heard of it, in ms since the epoch; `None` where they hear of it still, or may not say.
    pub since_ms: Option<u64>,
    /// Its replicas that are there, each as host and port.
    pub replicas: Vec<String>,
}

impl Queue {
    /// Says of an error whether it is this queue's primary alone that is away: another one of the cluster answers. `None` where
    /// there is no other one, and where the error is no outage.
    pub async fn primary_away(&self, error: &QueueError) -> Option<PrimaryAway> {
        let (server, reason, answers) = match error {
            QueueError::Unreachable { server, reason } => (server, reason, false),
            QueueError::Passing { server, reason } => (server, reason, true),
            _ => return None,
        };
        let said = timeout(SAID_WITHIN, self.link.nodes_by_others(server)).await;
        let said = said.ok().flatten()?;
        let (since_ms, replicas) = read(&said, server);
        Some(PrimaryAway {
            server: server.clone(),
            reason: reason.clone(),
            answers,
            since_ms: since_ms.filter(|_| !answers),
            replicas,
        })
    }

    /// Makes a small call. In a cluster it counts as not answered after this time: its other primaries are not waited for by those
    /// who ask them all.
    ///
    /// # Errors
    /// As the call, and when that takes longer.
    pub async fn answer_within<T>(
        &self,
        span: Duration,
        call: impl Future<Output = Result<T, QueueError>>,
    ) -> Result<T, QueueError> {
        if !self.link.is_cluster() {
            return call.await;
        }
        let late = async |_| QueueError::Unreachable {
            server: match self.link.node_of(&self.keys.timeline).await {
                Ok(node) => node.as_str().to_owned(),
                Err(_) => self.link.server().to_owned(),
            },
            reason: format!("it has not answered within {} s", span.as_secs()),
        };
        match timeout(span, call).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(late(elapsed).await),
        }
    }
}

/// Since when a node is not heard of, and its replicas that are, as `CLUSTER NODES` of another one has it:
/// `<id> <host:port@bus[,name]> <flags> <primary's id> <ping sent> <pong received> …`.
fn read(nodes: &str, server: &str) -> (Option<u64>, Vec<String>) {
    let nodes: Vec<Vec<&str>> = nodes
        .lines()
        .map(|line| line.split(' ').collect())
        .collect();
    let lost = |node: &[&str]| node.get(2).is_some_and(|flags| flags.contains("fail"));
    let Some(its) = nodes
        .iter()
        .find(|node| places(node).any(|place| place == server))
    else {
        return (None, Vec::new());
    };
    let pong = its.get(5).and_then(|pong| pong.parse().ok());
    let since = pong.filter(|pong| lost(its) && *pong > 0);
    let copies = nodes
        .iter()
        .filter(|node| node.get(3) == its.first() && !lost(node));
    let copies = copies.filter_map(|node| places(node).next());
    (since, copies.collect())
}

/// How a node may be called: by its address, and by its name, if it has one.
fn places(node: &[&str]) -> impl Iterator<Item = String> {
    let place = node.get(1).copied().unwrap_or_default();
    let (address, rest) = place.split_once('@').unwrap_or((place, ""));
    let name = rest.split(',').nth(1).filter(|name| !name.is_empty());
    let port = address.rsplit(':').next().unwrap_or_default();
    let named = name.map(|name| format!("{name}:{port}"));
    std::iter::once(address.to_owned()).chain(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: &str = "\
a 10.0.0.1:7001@17001 master,fail - 1700000001000 1700000000500 1 disconnected 0-5460
b 10.0.0.2:7002@17002,two.example myself,master - 0 0 2 connected 5461-10922
c 10.0.0.3:7003@17003 master - 0 1700000009000 3 connected 10923-16383
d 10.0.0.4:7004@17004,four.example slave a 0 1700000009000 1 connected
e 10.0.0.5:7005@17005 slave,fail? a 0 1700000009000 1 connected
f 10.0.0.6:7006@17006 slave c 0 1700000009000 3 connected
";

    #[test]
    fn others_say_since_when_a_primary_is_away_and_who_could_take_its_place() {
        let d = vec!["10.0.0.4:7004".to_owned()];
        assert_eq!(read(NODES, "10.0.0.1:7001"), (Some(1_700_000_000_500), d));
        assert_eq!(read(NODES, "two.example:7002"), (None, Vec::new()));
        let f = vec!["10.0.0.6:7006".to_owned()];
        assert_eq!(read(NODES, "10.0.0.3:7003"), (None, f), "they hear of it");
        assert_eq!(read("", "10.0.0.1:7001"), (None, Vec::new()));
    }
}
