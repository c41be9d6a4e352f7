//! Credentials that were refused are fetched once more before a queue pauses itself for them.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use longshore_job::JobError;
use tokio::time::timeout;

use crate::entry::Entry;
use crate::layers::End;
use crate::station::Station;

/// How long fetching may take: a job waits for it, and perhaps a worker that has to leave.
const FETCH_WITHIN: Duration = Duration::from_secs(10);

/// How a provider's credentials are fetched anew from where they are kept. What comes of it shows in the
/// [`Credentials`](longshore_queue::Credentials) of the queue's provider.
#[derive(Clone)]
pub struct Refetch(Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>);

impl Refetch {
    /// Many jobs may ask at once; whoever fetches makes one fetch of it.
    pub fn new<F, Fut>(fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(fetch())))
    }
}

impl fmt::Debug for Refetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refetch")
    }
}

/// Whether a run was refused for credentials that are not in use any more, or were not once they had been fetched again.
/// Then the refusal says nothing of those that are, and the job just runs again.
pub(crate) async fn outdated(station: &Station, entry: &Entry, end: &End) -> bool {
    let provider = station.queue.provider();
    let current = || provider.credentials.now();
    let End::Ran(Err(JobError::Unauthorized { answer, .. })) = end else {
        return false;
    };
    let Some(used) = entry.credentials.get() else {
        return false;
    };
    if answer.provider.as_deref() != Some(&*provider.name) {
        return false;
    }
    if current() == *used
        && let Some(refetch) = &station.settings.refetch
        && timeout(FETCH_WITHIN, (refetch.0)()).await.is_err()
    {
        tracing::warn!(
            queue = station.queue.name(),
            "the refused credentials were not fetched again within 10 s"
        );
    }
    let outdated = current() != *used;
    if outdated {
        // Claims that were held back by them have no reason to wait.
        station.work.notify_one();
    }
    outdated
}
