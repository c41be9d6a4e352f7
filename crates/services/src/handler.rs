//! One call, from its job to its outcome.

use longshore_job::{Handler, JobError, Outcome, Run};

use crate::{CallService, Service, ServiceOperation, call};

/// Carries out the `call_service` jobs of one service.
#[derive(Debug, Clone)]
pub struct CallServiceHandler {
    service: Service,
}

impl CallServiceHandler {
    /// A handler that calls this service.
    #[must_use]
    pub fn new(service: Service) -> Self {
        Self { service }
    }

    /// The operation of a job. The doors that have the configuration refuse what is refused here; others, such as a plain producer's
    /// client, cannot know.
    fn operation(&self, job: &CallService) -> Result<&ServiceOperation, JobError> {
        let name = self.service.name();
        if job.service != name {
            let reason = format!("it waited in the queue of {name} and is for another service");
            return Err(JobError::refusal("another service", reason));
        }
        self.service.operation(&job.operation).ok_or_else(|| {
            let known: Vec<_> = self.service.operations().collect();
            let reason = format!(
                "services.{name} has no operation of its name; there are {}",
                known.join(", ")
            );
            JobError::refusal("unknown operation", reason)
        })
    }
}

impl Handler for CallServiceHandler {
    type Job = CallService;

    fn may_repeat(&self, job: &CallService) -> bool {
        let operation = self.service.operation(&job.operation);
        operation.is_some_and(ServiceOperation::may_repeat)
    }

    async fn run(&self, job: CallService, run: Run) -> Result<Outcome, JobError> {
        let operation = self.operation(&job)?;
        let request = call::request(operation, &job, &run.idempotency_key)
            .map_err(|wrong| JobError::refusal("wrong args", wrong.to_string()))?;
        let (response, answer) = self.service.call(&run, operation, request).await?;
        Ok(Outcome::Done {
            result: Some(call::result(&response)),
            answer,
        })
    }
}
