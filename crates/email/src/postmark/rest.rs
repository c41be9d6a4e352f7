//! Postmark's REST API, as far as mail is sent by template.

mod error;
mod mail;

use std::collections::BTreeMap;

use crate::SendEmail;
use longshore_job::{JobError, Outcome, Run};
use longshore_provider::secret::HeaderSecret;
use longshore_provider::{
    CallError, HeaderName, HeaderValue, Http, ProviderError, Request, Response, StatusCode, header,
};
use serde::Deserialize;
use serde_json::json;

use super::{PostmarkConfig, PostmarkSetupError, PostmarkTemplate, answer, waits_for_sendgrid};
use crate::sendgrid::unwritable;
use crate::{AttachedFile, MailSender};
use error::of_sending;
use mail::Mail;

/// What calls are made with.
const SERVER_TOKEN: HeaderName = HeaderName::from_static("x-postmark-server-token");

/// A client. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    http: Http,
    server_token: HeaderSecret,
    message_stream: String,
    templates: BTreeMap<String, PostmarkTemplate>,
}

/// What it says of a mail, in 200s and in refusals.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    error_code: u32,
    message: Option<String>,
    #[serde(rename = "MessageID")]
    message_id: Option<String>,
}

impl Said {
    fn of(response: &Response) -> Option<Self> {
        serde_json::from_slice(&response.body).ok()
    }
}

impl Rest {
    pub(super) fn new(config: PostmarkConfig) -> Result<Self, PostmarkSetupError> {
        Ok(Self {
            http: Http::new(config.base_url, config.timeout)?,
            server_token: HeaderSecret::new(config.server_token)?,
            message_stream: config.message_stream,
            templates: config.templates,
        })
    }

    pub(super) async fn send(
        &self,
        job: &SendEmail,
        run: &Run,
        from: &MailSender,
        attachments: &[AttachedFile],
    ) -> Result<Outcome, JobError> {
        let Some(template) = self.templates.get(&job.template) else {
            let name = &job.template;
            return Err(waits_for_sendgrid(format!(
                "email.templates.{name}.postmark is not set"
            )));
        };
        if job.subject.is_some() {
            // A template at Postmark always has one of its own, and a mail by template takes no other.
            return Err(waits_for_sendgrid(
                "Postmark takes no subject beside its template's",
            ));
        }
        let mail = Mail::new(
            job,
            run.id,
            from,
            template,
            &self.message_stream,
            attachments,
        );
        let posted = self.post(run, &mail).await;
        let said = posted.map_err(|error| of_sending(&error))?;
        Ok(Outcome::Done {
            result: said
                .message_id
                .as_ref()
                .map(|id| json!({ "message_id": id })),
            answer: longshore_job::Answer {
                request_id: said.message_id,
                ..answer(Some(StatusCode::OK.as_u16()), None)
            },
        })
    }

    async fn post(&self, run: &Run, mail: &Mail<'_>) -> Result<Said, CallError> {
        let request = Request::post("/email/withTemplate")
            .header(SERVER_TOKEN, self.server_token.bare())
            .header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .json(mail)
            .map_err(|error| unwritable(&error))?;
        accepted(self.http.send(run, request).await?)
    }
}

/// Only a 200 with `ErrorCode` 0 is an acceptance. One that says nothing of the sort may come from something in
/// between, with or without the mail passed on.
fn accepted(response: Response) -> Result<Said, CallError> {
    match Said::of(&response) {
        Some(said) if response.status == StatusCode::OK && said.error_code == 0 => Ok(said),
        // What it says is in its table, as in a 4xx.
        Some(said) if said.error_code != 0 => Err(ProviderError::Rejected {
            response: Box::new(response),
        }
        .into()),
        _ => Err(CallError::NotUnderstood {
            response: Box::new(response),
            why: "that is no acceptance".to_owned(),
        }),
    }
}
