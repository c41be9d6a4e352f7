//! What a job crate implements, and what it is told about the run.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::memory::{Memory, Outbox};
use crate::missing::Missing;
use crate::{
    Answer, Job, JobError, JobId, KindPolicy, NotNow, Outcome, Pass, Reach, Route, Unreached, Word,
};

/// Carries out the jobs of one kind. One handler serves all runs of its kind at the same time.
pub trait Handler: Send + Sync + 'static {
    /// The kind.
    type Job: Job;

    /// Carries out one attempt.
    ///
    /// Before *each* outgoing request that has an effect it awaits [`Run::clear_to_send`]. It may be dropped at
    /// any await: when its time is over, when its lease is lost, or when the worker has to go.
    fn run(
        &self,
        job: Self::Job,
        run: Run,
    ) -> impl Future<Output = Result<Outcome, JobError>> + Send;

    /// Whether a request of a job does no harm when it is made twice, although the first one went well: its provider knows it
    /// by the idempotency key, or it leaves things as the first one did. Where it is not so, and `redis.wait_replicas` is set,
    /// nothing is sent before replicas of Redis know of the claim. Otherwise a failover could hand the job out once more.
    const MAY_REPEAT: bool = false;

    /// Asks the provider whether an earlier request of this job, whose answer was lost, was carried out: `Some` with
    /// its outcome if it was, `None` if it was not, so that it is made again. Called for kinds that are
    /// [verifiable](Job::VERIFIABLE).
    ///
    /// # Errors
    /// When the provider cannot say now; then the attempt has failed, and nothing was sent.
    fn verify(
        &self,
        _job: &Self::Job,
        _run: &Run,
    ) -> impl Future<Output = Result<Option<Outcome>, JobError>> + Send {
        async { Ok(None) }
    }
}

/// Decides when a request may leave this process. The worker implements it.
pub trait Gate: Send + Sync {
    /// Returns when the job's lease is known to be ours; notes that a request has gone out from then on.
    /// Never returns once the lease is lost: the run is dropped instead.
    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Returns when a request without an effect may leave: the same, but that the job need not count as sent.
    fn clear_to_read(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.clear_to_send()
    }

    /// The same for a request to somebody else than the queue's provider, whose limits say nothing about it.
    fn clear_elsewhere(&self, effect: bool) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        match effect {
            true => self.clear_to_send(),
            false => self.clear_to_read(),
        }
    }

    /// Asks for one call of a provider by its name, whoever's it is: its breaker, its limits, our lease. See
    /// [`Run::ask`].
    fn ask<'a>(
        &'a self,
        _provider: &'a str,
        effect: bool,
    ) -> Pin<Box<dyn Future<Output = Result<Pass, NotNow>> + Send + 'a>> {
        Box::pin(async move {
            match effect {
                true => self.clear_to_send().await,
                false => self.clear_to_read().await,
            }
            Ok(Pass::default())
        })
    }

    /// Says what a call told. See [`Run::tell`].
    fn tell<'a>(
        &'a self,
        _provider: &'a str,
        _pass: Pass,
        _word: Word,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async {})
    }

    /// Asks whether a call may be made again within its attempt. See [`Run::ask_again`].
    fn ask_again<'a>(
        &'a self,
        _provider: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Pass, NotNow>> + Send + 'a>> {
        Box::pin(async { Ok(Pass::default()) })
    }

    /// Says how a call of an attempt that makes several ended. See [`Run::tell_end`].
    fn tell_end<'a>(
        &'a self,
        _provider: &'a str,
        _pass: Option<Pass>,
        _end: Result<&'a Answer, &'a JobError>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async {})
    }

    /// Notes that a host was not reached. See [`Run::not_reached`].
    fn not_reached(&self, _unreached: Unreached, _again: Arc<dyn Reach>) {}

    /// Counts what a provider takes money for. See [`Run::billed`].
    fn billed(&self, _provider: &'static str, _unit: &'static str, _units: u64) {}
}

/// One attempt at one job.
#[derive(Clone)]
pub struct Run {
    /// The job.
    pub id: JobId,
    /// Which attempt this is, from 1. Given-back ones are not counted.
    pub attempt: u32,
    /// How many attempts there are at the most.
    pub max_attempts: u32,
    /// The idempotency key for the provider: the same on each attempt, after a crash and after a replay;
    /// another one only once the provider has definitely refused, or an operator has edited the args.
    pub idempotency_key: String,
    /// A request of an earlier run may have reached the provider, and its outcome is not known.
    pub may_have_been_sent: bool,
    /// Which way its calls go.
    pub route: Route,
    /// What its kind says of how its jobs are run, with the time limit that holds for this attempt. How often a job is
    /// attempted is in `max_attempts`.
    pub policy: KindPolicy,
    /// This attempt has made its call before, and makes it again: an answer was lost, or said that it may be repeated.
    pub again: bool,
    gate: Arc<dyn Gate>,
    elsewhere: bool,
    memory: Arc<dyn Memory>,
    outbox: Arc<dyn Outbox>,
}

impl Run {
    /// A run behind this gate. It has neither memory nor outbox: until they are set, a request to one of them fails.
    #[must_use]
    pub fn new(id: JobId, attempt: u32, max_attempts: u32, gate: Arc<dyn Gate>) -> Self {
        Self {
            id,
            attempt,
            max_attempts,
            idempotency_key: id.to_string(),
            may_have_been_sent: false,
            route: Route::Primary,
            policy: KindPolicy::DEFAULT,
            again: false,
            gate,
            elsewhere: false,
            memory: Arc::new(Missing),
            outbox: Arc::new(Missing),
        }
    }

    /// The same run, with a memory.
    #[must_use]
    pub fn with_memory(mut self, memory: Arc<dyn Memory>) -> Self {
        self.memory = memory;
        self
    }

    /// The same run, with an outbox.
    #[must_use]
    pub fn with_outbox(mut self, outbox: Arc<dyn Outbox>) -> Self {
        self.outbox = outbox;
        self
    }

    /// Waits until a request may go out: the worker's last heartbeat is fresh enough to know that the job is
    /// still ours, and the provider may be called once more. To be awaited directly before each request that has an
    /// effect. From then on the job counts as possibly sent.
    pub async fn clear_to_send(&self) {
        match self.elsewhere {
            true => self.gate.clear_elsewhere(true).await,
            false => self.gate.clear_to_send().await,
        }
    }

    /// The same for a request that only reads: the job does not count as sent for it.
    pub async fn clear_to_read(&self) {
        match self.elsewhere {
            true => self.gate.clear_elsewhere(false).await,
            false => self.gate.clear_to_read().await,
        }
    }

    /// The same run, for requests to somebody else than the queue's provider: its limits do not hold them back.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        Self {
            elsewhere: true,
            ..self.clone()
        }
    }

    /// Asks for one call of a provider, by the name that configuration has for it: the queue's own, where a run makes
    /// many calls and each says something of its own, or another queue's. Waits for the provider's limits and until
    /// the job is known to be still ours; `effect` as in [`clear_to_send`](Self::clear_to_send) and
    /// [`clear_to_read`](Self::clear_to_read). To be awaited directly before each call, and answered by
    /// [`tell`](Self::tell) after it.
    ///
    /// # Errors
    /// When it may not be called now. As a [`JobError`] that is a wait at the cost of no attempt; a run that has
    /// another provider to turn to may do so, since nothing was sent.
    pub async fn ask(&self, provider: &str, effect: bool) -> Result<Pass, NotNow> {
        self.gate.ask(provider, effect).await
    }

    /// Says what a call told of its provider, for its breaker. News that cannot be told are lost: a breaker lives by
    /// the next ones.
    pub async fn tell(&self, provider: &str, pass: Pass, word: Word) {
        self.gate.tell(provider, pass, word).await;
    }

    /// Asks whether a call that failed may be made again within the same attempt: the provider's breaker may have opened
    /// since, or it may have said when to come back. Takes no place in a limit: the call takes its own, as each one does by
    /// [`clear_to_send`](Self::clear_to_send) or [`clear_to_read`](Self::clear_to_read). To be awaited directly before the
    /// call, and answered by [`tell_end`](Self::tell_end) after it. A provider of no queue has nothing that holds it back.
    ///
    /// # Errors
    /// When it may not be called now.
    pub async fn ask_again(&self, provider: &str) -> Result<Pass, NotNow> {
        self.gate.ask_again(provider).await
    }

    /// Says how one call of an attempt ended that makes more than one, so that its breaker need not wait for the end of the
    /// attempt. `pass` is what [`ask_again`](Self::ask_again) gave; `None` for the attempt's first call, which its claim has
    /// asked for. What the end of the run says of that provider is not counted once more.
    pub async fn tell_end(
        &self,
        provider: &str,
        pass: Option<Pass>,
        end: Result<&Answer, &JobError>,
    ) {
        self.gate.tell_end(provider, pass, end).await;
    }

    /// Notes that a host was not reached, and how to find out when it is again. To be called before the run ends with
    /// [`JobError::NotReached`]: the worker then claims no more for that provider until `again` says that it is reached.
    pub fn not_reached(&self, unreached: Unreached, again: Arc<dyn Reach>) {
        self.gate.not_reached(unreached, again);
    }

    /// Counts what a provider takes money for, in the unit of its price list (`mail`, `segment`, `request`), once it is
    /// known that it does. Where an answer is lost the count stays below the bill; it never goes above it.
    pub fn billed(&self, provider: &'static str, unit: &'static str, units: u64) {
        self.gate.billed(provider, unit, units);
    }

    /// What the fleet remembers for this run.
    #[must_use]
    pub fn memory(&self) -> &dyn Memory {
        &*self.memory
    }

    /// Where jobs go that follow from this run.
    #[must_use]
    pub fn outbox(&self) -> &dyn Outbox {
        &*self.outbox
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("id", &self.id)
            .field("attempt", &self.attempt)
            .field("max_attempts", &self.max_attempts)
            .finish_non_exhaustive()
    }
}
