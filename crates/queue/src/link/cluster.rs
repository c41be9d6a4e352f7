//! Which node of a cluster a call goes to.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;

use super::address::host_and_port;
use super::{Link, Request};
use crate::QueueError;

/// How long one node is waited for before the next one is asked as well.
const SILENT_FOR: Duration = Duration::from_millis(300);

/// A server of a Redis: the only one, or a primary of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub(super) Arc<str>);

impl Node {
    /// Host and port; empty where there is only one server.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Link {
    /// The servers that have keys: the only one, or every primary of a cluster.
    ///
    /// # Errors
    /// When no node of the cluster can be reached.
    pub async fn nodes(&self) -> Result<Vec<Node>, QueueError> {
        if !self.is_cluster() {
            return Ok(vec![Node(Arc::from(""))]);
        }
        // It asks for the map, if that is to be asked for.
        self.node(None).await?;
        Ok(self.slots().masters().into_iter().map(Node).collect())
    }

    /// Host and port of the server that is asked at the moment: of Sentinels the primary, of a cluster any.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn reached(&self) -> Result<String, QueueError> {
        Ok(self.opened(None).await?.server.to_string())
    }

    /// Sends one command without a key to whichever server answers: of a cluster, one primary that is away says nothing of the
    /// others.
    ///
    /// # Errors
    /// When none can be reached, or they refuse it.
    pub async fn command_anywhere<T: redis::FromRedisValue>(
        &self,
        command: &redis::Cmd,
    ) -> Result<T, QueueError> {
        if !self.is_cluster() {
            return self.command(command).await;
        }
        let nodes = self.nodes().await?;
        let asking: Vec<_> = nodes
            .iter()
            .map(|node| self.command_at(node, command))
            .collect();
        first_good(asking).await
    }

    /// What primaries beside this one say of the nodes of the cluster: `CLUSTER NODES`, empty where they may not. `None` where
    /// none answers, and where it is no cluster.
    pub(crate) async fn nodes_by_others(&self, server: &str) -> Option<String> {
        if !self.is_cluster() {
            return None;
        }
        let nodes = self.nodes().await.ok()?;
        let others = nodes.iter().filter(|node| node.as_str() != server);
        let mut ask = redis::cmd("CLUSTER");
        ask.arg("NODES");
        let asking = others.map(async |node| match self.command_at(node, &ask).await {
            Err(QueueError::Refused { .. }) => Ok(String::new()),
            said => said,
        });
        let asking: Vec<_> = asking.collect();
        first_good(asking).await.ok()
    }

    /// Sends one command without a key to this server.
    ///
    /// # Errors
    /// When it cannot be reached or refuses it.
    pub async fn command_at<T: redis::FromRedisValue>(
        &self,
        node: &Node,
        command: &redis::Cmd,
    ) -> Result<T, QueueError> {
        let open = self.opened_at(&node.0).await?;
        self.command_over(&open, command).await
    }

    /// Which server is asked about this key.
    ///
    /// # Errors
    /// When no node of the cluster can be reached, or none has its slot.
    pub(crate) async fn node_of(&self, key: &str) -> Result<Node, QueueError> {
        match self.is_cluster() {
            true => self
                .node(Some(super::slots::slot_of(key.as_bytes())))
                .await
                .map(Node),
            false => Ok(Node(Arc::from(""))),
        }
    }

    /// The node that has this slot; of no slot in particular, any.
    pub(super) async fn node(&self, slot: Option<u16>) -> Result<Arc<str>, QueueError> {
        let known = || {
            let slots = self.slots();
            (slots.node(slot), slots.is_old())
        };
        let (node, is_old) = known();
        let mut failed = None;
        if is_old {
            // One asks for all who have these connections. Who knows a node goes there meanwhile.
            let turn = match node {
                Some(_) => self.open.asking.try_lock().ok(),
                None => Some(self.open.asking.lock().await),
            };
            if turn.is_some() && known().1 {
                failed = self.ask_for_slots().await.err();
            }
        } else if let Some(node) = node {
            return Ok(node);
        }
        // An old map is better than none: the node that is asked says where the slot is.
        known().0.ok_or_else(|| {
            failed.unwrap_or_else(|| QueueError::Unreachable {
                server: self.server.to_string(),
                reason: "no node of the cluster has the slot".to_owned(),
            })
        })
    }

    /// Asks one node after the other, those first that have slots. Boxed as opening a connection is.
    fn ask_for_slots(&self) -> Pin<Box<dyn Future<Output = Result<(), QueueError>> + Send + '_>> {
        Box::pin(self.ask_each_for_slots())
    }

    async fn ask_each_for_slots(&self) -> Result<(), QueueError> {
        let mut places = self.slots().masters();
        for place in self.way.targets().places() {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let asking: Vec<_> = places
            .iter()
            .map(|place| self.ask_for_slots_at(place))
            .collect();
        let asked = first_good(asking).await;
        match asked {
            Ok(()) => self.forget_others(),
            Err(_) => self.slots().not_told(),
        }
        asked
    }

    async fn ask_for_slots_at(&self, place: &Arc<str>) -> Result<(), QueueError> {
        let mut ask = redis::cmd("CLUSTER");
        ask.arg("SLOTS");
        let open = self.opened_at(place).await?;
        let answer = self.send_over(&open, Request::Command(&ask)).await?;
        match self.slots().read(answer, host_and_port(place).0) {
            true => Ok(()),
            false => Err(QueueError::unexpected("CLUSTER SLOTS")),
        }
    }

    /// Closes connections to nodes that have no slots (any more).
    fn forget_others(&self) {
        let masters = self.slots().masters();
        super::lock(&self.open.by_place).retain(|place, _| masters.contains(place));
    }
}

/// The first good answer of servers that are asked one after the other; one that is silent keeps nobody from asking the next.
pub(super) async fn first_good<T>(
    asking: Vec<impl Future<Output = Result<T, QueueError>>>,
) -> Result<T, QueueError> {
    let mut next = asking.into_iter();
    let mut asked = FuturesUnordered::new();
    let mut failed = None;
    loop {
        match next.next() {
            Some(next) => asked.push(next),
            None if asked.is_empty() => break,
            None => {}
        }
        match timeout(SILENT_FOR, asked.next()).await {
            Ok(Some(Ok(answer))) => return Ok(answer),
            Ok(Some(Err(error))) => failed = Some(error),
            Ok(None) | Err(_) => {}
        }
    }
    Err(failed.unwrap_or_else(|| QueueError::unexpected("no node is named")))
}
