//! One operation of a service, as configured.

use longshore_job::InvalidArgs;
use longshore_provider::{HeaderName, HeaderValue, Method};

use crate::path::PathTemplate;
use crate::{AnswerClasses, CallService};

/// One operation: what is sent, where, and what its answers mean.
#[derive(Debug, Clone)]
pub struct ServiceOperation {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: PathTemplate,
    /// Headers of every request.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The header that carries the job's idempotency key, if the service recognises a repeated request by one.
    pub idempotency_header: Option<HeaderName>,
    /// What statuses mean that are not meant as usual.
    pub classes: AnswerClasses,
}

impl ServiceOperation {
    /// Whether it only reads.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.method == Method::GET
    }

    /// Whether a second request does no harm: it only reads, or the service recognises it by its key.
    #[must_use]
    pub fn may_repeat(&self) -> bool {
        self.is_read() || self.idempotency_header.is_some()
    }

    /// Whether its requests have a body.
    #[must_use]
    pub fn takes_body(&self) -> bool {
        [Method::POST, Method::PUT, Method::PATCH].contains(&self.method)
    }

    /// The path of a job's request.
    ///
    /// # Errors
    /// When the job's args do not fit the operation.
    pub fn path_of(&self, job: &CallService) -> Result<String, InvalidArgs> {
        let path = self.path.fill(&job.path_params);
        let body = InvalidArgs::unless(
            job.body.is_none() || self.takes_body(),
            "body",
            format_args!("a {} has none", self.method),
        );
        InvalidArgs::all([path.as_ref().map(drop).map_err(Clone::clone), body])?;
        path
    }
}
