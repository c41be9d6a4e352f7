//! One call: to the node that has its key, and after a slot that has gone elsewhere.

use std::sync::Arc;
use std::time::Duration;

use redis::{FromRedisValue, RedisError, Value};

use super::address::host_and_port;
use super::meaning::{Meaning, explain};
use super::{Link, Open, Request};
use crate::QueueError;

/// How often a call follows Redis from one node of a cluster to another.
const MOST_HOPS: usize = 3;

/// How old a connection to a primary without replicas is before the Sentinels are asked for another.
const ASK_SENTINELS_AGAIN: Duration = Duration::from_secs(1);

/// The next node that a call goes to.
struct Hop {
    place: Arc<str>,
    asking: bool,
}

impl Link {
    /// Sends it to the node that has its key. In a cluster it follows the slot to where that has gone.
    pub(super) async fn send(&self, request: Request<'_>) -> Result<Value, QueueError> {
        let mut open = self.opened(request.key()).await?;
        let mut asking = false;
        for _ in 0..MOST_HOPS {
            let answer = request.over(&mut open.connection, asking).await;
            let Some(next) = answer
                .as_ref()
                .err()
                .and_then(|error| self.next_hop(&open, error))
            else {
                return self.judge(&open, answer).await;
            };
            open = self.opened_at(&next.place).await?;
            asking = next.asking;
        }
        self.send_over(&open, request).await
    }

    pub(super) async fn send_over(
        &self,
        open: &Open,
        request: Request<'_>,
    ) -> Result<Value, QueueError> {
        let mut connection = open.connection.clone();
        let answer = request.over(&mut connection, false).await;
        self.judge(open, answer).await
    }

    /// Where the slot of a call is instead, if that is what the answer says.
    fn next_hop(&self, open: &Open, error: &RedisError) -> Option<Hop> {
        if !self.is_cluster() {
            return None;
        }
        let (node, slot) = error.redirect_node()?;
        // Without a host it is the one that has answered.
        let (host, port) = host_and_port(node);
        let host = match host {
            "" => host_and_port(&open.place).0,
            host => host,
        };
        let place = format!("{host}:{port}").into();
        let asking = error.code() == Some("ASK");
        if !asking {
            self.slots().moved(slot, &place);
        }
        Some(Hop { place, asking })
    }

    pub(super) async fn judge<T>(
        &self,
        open: &Open,
        answer: Result<T, RedisError>,
    ) -> Result<T, QueueError> {
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let meaning = Meaning::of_error(&error);
        // Behind Sentinels a primary without replicas may have been replaced: it is told so some seconds after the others are.
        let replaced = self.is_behind_sentinels()
            && error.code() == Some("NOREPLICAS")
            && open.since.elapsed() > ASK_SENTINELS_AGAIN;
        if replaced || matches!(meaning, Meaning::Elsewhere | Meaning::NoEntry) {
            self.drop_open(open).await;
        }
        if self.is_cluster() && meaning != Meaning::Final {
            // A slot that has moved is noted, for calls that cannot follow it themselves.
            self.next_hop(open, &error);
            self.slots().distrust();
        }
        Err(explain(&open.server, &error))
    }
}

/// What an answer means. One that does not decode says nothing of the connection: it is no outage, and nothing is to be
/// gained from another try.
pub(super) fn decoded<T: FromRedisValue>(answer: Value) -> Result<T, QueueError> {
    T::from_redis_value(answer).map_err(|error| QueueError::Unexpected(error.to_string()))
}
