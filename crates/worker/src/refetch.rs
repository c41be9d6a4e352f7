//! Credentials that were refused are fetched once more before a queue pauses itself for them.

use std::time::Duration;

use longshore_job::JobError;
use tokio::time::timeout;

use crate::entry::Entry;
use crate::layers::End;
use crate::station::Station;

/// How long fetching may take: a job waits for it, and perhaps a worker that has to leave.
const FETCH_WITHIN: Duration = Duration::from_secs(10);

/// Notes which credentials the providers of the job's queue are called with when its run begins.
pub(crate) fn note(station: &Station, entry: &Entry) {
    let own = station.queue.provider();
    let fallback = own.fallback.as_ref().map(|fallback| &*fallback.policy);
    let used = [Some(own), fallback].map(|policy| policy.map(|policy| policy.credentials.now()));
    let _ = entry.credentials.set(used);
}

/// Whether a run was refused for credentials that are not in use any more, or were not once they had been fetched again.
/// Then the refusal says nothing of those that are, and the job just runs again.
pub(crate) async fn outdated(station: &Station, entry: &Entry, end: &End) -> bool {
    let End::Ran(Err(JobError::Unauthorized { answer, .. })) = end else {
        return false;
    };
    let refused = answer.provider.as_deref().unwrap_or_default();
    let Some(policy) = station.queue.policy_of(refused) else {
        return false;
    };
    let is_own = policy.name == station.queue.provider().name;
    let used = entry.credentials.get();
    let Some(used) = used.and_then(|used| used[usize::from(!is_own)].as_ref()) else {
        return false;
    };
    let credentials = &policy.credentials;
    if credentials.now() == *used && timeout(FETCH_WITHIN, credentials.fetch()).await.is_err() {
        tracing::warn!(
            queue = station.queue.name(),
            provider = policy.name,
            "the refused credentials were not fetched again within 10 s"
        );
    }
    let outdated = credentials.now() != *used;
    if outdated {
        // Claims that were held back by them have no reason to wait.
        station.work.notify_one();
    }
    outdated
}
