//! One attempt at one job, as a worker makes it, without a queue.

use std::sync::Arc;
use std::time::Duration;

use longshore_job::handlers::RunStart;
use longshore_job::{
    Cause, Envelope, Handler, Handlers, InvalidArgs, Job, JobError, JobId, KindPolicy, Outcome,
    Prepared, RetrySchedule, Route, Run, RunPolicy,
};
use longshore_queue::{Decision, Fate, OnUnknown, Policy, RunState, decide};
use serde_json::Value;

use crate::{ScriptedGate, ScriptedMemory, Way};

/// The environment of a run: its gate, its memory, its job, and the settings of its queue. Clones share the gate and the memory.
#[derive(Debug, Clone)]
pub struct Script {
    /// The gate: it lets requests leave. Open unless set.
    pub gate: Arc<ScriptedGate>,
    /// The memory and the outbox. Empty unless set.
    pub memory: ScriptedMemory,
    /// The job's id. A new one unless set.
    pub id: JobId,
    /// What earlier attempts have left. Unless set, this is the first attempt.
    pub state: RunState,
    /// Which provider its calls go to. The queue's own unless set.
    pub route: Route,
    /// The queue's policy. Unless set, it retries after 60, 300 and 900 seconds, and a job with an unknown outcome becomes a dead
    /// letter.
    pub policy: Policy,
    /// The queue's time limit for an attempt, for kinds without one of their own. 60 seconds unless set.
    pub timeout: Duration,
    /// The name of the queue's provider. Unless set it is empty: there is no provider.
    pub provider: &'static str,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            gate: Arc::new(ScriptedGate::open()),
            memory: ScriptedMemory::new(),
            id: JobId::generate(),
            state: RunState::default(),
            route: Route::Primary,
            policy: Policy {
                schedule: RetrySchedule::default(),
                on_unknown: OnUnknown::Hold,
            },
            timeout: Duration::from_secs(60),
            provider: "",
        }
    }
}

impl Script {
    /// The first attempt at a new job, behind an open gate, with an empty memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This script with another gate.
    #[must_use]
    pub fn with_gate(self, gate: ScriptedGate) -> Self {
        Self {
            gate: Arc::new(gate),
            ..self
        }
    }

    /// This script with another memory. Both share its state.
    #[must_use]
    pub fn with_memory(self, memory: &ScriptedMemory) -> Self {
        Self {
            memory: memory.clone(),
            ..self
        }
    }

    /// This script for another job.
    #[must_use]
    pub fn for_job(&self, id: JobId) -> Self {
        Self { id, ..self.clone() }
    }

    /// This script for another new job.
    #[must_use]
    pub fn for_new_job(&self) -> Self {
        self.for_job(JobId::generate())
    }

    /// This script in a queue with another rule for outcomes that are not known.
    #[must_use]
    pub fn on_unknown(mut self, rule: OnUnknown) -> Self {
        self.policy.on_unknown = rule;
        self
    }

    /// This script in a queue whose provider has this name.
    #[must_use]
    pub fn with_provider(self, provider: &'static str) -> Self {
        Self { provider, ..self }
    }

    /// Only the run, for tests that call their handler, or a part of it, directly.
    #[must_use]
    pub fn run(&self) -> Run {
        let most = self.policy.schedule.max_attempts();
        let own = self.memory.of_run(self.id, &self.gate);
        self.gate.begin(self.state.may_have_been_sent);
        let run = Run::new(
            self.id,
            self.state.used + 1,
            most,
            Arc::clone(&self.gate) as _,
        );
        let mut run = run.with_memory(Arc::clone(&own) as _).with_outbox(own);
        run.idempotency_key = self.state.idempotency_key(self.id);
        run.may_have_been_sent = self.state.may_have_been_sent;
        run.route = self.route;
        run
    }

    /// Whether a worker would count the job as one that may have been sent, of a [run](Self::run) that was the last to begin and has
    /// failed so.
    #[must_use]
    pub fn may_have_been_sent(&self, error: &JobError) -> bool {
        let earlier = self.state.may_have_been_sent;
        let is_unknown = matches!(error, JobError::OutcomeUnknown { .. });
        earlier || is_unknown || self.gate.door().doubts(error)
    }

    /// Carries one attempt out as a worker does. It checks and encodes the args, and reads and checks them again. The handler runs
    /// within the time limit of its kind or its queue. Then the workers' own code decides what happens next. If an earlier request
    /// may have been sent and the queue's rule is to verify, [`Handler::verify`] runs first. A panic of the handler fails the test;
    /// a worker would survive it.
    ///
    /// # Errors
    /// When a producer could not enqueue these args either.
    ///
    /// # Panics
    /// When accepted args cannot be decoded: a worker would bury each such job.
    pub async fn run_one<H: Handler>(&self, handler: H, args: &H::Job) -> Result<Ran, InvalidArgs> {
        self.run_among(&Handlers::new().with(handler), args).await
    }

    /// Carries one attempt out as [`run_one`](Self::run_one) does, with the one of these handlers that is for the job's kind.
    ///
    /// # Errors
    /// When a producer could not enqueue these args either.
    ///
    /// # Panics
    /// When accepted args cannot be decoded: a worker would bury each such job. When no handler is for the kind.
    pub async fn run_among<J: Job>(
        &self,
        handlers: &Handlers,
        args: &J,
    ) -> Result<Ran, InvalidArgs> {
        let prepared = Prepared::new(args)?;
        let undecodable = |error| -> ! { panic!("args that were accepted do not decode: {error}") };
        let envelope =
            Envelope::parse(&prepared.payload).unwrap_or_else(|error| undecodable(error));
        let handler = handlers.get(&envelope.kind);
        let handler = handler.unwrap_or_else(|| panic!("no handler knows `{}`", envelope.kind));
        let job = handler
            .open(&envelope)
            .unwrap_or_else(|error| undecodable(error));
        let rules = handler.policy_in(&RunPolicy {
            timeout: self.timeout,
            expires: None,
            retry: self.policy.schedule.clone(),
            on_unknown: self.policy.on_unknown,
        });
        let timeout = rules.timeout;
        let policy = Policy {
            schedule: rules.retry,
            on_unknown: handler.on_unknown_of(&*job, rules.on_unknown),
        };
        let mut run = self.run();
        run.policy = KindPolicy {
            timeout: Some(timeout),
            ..*handler.policy()
        };
        run.max_attempts = policy.schedule.max_attempts();
        let start = match self.state.may_have_been_sent && policy.on_unknown == OnUnknown::Verify {
            true => RunStart::VerifyThenRun,
            false => RunStart::Run,
        };
        let before = self.effects();
        let end = match tokio::time::timeout(timeout, job.start(run, start)).await {
            Ok(end) => {
                end.map(|outcome| outcome.expect("a run that is not only verified has an end"))
            }
            Err(_) => {
                let sent = self.effects() > before;
                let reason = format!("no end after {} s", timeout.as_secs_f64());
                let provider = Some(self.provider).filter(|name| sent && !name.is_empty());
                Err(JobError::unfinished(sent, &reason, "timed out", provider))
            }
        };
        let decision = decide(&end, self.state, self.route, &policy, self.provider);
        let in_doubt = |error| self.gate.door().doubts(error);
        let decision = match end.as_ref().is_err_and(in_doubt) {
            true => decision.in_doubt(self.route.is_fallback()),
            false => decision,
        };
        Ok(Ran {
            end,
            decision,
            script: self.clone(),
        })
    }

    /// How many requests with an effect have left.
    fn effects(&self) -> u64 {
        self.gate.sends() + self.gate.count(Way::SendElsewhere)
    }
}

/// Carries out the first attempt at a new job, behind an open gate, with an empty memory. Tests that need more have a
/// [`Script`].
///
/// # Errors
/// When a producer could not enqueue these args either.
///
/// # Panics
/// When accepted args cannot be decoded: a worker would bury each such job.
pub async fn run_one<H: Handler>(handler: H, args: &H::Job) -> Result<Ran, InvalidArgs> {
    Script::new().run_one(handler, args).await
}

/// An attempt that has ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ran {
    /// The handler's result.
    pub end: Result<Outcome, JobError>,
    /// The decision that a worker would write.
    pub decision: Decision,
    /// The environment that it ran in.
    pub script: Script,
}

impl Ran {
    /// The script of the job's next attempt: the same gate and memory, and what this attempt has left.
    #[must_use]
    pub fn next_attempt(&self) -> Script {
        Script {
            state: self.decision.state,
            ..self.script.clone()
        }
    }

    /// Asserts that the job is completed. Returns its result, if it has one.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn assert_completed(&self) -> Option<Value> {
        match &self.decision.fate {
            Fate::Completed { result } => result.clone(),
            _ => self.is_not("completed"),
        }
    }

    /// Asserts that the job is a dead letter. Returns its cause.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn assert_dead(&self) -> Cause {
        match &self.decision.fate {
            Fate::Dead { cause } => cause.clone(),
            _ => self.is_not("a dead letter"),
        }
    }

    /// Asserts that the attempt has failed and another one follows. Returns the wait before it.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn assert_retry(&self) -> Duration {
        match self.decision.fate {
            Fate::Retry { after } => after,
            _ => self.is_not("to be tried again"),
        }
    }

    /// Asserts that the job waits and that this costs no attempt. Returns the length of the wait.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn assert_put_back(&self) -> Duration {
        match self.decision.fate {
            Fate::Later { after } => after,
            Fate::Back => Duration::ZERO,
            _ => self.is_not("put back"),
        }
    }

    #[track_caller]
    fn is_not(&self, expected: &str) -> ! {
        let end = match &self.end {
            Ok(Outcome::Done { .. }) => "done".to_owned(),
            Ok(Outcome::Skipped { reason }) => format!("skipped: {reason}"),
            Err(error) => error.to_string(),
        };
        let fate = &self.decision.fate;
        panic!("the job is not {expected}\nthe run ended as: {end}\nwhat follows: {fate:?}");
    }
}
