//! Which server the Sentinels call the primary.

use std::sync::Arc;

use redis::Value;
use redis::aio::MultiplexedConnection;

use super::Link;
use super::address::{Sentinel, Targets};
use super::entry::{NotOpened, Pushes};
use super::meaning::explain_entry;
use crate::QueueError;

impl Link {
    /// A connection to the primary, and its `host:port`, by the first Sentinel that knows it.
    pub(super) async fn open_primary(
        &self,
        targets: &Targets,
        sentinel: &Sentinel,
        pushes: Pushes,
    ) -> Result<(MultiplexedConnection, Arc<str>), NotOpened> {
        let place = self.ask_sentinels(targets, sentinel).await?;
        let mut connection = self.enter(targets.at(&place), &place, pushes).await?;
        // For a moment after a failover they may still name the old one.
        let role: Result<Vec<Value>, _> = redis::cmd("ROLE").query_async(&mut connection).await;
        let is_replica = |role: &Vec<Value>| {
            let first = role.first();
            first.is_some_and(|role| matches!(role, Value::BulkString(role) if role == b"slave"))
        };
        // Whoever may not ask believes the Sentinels.
        if role.as_ref().is_ok_and(is_replica) {
            return Err(NotOpened::from(QueueError::Passing {
                server: place.to_string(),
                reason: format!(
                    "the Sentinels call it the primary {}, and it is a replica",
                    sentinel.master
                ),
            }));
        }
        Ok((connection, place))
    }

    async fn ask_sentinels(
        &self,
        targets: &Targets,
        sentinel: &Sentinel,
    ) -> Result<Arc<str>, QueueError> {
        let mut first = None;
        for place in targets.places() {
            match self.ask_sentinel(targets, sentinel, &place).await {
                Ok(primary) => return Ok(primary),
                // One that lets us in and does not know it says more than others that are away.
                Err(error) if first.is_none() || !error.may_pass() => first = Some(error),
                Err(_) => {}
            }
        }
        Err(first.unwrap_or_else(|| QueueError::unexpected("no Sentinel is named")))
    }

    async fn ask_sentinel(
        &self,
        targets: &Targets,
        sentinel: &Sentinel,
        place: &str,
    ) -> Result<Arc<str>, QueueError> {
        let server = format!("{place} (a Sentinel)");
        let info = targets.sentinel_at(place, sentinel);
        let mut connection = self.enter(info, &server, None).await?;
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("GET-MASTER-ADDR-BY-NAME").arg(&sentinel.master);
        match ask.query_async(&mut connection).await {
            Ok(Some((host, port))) => {
                let (host, port): (String, u16) = (host, port);
                Ok(format!("{host}:{port}").into())
            }
            Ok(None) => Err(QueueError::NoEntry {
                server,
                reason: format!("it watches no primary called {}", sentinel.master),
            }),
            Err(error) => Err(explain_entry(&server, &error)),
        }
    }
}
