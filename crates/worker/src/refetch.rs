//! Credentials that were refused are fetched once more before a queue pauses itself for them.

use std::sync::Arc;
use std::time::Duration;

use longshore_job::JobError;
use longshore_queue::ProviderPolicy;
use tokio::time::timeout;

use crate::entry::Entry;
use crate::pipeline::end::End;
use crate::reach;
use crate::station::Station;

/// How long fetching may take: a job waits for it, and perhaps a worker that has to leave.
const FETCH_WITHIN: Duration = Duration::from_secs(10);

/// Notes which credentials the providers of the job's queue are called with when its run begins.
pub(crate) fn note_credentials(station: &Station, entry: &Entry) {
    let own = station.queue.provider();
    let fallback = own.fallback.as_ref().map(|fallback| &*fallback.policy);
    let used = [Some(own), fallback].map(|policy| policy.map(|policy| policy.credentials.now()));
    let _ = entry.credentials.set(used);
}

/// What a refusal of credentials says of those in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing was refused, or the credentials in use were, and they are those where they are kept.
    Stands,
    /// It is about others than those in use: the job just runs again.
    Outdated,
    /// It is about those in use, and they could not be fetched again: nobody knows whether they are wrong or only old. The
    /// provider is left to other workers until they can be.
    Unfetched,
}

/// What the end of a run says of the credentials in use. Fetches them again if they were refused.
pub(crate) async fn judge_end(station: &Arc<Station>, entry: &Entry, end: &End) -> Refusal {
    let End::Ran(Err(JobError::Unauthorized { answer, .. })) = end else {
        return Refusal::Stands;
    };
    let refused = answer.provider.as_deref().unwrap_or_default();
    let Some(policy) = station.queue.policy_of(refused) else {
        return Refusal::Stands;
    };
    let is_own = policy.name == station.queue.provider().name;
    let used = entry.credentials.get();
    match used.and_then(|used| used[usize::from(!is_own)].as_ref()) {
        Some(used) => judge(station, policy, used).await,
        None => Refusal::Stands,
    }
}

/// What a refusal of the credentials `used` says of those in use.
pub(crate) async fn judge(station: &Arc<Station>, policy: &ProviderPolicy, used: &str) -> Refusal {
    let credentials = &policy.credentials;
    let fetched = match credentials.now() == used {
        true => timeout(FETCH_WITHIN, credentials.fetch()).await,
        false => Ok(Ok(())),
    };
    if credentials.now() != used {
        // Claims that were held back by them have no reason to wait.
        station.claimer.wake();
        return Refusal::Outdated;
    }
    let why = match fetched {
        Ok(Ok(())) => return Refusal::Stands,
        Ok(Err(why)) => why,
        Err(_) => "no answer within 10 s".to_owned(),
    };
    // Another queue's provider is nothing to claim for here.
    if station.queue.policy_of(&policy.name).is_some() {
        reach::unfetched(station, policy, why);
    }
    Refusal::Unfetched
}
