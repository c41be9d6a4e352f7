//! What a job crate implements, and what it is told about the run.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::memory::{Memory, Outbox};
use crate::missing::Missing;
use crate::{
    Answer, CallReport, Job, JobError, JobId, KindPolicy, NotNow, Outcome, Pass, PrivateResult,
    Reach, Route, Unreached,
};

/// Carries out the jobs of one kind. One handler serves all runs of its kind at the same time.
pub trait Handler: Send + Sync + 'static {
    /// The kind.
    type Job: Job;

    /// Carries out one attempt.
    ///
    /// It must await [`Run::clear_to_send`] before *each* outgoing request that has an effect. It may be dropped at any await:
    /// when its time limit is reached, when its lease is lost, or when the worker stops.
    fn run(
        &self,
        job: Self::Job,
        run: Run,
    ) -> impl Future<Output = Result<Outcome, JobError>> + Send;

    /// Whether a successful request of a job may be made a second time without harm: the provider recognises the idempotency key,
    /// or the second request changes nothing. If not, and `redis.wait_replicas` is set, nothing is sent before replicas of Redis
    /// know of the claim. Otherwise a failover could hand the job out once more.
    const MAY_REPEAT: bool = false;

    /// The same for one job, if its args decide. A job that may be repeated is also sent again after an unknown outcome where its
    /// kind says [`Hold`](crate::OnUnknown::Hold), unless configuration says `hold`.
    fn may_repeat(&self, _job: &Self::Job) -> bool {
        Self::MAY_REPEAT
    }

    /// Asks the provider whether an earlier request of this job, whose answer was lost, was carried out. Returns `Some` with its
    /// outcome if it was. Returns `None` if it was not; then the request is made again. Called for kinds that are
    /// [verifiable](Job::VERIFIABLE).
    ///
    /// # Errors
    /// When the provider cannot say now. Then the attempt has failed, and nothing was sent.
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
    /// Returns once it is known that this worker still has the job's lease, and notes that a request may go out from then on.
    /// Never returns after the lease is lost: the run is dropped instead.
    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Returns once a request without an effect may leave. The job does not count as sent because of it.
    fn clear_to_read(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.clear_to_send()
    }

    /// Returns once a request to another party than the queue's provider may leave. The provider's limits do not apply. `effect`:
    /// the request has an effect, so the job counts as sent.
    fn clear_elsewhere(&self, effect: bool) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        match effect {
            true => self.clear_to_send(),
            false => self.clear_to_read(),
        }
    }

    /// Acquires one call of a provider, given by name: checks its breaker, its limits, and the job's lease. See
    /// [`Run::acquire_call`].
    fn acquire_call<'a>(
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

    /// Reports what a call showed about its provider. See [`Run::report_call`].
    fn report_call<'a>(
        &'a self,
        _provider: &'a str,
        _pass: Pass,
        _report: CallReport,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async {})
    }

    /// Acquires a repeat of a call within its attempt. See [`Run::acquire_repeat`].
    fn acquire_repeat<'a>(
        &'a self,
        _provider: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Pass, NotNow>> + Send + 'a>> {
        Box::pin(async { Ok(Pass::default()) })
    }

    /// Reports how one call ended, in an attempt that makes several. See [`Run::report_end`].
    fn report_end<'a>(
        &'a self,
        _provider: &'a str,
        _pass: Option<Pass>,
        _end: Result<&'a Answer, &'a JobError>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async {})
    }

    /// Notes that a host was not reached. See [`Run::not_reached`].
    fn not_reached(&self, _unreached: Unreached, _again: Arc<dyn Reach>) {}

    /// Notes that the last request was surely not carried out. See [`Run::not_carried_out`].
    fn not_carried_out(&self) {}

    /// Tells those who wait for the job a private result. See [`Run::tell_waiters`].
    fn tell_waiters<'a>(
        &'a self,
        _result: &'a PrivateResult,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async {})
    }

    /// Counts what a provider takes money for. See [`Run::billed`].
    fn billed(&self, _provider: &'static str, _unit: &'static str, _units: u64) {}
}

/// One attempt at one job.
#[derive(Clone)]
pub struct Run {
    /// The job.
    pub id: JobId,
    /// The number of this attempt, from 1. Attempts that were given back do not count.
    pub attempt: u32,
    /// The highest number of attempts.
    pub max_attempts: u32,
    /// The idempotency key for the provider. It stays the same on each attempt, after a crash and after a replay. It changes
    /// only after the provider has definitely refused, or after an operator has edited the args.
    pub idempotency_key: String,
    /// Whether a request of an earlier run may have reached the provider, with an unknown outcome.
    pub may_have_been_sent: bool,
    /// Which provider its calls go to: the queue's own or the fallback, as a probe or not.
    pub route: Route,
    /// The kind's policy, with the time limit of this attempt. The number of attempts is in `max_attempts`.
    pub policy: KindPolicy,
    /// Whether this attempt has made its call before, and makes it again: the answer was lost, or said that the call may be
    /// repeated.
    pub again: bool,
    gate: Arc<dyn Gate>,
    elsewhere: bool,
    memory: Arc<dyn Memory>,
    outbox: Arc<dyn Outbox>,
}

impl Run {
    /// A run whose requests pass this gate. It has no memory and no outbox. Until they are set, a request to either fails.
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

    /// Returns the run with this memory.
    #[must_use]
    pub fn with_memory(mut self, memory: Arc<dyn Memory>) -> Self {
        self.memory = memory;
        self
    }

    /// Returns the run with this outbox.
    #[must_use]
    pub fn with_outbox(mut self, outbox: Arc<dyn Outbox>) -> Self {
        self.outbox = outbox;
        self
    }

    /// Waits until a request with an effect may go out: the worker's last heartbeat is fresh enough to know that it still owns
    /// the job, and the provider may be called once more. Await it directly before each such request. From then on the job
    /// counts as possibly sent.
    pub async fn clear_to_send(&self) {
        match self.elsewhere {
            true => self.gate.clear_elsewhere(true).await,
            false => self.gate.clear_to_send().await,
        }
    }

    /// Waits until a request that only reads may go out, as [`clear_to_send`](Self::clear_to_send) does. The job does not count as
    /// sent because of it. Await it directly before each such request.
    pub async fn clear_to_read(&self) {
        match self.elsewhere {
            true => self.gate.clear_elsewhere(false).await,
            false => self.gate.clear_to_read().await,
        }
    }

    /// Returns the run for requests to another party than the queue's provider. The provider's limits do not hold them back.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        Self {
            elsewhere: true,
            ..self.clone()
        }
    }

    /// Acquires one call of a provider. `provider` is its name in the configuration. Use it for another queue's provider, and
    /// for the queue's own if the run makes many calls. Waits for the provider's limits, and until it is known that this worker
    /// still owns the job. `effect`: the call has an effect, so the job counts as possibly sent. Await it directly before each
    /// call, and report the result with [`report_call`](Self::report_call).
    ///
    /// # Errors
    /// When the provider may not be called now. Nothing was sent, so the run may use another provider. Converted into a
    /// [`JobError`], the job waits at no attempt.
    pub async fn acquire_call(&self, provider: &str, effect: bool) -> Result<Pass, NotNow> {
        self.gate.acquire_call(provider, effect).await
    }

    /// Reports what a call showed about its provider, for its breaker. A report that cannot be delivered is lost; the breaker
    /// uses the next ones.
    pub async fn report_call(&self, provider: &str, pass: Pass, report: CallReport) {
        self.gate.report_call(provider, pass, report).await;
    }

    /// Acquires a repeat of a failed call within the same attempt. The provider's breaker may have opened since, or the
    /// provider may have named a time to wait for. Takes no place in a rate limit: the call itself does that, with
    /// [`clear_to_send`](Self::clear_to_send) or [`clear_to_read`](Self::clear_to_read). Await it directly before the call, and
    /// report the result with [`report_end`](Self::report_end). A provider without a queue is never held back.
    ///
    /// # Errors
    /// When the provider may not be called now.
    pub async fn acquire_repeat(&self, provider: &str) -> Result<Pass, NotNow> {
        self.gate.acquire_repeat(provider).await
    }

    /// Notes that the last request with an effect was surely not carried out, where the run goes on after it: a token was refused, and
    /// another one is fetched; a provider was busy, and is called again. Only directly after that request: what passed the gate later would be
    /// meant. A run that goes on after a request without a word counts as possibly sent, however it ends.
    pub fn not_carried_out(&self) {
        self.gate.not_carried_out();
    }

    /// Reports how one call ended, in an attempt that makes several calls. So the breaker need not wait for the end of the
    /// attempt. `pass` is what [`acquire_repeat`](Self::acquire_repeat) returned; `None` for the attempt's first call, which the claim
    /// asked for. The end of the run does not count for that provider a second time.
    pub async fn report_end(
        &self,
        provider: &str,
        pass: Option<Pass>,
        end: Result<&Answer, &JobError>,
    ) {
        self.gate.report_end(provider, pass, end).await;
    }

    /// Notes that a host was not reached. Call it before the run ends with [`JobError::NotReached`]. The worker then claims no jobs
    /// of that provider until `again` has reached the host.
    pub fn not_reached(&self, unreached: Unreached, again: Arc<dyn Reach>) {
        self.gate.not_reached(unreached, again);
    }

    /// Tells those who wait for this job at this moment a result that nobody else may have, and that is kept nowhere: a secret, a URL
    /// with one in it. They have it with the job's end, if it completes. Nobody is told if nobody waits, and it is not told
    /// again; so a handler gives another way to ask for it. A run that comes after tells it anew. Call it before the run ends.
    pub async fn tell_waiters(&self, result: PrivateResult) {
        self.gate.tell_waiters(&result).await;
    }

    /// Counts what a provider charges for, in the unit of its price list (`mail`, `segment`, `request`). Call it once it is known
    /// that the provider charges. If an answer is lost, the count stays below the bill. It is never above it.
    pub fn billed(&self, provider: &'static str, unit: &'static str, units: u64) {
        self.gate.billed(provider, unit, units);
    }

    /// The memory: what earlier runs have stored, and where this run may store more.
    #[must_use]
    pub fn memory(&self) -> &dyn Memory {
        &*self.memory
    }

    /// The outbox: enqueues jobs that follow from this run.
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
