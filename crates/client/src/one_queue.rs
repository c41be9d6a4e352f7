//! The calls of a client that are about one queue, and what they do while Redis is away.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use longshore_queue::{Enqueued, NewJob, Queue, QueueError};
use tokio::time::{Instant, sleep, timeout_at};

use crate::ClientError;
use crate::outage::{Outage, Pass};

/// What calls do while Redis is away.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// When a call gives up. It must stay under the ten seconds for which a completed job is always kept: then a repeated
    /// enqueue finds its id.
    pub(crate) give_up_after: Duration,
    /// Until then it is not repeated.
    pub(crate) fail_fast: bool,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            give_up_after: Duration::from_secs(5),
            fail_fast: false,
        }
    }
}

/// A call that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) source: QueueError,
    /// It was not made: another one had met this.
    remembered: bool,
}

impl Failed {
    /// What was sent may stand in Redis all the same.
    pub(crate) fn may_be_there(&self) -> bool {
        use QueueError::{NotCopied, Unreachable};
        !self.remembered && matches!(self.source, Unreachable { .. } | NotCopied { .. })
    }
}

impl From<QueueError> for Failed {
    fn from(source: QueueError) -> Self {
        Self {
            source,
            remembered: false,
        }
    }
}

impl From<Failed> for ClientError {
    fn from(failed: Failed) -> Self {
        match failed.remembered {
            true => Self::Away {
                source: failed.source,
            },
            false => failed.source.into(),
        }
    }
}

/// One queue, as a client calls it.
#[derive(Debug, Clone)]
pub(crate) struct OneQueue {
    pub(crate) queue: Arc<Queue>,
    /// Of its server: what other queues share.
    pub(crate) outage: Arc<Outage>,
    pub(crate) patience: Patience,
}

impl OneQueue {
    /// Looks whether keys are free or stand for the same args.
    pub(crate) async fn check_keys(&self, jobs: &[NewJob]) -> Result<(), Failed> {
        self.once(self.queue.check_keys(jobs)).await
    }

    /// A call that is not repeated.
    pub(crate) async fn once<T>(
        &self,
        call: impl Future<Output = Result<T, QueueError>>,
    ) -> Result<T, Failed> {
        self.ask()?;
        let give_up = Instant::now() + self.patience.give_up_after;
        let answer = timeout_at(give_up, call).await;
        let answer = answer.unwrap_or_else(|_| Err(self.silent()));
        self.outage.note(&answer, Instant::now());
        Ok(answer?)
    }

    /// Pushes jobs. Repeats that while Redis, or its replicas, are away: a known id is left as it is, so nothing doubles.
    pub(crate) async fn push(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, Failed> {
        let once = self.ask()? == Pass::Once || self.patience.fail_fast;
        let give_up = Instant::now() + self.patience.give_up_after;
        let mut wait = Duration::from_millis(50);
        let mut too_few = None;
        let answer = loop {
            match timeout_at(give_up, self.queue.enqueue(jobs)).await {
                Ok(Err(error)) if !once && error.may_pass() && Instant::now() + wait < give_up => {
                    too_few =
                        Some(error).filter(|error| matches!(error, QueueError::NotCopied { .. }));
                    sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(1));
                }
                Ok(answer) => break answer,
                // Redis took it, and then it was its replicas that were waited for.
                Err(_) => break Err(too_few.unwrap_or_else(|| self.silent())),
            }
        };
        self.outage.note(&answer, Instant::now());
        Ok(answer?)
    }

    /// Notes that Redis has answered a call that was not made here.
    pub(crate) fn answered(&self) {
        self.outage.note(&Ok(()), Instant::now());
    }

    fn ask(&self) -> Result<Pass, Failed> {
        self.outage.ask(Instant::now()).map_err(|source| Failed {
            source,
            remembered: true,
        })
    }

    fn silent(&self) -> QueueError {
        let within = self.patience.give_up_after.as_secs_f64();
        QueueError::Unreachable {
            server: self.queue.link().server().to_owned(),
            reason: format!("no answer within {within} s"),
        }
    }
}
