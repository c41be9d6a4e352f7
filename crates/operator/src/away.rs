//! Asking all queues at the same time, so that one whose primary is away hides no other and is waited for once.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use futures_util::future::join_all;
use longshore_queue::{PrimaryAway, Queue, QueueError};
use serde::Serialize;

use crate::error::OperatorError;
use crate::queue_info::QueueInfo;
use crate::time::rfc3339;

/// How long a queue of a cluster may take for what is read at once.
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_secs(3);

/// The primary of a queue that is away while others of the cluster answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AwayRow {
    /// Host and port of the primary.
    pub server: String,
    /// Since when the others do not hear of it, RFC 3339, where they say so.
    pub since: Option<String>,
    /// What it answered, or why it did not.
    pub reason: String,
    /// What to do.
    pub cure: String,
}

impl From<PrimaryAway> for AwayRow {
    fn from(away: PrimaryAway) -> Self {
        let cure = match away.replicas.as_slice() {
            _ if away.answers => format!("look at the log of {}", away.server),
            [] => "start it again: it has no replica that could take its place".to_owned(),
            [replica, ..] => format!(
                "start it again, or put its replica in its place: `CLUSTER FAILOVER TAKEOVER` on {replica}"
            ),
        };
        Self {
            since: away.since_ms.map(rfc3339),
            server: away.server,
            reason: away.reason,
            cure,
        }
    }
}

impl fmt::Display for AwayRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its primary {} is away", self.server)?;
        if let Some(since) = &self.since {
            write!(f, " since {since}")?;
        }
        write!(f, " ({}): {}", self.reason, self.cure)
    }
}

/// Why one queue cannot be read, where others may be.
#[derive(Debug, Clone)]
pub(crate) enum Apart {
    /// Something in it is not ours.
    Broken(String),
    /// Its primary is away.
    Away(AwayRow),
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(why) => f.write_str(why),
            Self::Away(away) => away.fmt(f),
        }
    }
}

/// What is said of this queue alone. The error itself where no other one can be read either.
pub(crate) async fn apart(queue: &Queue, error: QueueError) -> Result<Apart, QueueError> {
    if let Some(why) = error.of_one_queue() {
        return Ok(Apart::Broken(why));
    }
    match queue.primary_away(&error).await {
        Some(away) => Ok(Apart::Away(away.into())),
        None => Err(error),
    }
}

/// The same in words.
pub(crate) async fn why_apart(queue: &Queue, error: QueueError) -> Result<String, QueueError> {
    apart(queue, error).await.map(|apart| apart.to_string())
}

/// What a queue answered, or why it cannot be read while others can.
pub(crate) type Answered<'a, T> = (&'a QueueInfo, &'a Queue, Result<T, String>);

/// Asks queues for what is read at once, all at the same time.
pub(crate) async fn ask_each<'a, T, F>(
    queues: impl IntoIterator<Item = &'a (QueueInfo, Queue)>,
    ask: impl Fn(&'a QueueInfo, &'a Queue) -> F,
) -> Result<Vec<Answered<'a, T>>, OperatorError>
where
    F: Future<Output = Result<T, QueueError>>,
{
    let each = queues.into_iter().map(|(info, queue)| {
        let asking = queue.answer_within(ANSWERED_WITHIN, ask(info, queue));
        async move {
            let answer = match asking.await {
                Ok(answer) => Ok(answer),
                Err(error) => Err(why_apart(queue, error).await?),
            };
            Ok((info, queue, answer))
        }
    });
    join_all(each).await.into_iter().collect()
}
