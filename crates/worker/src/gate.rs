//! The door that each outgoing request of a run has to pass.

mod calls;
mod ours;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_job::{Answer, Gate, JobError, NotNow, Pass, PrivateResult, Reach, Unreached};
use longshore_queue::{CallReport, ProviderPolicy, report_of_call};
use tokio::time::timeout;

use crate::entry::Entry;
use crate::lock::lock;
use crate::reach;
use crate::refetch::{self, Refusal};
use crate::station::Station;

/// How long until Redis, or a limiter with too many calls ahead, is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// How long a private result is tried to be told: the end of the job is waited for, too.
const TELL_WITHIN: Duration = Duration::from_secs(2);

/// Decides when a request of one run may leave this process.
pub(crate) struct SendGate {
    station: Arc<Station>,
    entry: Arc<Entry>,
    /// A second request would do harm: replicas have to know of the claim before the first one goes out.
    copies: bool,
    /// The one call that the claim has taken from the provider's limiter is made, or under way.
    called: AtomicBool,
    /// The credentials that its calls went out with last, by the provider that it asked for them.
    used: Mutex<HashMap<String, String>>,
}

impl SendGate {
    pub(crate) fn new(station: &Arc<Station>, entry: &Arc<Entry>, may_repeat: bool) -> Self {
        Self {
            copies: !may_repeat && station.queue.wait_replicas().is_some(),
            station: Arc::clone(station),
            entry: Arc::clone(entry),
            called: AtomicBool::new(false),
            used: Mutex::default(),
        }
    }

    /// A call that is not let out ends a run, which may have made others before.
    fn or_held_up(&self, acquired: Result<Pass, NotNow>) -> Result<Pass, NotNow> {
        acquired.inspect_err(|_| self.entry.door.note_going_on())
    }

    /// What a call reports, but that a refusal of credentials which are not in use any more, or cannot be fetched again, says
    /// nothing of those that are.
    async fn of_those_in_use(&self, policy: &ProviderPolicy, report: CallReport) -> CallReport {
        let used = lock(&self.used).get(&policy.name).cloned();
        match (&report, used) {
            (CallReport::Refused { .. }, Some(used)) => {
                match refetch::judge(&self.station, policy, &used).await {
                    Refusal::Stands => report,
                    Refusal::Outdated | Refusal::Unfetched => CallReport::Nothing,
                }
            }
            _ => report,
        }
    }
}

impl Gate for SendGate {
    fn acquire_call<'a>(
        &'a self,
        provider: &'a str,
        effect: bool,
    ) -> Pin<Box<dyn Future<Output = Result<Pass, NotNow>> + Send + 'a>> {
        Box::pin(self.unless_stopped(async move {
            let pass = self.or_held_up(self.acquire_by_name(provider, effect).await)?;
            self.clear(effect).await;
            if let Some((_, policy)) = self.owner(provider) {
                let used = policy.credentials.now();
                lock(&self.used).insert(provider.to_owned(), used);
            }
            Ok(pass)
        }))
    }

    fn report_call<'a>(
        &'a self,
        provider: &'a str,
        pass: Pass,
        report: CallReport,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let Some((owner, policy)) = self.owner(provider) else {
                return;
            };
            self.entry.note_reported(&policy.name);
            self.station.metrics.called(&policy.name, &report);
            reach::note_call(&self.station, provider, &report, pass.probe);
            let report = self.of_those_in_use(policy, report).await;
            let by = self.entry.lease.process();
            if let Err(error) = owner.report_call(policy, pass, &report, by).await {
                tracing::debug!(job = %self.entry.claimed.id, %error, "the report of a call is lost");
            }
        })
    }

    fn acquire_repeat<'a>(
        &'a self,
        provider: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Pass, NotNow>> + Send + 'a>> {
        Box::pin(self.unless_stopped(async move {
            match self.owner(provider) {
                Some((owner, policy)) => {
                    self.or_held_up(self.acquire_from_owner(owner, policy, None, None).await)
                }
                // It has no breaker.
                None => Ok(Pass::default()),
            }
        }))
    }

    fn report_end<'a>(
        &'a self,
        provider: &'a str,
        pass: Option<Pass>,
        end: Result<&'a Answer, &'a JobError>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let context = self.entry.claimed.context;
            let pass = pass.unwrap_or(Pass {
                epoch: context.epoch,
                probe: context.route.is_probe(),
            });
            let report = match report_of_call(end, provider) {
                // That is about this machine, and about our credentials: the end of the run says it.
                CallReport::NotReached if self.entry.was_our_own() => CallReport::Nothing,
                CallReport::Refused { .. } => CallReport::Nothing,
                report => report,
            };
            self.report_call(provider, pass, report).await;
        })
    }

    fn not_carried_out(&self) {
        self.entry.door.note_not_carried_out();
    }

    fn not_reached(&self, unreached: Unreached, again: Arc<dyn Reach>) {
        self.entry.note_unreached(unreached, again);
    }

    fn tell_waiters<'a>(
        &'a self,
        result: &'a PrivateResult,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let Some(id) = self.entry.claimed.id.job_id() else {
                return;
            };
            let told = timeout(TELL_WITHIN, self.station.queue.tell_private(id, result)).await;
            if !matches!(told, Ok(Ok(_))) {
                // Who waits asks again, as one who came too late.
                tracing::debug!(job = %id, "a private result could not be told");
            }
        })
    }

    fn billed(&self, provider: &'static str, unit: &'static str, units: u64) {
        self.station.metrics.billed(provider, unit, units);
    }

    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.unless_stopped(async {
            self.may_call(false).await;
            self.clear(true).await;
        }))
    }

    fn clear_to_read(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.unless_stopped(async {
            self.may_call(true).await;
            self.clear(false).await;
        }))
    }

    fn clear_elsewhere(&self, effect: bool) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.unless_stopped(self.clear(effect)))
    }
}
