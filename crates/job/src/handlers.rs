//! The handlers of kinds. Only here handlers lose their types.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::names::{Names, names};
use crate::{
    Envelope, Handler, Job, JobError, KindOverrides, KindPolicy, Kinds, OnUnknown, Outcome, Run,
    RunPolicy, Undecodable,
};

/// A run under way. It gives `None` if the run only asked the provider, and the provider has not carried the job out.
pub type RunFuture = Pin<Box<dyn Future<Output = Result<Option<Outcome>, JobError>> + Send>>;

/// How a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStart {
    /// Runs at once.
    Run,
    /// First asks whether an earlier request was carried out; runs if it was not.
    VerifyThenRun,
    /// Only asks whether an earlier request was carried out: it is too late to run.
    VerifyOnly,
}

/// A handler without its type.
pub trait AnyHandler: Send + Sync {
    /// The newest version of the args that it knows.
    fn version(&self) -> u32;
    /// The kind's name.
    fn kind(&self) -> &'static str;
    /// The names of its args that name no person and hold no secret.
    fn public_args(&self) -> &'static [&'static str];
    /// Which names in these args are those of its kind's own structs. All others may be anything, people's names too.
    fn names(&self, args: Value) -> Names;
    /// Whether its handler can find out if an earlier request was carried out.
    fn can_verify(&self) -> bool;
    /// The kind's own policy: how its jobs are run.
    fn policy(&self) -> &'static KindPolicy;
    /// What the configuration overrides in that policy.
    fn overrides(&self) -> &KindOverrides;
    /// Sets these overrides.
    fn set_overrides(&mut self, overrides: KindOverrides);
    /// Decodes the args.
    ///
    /// # Errors
    /// When they are not this kind's.
    fn open(&self, envelope: &Envelope<'_>) -> Result<Box<dyn Opened>, Undecodable>;
}

impl dyn AnyHandler + '_ {
    /// How its jobs are run in a queue with this policy.
    #[must_use]
    pub fn policy_in(&self, queue: &RunPolicy) -> RunPolicy {
        let mut policy = queue.of_kind(self.policy(), self.overrides());
        policy.on_unknown = policy.on_unknown.for_kind(self.can_verify());
        policy
    }

    /// What follows an unknown outcome of this job, where its kind's rule is this one.
    #[must_use]
    pub fn on_unknown_of(&self, job: &dyn Opened, rule: OnUnknown) -> OnUnknown {
        let is_configured = self.overrides().on_unknown.is_some();
        match rule {
            OnUnknown::Hold if !is_configured && job.may_repeat() => OnUnknown::Retry,
            rule => rule,
        }
    }
}

/// A job whose args are decoded.
pub trait Opened: Send {
    /// After how long it expires, as configuration says, or else its kind.
    fn expires_in(&self) -> Option<Duration>;
    /// Whether a second request of it does no harm.
    fn may_repeat(&self) -> bool;
    /// Starts the run.
    fn start(self: Box<Self>, run: Run, start: RunStart) -> RunFuture;
}

struct Typed<H> {
    handler: Arc<H>,
    overrides: KindOverrides,
}

struct Ready<H: Handler> {
    handler: Arc<H>,
    job: H::Job,
    expires: Option<Duration>,
}

impl<H: Handler> AnyHandler for Typed<H> {
    fn version(&self) -> u32 {
        H::Job::VERSION
    }

    fn kind(&self) -> &'static str {
        H::Job::KIND
    }

    fn public_args(&self) -> &'static [&'static str] {
        H::Job::PUBLIC_ARGS
    }

    fn names(&self, args: Value) -> Names {
        names::<H::Job>(args)
    }

    fn can_verify(&self) -> bool {
        H::Job::VERIFIABLE
    }

    fn policy(&self) -> &'static KindPolicy {
        const { &H::Job::POLICY }
    }

    fn overrides(&self) -> &KindOverrides {
        &self.overrides
    }

    fn set_overrides(&mut self, overrides: KindOverrides) {
        self.overrides = overrides;
    }

    fn open(&self, envelope: &Envelope<'_>) -> Result<Box<dyn Opened>, Undecodable> {
        Ok(Box::new(Ready {
            handler: Arc::clone(&self.handler),
            job: envelope.decode()?,
            expires: self.overrides.expires,
        }))
    }
}

impl<H: Handler> Opened for Ready<H> {
    fn expires_in(&self) -> Option<Duration> {
        self.expires.or_else(|| self.job.expires_in())
    }

    fn may_repeat(&self) -> bool {
        self.handler.may_repeat(&self.job)
    }

    fn start(self: Box<Self>, run: Run, start: RunStart) -> RunFuture {
        let Self { handler, job, .. } = *self;
        Box::pin(async move {
            if start != RunStart::Run {
                let carried_out = handler.verify(&job, &run).await?;
                if carried_out.is_some() || start == RunStart::VerifyOnly {
                    return Ok(carried_out);
                }
            }
            handler.run(job, run).await.map(Some)
        })
    }
}

/// The handlers of one queue, by kind.
#[derive(Default)]
pub struct Handlers {
    by_kind: HashMap<&'static str, Box<dyn AnyHandler>>,
    known: Kinds,
}

impl Handlers {
    /// No handlers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the handler of one kind. It replaces an earlier handler of the same kind.
    #[must_use]
    pub fn with<H: Handler>(mut self, handler: H) -> Self {
        let typed = Typed {
            handler: Arc::new(handler),
            overrides: KindOverrides::default(),
        };
        self.by_kind.insert(H::Job::KIND, Box::new(typed));
        self
    }

    /// The kinds that jobs which follow from a run may have: all that the program knows.
    #[must_use]
    pub fn with_known(mut self, known: Kinds) -> Self {
        self.known = known;
        self
    }

    /// The kinds that jobs which follow from a run may have.
    #[must_use]
    pub fn known(&self) -> &Kinds {
        &self.known
    }

    /// Overrides the kinds' own policies with the configuration's. `overrides` gets the name of each kind.
    #[must_use]
    pub fn with_overrides(mut self, overrides: impl Fn(&'static str) -> KindOverrides) -> Self {
        for (kind, handler) in &mut self.by_kind {
            handler.set_overrides(overrides(kind));
        }
        self
    }

    /// Carries one job out without a queue, to test credentials. Decodes its payload and runs its handler once. Returns `None` if
    /// no handler knows its kind.
    ///
    /// # Errors
    /// The error of the handler. A payload that cannot be decoded is a refusal.
    pub async fn try_out(&self, payload: &[u8], mut run: Run) -> Option<Result<Outcome, JobError>> {
        let refused = |error: Undecodable| {
            let reason = format!("{}: {}", error.why.as_str(), error.detail);
            Some(Err(JobError::permanent(reason)))
        };
        let envelope = match Envelope::parse(payload) {
            Ok(envelope) => envelope,
            Err(error) => return refused(error),
        };
        let handler = self.get(&envelope.kind)?;
        match handler.open(&envelope) {
            Ok(job) => {
                run.policy = *handler.policy();
                let timeout = handler.overrides().timeout;
                run.policy.timeout = timeout.or(run.policy.timeout);
                job.start(run, RunStart::Run).await.transpose()
            }
            Err(error) => refused(error),
        }
    }

    /// The kinds that are known, each with its policy in a queue with this one.
    pub fn policies(&self, queue: &RunPolicy) -> impl Iterator<Item = (&'static str, RunPolicy)> {
        let kinds = self.by_kind.iter();
        kinds.map(|(kind, handler)| (*kind, handler.policy_in(queue)))
    }

    /// The kinds that are known here, in order.
    #[must_use]
    pub fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<_> = self.by_kind.keys().map(|&kind| kind.to_owned()).collect();
        kinds.sort();
        kinds
    }

    /// The handler of this kind, if it is known here.
    #[must_use]
    pub fn get(&self, kind: &str) -> Option<&dyn AnyHandler> {
        self.by_kind.get(kind).map(AsRef::as_ref)
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_kind.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InvalidArgs, RetrySchedule};

    /// A job that can be asked about, or not.
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Asked<const VERIFIABLE: bool>;

    impl<const VERIFIABLE: bool> Job for Asked<VERIFIABLE> {
        const KIND: &'static str = if VERIFIABLE { "can" } else { "cannot" };
        const QUEUE: &'static str = "asked";
        const PUBLIC_ARGS: &'static [&'static str] = &[];
        const PERSON_ARGS: &'static [crate::PersonArg] = &[];
        const VERIFIABLE: bool = VERIFIABLE;

        fn check(&self) -> Result<(), InvalidArgs> {
            Ok(())
        }
    }

    struct Idle<const VERIFIABLE: bool>;

    impl<const VERIFIABLE: bool> Handler for Idle<VERIFIABLE> {
        type Job = Asked<VERIFIABLE>;

        async fn run(&self, _: Self::Job, _: Run) -> Result<Outcome, JobError> {
            unreachable!("only its rules are asked for")
        }
    }

    /// Else a lost answer of it would be taken for a request that was not carried out.
    #[test]
    fn what_cannot_be_asked_about_is_made_again_whatever_its_queue_says() {
        let queue = RunPolicy {
            timeout: Duration::from_secs(30),
            expires: None,
            retry: RetrySchedule::default(),
            on_unknown: OnUnknown::Verify,
        };
        let handlers = Handlers::new().with(Idle::<true>).with(Idle::<false>);
        let rules: HashMap<_, _> = handlers.policies(&queue).collect();
        assert_eq!(rules["can"].on_unknown, OnUnknown::Verify);
        assert_eq!(rules["cannot"].on_unknown, OnUnknown::Retry);
    }

    /// Repeating it does no harm, or does, as its args say.
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Careful {
        keyed: bool,
    }

    impl Job for Careful {
        const KIND: &'static str = "careful";
        const QUEUE: &'static str = "careful";
        const PUBLIC_ARGS: &'static [&'static str] = &["keyed"];
        const PERSON_ARGS: &'static [crate::PersonArg] = &[];
        const POLICY: KindPolicy = KindPolicy {
            on_unknown: Some(OnUnknown::Hold),
            ..KindPolicy::DEFAULT
        };

        fn check(&self) -> Result<(), InvalidArgs> {
            Ok(())
        }
    }

    struct Looking;

    impl Handler for Looking {
        type Job = Careful;

        fn may_repeat(&self, job: &Careful) -> bool {
            job.keyed
        }

        async fn run(&self, _: Careful, _: Run) -> Result<Outcome, JobError> {
            unreachable!("only its rules are asked for")
        }
    }

    #[test]
    fn a_job_that_may_be_repeated_is_not_held_unless_configuration_says_so() {
        let rule = |keyed: bool, configured: Option<OnUnknown>| {
            let overrides = KindOverrides {
                on_unknown: configured,
                ..KindOverrides::default()
            };
            let handlers = Handlers::new().with(Looking);
            let handlers = handlers.with_overrides(|_| overrides.clone());
            let payload = format!(r#"{{"kind":"careful","v":1,"args":{{"keyed":{keyed}}}}}"#);
            let envelope = Envelope::parse(payload.as_bytes()).expect("an envelope");
            let handler = handlers.get("careful").expect("known");
            let job = handler.open(&envelope).expect("its args");
            let own = handler.policy().on_unknown.expect("set");
            handler.on_unknown_of(&*job, configured.unwrap_or(own))
        };
        assert_eq!(rule(false, None), OnUnknown::Hold);
        assert_eq!(rule(true, None), OnUnknown::Retry);
        assert_eq!(rule(true, Some(OnUnknown::Hold)), OnUnknown::Hold);
        assert_eq!(rule(false, Some(OnUnknown::Retry)), OnUnknown::Retry);
    }
}
