//! The door that each outgoing request of a run has to pass.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_job::{Answer, Gate, JobError, NotNow, Pass, Reach, Unreached, Why};
use longshore_queue::{
    Asked, Call, Limit, ProviderPolicy, Queue, QueueError, Route, Word, heard_of_call,
};
use tokio::time::sleep;

use crate::clock::Moment;
use crate::entry::{Entry, lock};
use crate::reach;
use crate::refetch::{self, Refusal};
use crate::retell::retell;
use crate::station::Station;

/// How long until Redis, or a limiter with too many calls ahead, is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// How often Redis is asked for another provider's call before the run gives way.
const ASK_AT_MOST: u32 = 20;

/// How long a job waits for a Redis that did not answer then.
const UNANSWERED: Duration = Duration::from_secs(5);

/// How long a job waits for a provider that this process knows nothing of: another one may, or a deploy is under way.
const UNKNOWN: Duration = Duration::from_secs(60);

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

    /// Waits until the provider may be called once more. Every call that no claim has taken takes its own place in the
    /// limiter's schedule, ahead of jobs that are not claimed yet: what has begun is to come to its end.
    async fn may_call(&self, reads: bool) {
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

    /// The queue that a provider belongs to, and what holds for it.
    fn owner(&self, provider: &str) -> Option<(&Queue, &ProviderPolicy)> {
        let own = &self.station.queue;
        let owner = match own.policy_of(provider) {
            Some(_) => own,
            None => self.station.owners.get(provider)?,
        };
        Some((owner, owner.policy_of(provider)?))
    }

    /// Asks whoever's provider it is for one call, until there is an answer.
    async fn leave(&self, provider: &str, effect: bool) -> Result<Pass, NotNow> {
        let Some((owner, policy)) = self.owner(provider) else {
            return Err(NotNow {
                provider: provider.to_owned(),
                why: Why::Unknown,
                retry_after: UNKNOWN,
            });
        };
        let ours = policy.name == self.station.queue.provider().name;
        let seen = self.entry.claimed.seen;
        let probing = (ours && seen.route == Route::Probe).then_some(seen.epoch);
        let limiter = limiter(policy, !effect);
        // The first call of its own provider was taken by its claim, where claims take any.
        let taken = ours && policy.reads.is_none() && !self.called.swap(true, Ordering::AcqRel);
        let limited = limiter.as_ref().filter(|_| !taken);
        self.ask_owner(owner, policy, probing, limited).await
    }

    /// Asks for one call until there is an answer, and waits until its place in the limiter has come.
    async fn ask_owner(
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
            match owner.ask(policy, probing, limited).await {
                Ok(Asked::Go { after, pass }) => {
                    sleep(after).await;
                    return Ok(pass);
                }
                Ok(Asked::NotNow { why, retry_after }) => return Err(not_now(why, retry_after)),
                Ok(Asked::TooManyAhead) => {}
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

    /// What a call told, but that a refusal of credentials which are not in use any more, or cannot be fetched again, says
    /// nothing of those that are.
    async fn of_those_in_use(&self, policy: &ProviderPolicy, word: Word) -> Word {
        let used = lock(&self.used).get(&policy.name).cloned();
        match (&word, used) {
            (Word::Refused { .. }, Some(used)) => {
                match refetch::look_at(&self.station, policy, &used).await {
                    Refusal::Stands => word,
                    Refusal::Outdated | Refusal::Unfetched => Word::Nothing,
                }
            }
            _ => word,
        }
    }

    /// After a lost connection, or once Redis has forgotten something, a job's claim may be forgotten: it sends nothing
    /// before it has seen that the job is its own. Returns whether it is.
    async fn is_ours(&self) -> bool {
        let (station, claimed) = (&self.station, &self.entry.claimed);
        let mut missed: Option<Moment> = None;
        loop {
            let interruptions = station.redis_memory.interruptions();
            if self.entry.ours_as_of() == interruptions {
                return true;
            }
            if station.redis_memory.has_forgotten() {
                if let Err(error) = retell(station).await {
                    tracing::debug!(job = %claimed.id, %error, "a call waits for Redis");
                }
            } else {
                match station.queue.owner(&claimed.id).await {
                    Ok(Some(token)) if token == claimed.token => {
                        self.entry.is_ours_as_of(interruptions);
                        continue;
                    }
                    // A heartbeat that was sent since says whether Redis forgot; if it did not, the job is another's.
                    Ok(_) => {
                        let missed = *missed.get_or_insert_with(Moment::now);
                        let beaten = station.keeper.is_confirmed_since(missed);
                        if beaten && !station.redis_memory.has_forgotten() {
                            return false;
                        }
                        station.keeper.want_beat();
                    }
                    Err(error) => {
                        tracing::debug!(job = %claimed.id, %error, "a call waits for Redis");
                    }
                }
            }
            sleep(ASK_AGAIN).await;
        }
    }

    /// Waits until enough replicas know of the claim: a failover would hand the job out once more. `false` when too few do:
    /// then it is given back, unsent. It is asked again whether they do otherwise. Claims of one moment share the wait, and
    /// what was claimed before is known with it.
    async fn is_copied(&self) -> bool {
        let (station, entry) = (&self.station, &self.entry);
        let at = entry.at();
        entry.waits_for_copies(true);
        let claimed = &entry.claimed;
        match station
            .queue
            .claim_is_copied(&claimed.id, &claimed.token)
            .await
        {
            Ok(true) => {
                entry.waits_for_copies(false);
                station.copied.up_to(station.queue.name(), &at);
            }
            // It has failed over, and forgot the claim, or it is another's by now.
            Ok(false) => {
                station.redis_memory.note_interruption();
                sleep(ASK_AGAIN).await;
            }
            Err(error @ QueueError::NotCopied { .. }) => {
                station.copied.too_few(station.queue.name(), &error);
                return false;
            }
            Err(error) => {
                tracing::debug!(job = %claimed.id, %error, "a call waits for Redis");
                sleep(ASK_AGAIN).await;
            }
        }
        true
    }

    /// A worker that was stopped, or cut off, and wakes must not send before it knows that the job is still its
    /// own: the last acknowledged beat must be younger than two thirds of a lease, else one is waited for. Then the door
    /// must be open still. `effect`: the request is one that must not be made twice.
    async fn pass(&self, effect: bool) {
        let lease_age = self.station.settings.lost_after * 2 / 3;
        let mut standing = self.station.keeper.standing();
        loop {
            let fresh = standing
                .borrow_and_update()
                .holds(&self.entry.lease, lease_age);
            let interruptions = self.station.redis_memory.interruptions();
            if fresh && self.entry.ours_as_of() != interruptions {
                if !self.is_ours().await {
                    tracing::warn!(queue = self.station.queue.name(), job_id = %self.entry.claimed.id, "nothing is sent: Redis does not have the job as ours any more");
                    self.entry.close();
                    self.entry.abort();
                    std::future::pending::<()>().await;
                }
                continue;
            }
            if fresh && effect && self.copies && !self.station.copied.has(&self.entry.at()) {
                if !self.is_copied().await {
                    self.entry.close();
                    self.entry.abort();
                    std::future::pending::<()>().await;
                }
                // That took time.
                continue;
            }
            let open = match effect {
                true => Entry::send,
                false => Entry::is_open,
            };
            if fresh && open(&self.entry) {
                return;
            }
            if fresh {
                // Closed: the run is about to be dropped.
                std::future::pending::<()>().await;
            }
            self.station.keeper.want_beat();
            if standing.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
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

impl Gate for SendGate {
    fn ask<'a>(
        &'a self,
        provider: &'a str,
        effect: bool,
    ) -> Pin<Box<dyn Future<Output = Result<Pass, NotNow>> + Send + 'a>> {
        Box::pin(async move {
            let pass = self.leave(provider, effect).await?;
            self.pass(effect).await;
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
            self.entry.tells_of(&policy.name);
            self.station.metrics.called(&policy.name, &word);
            reach::told(&self.station, provider, &word, pass.probe);
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
        self.entry.not_reached(unreached, again);
    }

    fn billed(&self, provider: &'static str, unit: &'static str, units: u64) {
        self.station.metrics.billed(provider, unit, units);
    }

    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            self.may_call(false).await;
            self.pass(true).await;
        })
    }

    fn clear_to_read(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            self.may_call(true).await;
            self.pass(false).await;
        })
    }

    fn clear_elsewhere(&self, effect: bool) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.pass(effect))
    }
}
