//! Whether a provider may be called: its limit, and its breaker where the call asks for itself.

use std::sync::atomic::Ordering;
use std::time::Duration;

use longshore_job::{NotNow, Pass, Why};
use longshore_queue::{Admission, CallSlot, Limit, ProviderPolicy, Queue, Route};
use tokio::time::sleep;

use super::{ASK_AGAIN, SendGate};

/// How often Redis is asked for another provider's call before the run gives way.
const ASK_AT_MOST: u32 = 20;

/// How long a job waits for a Redis that did not answer then.
const UNANSWERED: Duration = Duration::from_secs(5);

/// How long a job waits for a provider that this process knows nothing of: another one may, or a deploy is under way.
const UNKNOWN: Duration = Duration::from_secs(60);

impl SendGate {
    /// Waits until the provider may be called once more. Every call that no claim has taken takes its own place in the
    /// limiter's schedule, ahead of jobs that are not claimed yet: what has begun is to come to its end.
    pub(super) async fn may_call(&self, reads: bool) {
        let provider = self.station.queue.provider();
        let provider = match provider.takes_over() {
            Some(fallback) if self.entry.route(true).is_fallback() => fallback,
            _ => provider,
        };
        if provider.reads.is_none() && !self.called.swap(true, Ordering::AcqRel) {
            return;
        }
        let Some((limiter, limit)) = limiter(provider, reads) else {
            return;
        };
        loop {
            let wait = match self.station.queue.take_call(&limiter, limit).await {
                Ok(CallSlot::In(wait)) => return sleep(wait).await,
                Ok(CallSlot::TooManyAhead) => ASK_AGAIN,
                Err(error) => {
                    tracing::debug!(job = %self.entry.claimed.id, %error, "a call waits for Redis");
                    ASK_AGAIN
                }
            };
            // Without end: the run's time limit is one.
            sleep(wait).await;
        }
    }

    /// The queue that a provider belongs to, and what holds for it.
    pub(super) fn owner(&self, provider: &str) -> Option<(&Queue, &ProviderPolicy)> {
        let own = &self.station.queue;
        let owner = match own.policy_of(provider) {
            Some(_) => own,
            None => self.station.owners.get(provider)?,
        };
        Some((owner, owner.policy_of(provider)?))
    }

    /// Asks whoever's provider it is for one call, until there is an answer.
    pub(super) async fn acquire_by_name(
        &self,
        provider: &str,
        effect: bool,
    ) -> Result<Pass, NotNow> {
        let Some((owner, policy)) = self.owner(provider) else {
            return Err(NotNow {
                provider: provider.to_owned(),
                why: Why::Unknown,
                retry_after: UNKNOWN,
            });
        };
        let ours = policy.name == self.station.queue.provider().name;
        let context = self.entry.claimed.context;
        let probing = (ours && context.route == Route::Probe).then_some(context.epoch);
        let limiter = limiter(policy, !effect);
        // The first call of its own provider was taken by its claim, where claims take any.
        let taken = ours && policy.reads.is_none() && !self.called.swap(true, Ordering::AcqRel);
        let limited = limiter.as_ref().filter(|_| !taken);
        self.acquire_from_owner(owner, policy, probing, limited)
            .await
    }

    /// Asks for one call until there is an answer, and waits until its place in the limiter has come.
    pub(super) async fn acquire_from_owner(
        &self,
        owner: &Queue,
        policy: &ProviderPolicy,
        probing: Option<u64>,
        limited: Option<&(String, Limit)>,
    ) -> Result<Pass, NotNow> {
        let not_now = |why, retry_after| NotNow {
            provider: policy.name.clone(),
            why,
            retry_after,
        };
        let mut asked = 0;
        loop {
            let limited = limited.map(|(name, limit)| (name.as_str(), *limit));
            match owner.acquire_call(policy, probing, limited).await {
                Ok(Admission::Go { after, pass }) => {
                    sleep(after).await;
                    return Ok(pass);
                }
                Ok(Admission::NotNow { why, retry_after }) => {
                    return Err(not_now(why, retry_after));
                }
                Ok(Admission::TooManyAhead) => {}
                Err(error) => {
                    tracing::debug!(job = %self.entry.claimed.id, %error, "a call waits for Redis");
                    asked += 1;
                    if asked == ASK_AT_MOST {
                        return Err(not_now(Why::Unanswered, UNANSWERED));
                    }
                }
            }
            sleep(ASK_AGAIN).await;
        }
    }
}

/// The limiter that a call takes its place in, and how often such calls may go out.
fn limiter(provider: &ProviderPolicy, reads: bool) -> Option<(String, Limit)> {
    let name = &provider.name;
    Some(match (provider.limit?, provider.reads) {
        (limit, None) => (name.clone(), limit),
        (_, Some(limit)) if reads => (format!("{name}:reads"), limit),
        (limit, Some(_)) => (format!("{name}:writes"), limit),
    })
}
