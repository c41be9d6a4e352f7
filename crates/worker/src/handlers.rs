//! Kinds and who carries them out: the only dynamic spot.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use longshore_job::{Envelope, Handler, Job, JobError, Outcome, Run, Undecodable};

type Running = BoxFuture<'static, Result<Outcome, JobError>>;

/// A handler without its type.
pub(crate) trait AnyHandler: Send + Sync {
    /// The newest version of the args that it knows.
    fn version(&self) -> u32;
    /// The kind's name.
    fn kind(&self) -> &'static str;
    /// Decodes the args and starts the run; with `verify_first`, by asking whether an earlier request was carried out.
    fn start(
        &self,
        envelope: &Envelope<'_>,
        run: Run,
        verify_first: bool,
    ) -> Result<Running, Undecodable>;
}

struct Typed<H>(Arc<H>);

impl<H: Handler> AnyHandler for Typed<H> {
    fn version(&self) -> u32 {
        H::Job::VERSION
    }

    fn kind(&self) -> &'static str {
        H::Job::KIND
    }

    fn start(
        &self,
        envelope: &Envelope<'_>,
        run: Run,
        verify_first: bool,
    ) -> Result<Running, Undecodable> {
        let job: H::Job = envelope.decode()?;
        let handler = Arc::clone(&self.0);
        Ok(Box::pin(async move {
            if verify_first && let Some(outcome) = handler.verify(&job, &run).await? {
                return Ok(outcome);
            }
            handler.run(job, run).await
        }))
    }
}

/// The handlers of one queue, by kind.
#[derive(Default)]
pub struct Handlers(HashMap<&'static str, Box<dyn AnyHandler>>);

impl Handlers {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the handler of one kind; a later one for the same kind takes its place.
    #[must_use]
    pub fn with<H: Handler>(mut self, handler: H) -> Self {
        self.0
            .insert(H::Job::KIND, Box::new(Typed(Arc::new(handler))));
        self
    }

    pub(crate) fn get(&self, kind: &str) -> Option<&dyn AnyHandler> {
        self.0.get(kind).map(AsRef::as_ref)
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
