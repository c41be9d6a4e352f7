//! The door that each outgoing request of a run has to pass.

mod calls;
mod ours;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_job::{Answer, Gate, JobError, NotNow, Pass, Reach, Unreached};
use longshore_queue::{ProviderPolicy, Word, heard_of_call};

use crate::entry::Entry;
use crate::lock::lock;
use crate::reach;
use crate::refetch::{self, Refusal};
use crate::station::Station;

/// How long until Redis, or a limiter with too many calls ahead, is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(250);

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

    /// What a call told, but that a refusal of credentials which are not in use any more, or cannot be fetched again, says
    /// nothing of those that are.
    async fn of_those_in_use(&self, policy: &ProviderPolicy, word: Word) -> Word {
        let used = lock(&self.used).get(&policy.name).cloned();
        match (&word, used) {
            (Word::Refused { .. }, Some(used)) => {
                match refetch::judge(&self.station, policy, &used).await {
                    Refusal::Stands => word,
                    Refusal::Outdated | Refusal::Unfetched => Word::Nothing,
                }
            }
            _ => word,
        }
    }
}

impl Gate for SendGate {
    fn ask<'a>(
        &'a self,
        provider: &'a str,
        effect: bool,
    ) -> Pin<Box<dyn Future<Output = Result<Pass, NotNow>> + Send + 'a>> {
        Box::pin(async move {
            let pass = self.ask_for_call(provider, effect).await?;
            self.clear(effect).await;
            if let Some((_, policy)) = self.owner(provider) {
                let used = policy.credentials.now();
                lock(&self.used).insert(provider.to_owned(), used);
            }
            Ok(pass)
        })
    }

    fn tell<'a>(
        &'a self,
        provider: &'a str,
        pass: Pass,
        word: Word,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let Some((owner, policy)) = self.owner(provider) else {
                return;
            };
            self.entry.note_told_of(&policy.name);
            self.station.metrics.called(&policy.name, &word);
            reach::note_call(&self.station, provider, &word, pass.probe);
            let word = self.of_those_in_use(policy, word).await;
            let by = self.entry.lease.process();
            if let Err(error) = owner.tell(policy, pass, &word, by).await {
                tracing::debug!(job = %self.entry.claimed.id, %error, "what a call told is lost");
            }
        })
    }

    fn ask_again<'a>(
        &'a self,
        provider: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Pass, NotNow>> + Send + 'a>> {
        Box::pin(async move {
            match self.owner(provider) {
                Some((owner, policy)) => self.ask_owner(owner, policy, None, None).await,
                // It has no breaker.
                None => Ok(Pass::default()),
            }
        })
    }

    fn tell_end<'a>(
        &'a self,
        provider: &'a str,
        pass: Option<Pass>,
        end: Result<&'a Answer, &'a JobError>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let seen = self.entry.claimed.seen;
            let pass = pass.unwrap_or(Pass {
                epoch: seen.epoch,
                probe: seen.route.is_probe(),
            });
            let word = match heard_of_call(end, provider) {
                // That is about this machine, and about our credentials: the end of the run says it.
                Word::NotReached if self.entry.was_our_own() => Word::Nothing,
                Word::Refused { .. } => Word::Nothing,
                word => word,
            };
            self.tell(provider, pass, word).await;
        })
    }

    fn not_reached(&self, unreached: Unreached, again: Arc<dyn Reach>) {
        self.entry.note_unreached(unreached, again);
    }

    fn billed(&self, provider: &'static str, unit: &'static str, units: u64) {
        self.station.metrics.billed(provider, unit, units);
    }

    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            self.may_call(false).await;
            self.clear(true).await;
        })
    }

    fn clear_to_read(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            self.may_call(true).await;
            self.clear(false).await;
        })
    }

    fn clear_elsewhere(&self, effect: bool) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.clear(effect))
    }
}
