//! The client of one service.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_job::{Answer, JobError, Run};
use longshore_provider::{
    AnswerTable, CallError, Http, HttpSetupError, Origin, ProviderError, Purpose, Request, Response,
};

use crate::auth::AuthMethod;
use crate::call;
use crate::error::Answers;
use crate::token::Token;
use crate::{InvalidCredentials, ServiceOperation};

/// A service, and how it is called.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// Its name, as configuration has it.
    pub name: &'static str,
    /// Its origin.
    pub base_url: Origin,
    /// How it knows us.
    pub auth: AuthMethod,
    /// How long one exchange may take.
    pub timeout: Duration,
    /// What it can do.
    pub operations: BTreeMap<String, ServiceOperation>,
}

/// The client cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceSetupError {
    /// TLS is not to be had on this machine.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// A secret cannot be sent.
    #[error(transparent)]
    Credentials(#[from] InvalidCredentials),
}

/// A client of one service. Cheap to clone; clones share their connections and their token.
#[derive(Debug, Clone)]
pub struct Service {
    name: &'static str,
    http: Http,
    auth: AuthMethod,
    operations: BTreeMap<String, ServiceOperation>,
}

impl Service {
    /// A client.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: ServiceConfig) -> Result<Self, ServiceSetupError> {
        Ok(Self {
            name: config.name,
            http: Http::new(config.base_url, config.timeout)?,
            auth: config.auth,
            operations: config.operations,
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn operation(&self, name: &str) -> Option<&ServiceOperation> {
        self.operations.get(name)
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = &str> {
        self.operations.keys().map(String::as_str)
    }

    /// Makes a request of an operation, and says what was answered. Where a token is refused, once more with another one: a 401 says
    /// that nothing was done.
    pub(crate) async fn call(
        &self,
        run: &Run,
        operation: &ServiceOperation,
        request: Request,
    ) -> Result<(Response, Answer), JobError> {
        let (signed, used) = self.auth.sign(run, request.clone()).await?;
        let mut answered = self.send(run, operation, signed).await;
        let mut token = used.as_ref().map(|(token, _)| token.clone());
        if answered.as_ref().is_err_and(is_refusal) {
            run.not_carried_out();
        }
        // A new token that is refused says that the credentials themselves are.
        if let (Err(error), Some((refused, false))) = (&answered, &used)
            && is_refusal(error)
            && let Some((signed, other)) = self.auth.sign_anew(run, request, refused).await?
        {
            answered = self.send(run, operation, signed).await;
            token = Some(other);
        }
        let table = self.table(operation, token.as_ref());
        // A read leaves nothing unknown. What may be repeated by its key is for `on_unknown` to decide.
        let purpose = match operation.is_read() {
            true => Purpose::Repeatable,
            false => Purpose::Effect,
        };
        match answered {
            Ok(response) => {
                let answer = table.answer(&response);
                Ok((response, answer))
            }
            Err(error) => Err(table.job_error(purpose, &error)),
        }
    }

    async fn send(
        &self,
        run: &Run,
        operation: &ServiceOperation,
        request: Request,
    ) -> Result<Response, CallError> {
        let answered = match operation.is_read() {
            true => self.http.read(run, request).await,
            false => self.http.send(run, request).await,
        };
        call::answered(operation, answered)
    }

    fn table<'a>(&self, operation: &'a ServiceOperation, token: Option<&Token>) -> Answers<'a> {
        Answers {
            service: self.name,
            classes: &operation.classes,
            secrets: self.auth.exposed(token),
        }
    }
}

fn is_refusal(error: &CallError) -> bool {
    matches!(
        error,
        CallError::Provider(ProviderError::Unauthorized { .. })
    )
}
