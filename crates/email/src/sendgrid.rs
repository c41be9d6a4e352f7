//! SendGrid's v3 API, as far as mail is sent.

use longshore_job::{JobError, Run};
use longshore_provider::secret::HeaderSecret;
use longshore_provider::{
    AnswerTable, CallError, Http, HttpSetupError, InvalidCredential, Purpose, Request, Response,
    StatusCode,
};

use crate::SendGridConfig;
use crate::error::{Answers, MESSAGE_ID};
use crate::mail::Mail;

/// A client of SendGrid. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct SendGrid {
    http: Http,
    api_key: HeaderSecret,
    pub(crate) sandbox: bool,
}

/// The client cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// TLS is not to be had on this machine.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// The API key cannot be one.
    #[error("api_key: {0}")]
    ApiKey(#[from] InvalidCredential),
}

/// A mail that SendGrid has taken on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The status: 202, or 200 in sandbox mode.
    pub status: u16,
    /// SendGrid's id of the mail.
    pub message_id: Option<String>,
}

impl SendGrid {
    /// A client.
    ///
    /// # Errors
    /// When TLS cannot be set up, or the key cannot be sent in a header.
    pub fn new(config: &SendGridConfig) -> Result<Self, SetupError> {
        Ok(Self {
            http: Http::new(config.base_url.clone(), config.timeout)?,
            api_key: HeaderSecret::new(config.api_key.clone())?,
            sandbox: config.sandbox,
        })
    }

    /// Sends one mail, once. There is no idempotency key in this API: whoever repeats a request whose answer was
    /// lost may be sending a second mail.
    pub(crate) async fn send(&self, run: &Run, mail: &Mail<'_>) -> Result<Accepted, JobError> {
        let sent = self.try_send(run, mail).await;
        sent.map_err(|error| Answers.job_error(Purpose::Effect, &error))
    }

    async fn try_send(&self, run: &Run, mail: &Mail<'_>) -> Result<Accepted, CallError> {
        let request = Request::post("/v3/mail/send")
            .authorization(self.api_key.bearer())
            .json(mail)
            .map_err(|error| unwritable(&error))?;
        let response = self.http.send(run, request).await?;
        self.accepted(response)
    }

    /// 202 is an acceptance, also in sandbox mode, where it would mean that the mode was ignored. 200 says that a
    /// mail was checked and *not* sent: right in sandbox mode, and otherwise, like any other 2xx, nothing that
    /// SendGrid answers. Something in between may have made it up, with or without the mail passed on, so what
    /// happened is unknown.
    fn accepted(&self, response: Response) -> Result<Accepted, CallError> {
        match response.status {
            StatusCode::ACCEPTED => {}
            StatusCode::OK if self.sandbox => {}
            _ => {
                return Err(CallError::NotUnderstood {
                    response: Box::new(response),
                    why: "that is no acceptance".to_owned(),
                });
            }
        }
        Ok(Accepted {
            status: response.status.as_u16(),
            message_id: message_id(&response),
        })
    }
}

fn message_id(response: &Response) -> Option<String> {
    response.header(MESSAGE_ID).map(str::to_owned)
}

/// A mail that cannot be written as JSON. Nothing was sent.
pub(crate) fn unwritable(error: &serde_json::Error) -> CallError {
    CallError::NotAsked {
        code: "mail unwritable",
        reason: format!("the mail cannot be written as JSON: {error}"),
    }
}
