//! Which node of a cluster a call goes to.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::address::host_and_port;
use super::{Link, Request};
use crate::QueueError;

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
            // One asks for all who have these connections.
            let _turn = self.open.asking.lock().await;
            if known().1 {
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
        let mut ask = redis::cmd("CLUSTER");
        ask.arg("SLOTS");
        let mut failed = None;
        for place in places {
            let answer = match self.opened_at(&place).await {
                Ok(open) => self.send_over(&open, Request::Command(&ask)).await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(answer) => {
                    if self.slots().read(answer, host_and_port(&place).0) {
                        self.forget_others();
                        return Ok(());
                    }
                    failed = Some(QueueError::unexpected("CLUSTER SLOTS"));
                }
                Err(error) => failed = Some(error),
            }
        }
        self.slots().not_told();
        Err(failed.unwrap_or_else(|| QueueError::unexpected("no node is named")))
    }

    /// Closes connections to nodes that have no slots (any more).
    fn forget_others(&self) {
        let masters = self.slots().masters();
        super::lock(&self.open.by_place).retain(|place, _| masters.contains(place));
    }
}
