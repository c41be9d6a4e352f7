//! The door that each outgoing request of a run has to pass.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use longshore_job::Gate;
use longshore_queue::Call;
use tokio::time::sleep;

use crate::entry::Entry;
use crate::station::Station;

/// How long until Redis, or a limiter with too many calls ahead, is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Decides when a request of one run may leave this process.
pub(crate) struct SendGate {
    station: Arc<Station>,
    entry: Arc<Entry>,
    /// The one call that the claim has taken from the provider's limiter is made, or under way.
    called: AtomicBool,
}

impl SendGate {
    pub(crate) fn new(station: Arc<Station>, entry: Arc<Entry>) -> Self {
        Self {
            station,
            entry,
            called: AtomicBool::new(false),
        }
    }

    /// Waits until the provider may be called once more. Every call that no claim has taken takes its own place in the
    /// limiter's schedule, ahead of jobs that are not claimed yet: what has begun is to come to its end.
    async fn may_call(&self, reads: bool) {
        let provider = self.station.queue.provider();
        let (limiter, limit) = match (provider.limit, provider.reads) {
            (None, _) => return,
            (Some(limit), None) if self.called.swap(true, Ordering::AcqRel) => {
                (provider.name.clone(), limit)
            }
            (Some(_), None) => return,
            (Some(_), Some(limit)) if reads => (format!("{}:reads", provider.name), limit),
            (Some(limit), Some(_)) => (format!("{}:writes", provider.name), limit),
        };
        loop {
            let wait = match self.station.queue.take_call(&limiter, limit).await {
                Ok(Call::In(wait)) => return sleep(wait).await,
                Ok(Call::TooManyAhead) => ASK_AGAIN,
                Err(error) => {
                    tracing::debug!(job = %self.entry.claimed.id, %error, "a call waits for Redis");
                    ASK_AGAIN
                }
            };
            // Without end: the run's time limit is one.
            sleep(wait).await;
        }
    }

    /// A worker that was stopped, or cut off, and wakes must not send before it knows that the job is still its
    /// own: the last acknowledged beat must be younger than two thirds of a lease, else one is waited for. `pass`
    /// says whether the door is still open then.
    async fn pass(&self, pass: fn(&Entry) -> bool) {
        let mut standing = self.station.standing.subscribe();
        loop {
            let fresh = {
                let now = standing.borrow_and_update();
                let ours = now
                    .lease
                    .as_ref()
                    .is_some_and(|lease| Arc::ptr_eq(lease, &self.entry.lease));
                ours && now
                    .confirmed
                    .is_some_and(|beat| beat.elapsed() <= self.station.settings.lost_after * 2 / 3)
            };
            if fresh && pass(&self.entry) {
                return;
            }
            if fresh {
                // Closed: the run is about to be dropped.
                std::future::pending::<()>().await;
            }
            self.station.beat_now.notify_one();
            if standing.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Gate for SendGate {
    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            self.may_call(false).await;
            self.pass(Entry::send).await;
        })
    }

    fn clear_to_read(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            self.may_call(true).await;
            self.pass(Entry::is_open).await;
        })
    }

    fn clear_elsewhere(&self, effect: bool) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.pass(if effect { Entry::send } else { Entry::is_open }))
    }
}
